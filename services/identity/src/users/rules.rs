//! What an account may be, and how a change is merged into it (reference: identity, sections 4, 5 and 7).

use muster_domain::{
    config::Settings,
    ids::new_id,
    users::{UserFields, default_timezone, is_email_in_domains, normalize_notify_props, rename_mention_keys, signup_locale},
};
use muster_error::{AppError, ErrorId};
use muster_proto::{identity::PatchUserRequest, model::User};

/// The notify property that turns the automatic reply on.
pub(crate) const AUTO_RESPONDER: &str = "auto_responder_active";

/// The 400 of the first field that does not fit.
pub(super) fn check(user: &User) -> Result<(), AppError> {
    let User { username, email, nickname, first_name, last_name, position, locale, props, notify_props, timezone, .. } = user;
    Ok(UserFields { username, email, nickname, first_name, last_name, position, locale, props, notify_props, timezone }.check()?)
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
    user.locale = signup_locale(&user.locale, &settings.default_client_locale).to_owned();
    let username = user.username.clone();
    fill_defaults(&mut user, &username);
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
    fill_defaults(&mut user, &old.username);
    if user.username != old.username {
        rename_mention_keys(&mut user.notify_props, &old.username, &user.username);
    }
    if user.email != old.email {
        user.email_verified = false;
    }
    user
}

/// `username` is the one the mention keys speak of so far.
fn fill_defaults(user: &mut User, username: &str) {
    normalize_notify_props(&mut user.notify_props, username);
    if user.timezone.is_empty() {
        user.timezone = default_timezone();
    }
}

/// Whether the automatic reply was turned on (`Some(true)`) or off.
pub(super) fn auto_responder_turned(old: &User, new: &User) -> Option<bool> {
    let on = |user: &User| user.notify_props.get(AUTO_RESPONDER).is_some_and(|v| v == "true");
    (on(old) != on(new)).then(|| on(new))
}

/// `RestrictCreationToDomains`, for sign-up and for changed addresses.
pub(super) fn check_domain(email: &str, settings: &Settings) -> Result<(), AppError> {
    if is_email_in_domains(email, &settings.restrict_creation_to_domains) { Ok(()) } else { Err(ErrorId::SignupDomainRefused.into()) }
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
