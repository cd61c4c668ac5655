//! Where things are in the object store: Mattermost's layout, so that its data directory can be taken over as it is.

/// Bytes of a name inside a key. Longer than any sensible name, short enough for every file system with `_preview.jpg` added.
const NAME_MAX: usize = 120;

/// The keys of one upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    pub original: String,
    pub thumbnail: String,
    pub preview: String,
}

impl StoredFile {
    /// `created` in milliseconds since 1970; the name may be anything a user sent.
    pub fn new(created: i64, channel_id: &str, user_id: &str, file_id: &str, name: &str) -> Self {
        let folder =
            format!("{}/teams/noteam/channels/{}/users/{}/{}", day(created), segment(channel_id), segment(user_id), segment(file_id));
        let name = segment(name);
        let stem = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem);
        Self {
            thumbnail: format!("{folder}/{stem}_thumb.jpg"),
            preview: format!("{folder}/{stem}_preview.jpg"),
            original: format!("{folder}/{name}"),
        }
    }
}

/// Of a picture that belongs to something: `users/<id>/profile.png`, `teams/<id>/teamIcon.png`, `emoji/<id>/image`, `brand/image.png`.
pub fn image_key(kind: &str, id: &str) -> Option<String> {
    let id = segment(id);
    match kind {
        "profile" => Some(format!("users/{id}/profile.png")),
        "team" => Some(format!("teams/{id}/teamIcon.png")),
        "emoji" => Some(format!("emoji/{id}/image")),
        "brand" => Some("brand/image.png".to_owned()),
        _ => None,
    }
}

/// One safe part of a key: letters, digits and `._- ()` stay, anything else becomes `_`; a long one loses its middle, not its extension.
fn segment(text: &str) -> String {
    let safe: String = text.chars().map(|c| if c.is_alphanumeric() || "._- ()".contains(c) { c } else { '_' }).collect();
    let safe = safe.trim_matches(' ');
    if safe.trim_matches('.').is_empty() {
        return "file".to_owned();
    }
    if safe.len() <= NAME_MAX {
        return safe.to_owned();
    }
    let extension = safe.rsplit_once('.').map(|(_, extension)| extension).filter(|e| e.len() < NAME_MAX / 2);
    let room = NAME_MAX - extension.map_or(0, |e| e.len() + 1);
    let stem = &safe[..safe.floor_char_boundary(room)];
    extension.map_or_else(|| stem.to_owned(), |extension| format!("{stem}.{extension}"))
}

/// `YYYYMMDD` in UTC (civil-from-days, Howard Hinnant).
fn day(ms: i64) -> String {
    let days = ms.div_euclid(86_400_000) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}{month:02}{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_of_the_reference() {
        let file = StoredFile::new(1_795_476_896_436, "chan", "user", "file", "a.b.png");
        assert_eq!(file.original, "20261123/teams/noteam/channels/chan/users/user/file/a.b.png");
        assert_eq!(file.thumbnail, "20261123/teams/noteam/channels/chan/users/user/file/a.b_thumb.jpg");
        assert_eq!(file.preview, "20261123/teams/noteam/channels/chan/users/user/file/a.b_preview.jpg");
    }

    #[test]
    fn days() {
        for (ms, expected) in [
            (0, "19700101"),
            (-1, "19691231"),
            (951_782_400_000, "20000229"),
            (1_709_164_800_000, "20240229"),
            (4_107_542_399_999, "21000228"),
        ] {
            assert_eq!(day(ms), expected);
        }
    }

    #[test]
    fn hostile_names_stay_inside_their_folder() {
        for name in ["..", ".", "", "...", "/etc/passwd", "a/../../b", "a\\b", "nul\0", "100%", "a#1", "*?<>|\"", "\u{202e}gpj.exe", "  "] {
            let key = StoredFile::new(0, "c", "u", "f", name).original;
            let parts: Vec<_> = key.split('/').collect();
            assert_eq!(parts.len(), 9, "{name:?} gave {key}");
            assert!(!parts.iter().any(|p| p.is_empty() || p.chars().all(|c| c == '.')), "{name:?} gave {key}");
            assert!(object_store::path::Path::parse(&key).is_ok(), "{name:?} gave {key}");
        }
    }

    #[test]
    fn long_names_are_cut_and_keep_their_extension() {
        let file = StoredFile::new(0, "c", "u", "f", &format!("{}.jpeg", "ü".repeat(300)));
        let name = file.original.rsplit('/').next().unwrap();
        assert!(name.len() <= NAME_MAX && name.ends_with("ü.jpeg"), "{name}");
        assert!(StoredFile::new(0, "c", "u", "f", &format!("x.{}", "y".repeat(300))).preview.len() < 250);
    }

    #[test]
    fn images_have_fixed_places() {
        assert_eq!(image_key("profile", "u1").as_deref(), Some("users/u1/profile.png"));
        assert_eq!(image_key("team", "../x").as_deref(), Some("teams/.._x/teamIcon.png"));
        assert_eq!(image_key("other", "x"), None);
    }
}
