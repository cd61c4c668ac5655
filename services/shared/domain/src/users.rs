//! Rules for the fields of a user: names, addresses, notification settings, locale, time zone.

use crate::text::{fits_bytes, fits_chars};
use std::collections::BTreeMap;

/// Bytes (all of them ASCII).
pub const USERNAME_MAX: usize = 64;
/// Bytes.
pub const EMAIL_MAX: usize = 128;
/// Characters of first and last name.
pub const NAME_MAX: usize = 64;
/// Characters.
pub const NICKNAME_MAX: usize = 64;
/// Characters.
pub const POSITION_MAX: usize = 128;
/// Characters.
pub const LOCALE_MAX: usize = 5;
/// Characters of the JSON text.
pub const PROPS_MAX: usize = 4000;
/// Characters of the JSON text.
pub const NOTIFY_PROPS_MAX: usize = 2000;
/// Characters of the JSON text.
pub const TIMEZONE_MAX: usize = 256;

/// Names nobody may take, because they address everybody or a bot.
pub const RESERVED_USERNAMES: &[&str] = &["all", "channel", "matterbot"];

/// Languages the server speaks.
pub const SUPPORTED_LOCALES: &[&str] = &["de", "en", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt-BR", "ro", "ru", "tr", "zh-CN", "zh-TW"];

/// `notify_props` key holding the comma-separated words that mention the user.
pub const MENTION_KEYS: &str = "mention_keys";

/// The field that broke its rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserFault {
    Username,
    Email,
    Nickname,
    FirstName,
    LastName,
    Position,
    Locale,
    Props,
    NotifyProps,
    Timezone,
}

/// The fields of a user that have rules, as they are about to be stored.
#[derive(Debug, Clone, Copy)]
pub struct UserFields<'a> {
    pub username: &'a str,
    pub email: &'a str,
    pub nickname: &'a str,
    pub first_name: &'a str,
    pub last_name: &'a str,
    pub position: &'a str,
    pub locale: &'a str,
    pub props: &'a BTreeMap<String, String>,
    pub notify_props: &'a BTreeMap<String, String>,
    pub timezone: &'a BTreeMap<String, String>,
}

impl UserFields<'_> {
    /// The first field that cannot be stored.
    pub fn check(&self) -> Result<(), UserFault> {
        for (holds, fault) in [
            (is_valid_username(self.username), UserFault::Username),
            (!self.email.is_empty() && fits_bytes(self.email, EMAIL_MAX), UserFault::Email),
            (fits_chars(self.nickname, NICKNAME_MAX), UserFault::Nickname),
            (fits_chars(self.position, POSITION_MAX), UserFault::Position),
            (fits_chars(self.first_name, NAME_MAX), UserFault::FirstName),
            (fits_chars(self.last_name, NAME_MAX), UserFault::LastName),
            (fits_chars(self.locale, LOCALE_MAX), UserFault::Locale),
            (map_fits(self.props, PROPS_MAX), UserFault::Props),
            (map_fits(self.notify_props, NOTIFY_PROPS_MAX), UserFault::NotifyProps),
            (map_fits(self.timezone, TIMEZONE_MAX), UserFault::Timezone),
        ] {
            if !holds {
                return Err(fault);
            }
        }
        Ok(())
    }
}

fn map_fits(map: &BTreeMap<String, String>, max: usize) -> bool {
    // JSON writes NUL as \u0000, which text columns take, but clients would not expect: refused with the rest.
    map.iter().all(|(key, value)| crate::text::is_storable(key) && crate::text::is_storable(value))
        && serde_json::to_string(map).is_ok_and(|json| fits_chars(&json, max))
}

/// 1 to 64 of `a-z 0-9 . - _`, not reserved.
pub fn is_valid_username(name: &str) -> bool {
    (1..=USERNAME_MAX).contains(&name.len()) && name.bytes().all(is_username_byte) && !RESERVED_USERNAMES.contains(&name)
}

fn is_username_byte(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'_')
}

