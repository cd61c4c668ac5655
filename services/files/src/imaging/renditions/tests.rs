use super::*;
use crate::imaging::testing::{bytes_of, gif, jpeg_with_orientation, png_bomb, png_bytes, stripes};
use image::ImageFormat;

fn size_of(jpeg: Option<Vec<u8>>) -> Option<(u32, u32)> {
    jpeg.map(|data| {
        assert_eq!(image::guess_format(&data).unwrap(), ImageFormat::Jpeg);
        let image = image::load_from_memory(&data).unwrap();
        (image.width(), image.height())
    })
}

fn sizes(data: &[u8]) -> (Option<(u32, u32)>, Option<(u32, u32)>) {
    let made = render(data).unwrap();
    (size_of(made.thumbnail), size_of(made.preview))
}

#[test]
fn thumbnail_sizes_of_the_reference() {
    for (from, to) in [
        ((640, 480), (133, 100)),
        ((2000, 1000), (200, 100)),
        ((100, 300), (120, 360)),
        ((300, 100), (300, 100)),
        ((1024, 10), (10240, 100)),
        ((119, 99), (119, 99)),
        ((120, 99), (121, 100)),
        ((119, 100), (120, 101)),
        ((120, 100), (120, 100)),
        ((1, 1), (1, 1)),
    ] {
        assert_eq!(thumbnail_size(from, from), Some(to), "{from:?}");
    }
}

#[test]
fn preview_sizes_of_the_reference() {
    for (from, to) in [
        ((1024, 5000), (1024, 5000)),
        ((1025, 100), (1024, 100)),
        ((2048, 1000), (1024, 500)),
        ((10, 10), (10, 10)),
        ((5000, 1), (1024, 1)),
    ] {
        assert_eq!(preview_size(from, from), Some(to), "{from:?}");
    }
}

#[test]
fn the_files_have_those_sizes() {
    assert_eq!(sizes(&png_bytes(&stripes(640, 480))), (Some((133, 100)), Some((640, 480))));
    assert_eq!(sizes(&bytes_of(&stripes(2000, 1000), ImageFormat::Jpeg)), (Some((200, 100)), Some((1024, 512))));
    assert_eq!(sizes(&bytes_of(&stripes(100, 300), ImageFormat::Bmp)), (Some((120, 360)), Some((100, 300))));
    assert_eq!(sizes(&bytes_of(&stripes(300, 100), ImageFormat::Tiff)), (Some((300, 100)), Some((300, 100))));
    assert_eq!(sizes(&gif(20, 10, 3)), (Some((20, 10)), Some((20, 10))));
}

#[test]
fn the_rule_is_chosen_before_the_picture_is_turned() {
    // Stored 400×300, upright 300×400: the wide rule (height 100) applies to the upright picture.
    assert_eq!(sizes(&jpeg_with_orientation(&stripes(400, 300), 6)), (Some((75, 100)), Some((300, 400))));
    // Stored 1500×300, upright 300×1500: wide as stored, so the upright width becomes 1024.
    assert_eq!(sizes(&jpeg_with_orientation(&stripes(1500, 300), 8)), (Some((20, 100)), Some((1024, 5120))));
}

#[test]
fn turned_upright() {
    // Red is on the left; orientation 6 asks for a quarter turn clockwise, which puts it on top.
    let made = render(&jpeg_with_orientation(&stripes(90, 60), 6)).unwrap();
    for jpeg in [made.thumbnail, made.preview] {
        let image = image::load_from_memory(&jpeg.unwrap()).unwrap().into_rgb8();
        assert_eq!(image.dimensions(), (60, 90));
        assert!(image.get_pixel(30, 5)[0] > 200 && image.get_pixel(30, 84)[2] > 200);
    }
}

#[test]
fn transparent_becomes_white() {
    let mut picture = image::RgbaImage::from_pixel(200, 200, image::Rgba([10, 20, 30, 0]));
    for (x, _, pixel) in picture.enumerate_pixels_mut() {
        if x < 100 {
            *pixel = image::Rgba([0, 0, 0, 255]);
        }
    }
    let made = render(&png_bytes(&DynamicImage::ImageRgba8(picture))).unwrap();
    let thumbnail = image::load_from_memory(&made.thumbnail.unwrap()).unwrap().into_rgb8();
    assert!(thumbnail.get_pixel(10, 60).0.iter().all(|c| *c < 10));
    assert!(thumbnail.get_pixel(110, 60).0.iter().all(|c| *c > 245));
}

#[test]
fn shapes_no_jpeg_can_have_get_none() {
    // 20,000 wide and 1 high: its thumbnail would be 2,000,000×100.
    assert_eq!(sizes(&png_bytes(&stripes(20_000, 1))), (None, Some((1024, 1))));
    assert_eq!(thumbnail_size((24_000_000, 1), (24_000_000, 1)), Some((2_400_000_000, 100)));
    assert_eq!(thumbnail_size((1, 24_000_000), (1, 24_000_000)), Some((120, 2_880_000_000)));
    assert_eq!(preview_size((24_000_000, 1), (1, 24_000_000)), None);
}

#[test]
fn broken_pictures_get_none() {
    assert!(matches!(render(b"no picture"), Err(ImagingError::Undecodable(_))));
    assert!(matches!(render(&png_bomb(60_000, 60_000)), Err(ImagingError::TooManyPixels { .. })));
}
