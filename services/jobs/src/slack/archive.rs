//! The zip of an export. It comes from a stranger: names, sizes and counts are judged before anything is taken from it,
//! and nothing is ever written under a name it gives.

use super::model::{Channel, Message, User};
use serde::de::DeserializeOwned;
use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufReader, Read},
    path::Path,
};
use zip::ZipArchive;

const ENTRIES_MAX: usize = 200_000;
/// Parts of a name: `<channel>/<day>.json`, `__uploads/<id>/<name>`.
const DEPTH_MAX: usize = 4;
/// Bytes.
const NAME_MAX: usize = 512;
/// Bytes of one JSON file, unpacked.
const JSON_MAX: u64 = 32 * 1024 * 1024;
/// Bytes of all JSON files, unpacked.
const JSON_TOTAL_MAX: u64 = 2 * 1024 * 1024 * 1024;
/// Unpacked bytes for one packed byte, of what is larger than [`RATIO_FROM`]. Text packs ten to one.
const RATIO_MAX: u64 = 100;
const RATIO_FROM: u64 = 256 * 1024;
const USERS_MAX: usize = 50_000;
const CHANNELS_MAX: usize = 20_000;
const MESSAGES_MAX: usize = 100_000;
const MEMBERS_MAX: usize = 50_000;

/// Why an export cannot be taken, for people.
pub type Refusal = String;

type Zip = ZipArchive<BufReader<File>>;

/// How a channel comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Open,
    Private,
    Direct,
    Group,
}

/// An export that was read through once.
pub struct Export {
    pub users: Vec<User>,
    pub channels: Vec<(Kind, Channel)>,
    /// Entries with messages by folder, by day.
    pub days: BTreeMap<String, BTreeMap<String, usize>>,
    pub messages: u64,
    /// Entries under `__uploads`.
    pub uploads: usize,
    zip: Zip,
}

impl Export {
    /// Judges every entry, and parses every one that matters. Blocks.
    pub fn open(path: &Path) -> Result<Self, Refusal> {
        let file = File::open(path).map_err(|e| format!("the file cannot be read: {e}"))?;
        let zip = ZipArchive::new(BufReader::new(file)).map_err(|e| format!("not a zip file: {e}"))?;
        if zip.len() > ENTRIES_MAX {
            return Err(format!("more than {ENTRIES_MAX} entries"));
        }
        let mut export = Self { users: Vec::new(), channels: Vec::new(), days: BTreeMap::new(), messages: 0, uploads: 0, zip };
        let mut total = 0;
        let mut lists = BTreeMap::new();
        for index in 0..export.zip.len() {
            let Some(name) = export.judged(index, &mut total)? else { continue };
            match name.split_once('/') {
                None => {
                    lists.insert(name, index);
                }
                Some(("__uploads", _)) => export.uploads += 1,
                Some((folder, day)) if day.ends_with(".json") && !day.contains('/') => {
                    export.days.entry(folder.to_owned()).or_default().insert(day.to_owned(), index);
                }
                Some(_) => {}
            }
        }
        let list = |name: &str| lists.get(name).copied();
        let (Some(users), Some(channels)) = (list("users.json"), list("channels.json")) else {
            return Err("users.json or channels.json is missing".into());
        };
        export.users = parsed(&mut export.zip, users)?;
        if export.users.len() > USERS_MAX {
            return Err(format!("more than {USERS_MAX} users"));
        }
        for (kind, index) in [
            (Kind::Open, Some(channels)),
            (Kind::Private, list("groups.json")),
            (Kind::Group, list("mpims.json")),
            (Kind::Direct, list("dms.json")),
        ] {
            let Some(index) = index else { continue };
            let channels: Vec<Channel> = parsed(&mut export.zip, index)?;
            export.channels.extend(channels.into_iter().map(|channel| (kind, channel)));
        }
        if export.channels.len() > CHANNELS_MAX {
            return Err(format!("more than {CHANNELS_MAX} channels"));
        }
        if export.channels.iter().any(|(_, c)| c.members.as_ref().is_some_and(|m| m.len() > MEMBERS_MAX)) {
            return Err(format!("a channel of more than {MEMBERS_MAX} members"));
        }
        let days: Vec<usize> = export.days.values().flat_map(BTreeMap::values).copied().collect();
        for index in days {
            export.messages += export.read(index)?.len() as u64;
        }
        Ok(export)
    }

    /// The messages of one day. Blocks.
    pub fn read(&mut self, index: usize) -> Result<Vec<Message>, Refusal> {
        let messages: Vec<Message> = parsed(&mut self.zip, index)?;
        if messages.len() > MESSAGES_MAX {
            return Err(format!("more than {MESSAGES_MAX} messages in one file"));
        }
        Ok(messages)
    }

    /// The name of an entry that is a file and harmless; `None` for a directory.
    fn judged(&mut self, index: usize, total: &mut u64) -> Result<Option<String>, Refusal> {
        let entry = self.zip.by_index_raw(index).map_err(|e| format!("a damaged entry: {e}"))?;
        let name = std::str::from_utf8(entry.name_raw()).map_err(|_| "an entry whose name is not UTF-8")?.to_owned();
        check_name(&name)?;
        if entry.is_symlink() || entry.encrypted() {
            return Err(format!("{name} is a link or encrypted"));
        }
        if entry.is_dir() {
            return Ok(None);
        }
        let (size, packed) = (entry.size(), entry.compressed_size());
        if size > RATIO_FROM && size / packed.max(1) > RATIO_MAX {
            return Err(format!("{name} is packed more than {RATIO_MAX} to one"));
        }
        if name.ends_with(".json") && !name.starts_with("__uploads/") {
            *total += size;
            if size > JSON_MAX || *total > JSON_TOTAL_MAX {
                return Err(format!("{name} is too large"));
            }
        }
        Ok(Some(name))
    }
}

fn check_name(name: &str) -> Result<(), Refusal> {
    let parts: Vec<&str> = name.trim_end_matches('/').split('/').collect();
    let is_good = |part: &&str| !matches!(*part, "" | "." | "..");
    let is_drive = name.as_bytes().get(1) == Some(&b':');
    if name.len() > NAME_MAX || parts.len() > DEPTH_MAX || !parts.iter().all(is_good) || name.contains(['\\', '\0']) || is_drive {
        return Err(format!("an entry is called {:?}", name.chars().take(80).collect::<String>()));
    }
    Ok(())
}

/// What is declared may be a lie: what is read counts too.
fn parsed<T: DeserializeOwned>(zip: &mut Zip, index: usize) -> Result<Vec<T>, Refusal> {
    let entry = zip.by_index(index).map_err(|e| format!("a damaged entry: {e}"))?;
    let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
    let mut text = Vec::new();
    entry.take(JSON_MAX + 1).read_to_end(&mut text).map_err(|e| format!("{name} is damaged: {e}"))?;
    if text.len() as u64 > JSON_MAX {
        return Err(format!("{name} is too large"));
    }
    // Text that PostgreSQL could not store is no text either.
    serde_json::from_slice(&text).map_err(|e| format!("{name} is not what an export has there: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in ["users.json", "general/2020-01-01.json", "__uploads/F1/a b.png", "general/"] {
            assert_eq!(check_name(good), Ok(()), "{good}");
        }
        let deep = "a/".repeat(5);
        for bad in ["", "/etc/passwd", "../x", "a/../b", "a//b", "a\\b", "C:/x", "a/./b", "a\0", &deep, &"x".repeat(513)] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
    }
}
