//! Decisions about files that need no I/O.

use super::store::FileRow;
use muster_domain::mime;
use muster_error::{AppError, ErrorId};
use muster_proto::model::FileInfo;
use std::collections::HashMap;

/// Characters of a file's name.
const NAME_MAX_CHARS: usize = 256;
/// For a name that has nothing left of it.
const NAMELESS: &str = "file";

/// The name a file is kept and shown under: the last part of the path that was sent (of any system), without control characters.
/// Longer than 256 characters: 400.
pub fn base_name(sent: &str) -> Result<String, AppError> {
    let name: String = mime::base_name(sent).chars().filter(|c| !c.is_control()).collect();
    if name.chars().count() > NAME_MAX_CHARS {
        return Err(AppError::new(ErrorId::InvalidParam).param("Name", "filename"));
    }
    Ok(if name.chars().all(|c| c == '.' || c == ' ') { NAMELESS.to_owned() } else { name })
}

/// Where the wanted variant ("", `thumbnail`, `preview`) is. A file that is no picture has none: 400.
pub fn key_of<'a>(row: &'a FileRow, variant: &str) -> Result<&'a str, AppError> {
    let (key, missing) = match variant {
        "thumbnail" => (&row.thumbnail_path, ErrorId::FileNoThumbnail),
        "preview" => (&row.preview_path, ErrorId::FileNoPreview),
        _ => (&row.path, ErrorId::FileContentNotFound),
    };
    if key.is_empty() { Err(missing.into()) } else { Ok(key) }
}

/// The infos in the order of `ids`; ids without one are skipped.
pub fn in_order(ids: &[String], infos: Vec<FileInfo>) -> Vec<FileInfo> {
    let mut by_id: HashMap<String, FileInfo> = infos.into_iter().map(|info| (info.id.clone(), info)).collect();
    ids.iter().filter_map(|id| by_id.remove(id)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (sent, expected) in [
            ("a.txt", "a.txt"),
            ("../../a.txt", "a.txt"),
            ("C:\\temp\\b.doc", "b.doc"),
            ("dir/", "dir"),
            ("ä ö.png", "ä ö.png"),
            (".hidden", ".hidden"),
            ("a\0b\r\nc", "abc"),
            ("", "file"),
            ("/", "file"),
            ("..", "file"),
            (" ", "file"),
            ("\u{7}", "file"),
        ] {
            assert_eq!(base_name(sent).as_deref(), Ok(expected), "{sent:?}");
        }
        assert!(base_name(&"ü".repeat(256)).is_ok());
        assert_eq!(base_name(&"ü".repeat(257)).map_err(|e| e.status), Err(400));
    }

    #[test]
    fn variants() {
        let row = FileRow { path: "p".into(), thumbnail_path: "t".into(), ..FileRow::default() };
        assert_eq!(key_of(&row, "").as_deref(), Ok("p"));
        assert_eq!(key_of(&row, "thumbnail").as_deref(), Ok("t"));
        assert_eq!(key_of(&row, "preview").map_err(|e| e.id), Err(ErrorId::FileNoPreview));
    }

    #[test]
    fn order_of_the_asker() {
        let info = |id: &str| FileInfo { id: id.into(), ..FileInfo::default() };
        let ids = ["b", "x", "a", "b"].map(str::to_owned);
        assert_eq!(in_order(&ids, vec![info("a"), info("b")]), [info("b"), info("a")]);
    }
}
