//! Rules for posts: limits, types, hashtags, `~channel` names.

use crate::{
    system_posts::SYSTEM_PREFIX,
    text::{fits_chars, is_storable},
};
use std::collections::HashSet;

/// Characters.
pub const MESSAGE_MAX: usize = 16_383;
/// Characters of the JSON text.
pub const PROPS_MAX: usize = 8_000;
/// Characters of `file_ids` as JSON: five ids.
pub const FILE_IDS_JSON_MAX: usize = 150;
/// Files on a post.
pub const FILE_IDS_MAX: usize = 5;
/// Characters.
pub const HASHTAGS_MAX: usize = 1_000;
/// Characters.
pub const TYPE_MAX: usize = 26;
/// Bytes of `pending_post_id`: two ids and a time fit amply.
pub const PENDING_POST_ID_MAX: usize = 100;

pub const TYPE_SLACK_ATTACHMENT: &str = "slack_attachment";
pub const CUSTOM_PREFIX: &str = "custom_";

/// The rule a post breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostFault {
    Message,
    /// A type only the server may use.
    SystemType,
    Type,
    Props,
    FileIds,
}

/// The message's length, and that it can be stored; empty is fine.
pub fn check_message(message: &str) -> Result<(), PostFault> {
    if fits_chars(message, MESSAGE_MAX) { Ok(()) } else { Err(PostFault::Message) }
}

/// What a client may put into `type`.
pub fn check_type(kind: &str) -> Result<(), PostFault> {
    if kind.starts_with(SYSTEM_PREFIX) {
        Err(PostFault::SystemType)
    } else if kind.is_empty() || kind == TYPE_SLACK_ATTACHMENT || (kind.starts_with(CUSTOM_PREFIX) && fits_chars(kind, TYPE_MAX)) {
        Ok(())
    } else {
        Err(PostFault::Type)
    }
}

/// `props` as JSON text.
pub fn check_props(json: &str) -> Result<(), PostFault> {
    if fits_chars(json, PROPS_MAX) { Ok(()) } else { Err(PostFault::Props) }
}

/// Duplicates drop out; what is left must fit.
pub fn unique_file_ids<S: AsRef<str>>(ids: &[S]) -> Result<Vec<&str>, PostFault> {
    let mut unique: Vec<&str> = Vec::with_capacity(ids.len().min(FILE_IDS_MAX));
    for id in ids.iter().map(AsRef::as_ref) {
        if unique.contains(&id) {
            continue;
        }
        if unique.len() == FILE_IDS_MAX {
            return Err(PostFault::FileIds);
        }
        unique.push(id);
    }
    // The length of the ids as a JSON list: each in quotes, commas between, brackets around.
    let json_length = 1 + unique.iter().map(|id| id.chars().count() + 3).sum::<usize>();
    let storable = unique.iter().all(|id| is_storable(id));
    if json_length <= FILE_IDS_JSON_MAX && storable { Ok(unique) } else { Err(PostFault::FileIds) }
}

/// The message's hashtags, joined by spaces, in order, as written and with repeats; at most [`HASHTAGS_MAX`] characters.
pub fn hashtags(message: &str) -> String {
    let mut found = String::new();
    if !message.contains('#') {
        return found;
    }
    let mut length = 0;
    for tag in message.split_whitespace().filter_map(hashtag) {
        length += tag.chars().count() + usize::from(!found.is_empty());
        if length > HASHTAGS_MAX {
            break;
        }
        if !found.is_empty() {
            found.push(' ');
        }
        found.push_str(tag);
    }
    found
}

