use super::*;
use crate::imaging::testing::{bytes_of, gif, jpeg_with_orientation, png_bomb, stripes};
use std::time::{Duration, Instant};

fn facts(width: u32, height: u32, has_preview: bool) -> Result<ImageFacts, ImagingError> {
    Ok(ImageFacts { width, height, has_preview })
}

#[test]
fn reads_every_format_of_the_reference() {
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::Bmp, ImageFormat::Tiff] {
        let data = bytes_of(&stripes(60, 20), format);
        assert_eq!(inspect(&data), facts(60, 20, true), "{format:?}");
        assert_eq!(decode(&data).unwrap().image.width(), 60, "{format:?}");
    }
}

#[test]
fn orientations_5_to_8_swap_the_sides() {
    for orientation in 1..=8 {
        let expected = if orientation >= 5 { facts(20, 60, true) } else { facts(60, 20, true) };
        assert_eq!(inspect(&jpeg_with_orientation(&stripes(60, 20), orientation)), expected, "orientation {orientation}");
    }
    assert_eq!(inspect(&jpeg_with_orientation(&stripes(60, 20), 77)), facts(60, 20, true), "an orientation that does not exist");
}

#[test]
fn only_an_animated_gif_has_no_preview() {
    assert_eq!(inspect(&gif(10, 8, 1)), facts(10, 8, true));
    assert_eq!(inspect(&gif(10, 8, 2)), facts(10, 8, false));
    assert_eq!(inspect(&gif(10, 8, 30)), facts(10, 8, false));
}

#[test]
fn what_is_no_picture_is_undecodable() {
    let webp = b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f\0\0\0\x10\x07\x10\x11\x11\x88\x88\xfe\x07\0";
    for data in
        [&b""[..], b"text", b"<svg xmlns='http://www.w3.org/2000/svg'/>", webp, b"\x89PNG\r\n\x1a\n", b"GIF89a", b"\xff\xd8\xff", b"BM"]
    {
        assert!(matches!(inspect(data), Err(ImagingError::Undecodable(_))), "{data:?}");
    }
}

#[test]
fn every_cut_of_a_picture_is_survived() {
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::Bmp, ImageFormat::Tiff] {
        let data = bytes_of(&stripes(9, 5), format);
        for end in 0..data.len() {
            let _ = inspect(&data[..end]);
            let _ = decode(&data[..end]);
        }
    }
}

#[test]
fn the_largest_allowed_size_is_6048_by_4032() {
    assert_eq!(inspect(&png_bomb(6048, 4032)), facts(6048, 4032, true));
    assert_eq!(inspect(&png_bomb(6048, 4033)), Err(ImagingError::TooManyPixels { width: 6048, height: 4033 }));
    assert_eq!(inspect(&png_bomb(1, MAX_PIXELS as u32 + 1)), Err(ImagingError::TooManyPixels { width: 1, height: MAX_PIXELS as u32 + 1 }));
}

#[test]
fn a_bomb_is_refused_from_its_header() {
    let mut animated = gif(4, 4, 1);
    animated[6..10].fill(0xff);
    let start = Instant::now();
    for bomb in [png_bomb(60_000, 60_000), animated] {
        assert!(matches!(inspect(&bomb), Err(ImagingError::TooManyPixels { .. })));
        assert!(matches!(decode(&bomb), Err(ImagingError::TooManyPixels { .. })));
    }
    // Sides whose product no decoder can address: refused either way.
    assert!(inspect(&png_bomb(i32::MAX as u32, i32::MAX as u32)).is_err());
    // Decoding any of them would take minutes, if memory lasted.
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[test]
fn a_header_without_pixels_is_refused_when_decoded() {
    assert_eq!(inspect(&png_bomb(6000, 4000)), facts(6000, 4000, true));
    assert!(matches!(decode(&png_bomb(6000, 4000)), Err(ImagingError::Undecodable(_))));
}
