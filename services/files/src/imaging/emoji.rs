//! Pictures of custom emoji: at most 128×128, in the format they came in; what moves goes on moving.

use super::{
    ImagingError,
    decode::{Decoded, decode, inspect, undecodable},
    gif_frames,
};
use image::{
    AnimationDecoder, DynamicImage, Frame, ImageFormat,
    codecs::{
        gif::{GifDecoder, GifEncoder, Repeat},
        png::PngEncoder,
    },
    imageops::FilterType,
};
use std::io::Cursor;

/// Pixels of a side.
pub const SIDE_MAX: u32 = 128;
/// Pixels of a side of what is taken to be made smaller.
pub const SOURCE_SIDE_MAX: u32 = 3_860;
/// Pixels of all frames of an animation together: painting more takes too long.
const ANIMATION_PIXELS_MAX: u64 = 64_000_000;
/// Of 1 (best) to 30 (fastest).
const GIF_SPEED: i32 = 10;

/// The picture as it is stored: as it came, when it is small enough.
pub fn make(data: &[u8]) -> Result<Vec<u8>, ImagingError> {
    let format = image::guess_format(data).map_err(undecodable)?;
    if !matches!(format, ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::Gif) {
        return Err(undecodable("not a PNG, JPEG or GIF"));
    }
    let facts = inspect(data)?;
    let (width, height) = (facts.width, facts.height);
    if width > SOURCE_SIDE_MAX || height > SOURCE_SIDE_MAX {
        return Err(ImagingError::TooManyPixels { width, height });
    }
    let small = width <= SIDE_MAX && height <= SIDE_MAX;
    if format == ImageFormat::Gif {
        let frames = gif_frames::count(data).max(1);
        if u64::from(width) * u64::from(height) * frames > ANIMATION_PIXELS_MAX {
            return Err(ImagingError::TooManyPixels { width, height });
        }
        if frames > 1 {
            return if small { checked(data).map(|_| data.to_vec()) } else { animation(data) };
        }
    }
    let Decoded { mut image, orientation } = decode(data)?;
    if small {
        return Ok(data.to_vec());
    }
    image.apply_orientation(orientation);
    let mut out = Vec::new();
    match format {
        ImageFormat::Jpeg => image.resize(SIDE_MAX, SIDE_MAX, FilterType::Lanczos3).write_to(&mut Cursor::new(&mut out), ImageFormat::Jpeg),
        _ => DynamicImage::ImageRgba8(image.resize(SIDE_MAX, SIDE_MAX, FilterType::Lanczos3).into_rgba8())
            .write_with_encoder(PngEncoder::new(&mut out)),
    }
    .map_err(undecodable)?;
    Ok(out)
}

/// Paints every frame, so that a broken animation is refused.
fn checked(data: &[u8]) -> Result<(), ImagingError> {
    for frame in GifDecoder::new(Cursor::new(data)).map_err(undecodable)?.into_frames() {
        frame.map_err(undecodable)?;
    }
    Ok(())
}

fn animation(data: &[u8]) -> Result<Vec<u8>, ImagingError> {
    let frames = GifDecoder::new(Cursor::new(data)).map_err(undecodable)?.into_frames();
    let mut out = Vec::new();
    let mut encoder = GifEncoder::new_with_speed(&mut out, GIF_SPEED);
    encoder.set_repeat(Repeat::Infinite).map_err(undecodable)?;
    for frame in frames {
        let frame = frame.map_err(undecodable)?;
        let delay = frame.delay();
        let small = DynamicImage::ImageRgba8(frame.into_buffer()).resize(SIDE_MAX, SIDE_MAX, FilterType::Triangle).into_rgba8();
        encoder.encode_frame(Frame::from_parts(small, 0, 0, delay)).map_err(undecodable)?;
    }
    drop(encoder);
    Ok(out)
}

/// The media type of a stored one.
pub fn content_type(data: &[u8]) -> &'static str {
    match image::guess_format(data) {
        Ok(ImageFormat::Gif) => "image/gif",
        Ok(ImageFormat::Jpeg) => "image/jpeg",
        _ => "image/png",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::testing::{png_bytes, stripes};

    fn gif(width: u32, height: u32, frames: u8) -> Vec<u8> {
        let mut out = Vec::new();
        let mut encoder = GifEncoder::new(&mut out);
        for n in 0..frames {
            let canvas = image::RgbaImage::from_pixel(width, height, image::Rgba([n * 60, 0, 0, 255]));
            encoder.encode_frame(Frame::new(canvas)).expect("a frame");
        }
        drop(encoder);
        out
    }

    #[test]
    fn small_ones_are_kept_and_large_ones_shrink_in_their_format() {
        let small = png_bytes(&stripes(90, 30));
        assert_eq!(make(&small), Ok(small.clone()));
        let large = make(&png_bytes(&stripes(300, 150))).expect("a picture");
        let shrunk = image::load_from_memory(&large).expect("a picture");
        assert_eq!((shrunk.width(), shrunk.height(), content_type(&large)), (128, 64, "image/png"));
    }

    #[test]
    fn animations_go_on_moving() {
        let moving = gif(20, 10, 3);
        assert_eq!(make(&moving), Ok(moving.clone()));
        let large = make(&gif(256, 200, 3)).expect("a picture");
        assert_eq!((gif_frames::count(&large), content_type(&large)), (3, "image/gif"));
        let first = image::load_from_memory(&large).expect("a picture");
        assert_eq!((first.width(), first.height()), (128, 100));
    }

    #[test]
    fn refuses_what_is_none_or_too_much() {
        for bad in [&b"no picture"[..], b"", b"GIF89a", b"BM\0\0\0\0"] {
            assert!(matches!(make(bad), Err(ImagingError::Undecodable(_))), "{bad:?}");
        }
        let wide = png_bytes(&stripes(3_900, 3));
        assert!(matches!(make(&wide), Err(ImagingError::TooManyPixels { .. })));
        let broken = &gif(200, 200, 3)[..300];
        assert!(make(broken).is_err());
    }
}
