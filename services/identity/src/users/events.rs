//! What changes of accounts announce (reference: identity, section 15).

use muster_domain::config::Settings;
use muster_events::{Announcement, Audience, Item, RolesChanged, audience, everyone_subject, frame, item, item::Kind, user_subject};
use muster_proto::{
    model::User,
    views::{Privacy, Viewer, user_for},
};
use serde::Serialize;
use serde_json::json;

#[derive(Serialize)]
struct UserUpdated<'a> {
    user: &'a User,
}

pub(super) fn new_user(user_id: &str) -> Announcement {
    Announcement::new(everyone_subject(), vec![frame("new_user", &json!({ "user_id": user_id }), audience::everyone())])
}

/// Two versions; each connection gets exactly one.
pub(super) fn user_updated(user: &User, settings: &Settings) -> Announcement {
    Announcement::new(
        everyone_subject(),
        vec![
            shown(user, Viewer::Admin, Audience { only_system_admins: true, ..audience::everyone() }),
            shown(user, Viewer::Other(privacy(settings)), Audience { except_system_admins: true, ..audience::everyone() }),
        ],
    )
}

/// A new picture is announced as ordinary people see the user, to administrators too.
pub(super) fn picture_updated(user: &User, settings: &Settings) -> Announcement {
    Announcement::new(everyone_subject(), vec![shown(user, Viewer::Other(privacy(settings)), audience::everyone())])
}

/// The sockets of the user learn the roles before the clients do.
pub(super) fn roles_changed(user: &User) -> Announcement {
    let change = RolesChanged { user_id: user.id.clone(), roles: user.roles.clone() };
    let data = json!({ "user_id": user.id, "roles": user.roles });
    let items = vec![item(Kind::RolesChanged(change)), frame("user_role_updated", &data, audience::user(&user.id))];
    Announcement::new(user_subject(&user.id), items)
}

fn shown(user: &User, viewer: Viewer, audience: Audience) -> Item {
    let mut user = user.clone();
    user_for(&mut user, viewer);
    frame("user_updated", &UserUpdated { user: &user }, audience)
}

fn privacy(settings: &Settings) -> Privacy {
    Privacy { show_email: settings.show_email_address, show_full_name: settings.show_full_name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_has_its_audience_and_fields() {
        let user = User { id: "u".into(), email: "e@x".into(), email_verified: true, ..User::default() };
        let settings = Settings { show_email_address: false, ..Settings::default() };
        let frames: Vec<_> = user_updated(&user, &settings)
            .batch
            .items
            .into_iter()
            .filter_map(|i| match i.kind {
                Some(Kind::Frame(frame)) => Some(frame),
                _ => None,
            })
            .collect();
        let email = |i: usize| serde_json::from_slice::<serde_json::Value>(&frames[i].data).expect("json")["user"]["email"].clone();
        let audience = |i: usize| frames[i].audience.clone().expect("audience");
        assert!(audience(0).only_system_admins && !audience(0).except_system_admins);
        assert!(audience(1).except_system_admins && !audience(1).only_system_admins);
        assert_eq!((email(0), email(1)), (json!("e@x"), json!("")));
    }
}
