//! From bytes to pixels, with the limits that keep a small hostile file from taking the process down.

use super::{ImagingError, MAX_PIXELS, gif_frames};
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, metadata::Orientation};
use std::io::Cursor;

/// Bytes a decoded picture may take: the largest allowed one at 16 bits for each of four channels.
const MAX_DECODED_BYTES: u64 = MAX_PIXELS * 8;

/// What the header of a picture tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageFacts {
    /// Pixels, upright: EXIF orientations 5 to 8 swap the sides.
    pub width: u32,
    pub height: u32,
    /// False only for a GIF with more than one frame: a preview would stop the animation.
    pub has_preview: bool,
}

/// A decoded picture as it is stored, and how to turn it.
pub(super) struct Decoded {
    pub image: DynamicImage,
    pub orientation: Orientation,
}

/// Reads the header only: no pixel is decoded.
pub fn inspect(data: &[u8]) -> Result<ImageFacts, ImagingError> {
    let (mut decoder, format) = open(data)?;
    let (width, height) = decoder.dimensions();
    let swapped = swaps_sides(orientation(&mut decoder));
    let (width, height) = if swapped { (height, width) } else { (width, height) };
    let has_preview = format != ImageFormat::Gif || !gif_frames::is_animated(data);
    Ok(ImageFacts { width, height, has_preview })
}

pub(super) fn decode(data: &[u8]) -> Result<Decoded, ImagingError> {
    let (mut decoder, _) = open(data)?;
    if decoder.total_bytes() > MAX_DECODED_BYTES {
        return Err(ImagingError::Undecodable(format!("{} bytes when decoded", decoder.total_bytes())));
    }
    let orientation = orientation(&mut decoder);
    let image = DynamicImage::from_decoder(decoder).map_err(undecodable)?;
    Ok(Decoded { image, orientation })
}

pub(super) fn swaps_sides(orientation: Orientation) -> bool {
    matches!(orientation, Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH)
}

fn open(data: &[u8]) -> Result<(impl ImageDecoder + '_, ImageFormat), ImagingError> {
    let mut reader = ImageReader::new(Cursor::new(data)).with_guessed_format().map_err(undecodable)?;
    let format = reader.format().ok_or_else(|| ImagingError::Undecodable("not a picture format we read".into()))?;
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_DECODED_BYTES);
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(undecodable)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(ImagingError::TooManyPixels { width, height });
    }
    if width == 0 || height == 0 {
        return Err(ImagingError::Undecodable("no pixels".into()));
    }
    Ok((decoder, format))
}

/// Broken EXIF data must not spoil a readable picture: it then counts as upright.
fn orientation(decoder: &mut impl ImageDecoder) -> Orientation {
    decoder.orientation().unwrap_or(Orientation::NoTransforms)
}

pub(super) fn undecodable(error: impl std::fmt::Display) -> ImagingError {
    ImagingError::Undecodable(error.to_string())
}

#[cfg(test)]
mod tests;
