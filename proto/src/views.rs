//! Who sees which fields of a user: the one place where they are stripped.

use crate::model::User;

/// What ordinary people see of each other (`PrivacySettings`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Privacy {
    pub show_email: bool,
    pub show_full_name: bool,
}

/// For whom a user is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Viewer {
    /// The user, in the answers that are about oneself.
    Myself,
    /// Somebody with `manage_system`.
    Admin,
    Other(Privacy),
}

/// Strips what the viewer may not see.
pub fn user_for(user: &mut User, viewer: Viewer) {
    user.auth_data.clear();
    if viewer == Viewer::Myself {
        return;
    }
    user.notify_props.clear();
    user.email_verified = false;
    user.allow_marketing = false;
    user.failed_attempts = 0;
    user.last_password_update = 0;
    if let Viewer::Other(privacy) = viewer {
        user.auth_service.clear();
        if !privacy.show_email {
            user.email.clear();
        }
        if !privacy.show_full_name {
            user.first_name.clear();
            user.last_name.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    const SHOWN: Privacy = Privacy { show_email: true, show_full_name: true };
    const HIDDEN: Privacy = Privacy { show_email: false, show_full_name: false };

    fn full() -> User {
        let map = || [("k".to_owned(), "v".to_owned())].into();
        User {
            id: "id".into(),
            username: "name".into(),
            email: "e".into(),
            first_name: "f".into(),
            last_name: "l".into(),
            auth_service: "ldap".into(),
            auth_data: "secret".into(),
            email_verified: true,
            allow_marketing: true,
            failed_attempts: 1,
            last_password_update: 1,
            props: map(),
            notify_props: map(),
            ..User::default()
        }
    }

    /// `(email, first_name, auth_service, has notify_props, has failed_attempts, has props)`
    fn seen(viewer: Viewer) -> (String, String, String, bool, bool, bool) {
        let mut user = full();
        user_for(&mut user, viewer);
        let json = serde_json::to_value(&user).expect("encodes");
        assert_eq!(json["auth_data"], "");
        let text = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
        let has = |name: &str| json.get(name).is_some_and(|v: &Value| !v.is_null());
        (text("email"), text("first_name"), text("auth_service"), has("notify_props"), has("failed_attempts"), has("props"))
    }

    #[test]
    fn each_viewer_sees_their_part() {
        let s = String::from;
        assert_eq!(seen(Viewer::Myself), (s("e"), s("f"), s("ldap"), true, true, true));
        assert_eq!(seen(Viewer::Admin), (s("e"), s("f"), s("ldap"), false, false, true));
        assert_eq!(seen(Viewer::Other(SHOWN)), (s("e"), s("f"), s(""), false, false, true));
        assert_eq!(seen(Viewer::Other(HIDDEN)), (s(""), s(""), s(""), false, false, true));
    }
}
