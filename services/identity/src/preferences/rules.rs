//! What a preference may be (reference: identity, section 12).

use muster_error::{AppError, ErrorId};
use muster_proto::model::Preference;
use std::collections::BTreeMap;

/// Bytes.
const CATEGORY_MAX: usize = 32;
/// Bytes.
const NAME_MAX: usize = 32;
/// Characters.
const VALUE_MAX: usize = 2_000;
const THEME: &str = "theme";
/// Entries of a theme that are no colour.
const THEME_NO_COLOUR: &[&str] = &["type", "image", "codeTheme"];
const THEME_COLOUR_FALLBACK: &str = "#ffffff";

/// Every row must belong to the user whose preferences are changed, whoever asks.
pub(crate) fn check_owner(user_id: &str, preferences: &[Preference]) -> Result<(), AppError> {
    match preferences.iter().find(|p| p.user_id != user_id) {
        None => Ok(()),
        Some(other) => Err(AppError::new(ErrorId::PreferenceUpdateRefused).detail(format_args!("row of user {}", other.user_id))),
    }
}

/// The row as it is stored.
pub(crate) fn checked(preference: &Preference) -> Result<Preference, AppError> {
    let mut preference = preference.clone();
    if preference.category.is_empty() || preference.category.len() > CATEGORY_MAX {
        return Err(ErrorId::PreferenceInvalidCategory.into());
    }
    if preference.name.len() > NAME_MAX {
        return Err(ErrorId::PreferenceInvalidName.into());
    }
    if preference.value.chars().count() > VALUE_MAX {
        return Err(ErrorId::PreferenceInvalidValue.into());
    }
    if preference.category == THEME {
        preference.value = theme(&preference.value)?;
    }
    Ok(preference)
}

/// A theme with sorted keys in which every colour is one.
fn theme(value: &str) -> Result<String, AppError> {
    let invalid = |e: serde_json::Error| AppError::new(ErrorId::PreferenceInvalidTheme).detail(e);
    let mut entries: BTreeMap<String, String> = serde_json::from_str(value).map_err(invalid)?;
    for (name, value) in &mut entries {
        if !THEME_NO_COLOUR.contains(&name.as_str()) && !is_colour(value) {
            *value = THEME_COLOUR_FALLBACK.to_owned();
        }
    }
    muster_proto::json::to_string(&entries).map_err(invalid)
}

/// `#rgb` or `#rrggbb`.
fn is_colour(text: &str) -> bool {
    text.strip_prefix('#').is_some_and(|hex| matches!(hex.len(), 3 | 6) && hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(category: &str, name: &str, value: &str) -> Preference {
        Preference { user_id: "u".into(), category: category.into(), name: name.into(), value: value.into() }
    }

    #[test]
    fn limits() {
        for (preference, id) in [
            (row("c", "", ""), None),
            (row(&"c".repeat(32), &"n".repeat(32), &"é".repeat(2_000)), None),
            (row("", "n", ""), Some(ErrorId::PreferenceInvalidCategory)),
            (row(&"c".repeat(33), "n", ""), Some(ErrorId::PreferenceInvalidCategory)),
            (row("c", &"n".repeat(33), ""), Some(ErrorId::PreferenceInvalidName)),
            (row("c", "n", &"v".repeat(2_001)), Some(ErrorId::PreferenceInvalidValue)),
            (row("theme", "", "[]"), Some(ErrorId::PreferenceInvalidTheme)),
            (row("theme", "", r#"{"a":1}"#), Some(ErrorId::PreferenceInvalidTheme)),
        ] {
            assert_eq!(checked(&preference).err().map(|e| e.id), id, "{preference:?}");
        }
    }

    #[test]
    fn a_theme_is_tidied() {
        let stored = checked(&row("theme", "", r##"{"type":"x","b":"red","a":"#FFF","image":"i.png","c":"#12345"}"##)).expect("theme");
        assert_eq!(stored.value, r##"{"a":"#FFF","b":"#ffffff","c":"#ffffff","image":"i.png","type":"x"}"##);
    }

    #[test]
    fn rows_of_others_are_refused() {
        assert_eq!(check_owner("u", &[row("c", "n", "")]), Ok(()));
        assert_eq!(check_owner("v", &[row("c", "n", "")]).expect_err("foreign").status, 403);
    }
}