/// The hashtag in a word without white space, stripped of the punctuation around it. Search terms use it too.
pub fn hashtag(word: &str) -> Option<&str> {
    let alphanumeric = |c: char| c.is_alphabetic() || c.is_ascii_digit();
    let word = word.trim_start_matches(|c: char| !alphanumeric(c) && c != '#');
    let word = word.trim_end_matches(|c: char| !alphanumeric(c));
    let body = word.trim_start_matches('#');
    if body.len() == word.len() {
        return None;
    }
    let mut chars = body.chars();
    let valid = chars.next().is_some_and(char::is_alphabetic)
        && chars.clone().next().is_some()
        && chars.all(|c| alphanumeric(c) || matches!(c, '-' | '_' | '.'));
    // The last character was made alphanumeric above; one `#` stays in front.
    valid.then(|| &word[word.len() - body.len() - 1..])
}

/// The names after `~` that may be channels, each once, in order.
pub fn channel_mention_names(message: &str) -> Vec<&str> {
    let is_word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let bytes = message.as_bytes();
    let (mut names, mut seen) = (Vec::new(), HashSet::new());
    for (at, _) in message.match_indices('~') {
        if at > 0 && is_word(bytes[at - 1]) {
            continue;
        }
        let length = bytes[at + 1..].iter().take_while(|b| is_word(**b) || **b == b'-').count();
        let name = &message[at + 1..at + 1 + length];
        if length > 0 && seen.insert(name) {
            names.push(name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits() {
        assert_eq!(check_message(""), Ok(()));
        assert_eq!(check_message(&"ä".repeat(16_383)), Ok(()));
        assert_eq!(check_message(&"a".repeat(16_384)), Err(PostFault::Message));
        assert_eq!(check_message("a\0"), Err(PostFault::Message));
        assert_eq!(check_props(&"a".repeat(8_001)), Err(PostFault::Props));
        for (kind, expected) in [
            ("", Ok(())),
            ("slack_attachment", Ok(())),
            ("custom_thing", Ok(())),
            ("custom_2345678901234567890x", Err(PostFault::Type)),
            ("system_join_channel", Err(PostFault::SystemType)),
            ("other", Err(PostFault::Type)),
        ] {
            assert_eq!(check_type(kind), expected, "{kind}");
        }
        let ids: Vec<String> = (0..6).map(|n| n.to_string().repeat(26)).collect();
        assert_eq!(unique_file_ids(&ids), Err(PostFault::FileIds));
        assert_eq!(unique_file_ids(&ids[..5]).map(|ids| ids.len()), Ok(5));
        assert_eq!(unique_file_ids(&[&ids[0], &ids[0]]).map(|ids| ids.len()), Ok(1));
        assert_eq!(unique_file_ids(&["x".repeat(146), "y".to_owned()]), Err(PostFault::FileIds));
    }

    #[test]
    fn hashtags_as_the_reference_lists_them() {
        for (message, expected) in [
            ("no tags", ""),
            ("#tag", "#tag"),
            ("(#tag),", "#tag"),
            ("###tag", "#tag"),
            ("#Tag #Tag", "#Tag #Tag"),
            ("#a", ""),
            ("#1x", ""),
            ("x#y", ""),
            ("#a,#b", ""),
            ("`#code`", "#code"),
            ("#a-b_c.d!", "#a-b_c.d"),
            ("#añb", "#añb"),
            ("#tag#tag", ""),
            ("1#tag", ""),
            ("# #!", ""),
            ("hello @uylemyssjee #tag", "#tag"),
        ] {
            assert_eq!(hashtags(message), expected, "{message}");
        }
        let many = hashtags(&"#abcdefghi ".repeat(200));
        assert!(many.len() <= HASHTAGS_MAX && many.ends_with("#abcdefghi"));
    }

    #[test]
    fn channel_names() {
        for (message, expected) in [
            ("see ~town-square and ~off_topic.", vec!["town-square", "off_topic"]),
            ("x~no (~yes) ~yes", vec!["yes"]),
            ("~~strike~~ ~", vec!["strike"]),
            ("", vec![]),
        ] {
            assert_eq!(channel_mention_names(message), expected, "{message}");
        }
    }
}
