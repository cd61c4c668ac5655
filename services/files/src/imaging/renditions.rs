//! The thumbnail and the preview of an uploaded picture (files-integrations §1, "Thumbnail and preview").

use super::{
    ImagingError, MAX_PIXELS,
    decode::{Decoded, decode, swaps_sides, undecodable},
};
use fast_image_resize::{
    FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer,
    images::{Image, ImageRef},
};
use image::{DynamicImage, ExtendedColorType, RgbImage, codecs::jpeg::JpegEncoder};

const THUMBNAIL_WIDTH: u32 = 120;
const THUMBNAIL_HEIGHT: u32 = 100;
const PREVIEW_WIDTH: u32 = 1024;
const JPEG_QUALITY: u8 = 90;
/// Pixels of one side that a JPEG can have.
const JPEG_MAX_SIDE: u32 = 65_535;

/// JPEG files. `None` where the shape of the picture (say 20,000,000×1) allows no such JPEG.
pub struct Renditions {
    pub thumbnail: Option<Vec<u8>>,
    pub preview: Option<Vec<u8>>,
}

/// Makes both, upright and on white where the picture is transparent.
pub fn render(data: &[u8]) -> Result<Renditions, ImagingError> {
    let Decoded { image, orientation } = decode(data)?;
    let flat = on_white(image);
    let stored = flat.dimensions();
    let upright = if swaps_sides(orientation) { (stored.1, stored.0) } else { stored };
    let draw = |target: Option<(u32, u32)>| -> Result<Option<Vec<u8>>, ImagingError> {
        let Some(target) = target.filter(|size| fits_jpeg(*size)) else { return Ok(None) };
        // Turning the small picture is cheaper than turning the large one.
        let before_turn = if swaps_sides(orientation) { (target.1, target.0) } else { target };
        let mut drawn = DynamicImage::ImageRgb8(resize(&flat, before_turn)?);
        drawn.apply_orientation(orientation);
        jpeg(&drawn.into_rgb8()).map(Some)
    };
    Ok(Renditions { thumbnail: draw(thumbnail_size(stored, upright))?, preview: draw(preview_size(stored, upright))? })
}

/// Which rule applies is decided on the size as stored; the rule is then applied to the upright picture.
/// `None` when the result does not fit into 32 bits.
pub fn thumbnail_size(stored: (u32, u32), upright: (u32, u32)) -> Option<(u32, u32)> {
    let (width, height) = (u64::from(stored.0), u64::from(stored.1));
    if stored.0 < THUMBNAIL_WIDTH && stored.1 < THUMBNAIL_HEIGHT {
        Some(upright)
    } else if height * u64::from(THUMBNAIL_WIDTH) < width * u64::from(THUMBNAIL_HEIGHT) {
        Some((scaled(upright.0, THUMBNAIL_HEIGHT, upright.1)?, THUMBNAIL_HEIGHT))
    } else {
        Some((THUMBNAIL_WIDTH, scaled(upright.1, THUMBNAIL_WIDTH, upright.0)?))
    }
}

/// As [`thumbnail_size`].
pub fn preview_size(stored: (u32, u32), upright: (u32, u32)) -> Option<(u32, u32)> {
    if stored.0 > PREVIEW_WIDTH { Some((PREVIEW_WIDTH, scaled(upright.1, PREVIEW_WIDTH, upright.0)?)) } else { Some(upright) }
}

/// `side × numerator ÷ denominator`, rounded half up, at least 1.
fn scaled(side: u32, numerator: u32, denominator: u32) -> Option<u32> {
    let (product, denominator) = (u64::from(side) * u64::from(numerator), u64::from(denominator));
    u32::try_from((product + denominator / 2).checked_div(denominator)?).ok().map(|n| n.max(1))
}

fn fits_jpeg((width, height): (u32, u32)) -> bool {
    width <= JPEG_MAX_SIDE && height <= JPEG_MAX_SIDE && u64::from(width) * u64::from(height) <= MAX_PIXELS
}

fn on_white(image: DynamicImage) -> RgbImage {
    if !image.color().has_alpha() {
        return image.into_rgb8();
    }
    let source = image.into_rgba8();
    let mut flat = RgbImage::new(source.width(), source.height());
    for (from, to) in source.pixels().zip(flat.pixels_mut()) {
        let alpha = u32::from(from[3]);
        for channel in 0..3 {
            to[channel] = ((u32::from(from[channel]) * alpha + 255 * (255 - alpha) + 127) / 255) as u8;
        }
    }
    flat
}

fn resize(source: &RgbImage, (width, height): (u32, u32)) -> Result<RgbImage, ImagingError> {
    if source.dimensions() == (width, height) {
        return Ok(source.clone());
    }
    let from = ImageRef::new(source.width(), source.height(), source.as_raw(), PixelType::U8x3).map_err(undecodable)?;
    let mut to = Image::new(width, height, PixelType::U8x3);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3));
    Resizer::new().resize(&from, &mut to, &options).map_err(undecodable)?;
    RgbImage::from_raw(width, height, to.into_vec()).ok_or_else(|| undecodable("resized to another size"))
}

fn jpeg(image: &RgbImage) -> Result<Vec<u8>, ImagingError> {
    let mut out = Vec::new();
    JpegEncoder::new_with_quality(&mut out, JPEG_QUALITY)
        .encode(image.as_raw(), image.width(), image.height(), ExtendedColorType::Rgb8)
        .map_err(undecodable)?;
    Ok(out)
}

#[cfg(test)]
mod tests;
