//! The picture of a user who has none: the first letter of the name on a colour that follows from the id.

use super::{
    ImagingError,
    decode::undecodable,
    icon::{ICON_SIDE, png},
};
use ab_glyph::{Font, FontRef, PxScale, ScaleFont, point};
use image::{ExtendedColorType, Rgb, RgbImage};

static FONT: &[u8] = include_bytes!("../../assets/DejaVuSans-Bold-ascii.ttf");
/// Pixels of the font's em.
const FONT_SIZE: f32 = 64.0;
/// Pixels from the top to the line the letter stands on.
const BASELINE: f32 = 85.0;

/// The original repeats entries 3 to 10 twice more, so those colours are more frequent.
const PALETTE: [[u8; 3]; 10] = [
    [197, 8, 126],
    [227, 207, 18],
    [28, 181, 105],
    [35, 188, 224],
    [116, 49, 196],
    [197, 8, 126],
    [197, 19, 19],
    [250, 134, 6],
    [227, 207, 18],
    [123, 201, 71],
];
const REPEATED_FROM: usize = 2;
const PALETTE_LENGTH: u32 = 26;

/// A 128×128 PNG. A first character outside ASCII leaves the bare colour.
pub fn draw(user_id: &str, username: &str) -> Result<Vec<u8>, ImagingError> {
    let mut canvas = RgbImage::from_pixel(ICON_SIDE, ICON_SIDE, Rgb(background(user_id)));
    if let Some(letter) = username.chars().next() {
        draw_letter(&mut canvas, letter.to_ascii_uppercase())?;
    }
    png(canvas.as_raw(), ExtendedColorType::Rgb8)
}

fn background(user_id: &str) -> [u8; 3] {
    let index = (fnv1a_32(user_id.as_bytes()) % PALETTE_LENGTH) as usize;
    let repeated = PALETTE.len() - REPEATED_FROM;
    if index < PALETTE.len() { PALETTE[index] } else { PALETTE[REPEATED_FROM + (index - PALETTE.len()) % repeated] }
}

fn fnv1a_32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

fn draw_letter(canvas: &mut RgbImage, letter: char) -> Result<(), ImagingError> {
    let font = FontRef::try_from_slice(FONT).map_err(undecodable)?;
    // The library scales by ascent + descent; the size meant is that of the em.
    let scale = PxScale::from(FONT_SIZE * font.height_unscaled() / font.units_per_em().unwrap_or(font.height_unscaled()));
    let id = font.glyph_id(letter);
    if id.0 == 0 {
        return Ok(());
    }
    let left = (ICON_SIDE as f32 - font.as_scaled(scale).h_advance(id)) / 2.0;
    let Some(outline) = font.outline_glyph(id.with_scale_and_position(scale, point(left, BASELINE))) else { return Ok(()) };
    let origin = outline.px_bounds().min;
    outline.draw(|x, y, coverage| {
        let (x, y) = (origin.x as i64 + i64::from(x), origin.y as i64 + i64::from(y));
        let inside = |n: i64| u32::try_from(n).ok().filter(|n| *n < ICON_SIDE);
        if let (Some(x), Some(y)) = (inside(x), inside(y)) {
            let coverage = coverage.clamp(0.0, 1.0);
            for channel in &mut canvas.get_pixel_mut(x, y).0 {
                *channel = (f32::from(*channel) + (255.0 - f32::from(*channel)) * coverage).round() as u8;
            }
        }
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(user_id: &str, username: &str) -> RgbImage {
        let png = draw(user_id, username).unwrap();
        assert_eq!(image::guess_format(&png).unwrap(), image::ImageFormat::Png);
        image::load_from_memory(&png).unwrap().into_rgb8()
    }

    #[test]
    fn hashes_as_the_published_vectors() {
        assert_eq!(fnv1a_32(b""), 0x811c_9dc5);
        assert_eq!(fnv1a_32(b"a"), 0xe40c_292c);
        assert_eq!(fnv1a_32(b"foobar"), 0xbf9c_f968);
    }

    #[test]
    fn a_white_letter_on_the_colour_of_the_id() {
        let picture = decoded("a", "hans");
        assert_eq!(picture.dimensions(), (ICON_SIDE, ICON_SIDE));
        // 14 lies in the first repetition (10 to 17), at its fifth entry.
        assert_eq!(0xe40c_292c_u32 % PALETTE_LENGTH, 14);
        assert_eq!(picture.get_pixel(0, 0).0, PALETTE[REPEATED_FROM + 4]);
        let white = picture.pixels().filter(|p| p.0 == [255; 3]).count();
        assert!((400..3000).contains(&white), "{white} white pixels");
        assert!(
            picture.rows().skip(BASELINE as usize + 1).all(|mut row| row.all(|p| p.0 == PALETTE[REPEATED_FROM + 4])),
            "an H stands on the line"
        );
    }

    #[test]
    fn upper_and_lower_case_give_the_same_letter_and_letters_differ() {
        assert_eq!(decoded("u", "Anna"), decoded("u", "anna"));
        assert_ne!(decoded("u", "anna"), decoded("u", "bert"));
    }

    #[test]
    fn odd_names_leave_the_bare_colour() {
        for name in ["", "ü", "\u{1f600}"] {
            let picture = decoded("a", name);
            assert!(picture.pixels().all(|p| p.0 == PALETTE[REPEATED_FROM + 4]));
        }
    }
}