/// A valid username made from any text (names of SSO accounts); `a` and a new id when nothing usable is left.
pub fn clean_username(text: &str) -> String {
    let lower = text.to_lowercase();
    let name: String = lower.trim().chars().map(|c| if c.is_ascii() && is_username_byte(c as u8) { c } else { '-' }).collect();
    let name = name.trim_matches('-');
    if is_valid_username(name) { name.to_owned() } else { format!("a{}", crate::ids::new_id()) }
}

/// Whether an address parses and is lower case; asked only where the reference says so, sign-up takes anything.
pub fn is_well_formed_email(email: &str) -> bool {
    let Some((local, domain)) = email.rsplit_once('@') else { return false };
    let is_dot_atom = |text: &str| text.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atom_char));
    !email.chars().any(char::is_uppercase) && is_dot_atom(local) && is_dot_atom(domain)
}

fn is_atom_char(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) } else { !c.is_control() && !c.is_whitespace() }
}

/// `RestrictCreationToDomains`: separated by commas, spaces or `@`; empty lets everybody in.
pub fn is_email_in_domains(email: &str, domains: &str) -> bool {
    let (email, domains) = (email.to_lowercase(), domains.to_lowercase());
    let mut listed = domains.split(|c: char| c == ',' || c == '@' || c.is_whitespace()).filter(|d| !d.is_empty()).peekable();
    if listed.peek().is_none() {
        return true;
    }
    let domain = email.rsplit_once('@').map_or("", |(_, domain)| domain);
    listed.any(|d| d == domain)
}

/// Whether `login_id` names this user: compared exactly, by the ways of signing in that are on.
pub fn is_login_of(login_id: &str, username: &str, email: &str, by_username: bool, by_email: bool) -> bool {
    !login_id.is_empty() && ((by_username && login_id == username) || (by_email && login_id == email))
}

/// The locale of a new account: an unsupported one becomes the server's default.
pub fn signup_locale<'a>(wanted: &'a str, default: &'a str) -> &'a str {
    if SUPPORTED_LOCALES.contains(&wanted) { wanted } else { default }
}

/// `timezone` of a user who never chose.
pub fn default_timezone() -> BTreeMap<String, String> {
    to_map(&[("useAutomaticTimezone", "true"), ("automaticTimezone", ""), ("manualTimezone", "")])
}

/// `notify_props` of a user who gave none.
pub fn default_notify_props(username: &str) -> BTreeMap<String, String> {
    let mut props = to_map(&[
        ("email", "true"),
        ("push", "mention"),
        ("desktop", "mention"),
        ("desktop_sound", "true"),
        ("channel", "true"),
        ("push_status", "away"),
        ("comments", "never"),
        ("first_name", "false"),
    ]);
    props.insert(MENTION_KEYS.to_owned(), format!("{username},@{username}"));
    props
}

fn to_map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// What every update does to `notify_props`: none become the defaults, `mention_keys` loses blanks and capitals.
pub fn normalize_notify_props(props: &mut BTreeMap<String, String>, username: &str) {
    if props.is_empty() {
        *props = default_notify_props(username);
    } else if let Some(keys) = props.get_mut(MENTION_KEYS) {
        *keys = keys.split(',').filter(|key| !key.is_empty()).map(str::to_lowercase).collect::<Vec<_>>().join(",");
    }
}

