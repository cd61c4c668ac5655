//! The media type of a file follows from its name alone; content is never looked at (files-integrations §1).

/// Lower-cased, without the dot: `.hidden` has the extension `hidden`, `README` has none.
pub fn extension(name: &str) -> String {
    name.rsplit_once('.').map(|(_, extension)| extension.to_lowercase()).unwrap_or_default()
}

/// `""` when unknown; text types carry their character set.
pub fn media_type(extension: &str) -> String {
    match mime_guess::from_ext(extension).first_raw() {
        Some(text) if text.starts_with("text/") => format!("{text}; charset=utf-8"),
        Some(other) => other.to_owned(),
        None => String::new(),
    }
}

/// Whether dimensions, a thumbnail and a preview are to be had.
pub fn is_image(media_type: &str) -> bool {
    media_type.starts_with("image/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions() {
        for (name, expected) in [("a.PNG", "png"), (".hidden", "hidden"), ("README", ""), ("a.tar.gz", "gz"), ("dot.", "")] {
            assert_eq!(extension(name), expected, "{name}");
        }
    }

    #[test]
    fn media_types() {
        for (extension, expected) in [
            ("png", "image/png"),
            ("jpg", "image/jpeg"),
            ("gif", "image/gif"),
            ("svg", "image/svg+xml"),
            ("webp", "image/webp"),
            ("txt", "text/plain; charset=utf-8"),
            ("html", "text/html; charset=utf-8"),
            ("pdf", "application/pdf"),
            ("mp4", "video/mp4"),
            ("zip", "application/zip"),
            ("nosuchtype", ""),
            ("", ""),
        ] {
            assert_eq!(media_type(extension), expected, "{extension}");
        }
    }
}
