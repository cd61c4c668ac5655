//! Rules for channels and channel memberships.

use crate::{
    ids::{ID_LENGTH, is_id},
    text::{cut_bytes, fits_chars},
};
use std::{collections::BTreeMap, str::FromStr};

/// Bytes.
pub const NAME_MIN: usize = 2;
/// Bytes.
pub const NAME_MAX: usize = 64;
/// Characters.
pub const DISPLAY_NAME_MAX: usize = 64;
/// Characters.
pub const HEADER_MAX: usize = 1024;
/// Characters.
pub const PURPOSE_MAX: usize = 250;
/// People in a group channel, the creator included.
pub const GROUP_MIN: usize = 3;
/// People in a group channel, the creator included.
pub const GROUP_MAX: usize = 8;
/// Rows of an autocomplete and of a search.
pub const AUTOCOMPLETE_MAX: i64 = 50;
pub const SEARCH_MAX: i64 = 100;

/// The channel every member of a team is in and cannot leave.
pub const TOWN_SQUARE: &str = "town-square";
pub const OFF_TOPIC: &str = "off-topic";
/// Name and English display name of the channels every team begins with.
pub const DEFAULT_CHANNELS: &[(&str, &str)] = &[(TOWN_SQUARE, "Town Square"), (OFF_TOPIC, "Off-Topic")];

const DIRECT_SEPARATOR: &str = "__";

/// What kind of channel it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChannelType {
    Open,
    Private,
    Direct,
    Group,
}

impl ChannelType {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "O",
            Self::Private => "P",
            Self::Direct => "D",
            Self::Group => "G",
        }
    }

    /// Direct and group channels belong to no team.
    pub const fn is_of_team(self) -> bool {
        matches!(self, Self::Open | Self::Private)
    }
}

impl FromStr for ChannelType {
    type Err = ChannelFault;

    fn from_str(text: &str) -> Result<Self, ChannelFault> {
        Ok(match text {
            "O" => Self::Open,
            "P" => Self::Private,
            "D" => Self::Direct,
            "G" => Self::Group,
            _ => return Err(ChannelFault::Type),
        })
    }
}

/// The rule a channel breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelFault {
    Name,
    /// `__` in the name of a channel that is not direct.
    InvalidCharacter,
    DisplayName,
    Header,
    Purpose,
    Type,
    Creator,
}

/// The fields of a channel that have rules, as they are about to be stored.
#[derive(Debug, Clone, Copy)]
pub struct ChannelFields<'a> {
    pub name: &'a str,
    pub display_name: &'a str,
    pub header: &'a str,
    pub purpose: &'a str,
    pub kind: &'a str,
}

impl ChannelFields<'_> {
    /// The first rule broken.
    pub fn check(&self) -> Result<(), ChannelFault> {
        for (holds, fault) in [
            (fits_chars(self.display_name, DISPLAY_NAME_MAX), ChannelFault::DisplayName),
            (is_channel_name(self.name), ChannelFault::Name),
            (self.kind.parse::<ChannelType>().is_ok(), ChannelFault::Type),
            (fits_chars(self.header, HEADER_MAX), ChannelFault::Header),
            (fits_chars(self.purpose, PURPOSE_MAX), ChannelFault::Purpose),
        ] {
            if !holds {
                return Err(fault);
            }
        }
        Ok(())
    }

    /// As [`check`](Self::check), for a channel being created in a team.
    pub fn check_new(&self) -> Result<(), ChannelFault> {
        if self.name.find(DIRECT_SEPARATOR).is_some_and(|at| at > 0) {
            return Err(ChannelFault::InvalidCharacter);
        }
        self.check()
    }
}

/// 2 to 64 lower-case letters, digits, `-` and `_`, alphanumeric at both ends.
pub fn is_channel_name(name: &str) -> bool {
    let alphanumeric = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = name.as_bytes();
    (NAME_MIN..=NAME_MAX).contains(&bytes.len())
        && alphanumeric(bytes[0])
        && alphanumeric(bytes[bytes.len() - 1])
        && bytes.iter().all(|b| alphanumeric(*b) || matches!(b, b'-' | b'_'))
}

/// The name of the direct channel of two users, whoever asks.
pub fn direct_name(one: &str, other: &str) -> String {
    let (first, second) = if one <= other { (one, other) } else { (other, one) };
    format!("{first}{DIRECT_SEPARATOR}{second}")
}

/// Whether the name is of the form of a direct channel's.
pub fn is_direct_name(name: &str) -> bool {
    direct_users(name).is_some()
}

/// The two users of a direct channel, by its name; the same one twice in the channel with oneself.
pub fn direct_users(name: &str) -> Option<(&str, &str)> {
    let (one, other) = name.split_once(DIRECT_SEPARATOR)?;
    (name.len() == 2 * ID_LENGTH + DIRECT_SEPARATOR.len() && is_id(one) && is_id(other)).then_some((one, other))
}

/// The user at the other end of a direct channel: oneself in the channel with oneself, `None` for a stranger.
pub fn direct_partner<'a>(name: &'a str, user: &str) -> Option<&'a str> {
    match direct_users(name)? {
        (one, other) if one == user => Some(other),
        (one, other) if other == user => Some(one),
        _ => None,
    }
}

/// Sorted usernames joined by `, `, cut to 64 bytes between two characters.
pub fn group_display_name<S: AsRef<str>>(usernames: &[S]) -> String {
    let mut names: Vec<&str> = usernames.iter().map(AsRef::as_ref).collect();
    names.sort_unstable();
    cut_bytes(&names.join(", "), DISPLAY_NAME_MAX).to_owned()
}

