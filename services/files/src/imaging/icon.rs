//! Profile pictures and team icons: 128×128 PNG (files-integrations §2, "Processing").

use super::{
    ImagingError,
    decode::{Decoded, decode, undecodable},
};
use fast_image_resize::{
    FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer,
    images::{Image, ImageRef},
};
use image::{DynamicImage, ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};

/// Pixels of each side of a profile picture or team icon.
pub const ICON_SIDE: u32 = 128;

/// Upright, scaled until it covers the square, cropped around the centre; transparency stays.
pub fn make(data: &[u8]) -> Result<Vec<u8>, ImagingError> {
    let Decoded { image, orientation } = decode(data)?;
    let source = image.into_rgba8();
    let from = ImageRef::new(source.width(), source.height(), source.as_raw(), PixelType::U8x4).map_err(undecodable)?;
    let mut to = Image::new(ICON_SIDE, ICON_SIDE, PixelType::U8x4);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3)).fit_into_destination(None);
    Resizer::new().resize(&from, &mut to, &options).map_err(undecodable)?;
    let square = image::RgbaImage::from_raw(ICON_SIDE, ICON_SIDE, to.into_vec()).ok_or_else(|| undecodable("resized to another size"))?;
    // A centred square stays the same square however it is turned.
    let mut upright = DynamicImage::ImageRgba8(square);
    upright.apply_orientation(orientation);
    png(upright.as_bytes(), ExtendedColorType::Rgba8)
}

/// The whole picture, upright, as a PNG.
pub fn as_png(data: &[u8]) -> Result<Vec<u8>, ImagingError> {
    let Decoded { mut image, orientation } = decode(data)?;
    image.apply_orientation(orientation);
    let mut out = Vec::new();
    image.write_with_encoder(PngEncoder::new(&mut out)).map_err(undecodable)?;
    Ok(out)
}

/// `pixels` are those of a square of [`ICON_SIDE`].
pub(super) fn png(pixels: &[u8], color: ExtendedColorType) -> Result<Vec<u8>, ImagingError> {
    let mut out = Vec::new();
    PngEncoder::new(&mut out).write_image(pixels, ICON_SIDE, ICON_SIDE, color).map_err(undecodable)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::testing::{jpeg_with_orientation, png_bytes, stripes};
    use image::Rgba;

    #[test]
    fn covers_and_crops_around_the_centre() {
        // 300 wide: red, green, blue thirds of 100; the square in the middle is green.
        let icon = image::load_from_memory(&make(&png_bytes(&stripes(300, 100))).unwrap()).unwrap().into_rgba8();
        assert_eq!(icon.dimensions(), (ICON_SIDE, ICON_SIDE));
        assert_eq!(icon.get_pixel(64, 64), &Rgba([0, 255, 0, 255]));
        assert_eq!(icon.get_pixel(8, 8), &Rgba([0, 255, 0, 255]));
    }

    #[test]
    fn small_pictures_are_enlarged_and_transparency_stays() {
        let clear = DynamicImage::ImageRgba8(image::RgbaImage::from_pixel(4, 2, Rgba([9, 9, 9, 0])));
        let icon = image::load_from_memory(&make(&png_bytes(&clear)).unwrap()).unwrap().into_rgba8();
        assert_eq!(icon.dimensions(), (ICON_SIDE, ICON_SIDE));
        assert_eq!(icon.get_pixel(5, 5)[3], 0);
    }

    #[test]
    fn is_upright() {
        // Left red, right blue, to be turned by 90° clockwise: red ends on top.
        let mut halves = image::RgbImage::from_pixel(64, 64, image::Rgb([255, 0, 0]));
        for (x, _, pixel) in halves.enumerate_pixels_mut() {
            if x >= 32 {
                *pixel = image::Rgb([0, 0, 255]);
            }
        }
        let turned = jpeg_with_orientation(&DynamicImage::ImageRgb8(halves), 6);
        let icon = image::load_from_memory(&make(&turned).unwrap()).unwrap().into_rgb8();
        assert!(icon.get_pixel(64, 5)[0] > 200, "red on top: {:?}", icon.get_pixel(64, 5));
        assert!(icon.get_pixel(64, 122)[2] > 200, "blue below: {:?}", icon.get_pixel(64, 122));
    }

    #[test]
    fn the_brand_keeps_its_size() {
        let made = image::load_from_memory(&as_png(&jpeg_with_orientation(&stripes(60, 20), 6)).unwrap()).unwrap();
        assert_eq!((made.width(), made.height()), (20, 60));
    }

    #[test]
    fn refuses_what_is_no_picture() {
        assert!(matches!(make(b"no picture"), Err(ImagingError::Undecodable(_))));
        assert!(matches!(make(b""), Err(ImagingError::Undecodable(_))));
    }
}
