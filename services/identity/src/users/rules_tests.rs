use super::*;
use muster_proto::identity::StringMap;

fn user() -> User {
    fresh(User { username: "Ada".into(), email: "Ada@Example.com".into(), ..User::default() }, &Settings::default(), 7)
}

#[test]
fn a_new_account_has_its_defaults() {
    let new = user();
    assert_eq!((new.username.as_str(), new.email.as_str(), new.locale.as_str()), ("ada", "ada@example.com", "en"));
    assert_eq!(new.notify_props["mention_keys"], "ada,@ada");
    assert_eq!(new.notify_props.len(), 9);
    assert_eq!(new.timezone["useAutomaticTimezone"], "true");
    assert_eq!((new.create_at, new.update_at, new.last_password_update), (7, 7, 7));
    let taken = fresh(
        User {
            roles: "system_admin".into(),
            delete_at: 1,
            auth_service: "ldap".into(),
            failed_attempts: 9,
            locale: "xx".into(),
            ..User::default()
        },
        &Settings::default(),
        7,
    );
    assert_eq!((taken.roles.as_str(), taken.delete_at, taken.auth_service.as_str(), taken.failed_attempts), ("", 0, "", 0));
    assert_eq!(taken.locale, "en");
    assert_eq!(taken.username.len(), 26, "a blank username becomes an id");
}

#[test]
fn a_rename_moves_the_mention_keys() {
    let old = user();
    let mut new = old.clone();
    new.username = "Byron".into();
    new.notify_props.insert("mention_keys".into(), "ADA,@ada,,Countess".into());
    let stored = tidied(&old, new);
    assert_eq!(stored.username, "byron");
    assert_eq!(stored.notify_props["mention_keys"], "byron,@byron,countess");
    let without = User { username: "byron".into(), notify_props: Default::default(), ..old.clone() };
    assert_eq!(tidied(&old, without).notify_props["mention_keys"], "byron,@byron");
}

#[test]
fn a_changed_email_is_unverified() {
    let old = User { email_verified: true, ..user() };
    assert!(tidied(&old, old.clone()).email_verified);
    assert!(!tidied(&old, User { email: "new@x".into(), ..old.clone() }).email_verified);
}

#[test]
fn a_patch_changes_only_what_it_names_and_a_put_everything() {
    let old = User { nickname: "n".into(), first_name: "f".into(), roles: "system_user".into(), ..user() };
    let patch = PatchUserRequest {
        first_name: Some("g".into()),
        notify_props: Some(StringMap { entries: [("a".to_owned(), "b".to_owned())].into() }),
        ..PatchUserRequest::default()
    };
    let new = patched(&old, patch);
    assert_eq!((new.nickname.as_str(), new.first_name.as_str(), new.notify_props.len()), ("n", "g", 1));
    let new = tidied(&old, replaced(&old, User { username: "ada".into(), email: old.email.clone(), roles: "x".into(), ..User::default() }));
    assert_eq!((new.nickname.as_str(), new.roles.as_str(), new.create_at), ("", "system_user", old.create_at));
    assert_eq!(new.notify_props["mention_keys"], "ada,@ada", "missing notify_props become the defaults");
}

#[test]
fn the_automatic_reply_is_noticed_when_it_turns() {
    let (off, mut on) = (user(), user());
    on.notify_props.insert(AUTO_RESPONDER.into(), "true".into());
    assert_eq!(auto_responder_turned(&off, &on), Some(true));
    assert_eq!(auto_responder_turned(&on, &off), Some(false));
    assert_eq!(auto_responder_turned(&on, &on), None);
}

#[test]
fn who_may_sign_up() {
    let closed = Settings::default();
    let off = Settings { enable_user_creation: false, ..Settings::default() };
    for (signup, first, settings, status) in [
        (Signup::Open, false, &closed, Some(403)),
        (Signup::Open, true, &closed, None),
        (Signup::Invited, false, &closed, None),
        (Signup::Invited, false, &off, Some(501)),
        (Signup::Open, true, &off, Some(501)),
        (Signup::Admin, false, &off, None),
    ] {
        assert_eq!(check_signup(signup, first, settings).err().map(|e| e.status), status, "{signup:?} {first}");
    }
}
