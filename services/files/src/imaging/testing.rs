//! Pictures for the tests of this module.

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use std::io::Cursor;

/// Red, green and blue upright thirds.
pub fn stripes(width: u32, height: u32) -> DynamicImage {
    let colors = [Rgb([255, 0, 0]), Rgb([0, 255, 0]), Rgb([0, 0, 255])];
    DynamicImage::ImageRgb8(RgbImage::from_fn(width, height, |x, _| colors[(x * 3 / width) as usize]))
}

pub fn bytes_of(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    image.write_to(&mut out, format).unwrap();
    out.into_inner()
}

pub fn png_bytes(image: &DynamicImage) -> Vec<u8> {
    bytes_of(image, ImageFormat::Png)
}

/// A JPEG whose EXIF data say how it is to be turned (1 to 8).
pub fn jpeg_with_orientation(image: &DynamicImage, orientation: u8) -> Vec<u8> {
    let plain = bytes_of(image, ImageFormat::Jpeg);
    let mut exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
    let mut out = plain[..2].to_vec();
    out.extend([0xff, 0xe1]);
    out.extend((exif.len() as u16 + 2).to_be_bytes());
    out.extend(&exif);
    out.extend(&plain[2..]);
    out
}

/// A GIF of `frames` equal frames.
pub fn gif(width: u16, height: u16, frames: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = image::codecs::gif::GifEncoder::new(&mut out);
    for _ in 0..frames {
        let canvas = image::RgbaImage::from_pixel(width.into(), height.into(), image::Rgba([1, 2, 3, 255]));
        encoder.encode_frame(image::Frame::new(canvas)).unwrap();
    }
    drop(encoder);
    out
}

/// A valid PNG header that announces this size, with next to no data behind it.
pub fn png_bomb(width: u32, height: u32) -> Vec<u8> {
    let mut bomb = png_bytes(&stripes(3, 1));
    bomb[16..20].copy_from_slice(&width.to_be_bytes());
    bomb[20..24].copy_from_slice(&height.to_be_bytes());
    let crc = crc32(&bomb[12..29]);
    bomb[29..33].copy_from_slice(&crc.to_be_bytes());
    bomb
}

fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
    })
}
