//! Rules for teams.

use crate::text::{fits_bytes, fits_chars};

/// Bytes.
pub const NAME_MIN: usize = 2;
/// Bytes.
pub const NAME_MAX: usize = 64;
/// Characters.
pub const DISPLAY_NAME_MAX: usize = 64;
/// Bytes.
pub const DESCRIPTION_MAX: usize = 255;
/// Bytes.
pub const COMPANY_NAME_MAX: usize = 64;
/// Bytes.
pub const ALLOWED_DOMAINS_MAX: usize = 500;
/// Bytes.
pub const EMAIL_MAX: usize = 128;
/// Bytes.
pub const INVITE_ID_MAX: usize = 32;
/// Memberships one batch may add.
pub const BATCH_MAX: usize = 20;

/// No team name may begin with one of these: the web client's routes do.
pub const RESERVED_PREFIXES: &[&str] = &["signup", "login", "admin", "channel", "post", "api", "oauth"];

/// Anyone on the server may find the team.
pub const TYPE_OPEN: &str = "O";
/// The team is found by invitation.
pub const TYPE_INVITE: &str = "I";

/// The rule a team breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TeamFault {
    /// The name's characters or its shortness.
    Characters,
    /// The name is too long.
    Url,
    Reserved,
    DisplayName,
    Description,
    Company,
    Domains,
    Email,
    Type,
    InviteId,
}

/// The fields of a team that have rules, as they are about to be stored.
#[derive(Debug, Clone, Copy)]
pub struct TeamFields<'a> {
    pub name: &'a str,
    pub display_name: &'a str,
    pub description: &'a str,
    pub company_name: &'a str,
    pub allowed_domains: &'a str,
    pub email: &'a str,
    pub kind: &'a str,
    pub invite_id: &'a str,
}

impl TeamFields<'_> {
    /// The first rule broken.
    pub fn check(&self) -> Result<(), TeamFault> {
        for (holds, fault) in [
            (self.email.is_empty() || is_team_email(self.email), TeamFault::Email),
            (!self.display_name.is_empty() && fits_chars(self.display_name, DISPLAY_NAME_MAX), TeamFault::DisplayName),
            (self.name.len() <= NAME_MAX, TeamFault::Url),
            (fits_bytes(self.description, DESCRIPTION_MAX), TeamFault::Description),
            (!is_reserved_name(self.name), TeamFault::Reserved),
            (is_team_name(self.name), TeamFault::Characters),
            (matches!(self.kind, TYPE_OPEN | TYPE_INVITE), TeamFault::Type),
            (fits_bytes(self.company_name, COMPANY_NAME_MAX), TeamFault::Company),
            (fits_bytes(self.allowed_domains, ALLOWED_DOMAINS_MAX), TeamFault::Domains),
            (fits_bytes(self.invite_id, INVITE_ID_MAX), TeamFault::InviteId),
        ] {
            if !holds {
                return Err(fault);
            }
        }
        Ok(())
    }
}

fn is_team_email(email: &str) -> bool {
    fits_bytes(email, EMAIL_MAX) && crate::users::is_well_formed_email(email)
}

/// 2 to 64 lower-case letters, digits and hyphens, alphanumeric at both ends; or two alphanumeric runs joined by `__`.
pub fn is_team_name(name: &str) -> bool {
    let alphanumeric = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = name.as_bytes();
    if !(NAME_MIN..=NAME_MAX).contains(&bytes.len()) {
        return false;
    }
    if let Some((left, right)) = name.split_once("__") {
        return !left.is_empty() && !right.is_empty() && left.bytes().chain(right.bytes()).all(alphanumeric);
    }
    alphanumeric(bytes[0]) && alphanumeric(bytes[bytes.len() - 1]) && bytes.iter().all(|b| alphanumeric(*b) || *b == b'-')
}

/// Whether the name begins with a reserved word (`apian` does).
pub fn is_reserved_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    RESERVED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (name, valid) in [
            ("ab", true),
            ("a", false),
            ("a-b", true),
            ("a--b", true),
            ("-ab", false),
            ("ab-", false),
            ("a_b", false),
            ("a__b", true),
            ("a-x__b", false),
            ("a__b__c", false),
            ("__", false),
            ("aB", false),
            ("aä", false),
            (&"a".repeat(64), true),
            (&"a".repeat(65), false),
        ] {
            assert_eq!(is_team_name(name), valid, "{name}");
        }
        assert!(is_reserved_name("apian") && is_reserved_name("Login") && !is_reserved_name("my-api"));
    }

    #[test]
    fn the_first_broken_rule_is_named() {
        let good = TeamFields {
            name: "core",
            display_name: "Core",
            description: "",
            company_name: "",
            allowed_domains: "",
            email: "a@b.c",
            kind: "O",
            invite_id: "",
        };
        assert_eq!(good.check(), Ok(()));
        let long = "x".repeat(501);
        for (fields, fault) in [
            (TeamFields { name: "x", ..good }, TeamFault::Characters),
            (TeamFields { name: &long, ..good }, TeamFault::Url),
            (TeamFields { name: "postal", ..good }, TeamFault::Reserved),
            (TeamFields { display_name: "", ..good }, TeamFault::DisplayName),
            (TeamFields { display_name: &long[..65], ..good }, TeamFault::DisplayName),
            (TeamFields { description: &long[..256], ..good }, TeamFault::Description),
            (TeamFields { company_name: &long[..65], ..good }, TeamFault::Company),
            (TeamFields { allowed_domains: &long, ..good }, TeamFault::Domains),
            (TeamFields { email: "nobody", ..good }, TeamFault::Email),
            (TeamFields { kind: "", ..good }, TeamFault::Type),
            (TeamFields { kind: "P", ..good }, TeamFault::Type),
        ] {
            assert_eq!(fields.check(), Err(fault));
        }
    }
}
