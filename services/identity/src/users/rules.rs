//! What an account may be, and how a change is merged into it (reference: identity, sections 4, 5 and 7).

use muster_domain::{config::Settings, ids::new_id};
use muster_error::{AppError, ErrorId};
use muster_proto::{identity::PatchUserRequest, model::User};
use std::collections::BTreeMap;

/// Bytes; the alphabet is ASCII.
const USERNAME_MAX: usize = 64;
const RESERVED_USERNAMES: &[&str] = &["all", "channel", "matterbot"];
/// Bytes.
const EMAIL_MAX: usize = 128;
/// Characters of nickname, first name, last name.
const NAME_MAX: usize = 64;
/// Characters.
const POSITION_MAX: usize = 128;
/// Characters of the props' JSON.
const PROPS_MAX: usize = 4_000;
/// Characters of the notify_props' JSON.
const NOTIFY_PROPS_MAX: usize = 2_000;
/// Characters of the timezone's JSON.
const TIMEZONE_MAX: usize = 256;
/// Characters.
const LOCALE_MAX: usize = 5;
/// Languages the clients are translated into.
const LOCALES: &[&str] = &["de", "en", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt-BR", "ro", "ru", "tr", "zh-CN", "zh-TW"];
const MENTION_KEYS: &str = "mention_keys";
/// The notify property that turns the automatic reply on.
pub(crate) const AUTO_RESPONDER: &str = "auto_responder_active";

/// The 400 of the first field that does not fit.
pub(super) fn check(user: &User) -> Result<(), AppError> {
    let longer = |text: &str, max: usize| text.chars().count() > max;
    let json_longer = |map: &BTreeMap<String, String>, max: usize| longer(&serde_json::to_string(map).unwrap_or_default(), max);
    if !is_username(&user.username) {
        return Err(ErrorId::UserInvalidUsername.into());
    }
    if user.email.is_empty() || user.email.len() > EMAIL_MAX {
        return Err(ErrorId::UserInvalidEmail.into());
    }
    for (text, max, id) in [
        (&user.nickname, NAME_MAX, ErrorId::UserInvalidNickname),
        (&user.position, POSITION_MAX, ErrorId::UserInvalidPosition),
        (&user.first_name, NAME_MAX, ErrorId::UserInvalidFirstName),
        (&user.last_name, NAME_MAX, ErrorId::UserInvalidLastName),
    ] {
        if longer(text, max) {
            return Err(id.into());
        }
    }
    for (map, max, name) in [
        (&user.props, PROPS_MAX, "props"),
        (&user.notify_props, NOTIFY_PROPS_MAX, "notify_props"),
        (&user.timezone, TIMEZONE_MAX, "timezone"),
    ] {
        if json_longer(map, max) {
            return Err(AppError::body(name));
        }
    }
    if longer(&user.locale, LOCALE_MAX) {
        return Err(AppError::body("locale"));
    }
    Ok(())
}

/// 1 to 64 of `a-z 0-9 . - _`, not reserved.
pub(super) fn is_username(name: &str) -> bool {
    (1..=USERNAME_MAX).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'_'))
        && !RESERVED_USERNAMES.contains(&name)
}

/// A new account from what was submitted: only what its owner may choose is taken.
pub(super) fn fresh(submitted: User, settings: &Settings, now: i64) -> User {
    let mut user = User {
        id: new_id(),
        create_at: now,
        update_at: now,
        username: submitted.username.to_lowercase(),
        email: submitted.email.to_lowercase(),
        email_verified: submitted.email_verified,
        nickname: submitted.nickname,
        first_name: submitted.first_name,
        last_name: submitted.last_name,
        position: submitted.position,
        allow_marketing: submitted.allow_marketing,
        props: submitted.props,
        notify_props: submitted.notify_props,
        last_password_update: now,
        locale: submitted.locale,
        timezone: submitted.timezone,
        ..User::default()
    };
    if user.username.is_empty() {
        user.username = new_id();
    }
    if !LOCALES.contains(&user.locale.as_str()) {
        user.locale = settings.default_client_locale.clone();
    }
    fill_defaults(&mut user);
    user
}

/// PUT: everything its owner may change is replaced.
pub(super) fn replaced(old: &User, submitted: User) -> User {
    User {
        username: submitted.username,
        email: submitted.email,
        nickname: submitted.nickname,
        first_name: submitted.first_name,
        last_name: submitted.last_name,
        position: submitted.position,
        props: submitted.props,
        notify_props: submitted.notify_props,
        locale: submitted.locale,
        timezone: submitted.timezone,
        ..old.clone()
    }
}

