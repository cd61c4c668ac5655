//! Pictures to upload, made on the spot.

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use std::io::Cursor;

/// A picture with some variety, in a format of the `image` crate.
pub fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let canvas = RgbImage::from_fn(width, height, |x, y| Rgb([(x * 255 / width) as u8, (y * 255 / height) as u8, 128]));
    let mut out = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(canvas).write_to(&mut out, format).expect("a picture");
    out.into_inner()
}

pub fn png(width: u32, height: u32) -> Vec<u8> {
    picture(width, height, ImageFormat::Png)
}

/// A JPEG whose EXIF data say how it is to be turned (1 to 8).
pub fn turned_jpeg(width: u32, height: u32, orientation: u8) -> Vec<u8> {
    let plain = picture(width, height, ImageFormat::Jpeg);
    let mut exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
    let mut out = plain[..2].to_vec();
    out.extend([0xff, 0xe1]);
    out.extend((exif.len() as u16 + 2).to_be_bytes());
    out.extend(&exif);
    out.extend(&plain[2..]);
    out
}

/// A GIF of so many frames.
pub fn gif(width: u32, height: u32, frames: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = image::codecs::gif::GifEncoder::new(&mut out);
    for _ in 0..frames {
        let canvas = image::RgbaImage::from_pixel(width, height, image::Rgba([10, 20, 30, 255]));
        encoder.encode_frame(image::Frame::new(canvas)).expect("a frame");
    }
    drop(encoder);
    out
}

/// A PNG whose header announces this size, with next to nothing behind it.
pub fn bomb(width: u32, height: u32) -> Vec<u8> {
    let mut bomb = png(3, 1);
    bomb[16..20].copy_from_slice(&width.to_be_bytes());
    bomb[20..24].copy_from_slice(&height.to_be_bytes());
    let crc = !bomb[12..29].iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
    });
    bomb[29..33].copy_from_slice(&crc.to_be_bytes());
    bomb
}

/// Format and size of an encoded picture.
pub fn measure(data: &[u8]) -> (ImageFormat, u32, u32) {
    let format = image::guess_format(data).expect("a picture");
    let image = image::load_from_memory(data).expect("a whole picture");
    (format, image.width(), image.height())
}
