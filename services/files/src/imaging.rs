//! What the server does with pictures: pure functions from bytes to bytes. They burn CPU: call them through [`Workers`].

pub mod avatar;
mod decode;
pub mod emoji;
mod gif_frames;
pub mod icon;
pub mod renditions;
mod workers;

pub use decode::{ImageFacts, inspect};
pub use workers::Workers;

/// Pictures of more pixels are refused before they are decoded (files-integrations §1).
pub const MAX_PIXELS: u64 = 6048 * 4032;

/// Why a picture was not processed. Both are the sender's doing, never a failure of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImagingError {
    /// The header announces more than [`MAX_PIXELS`].
    TooManyPixels { width: u32, height: u32 },
    /// Not a PNG, JPEG, GIF, BMP or TIFF, or a broken one; the text is for the log.
    Undecodable(String),
}

impl std::fmt::Display for ImagingError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooManyPixels { width, height } => write!(f, "{width}x{height} is more than {MAX_PIXELS} pixels"),
            Self::Undecodable(why) => write!(f, "undecodable: {why}"),
        }
    }
}

impl std::error::Error for ImagingError {}

#[cfg(test)]
mod testing;
