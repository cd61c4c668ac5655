//! Measures shared by the field rules.

/// Whether PostgreSQL can store the text.
pub fn is_storable(text: &str) -> bool {
    !text.contains('\0')
}

/// Storable and at most `max` characters (not bytes).
pub fn fits_chars(text: &str, max: usize) -> bool {
    // The byte length settles the common case without counting.
    (text.len() <= max || text.chars().count() <= max) && is_storable(text)
}

/// Storable and at most `max` bytes.
pub fn fits_bytes(text: &str, max: usize) -> bool {
    text.len() <= max && is_storable(text)
}

/// The longest prefix of at most `max` bytes that ends between two characters.
pub fn cut_bytes(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_not_bytes() {
        assert!(fits_chars("ääää", 4) && !fits_bytes("ääää", 4) && !fits_chars("ääääa", 4));
        assert!(!fits_chars("a\0", 4) && !fits_bytes("a\0", 4));
        assert_eq!(cut_bytes("aää", 4), "aä");
        assert_eq!(cut_bytes("aä", 9), "aä");
    }
}