/// After a rename the old name and its `@` form give way to the new pair, in front.
pub fn rename_mention_keys(props: &mut BTreeMap<String, String>, old: &str, new: &str) {
    let keys = props.entry(MENTION_KEYS.to_owned()).or_default();
    let others = keys.split(',').map(str::trim).filter(|key| !key.is_empty() && *key != old && key.strip_prefix('@') != Some(old));
    let renamed: Vec<String> = [new.to_owned(), format!("@{new}")].into_iter().chain(others.map(str::to_owned)).collect();
    *keys = renamed.join(",");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usernames() {
        for (name, valid) in [
            ("bob", true),
            (".-_", true),
            ("1", true),
            ("", false),
            ("Bob", false),
            ("a b", false),
            ("bób", false),
            ("all", false),
            ("channel", false),
            ("matterbot", false),
            ("allx", true),
            (&"x".repeat(64), true),
            (&"x".repeat(65), false),
        ] {
            assert_eq!(is_valid_username(name), valid, "{name}");
        }
        assert_eq!(clean_username("  Jöhn Doe! "), "j-hn-doe");
        assert!(is_valid_username(&clean_username("all")) && is_valid_username(&clean_username("???")));
    }

    #[test]
    fn the_first_bad_field_is_named() {
        let empty = BTreeMap::new();
        let good = UserFields {
            username: "bob",
            email: "anything",
            nickname: "",
            first_name: "",
            last_name: "",
            position: "",
            locale: "en",
            props: &empty,
            notify_props: &empty,
            timezone: &empty,
        };
        assert_eq!(good.check(), Ok(()));
        let (long, longer, addr) = ("ä".repeat(65), "ä".repeat(129), "x".repeat(129));
        let big = BTreeMap::from([("k".to_owned(), "v".repeat(4000))]);
        for (fields, fault) in [
            (UserFields { username: "B", ..good }, UserFault::Username),
            (UserFields { email: "", ..good }, UserFault::Email),
            (UserFields { email: &addr, ..good }, UserFault::Email),
            (UserFields { nickname: &long, ..good }, UserFault::Nickname),
            (UserFields { first_name: &long, ..good }, UserFault::FirstName),
            (UserFields { last_name: "a\0", ..good }, UserFault::LastName),
            (UserFields { position: &longer, ..good }, UserFault::Position),
            (UserFields { locale: "abcdef", ..good }, UserFault::Locale),
            (UserFields { props: &big, ..good }, UserFault::Props),
            (UserFields { notify_props: &big, ..good }, UserFault::NotifyProps),
        ] {
            assert_eq!(fields.check(), Err(fault));
        }
        assert_eq!(UserFields { position: &longer[2..], nickname: &long[2..], ..good }.check(), Ok(()));
    }

    #[test]
    fn addresses_and_domains() {
        for (email, good) in
            [("a@b.c", true), ("a@localhost", true), ("A@b.c", false), ("a", false), ("@b", false), ("a@", false), ("a b@c", false)]
        {
            assert_eq!(is_well_formed_email(email), good, "{email}");
        }
        for (email, domains, inside) in [
            ("a@x.org", "", true),
            ("a@x.org", " , ", true),
            ("a@x.org", "x.org", true),
            ("a@X.org", "@y.org, @X.ORG", true),
            ("a@x.org", "y.org z.org", false),
            ("a@sub.x.org", "x.org", false),
            ("x.org", "x.org", false),
        ] {
            assert_eq!(is_email_in_domains(email, domains), inside, "{email} {domains}");
        }
    }

    #[test]
    fn signing_in_is_exact() {
        assert!(is_login_of("bob", "bob", "b@x", true, false));
        assert!(!is_login_of("Bob", "bob", "b@x", true, true));
        assert!(!is_login_of("b@x", "bob", "b@x", true, false));
        assert!(!is_login_of("", "", "", true, true));
    }

    #[test]
    fn mention_keys_follow_the_user() {
        let mut props = BTreeMap::new();
        normalize_notify_props(&mut props, "bob");
        assert_eq!(props[MENTION_KEYS], "bob,@bob");
        assert_eq!(props.len(), 9);
        props.insert(MENTION_KEYS.to_owned(), "Bob,,@bob,Rust".to_owned());
        normalize_notify_props(&mut props, "bob");
        assert_eq!(props[MENTION_KEYS], "bob,@bob,rust");
        rename_mention_keys(&mut props, "bob", "rob");
        assert_eq!(props[MENTION_KEYS], "rob,@rob,rust");
        let mut sparse = BTreeMap::from([("email".to_owned(), "false".to_owned())]);
        normalize_notify_props(&mut sparse, "bob");
        assert_eq!(sparse.len(), 1);
        assert_eq!(signup_locale("xx", "en"), "en");
        assert_eq!(signup_locale("de", "en"), "de");
    }
}