/// What is hashed (SHA-1, hexadecimal) into the name of a group channel: the sorted ids in one string.
pub fn group_name_source<S: AsRef<str>>(user_ids: &[S]) -> String {
    let mut ids: Vec<&str> = user_ids.iter().map(AsRef::as_ref).collect();
    ids.sort_unstable();
    ids.concat()
}

/// The notification setting a member may not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotifyFault {
    Desktop,
    MarkUnread,
    Push,
    Email,
}

pub const NOTIFY_DESKTOP: &str = "desktop";
pub const NOTIFY_EMAIL: &str = "email";
pub const NOTIFY_PUSH: &str = "push";
/// `mention` mutes the channel.
pub const NOTIFY_MARK_UNREAD: &str = "mark_unread";

/// `notify_props` of a new member.
pub fn default_notify_props() -> BTreeMap<String, String> {
    [(NOTIFY_DESKTOP, "default"), (NOTIFY_EMAIL, "default"), (NOTIFY_PUSH, "default"), (NOTIFY_MARK_UNREAD, "all")]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
}

/// Takes the four known settings out of `given`; a bad value changes nothing.
pub fn update_notify_props(current: &mut BTreeMap<String, String>, given: &BTreeMap<String, String>) -> Result<(), NotifyFault> {
    const LEVELS: &[&str] = &["default", "all", "mention", "none"];
    let known: [(&str, &[&str], NotifyFault); 4] = [
        (NOTIFY_DESKTOP, LEVELS, NotifyFault::Desktop),
        (NOTIFY_MARK_UNREAD, &["all", "mention"], NotifyFault::MarkUnread),
        (NOTIFY_PUSH, LEVELS, NotifyFault::Push),
        (NOTIFY_EMAIL, &["default", "true", "false"], NotifyFault::Email),
    ];
    let mut taken = Vec::with_capacity(known.len());
    for (key, allowed, fault) in known {
        if let Some(value) = given.get(key) {
            if !allowed.contains(&value.as_str()) {
                return Err(fault);
            }
            taken.push((key.to_owned(), value.clone()));
        }
    }
    current.extend(taken);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (name, valid) in [
            ("ab", true),
            ("a", false),
            ("a_b", true),
            ("a__b", true),
            ("_ab", false),
            ("ab-", false),
            ("aB", false),
            (&"a".repeat(64), true),
            (&"a".repeat(65), false),
        ] {
            assert_eq!(is_channel_name(name), valid, "{name}");
        }
    }

    #[test]
    fn the_first_broken_rule_is_named() {
        let good = ChannelFields { name: "dev", display_name: "", header: "", purpose: "", kind: "P" };
        assert_eq!(good.check_new(), Ok(()));
        let long = "ä".repeat(1025);
        for (fields, fault) in [
            (ChannelFields { name: "D", ..good }, ChannelFault::Name),
            (ChannelFields { name: "a__b", ..good }, ChannelFault::InvalidCharacter),
            (ChannelFields { name: "__ab", ..good }, ChannelFault::Name),
            (ChannelFields { display_name: &long[..130], ..good }, ChannelFault::DisplayName),
            (ChannelFields { header: &long, ..good }, ChannelFault::Header),
            (ChannelFields { purpose: &long[..502], ..good }, ChannelFault::Purpose),
            (ChannelFields { kind: "X", ..good }, ChannelFault::Type),
        ] {
            assert_eq!(fields.check_new(), Err(fault));
        }
        assert_eq!(ChannelFields { name: "a__b", ..good }.check(), Ok(()));
        assert_eq!(ChannelFields { purpose: &long[..500], header: &long[..2048], ..good }.check(), Ok(()));
    }

    #[test]
    fn direct_and_group_names() {
        let (a, b, c) = ("a".repeat(26), "b".repeat(26), "c".repeat(26));
        let name = direct_name(&b, &a);
        assert_eq!(name, format!("{a}__{b}"));
        assert!(is_direct_name(&name) && !is_direct_name("a__b") && !is_direct_name(&format!("{name}x")));
        assert_eq!(direct_partner(&name, &a), Some(b.as_str()));
        assert_eq!(direct_partner(&name, &b), Some(a.as_str()));
        assert_eq!(direct_partner(&name, &c), None);
        assert_eq!(direct_partner(&direct_name(&a, &a), &a), Some(a.as_str()));
        assert_eq!(group_display_name(&["zoe", "amy", "bob"]), "amy, bob, zoe");
        assert_eq!(group_display_name(&["x".repeat(63), "y".repeat(63)]).len(), 64);
        assert_eq!(group_name_source(&["b", "c", "a"]), "abc");
    }

    #[test]
    fn notify_props() {
        let map = |key: &str, value: &str| BTreeMap::from([(key.to_owned(), value.to_owned())]);
        for (key, value, expected) in [
            ("desktop", "none", Ok(())),
            ("desktop", "x", Err(NotifyFault::Desktop)),
            ("push", "true", Err(NotifyFault::Push)),
            ("mark_unread", "mention", Ok(())),
            ("mark_unread", "none", Err(NotifyFault::MarkUnread)),
            ("email", "all", Err(NotifyFault::Email)),
            ("email", "true", Ok(())),
        ] {
            let mut props = default_notify_props();
            assert_eq!(update_notify_props(&mut props, &map(key, value)), expected, "{key} {value}");
            assert_eq!(props[key] == value, expected.is_ok());
        }
        let mut props = default_notify_props();
        assert_eq!(update_notify_props(&mut props, &map("other", "x")), Ok(()));
        assert_eq!(props, default_notify_props());
    }
}
