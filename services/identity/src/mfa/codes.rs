//! Codes of an authenticator (RFC 6238): secrets, checking, the picture that an authenticator scans.

use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use muster_error::AppError;
use qrcode::{Color, QrCode};
use totp_rs::{Builder, Secret, Totp};

/// Seconds a code is shown.
const STEP_SECONDS: u64 = 30;
/// Steps before and after the current one whose codes are accepted, for clocks that differ.
const SKEW_STEPS: u16 = 1;
const DIGITS: u8 = 6;
/// Pixels of a module of the picture, and modules of its white border (the standard wants four).
const MODULE_PIXELS: usize = 5;
const BORDER_MODULES: usize = 4;

/// Whether this can be a code.
pub(crate) fn is_code(text: &str) -> bool {
    text.len() == usize::from(DIGITS) && text.bytes().all(|b| b.is_ascii_digit())
}

/// A new secret, base32.
pub(crate) fn new_secret() -> String {
    Secret::generate().to_base32()
}

/// The second (Unix time) at which the step of this code begins; `None` for a wrong code. Compares in constant time.
pub(crate) fn second_of(secret: &str, code: &str, now_ms: i64) -> Option<i64> {
    let step = authenticator(secret, "", "").ok()?.check(code, u64::try_from(now_ms / 1_000).ok()?)?;
    i64::try_from(step * STEP_SECONDS).ok()
}

/// PNG of the secret for an account of a site.
pub(crate) fn picture(secret: &str, site: &str, account: &str) -> Result<Vec<u8>, AppError> {
    let address = authenticator(secret, site, account)?.to_url().map_err(|e| AppError::internal(e.to_string()))?;
    let code = QrCode::new(address).map_err(AppError::internal)?;
    let (modules, dark) = (code.width(), code.to_colors());
    let side = (modules + 2 * BORDER_MODULES) * MODULE_PIXELS;
    let mut pixels = vec![u8::MAX; side * side];
    for y in 0..modules {
        for x in (0..modules).filter(|x| dark[y * modules + x] == Color::Dark) {
            let (left, top) = ((x + BORDER_MODULES) * MODULE_PIXELS, (y + BORDER_MODULES) * MODULE_PIXELS);
            for row in top..top + MODULE_PIXELS {
                pixels[row * side + left..row * side + left + MODULE_PIXELS].fill(0);
            }
        }
    }
    let mut png = Vec::new();
    let side = u32::try_from(side).map_err(AppError::internal)?;
    PngEncoder::new(&mut png).write_image(&pixels, side, side, ExtendedColorType::L8).map_err(AppError::internal)?;
    Ok(png)
}

/// The label of an address may hold one colon, between site and account.
fn authenticator(secret: &str, site: &str, account: &str) -> Result<Totp, AppError> {
    let without_colon = |text: &str| text.replace(':', " ");
    // The reason never holds the secret.
    let secret = Secret::try_from_base32(secret).map_err(|_| AppError::internal("an MFA secret that is not base32"))?;
    Builder::new()
        .with_secret(secret)
        .with_digits(DIGITS)
        .with_skew(SKEW_STEPS)
        .with_step_duration(STEP_SECONDS)
        .with_issuer(Some(without_colon(site)).filter(|site| !site.is_empty()))
        .with_account_name(without_colon(account))
        .build()
        .map_err(|_| AppError::internal("an MFA secret that cannot be used"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret of RFC 6238, appendix B, and its codes cut to six digits.
    const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    #[test]
    fn codes_are_those_of_the_standard() {
        for (second, code) in [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (2_000_000_000, "279037")] {
            assert_eq!(second_of(SECRET, code, second * 1_000), Some(second / 30 * 30), "{second}");
        }
    }

    #[test]
    fn one_step_early_or_late_is_accepted_and_no_more() {
        for (step, accepted) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
            let now = (1_111_111_109 + step * 30) * 1_000;
            assert_eq!(second_of(SECRET, "081804", now).is_some(), accepted, "{step}");
        }
    }

    #[test]
    fn only_six_digits_are_a_code() {
        for (text, good) in [("123456", true), ("", false), ("12345", false), ("1234567", false), ("12345x", false), ("+12345", false)] {
            assert_eq!(is_code(text), good, "{text}");
        }
        assert_eq!(second_of("not base32!", "081804", 0), None);
    }

    #[test]
    fn secrets_differ_and_can_be_shown() {
        let secret = new_secret();
        assert_ne!(secret, new_secret());
        assert_eq!(secret.len(), 32);
        let png = picture(&secret, "Our: site", "ada:l@example.com").expect("a picture");
        let image = image::load_from_memory(&png).expect("a PNG").to_luma8();
        let (black, white) = (image.pixels().filter(|p| p.0[0] == 0).count(), image.pixels().filter(|p| p.0[0] == 255).count());
        assert_eq!(black + white, (image.width() * image.height()) as usize);
        // The corner of the first finder pattern, inside the border.
        assert_eq!((image.get_pixel(19, 19).0[0], image.get_pixel(20, 20).0[0]), (255, 0));
    }
}
