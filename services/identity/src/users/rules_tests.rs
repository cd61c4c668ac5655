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
fn limits_of_fields() {
    let with = |change: fn(&mut User)| {
        let mut user = user();
        change(&mut user);
        check(&user).err().map(|e| e.id)
    };
    assert_eq!(with(|_| {}), None);
    assert_eq!(with(|u| u.username = "x".repeat(64)), None);
    assert_eq!(with(|u| u.username = "_.-9".into()), None);
    for (change, id) in [
        ((|u: &mut User| u.username = "x".repeat(65)) as fn(&mut User), ErrorId::UserInvalidUsername),
        (|u| u.username = "channel".into(), ErrorId::UserInvalidUsername),
        (|u| u.username = "a b".into(), ErrorId::UserInvalidUsername),
        (|u| u.username = "é".into(), ErrorId::UserInvalidUsername),
        (|u| u.email = String::new(), ErrorId::UserInvalidEmail),
        (|u| u.email = "x".repeat(129), ErrorId::UserInvalidEmail),
        (|u| u.nickname = "é".repeat(65), ErrorId::UserInvalidNickname),
        (|u| u.first_name = "é".repeat(65), ErrorId::UserInvalidFirstName),
        (|u| u.last_name = "é".repeat(65), ErrorId::UserInvalidLastName),
        (|u| u.position = "é".repeat(129), ErrorId::UserInvalidPosition),
        (|u| u.locale = "abcdef".into(), ErrorId::InvalidBodyParam),
        (|u| drop(u.props.insert("k".into(), "v".repeat(4_000))), ErrorId::InvalidBodyParam),
        (|u| drop(u.notify_props.insert("k".into(), "v".repeat(2_000))), ErrorId::InvalidBodyParam),
    ] {
        assert_eq!(with(change), Some(id));
    }
    assert_eq!(with(|u| u.nickname = "é".repeat(64)), None, "characters count, not bytes");
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
fn domains() {
    let settings = |domains: &str| Settings { restrict_creation_to_domains: domains.into(), ..Settings::default() };
    for (domains, email, allowed) in [
        ("", "a@x.com", true),
        ("@x.com, y.com", "a@y.com", true),
        ("x.com", "a@sub.x.com", false),
        ("x.com", "a@evilx.com", false),
        ("X.com", "a@x.com", true),
        ("x.com", "x.com", false),
    ] {
        assert_eq!(check_domain(email, &settings(domains)).is_ok(), allowed, "{domains} {email}");
    }
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