/// PATCH: only what is given; maps are replaced whole.
pub(super) fn patched(old: &User, patch: PatchUserRequest) -> User {
    let old = old.clone();
    User {
        username: patch.username.unwrap_or(old.username),
        email: patch.email.unwrap_or(old.email),
        nickname: patch.nickname.unwrap_or(old.nickname),
        first_name: patch.first_name.unwrap_or(old.first_name),
        last_name: patch.last_name.unwrap_or(old.last_name),
        position: patch.position.unwrap_or(old.position),
        locale: patch.locale.unwrap_or(old.locale),
        props: patch.props.map_or(old.props, |m| m.entries),
        notify_props: patch.notify_props.map_or(old.notify_props, |m| m.entries),
        timezone: patch.timezone.map_or(old.timezone, |m| m.entries),
        ..old
    }
}

/// The changed account as it is stored.
pub(super) fn tidied(old: &User, mut user: User) -> User {
    user.username = user.username.to_lowercase();
    user.email = user.email.to_lowercase();
    fill_defaults(&mut user);
    if let Some(keys) = user.notify_props.get_mut(MENTION_KEYS) {
        *keys = keys.split(',').filter(|k| !k.is_empty()).map(str::to_lowercase).collect::<Vec<_>>().join(",");
    }
    if user.username != old.username {
        follow_rename(&mut user.notify_props, &old.username, &user.username);
    }
    if user.email != old.email {
        user.email_verified = false;
    }
    user
}

fn fill_defaults(user: &mut User) {
    if user.notify_props.is_empty() {
        user.notify_props = default_notify_props(&user.username);
    }
    if user.timezone.is_empty() {
        user.timezone = strings(&[("automaticTimezone", ""), ("manualTimezone", ""), ("useAutomaticTimezone", "true")]);
    }
}

fn default_notify_props(username: &str) -> BTreeMap<String, String> {
    let mut props = strings(&[
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

fn strings(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

/// The old name stops being a mention key, the new one becomes the first.
fn follow_rename(notify_props: &mut BTreeMap<String, String>, old: &str, new: &str) {
    let keys = notify_props.get(MENTION_KEYS).map(String::as_str).unwrap_or_default();
    let at = |name: &str| format!("@{name}");
    let kept = keys.split(',').filter(|k| !k.is_empty() && *k != old && *k != at(old) && *k != new && *k != at(new));
    let keys: Vec<String> = [new.to_owned(), at(new)].into_iter().chain(kept.map(str::to_owned)).collect();
    notify_props.insert(MENTION_KEYS.to_owned(), keys.join(","));
}

/// Whether the automatic reply was turned on (`Some(true)`) or off.
pub(super) fn auto_responder_turned(old: &User, new: &User) -> Option<bool> {
    let on = |user: &User| user.notify_props.get(AUTO_RESPONDER).is_some_and(|v| v == "true");
    (on(old) != on(new)).then(|| on(new))
}

/// `RestrictCreationToDomains`: domains separated by commas or spaces, each perhaps with `@`; none = all.
pub(super) fn check_domain(email: &str, settings: &Settings) -> Result<(), AppError> {
    let allowed = settings.restrict_creation_to_domains.to_lowercase().replace('@', " ").replace(',', " ");
    let mut domains = allowed.split_whitespace().peekable();
    if domains.peek().is_none() || domains.any(|domain| email.rsplit_once('@').is_some_and(|(_, d)| d == domain)) {
        return Ok(());
    }
    Err(ErrorId::SignupDomainRefused.into())
}

/// How somebody came to the sign-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signup {
    Admin,
    Invited,
    Open,
}

/// Whether the settings let an account be made; the first one needs no open server.
pub(super) fn check_signup(signup: Signup, first: bool, settings: &Settings) -> Result<(), AppError> {
    if signup == Signup::Admin {
        return Ok(());
    }
    if !settings.enable_user_creation || !settings.enable_sign_up_with_email {
        return Err(ErrorId::SignupEmailDisabled.into());
    }
    if signup == Signup::Open && !first && !settings.enable_open_server {
        return Err(ErrorId::NoOpenServer.into());
    }
    Ok(())
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
