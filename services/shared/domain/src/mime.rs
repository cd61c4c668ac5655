//! What a file is taken to be, from its name alone, and how a download announces it.

use std::fmt::Write;

/// Content types that a browser would run, sent as plain text instead.
const SCRIPTS: &[&str] =
    &["application/javascript", "application/ecmascript", "text/javascript", "text/ecmascript", "application/x-javascript", "text/html"];

/// Content types a browser may show by itself.
const INLINE: &[&str] =
    &["image/jpeg", "image/png", "image/bmp", "image/gif", "video/avi", "video/mpeg", "video/mp4", "audio/mpeg", "audio/wav"];

/// The name without directories, whichever separator was used; empty when nothing is left.
pub fn base_name(path: &str) -> &str {
    let name = path.trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next().unwrap_or_default();
    if matches!(name, "." | "..") { "" } else { name }
}

/// Lower-cased, without the dot: `.hidden` has the extension `hidden`, `name` none.
pub fn extension(name: &str) -> String {
    name.rsplit_once('.').map_or(String::new(), |(_, extension)| extension.to_lowercase())
}

/// By the lower-cased extension; empty when unknown.
pub fn mime_type(extension: &str) -> &'static str {
    match extension {
        "txt" | "text" | "log" | "conf" | "def" | "asc" | "pot" | "brf" | "srt" => "text/plain; charset=utf-8",
        "html" | "htm" | "shtml" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "csv" => "text/csv; charset=utf-8",
        "tsv" => "text/tab-separated-values; charset=utf-8",
        "xml" => "text/xml; charset=utf-8",
        "md" | "markdown" => "text/markdown; charset=utf-8",
        "ics" => "text/calendar; charset=utf-8",
        "vcf" => "text/vcard; charset=utf-8",
        "rtx" => "text/richtext; charset=utf-8",
        "c" => "text/x-csrc; charset=utf-8",
        "h" => "text/x-chdr; charset=utf-8",
        "cpp" | "cxx" | "cc" | "c++" => "text/x-c++src; charset=utf-8",
        "hpp" | "hxx" | "hh" | "h++" => "text/x-c++hdr; charset=utf-8",
        "java" => "text/x-java; charset=utf-8",
        "py" => "text/x-python; charset=utf-8",
        "pl" | "pm" => "text/x-perl; charset=utf-8",
        "sh" => "application/x-sh",
        "tex" | "ltx" | "sty" | "cls" => "text/x-tex; charset=utf-8",
        "diff" | "patch" => "text/x-diff; charset=utf-8",
        "js" | "mjs" => "application/javascript",
        "es" => "application/ecmascript",
        "json" => "application/json",
        "jsonld" => "application/ld+json",
        "png" => "image/png",
        "jpg" | "jpeg" | "jpe" => "image/jpeg",
        "gif" => "image/gif",
        "bmp" => "image/bmp",
        "tif" | "tiff" => "image/tiff",
        "webp" => "image/webp",
        "svg" | "svgz" => "image/svg+xml",
        "ico" => "image/vnd.microsoft.icon",
        "psd" => "image/vnd.adobe.photoshop",
        "heic" => "image/heic",
        "heif" => "image/heif",
        "avif" => "image/avif",
        "mp3" | "mpga" | "mpega" | "mp2" => "audio/mpeg",
        "m4a" => "audio/mp4",
        "wav" => "audio/wav",
        "ogg" | "oga" | "opus" | "spx" => "audio/ogg",
        "flac" => "audio/flac",
        "aac" => "audio/aac",
        "mid" | "midi" => "audio/midi",
        "aif" | "aiff" | "aifc" => "audio/x-aiff",
        "wma" => "audio/x-ms-wma",
        "weba" => "audio/webm",
        "mp4" => "video/mp4",
        "m4v" => "video/x-m4v",
        "mpeg" | "mpg" | "mpe" => "video/mpeg",
        "avi" => "video/x-msvideo",
        "mov" | "qt" => "video/quicktime",
        "webm" => "video/webm",
        "ogv" => "video/ogg",
        "mkv" => "video/x-matroska",
        "wmv" => "video/x-ms-wmv",
        "flv" => "video/x-flv",
        "3gp" => "video/3gpp",
        "pdf" => "application/pdf",
        "ps" | "eps" | "ai" => "application/postscript",
        "rtf" => "application/rtf",
        "doc" | "dot" => "application/msword",
        "xls" | "xlb" | "xlt" => "application/vnd.ms-excel",
        "ppt" | "pps" => "application/vnd.ms-powerpoint",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "pptx" => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "odt" => "application/vnd.oasis.opendocument.text",
        "ods" => "application/vnd.oasis.opendocument.spreadsheet",
        "odp" => "application/vnd.oasis.opendocument.presentation",
        "epub" => "application/epub+zip",
        "zip" => "application/zip",
        "gz" | "tgz" => "application/gzip",
        "tar" => "application/x-tar",
        "bz2" => "application/x-bzip2",
        "xz" => "application/x-xz",
        "7z" => "application/x-7z-compressed",
        "rar" => "application/vnd.rar",
        "jar" => "application/java-archive",
        "apk" => "application/vnd.android.package-archive",
        "deb" => "application/vnd.debian.binary-package",
        "rpm" => "application/x-redhat-package-manager",
        "exe" | "dll" | "msi" => "application/x-msdos-program",
        "iso" => "application/x-iso9660-image",
        "dmg" => "application/x-apple-diskimage",
        "bin" => "application/octet-stream",
        "sql" => "application/sql",
        "xhtml" | "xht" => "application/xhtml+xml",
        "wasm" => "application/wasm",
        "ttf" => "font/ttf",
        "otf" => "font/otf",
        "woff" => "font/woff",
        "woff2" => "font/woff2",
        "torrent" => "application/x-bittorrent",
        "eml" => "message/rfc822",
        _ => "",
    }
}

