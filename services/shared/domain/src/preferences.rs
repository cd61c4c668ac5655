//! Rules for preferences.

use crate::text::{fits_bytes, fits_chars};
use serde_json::Value;
use std::collections::BTreeMap;

/// Bytes.
pub const CATEGORY_MAX: usize = 32;
/// Bytes; a name may be empty.
pub const NAME_MAX: usize = 32;
/// Characters.
pub const VALUE_MAX: usize = 2000;

pub const CATEGORY_THEME: &str = "theme";
pub const CATEGORY_FLAGGED_POST: &str = "flagged_post";
pub const CATEGORY_TUTORIAL_STEP: &str = "tutorial_step";
pub const CATEGORY_DIRECT_CHANNEL_SHOW: &str = "direct_channel_show";
pub const CATEGORY_DISPLAY_SETTINGS: &str = "display_settings";
pub const CATEGORY_OAUTH_APP: &str = "oauth_app";
/// `display_settings`: whether link previews start collapsed (`/collapse`, `/expand`).
pub const NAME_COLLAPSE_PREVIEWS: &str = "collapse_previews";

/// What replaces a theme entry that is no colour.
const FALLBACK_COLOUR: &str = "#ffffff";
/// Theme entries that are no colours.
const THEME_TEXTS: &[&str] = &["type", "image", "codeTheme"];

/// The part of a preference that breaks its rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PreferenceFault {
    Category,
    Name,
    Value,
    Theme,
}

/// Checks a row and gives the value to store: themes are repaired and written anew with sorted keys, others are kept.
pub fn stored_value(category: &str, name: &str, value: &str) -> Result<String, PreferenceFault> {
    if category.is_empty() || !fits_bytes(category, CATEGORY_MAX) {
        return Err(PreferenceFault::Category);
    }
    if !fits_bytes(name, NAME_MAX) {
        return Err(PreferenceFault::Name);
    }
    if !fits_chars(value, VALUE_MAX) {
        return Err(PreferenceFault::Value);
    }
    if category == CATEGORY_THEME { repaired_theme(value) } else { Ok(value.to_owned()) }
}

fn repaired_theme(value: &str) -> Result<String, PreferenceFault> {
    let mut theme: BTreeMap<String, String> = serde_json::from_str(value).map_err(|_| PreferenceFault::Theme)?;
    for (entry, colour) in &mut theme {
        if !THEME_TEXTS.contains(&entry.as_str()) && !is_colour(colour) {
            FALLBACK_COLOUR.clone_into(colour);
        }
    }
    let text = Value::from_iter(theme).to_string();
    if !crate::text::is_storable(&text) || text.contains("\\u0000") {
        return Err(PreferenceFault::Theme);
    }
    if fits_chars(&text, VALUE_MAX) { Ok(text) } else { Err(PreferenceFault::Value) }
}

/// `#rgb` or `#rrggbb`.
fn is_colour(text: &str) -> bool {
    text.strip_prefix('#').is_some_and(|hex| matches!(hex.len(), 3 | 6) && hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Whether a category or name can stand in a path: lower-case letters, digits, `_`, alphanumeric at both ends, two or more.
pub fn is_path_name(text: &str) -> bool {
    let alphanumeric = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = text.as_bytes();
    bytes.len() >= 2
        && alphanumeric(bytes[0])
        && alphanumeric(bytes[bytes.len() - 1])
        && bytes.iter().all(|b| alphanumeric(*b) || *b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits() {
        let (long, value) = ("x".repeat(33), "ä".repeat(2001));
        for (category, name, value, fault) in [
            ("", "n", "v", PreferenceFault::Category),
            (long.as_str(), "n", "v", PreferenceFault::Category),
            ("c", long.as_str(), "v", PreferenceFault::Name),
            ("c", "n", value.as_str(), PreferenceFault::Value),
            ("c", "n", "\0", PreferenceFault::Value),
            ("theme", "", "[]", PreferenceFault::Theme),
            ("theme", "", "null", PreferenceFault::Theme),
            ("theme", "", r#"{"a":1}"#, PreferenceFault::Theme),
            ("theme", "", "", PreferenceFault::Theme),
        ] {
            assert_eq!(stored_value(category, name, value), Err(fault));
        }
        assert_eq!(stored_value("c", "", &value[2..]), Ok(value[2..].to_owned()));
        assert_eq!(stored_value("c", "n", "{not json"), Ok("{not json".to_owned()));
    }

    #[test]
    fn themes_are_repaired() {
        let sent = r##"{ "type":"Custom", "b":"#12Fa0C", "a":"red", "c":"#abc", "d":"#abcd", "codeTheme":"monokai" }"##;
        let stored = r##"{"a":"#ffffff","b":"#12Fa0C","c":"#abc","codeTheme":"monokai","d":"#ffffff","type":"Custom"}"##;
        assert_eq!(stored_value("theme", "", sent).as_deref(), Ok(stored));
    }

    #[test]
    fn path_names() {
        for (text, good) in [("ab", true), ("a_b1", true), ("a", false), ("_ab", false), ("ab_", false), ("aB", false), ("a-b", false)] {
            assert_eq!(is_path_name(text), good, "{text}");
        }
    }
}
