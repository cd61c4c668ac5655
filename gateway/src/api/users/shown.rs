//! Users as a session may see them. Everything that answers with users of others goes through here.

use crate::{extract::Session, state::Gateway};
use muster_domain::permissions::Permission;
use muster_proto::{
    model::User,
    views::{Privacy, Viewer, user_for},
};

/// How a session sees other people.
pub fn viewer(gateway: &Gateway, session: &Session) -> Viewer {
    if gateway.access.is_allowed(session, Permission::ManageSystem) { Viewer::Admin } else { Viewer::Other(privacy(gateway)) }
}

/// What ordinary people see of each other now.
pub fn privacy(gateway: &Gateway) -> Privacy {
    let snapshot = gateway.settings();
    Privacy { show_email: snapshot.settings.show_email_address, show_full_name: snapshot.settings.show_full_name }
}

/// The profile view, also of oneself.
pub fn profile(gateway: &Gateway, session: &Session, mut user: User) -> User {
    user_for(&mut user, viewer(gateway, session));
    user
}

/// The profile view of many.
pub fn profiles(gateway: &Gateway, session: &Session, mut users: Vec<User>) -> Vec<User> {
    let viewer = viewer(gateway, session);
    users.iter_mut().for_each(|user| user_for(user, viewer));
    users
}

/// The view of oneself, and of the answer to a change.
pub fn own(mut user: User) -> User {
    user_for(&mut user, Viewer::Myself);
    user
}