/// Whether dimensions, thumbnail and preview are tried.
pub fn is_image(mime: &str) -> bool {
    mime.starts_with("image/")
}

/// The `Content-Type` a file of this type is sent with.
pub fn download_type(mime: &str) -> &str {
    if mime.is_empty() {
        "application/octet-stream"
    } else if SCRIPTS.iter().any(|script| mime.starts_with(script)) {
        "text/plain"
    } else {
        mime
    }
}

/// The `Content-Disposition`: shown in the browser when harmless and `download` was not asked for.
pub fn disposition(mime: &str, name: &str, download: bool) -> String {
    let kind = if !download && INLINE.iter().any(|inline| mime.starts_with(inline)) { "inline" } else { "attachment" };
    let name = percent_encoded(name);
    format!("{kind};filename=\"{name}\"; filename*=UTF-8''{name}")
}

/// What `download=` counts as yes.
pub fn is_true(value: &str) -> bool {
    matches!(value, "1" | "t" | "T" | "true" | "TRUE" | "True")
}

/// As a segment of a path is escaped.
fn percent_encoded(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~$&+:=@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (sent, base, ext, mime) in [
            ("../../a.txt", "a.txt", "txt", "text/plain; charset=utf-8"),
            ("C:\\x\\Photo.JPG", "Photo.JPG", "jpg", "image/jpeg"),
            (".hidden", ".hidden", "hidden", ""),
            ("name", "name", "", ""),
            ("a/b/", "b", "", ""),
            ("..", "", "", ""),
            ("", "", "", ""),
            ("x.tar.gz", "x.tar.gz", "gz", "application/gzip"),
        ] {
            assert_eq!(base_name(sent), base);
            assert_eq!(extension(base), ext);
            assert_eq!(mime_type(ext), mime);
        }
        assert!(is_image(mime_type("svg")) && !is_image(mime_type("pdf")));
    }

    #[test]
    fn downloads() {
        for (extension, download, kind, sent_as) in [
            ("png", false, "inline", "image/png"),
            ("png", true, "attachment", "image/png"),
            ("mp4", false, "inline", "video/mp4"),
            ("svg", false, "attachment", "image/svg+xml"),
            ("pdf", false, "attachment", "application/pdf"),
            ("webm", false, "attachment", "video/webm"),
            ("html", false, "attachment", "text/plain"),
            ("js", false, "attachment", "text/plain"),
            ("nosuch", false, "attachment", "application/octet-stream"),
        ] {
            let mime = mime_type(extension);
            assert!(disposition(mime, "x", download).starts_with(kind), "{extension}");
            assert_eq!(download_type(mime), sent_as, "{extension}");
        }
        assert_eq!(
            disposition("image/png", "a b/ü\".png", false),
            "inline;filename=\"a%20b%2F%C3%BC%22.png\"; filename*=UTF-8''a%20b%2F%C3%BC%22.png"
        );
        assert!(is_true("1") && is_true("true") && !is_true("yes") && !is_true(""));
    }
}
