//! Default values: those a new installation ships with, and those a setting takes that a PUT leaves out.

use super::tree::{flag, set, text};
use serde_json::{Map, Value};
use std::sync::LazyLock;

static SHIPPED: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(include_str!("defaults.json")).unwrap_or_default());

static BUILT_IN: LazyLock<Value> = LazyLock::new(|| {
    let mut tree = shipped().clone();
    for pointer in BUILT_IN_FALSE {
        set(&mut tree, pointer, false);
    }
    for pointer in BUILT_IN_EMPTY {
        set(&mut tree, pointer, "");
    }
    for (pointer, value) in BUILT_IN_TEXT {
        set(&mut tree, pointer, *value);
    }
    set(&mut tree, "/ServiceSettings/EnableAPIv3", true);
    tree
});

const BUILT_IN_FALSE: &[&str] = &[
    "/ServiceSettings/EnableIncomingWebhooks",
    "/ServiceSettings/EnableOutgoingWebhooks",
    "/ServiceSettings/EnableCommands",
    "/TeamSettings/EnableUserCreation",
    "/EmailSettings/EnableSignUpWithEmail",
    "/EmailSettings/EnableSignInWithEmail",
    "/EmailSettings/EnableSignInWithUsername",
    "/EmailSettings/SendEmailNotifications",
    "/PrivacySettings/ShowEmailAddress",
    "/PrivacySettings/ShowFullName",
    "/LogSettings/EnableConsole",
    "/LogSettings/EnableFile",
    "/LogSettings/EnableWebhookDebugging",
];

const BUILT_IN_EMPTY: &[&str] = &[
    "/ServiceSettings/SiteURL",
    "/TeamSettings/SiteName",
    "/LogSettings/ConsoleLevel",
    "/LogSettings/FileLevel",
    "/EmailSettings/FeedbackEmail",
    "/EmailSettings/SMTPServer",
    "/EmailSettings/SMTPPort",
    "/GoogleSettings/Scope",
    "/GoogleSettings/AuthEndpoint",
    "/GoogleSettings/TokenEndpoint",
    "/GoogleSettings/UserApiEndpoint",
    "/Office365Settings/Scope",
    "/Office365Settings/AuthEndpoint",
    "/Office365Settings/TokenEndpoint",
    "/Office365Settings/UserApiEndpoint",
    "/ElasticsearchSettings/ConnectionUrl",
    "/ElasticsearchSettings/Username",
    "/ElasticsearchSettings/Password",
];

const BUILT_IN_TEXT: &[(&str, &str)] = &[
    ("/EmailSettings/LoginButtonColor", "#0000"),
    ("/EmailSettings/LoginButtonBorderColor", "#2389D7"),
    ("/EmailSettings/LoginButtonTextColor", "#2389D7"),
    ("/LdapSettings/LoginButtonColor", "#0000"),
    ("/LdapSettings/LoginButtonBorderColor", "#2389D7"),
    ("/LdapSettings/LoginButtonTextColor", "#2389D7"),
    ("/SamlSettings/LoginButtonColor", "#34a28b"),
    ("/SamlSettings/LoginButtonBorderColor", "#2389D7"),
    ("/SamlSettings/LoginButtonTextColor", "#ffffff"),
];

/// The configuration of a new installation. Its shape is the schema: sections, settings and their types.
pub fn shipped() -> &'static Value {
    &SHIPPED
}

/// The values of settings that a PUT leaves out. They differ from the shipped ones: the original's code and its
/// configuration file disagree.
pub fn built_in() -> &'static Value {
    &BUILT_IN
}

/// The whole tree a PUT asks for: what it leaves out, or sends with another type, takes its built-in default; what the
/// schema does not know is dropped. `None` when `sent` is no object.
pub fn complete(sent: &Value) -> Option<Value> {
    sent.is_object().then(|| {
        let mut tree = merged(built_in(), Some(sent));
        derive(&mut tree, sent);
        tree
    })
}

fn merged(default: &Value, sent: Option<&Value>) -> Value {
    match (default, sent) {
        // An empty object in the schema is an open map (plugin settings): its keys are not ours to know.
        (Value::Object(schema), Some(sent @ Value::Object(_))) if schema.is_empty() => sent.clone(),
        (Value::Object(schema), sent) => Value::Object(
            schema.iter().map(|(key, default)| (key.clone(), merged(default, sent.and_then(|s| s.get(key))))).collect::<Map<_, _>>(),
        ),
        (_, Some(sent)) if same_type(default, sent) => sent.clone(),
        _ => default.clone(),
    }
}

fn same_type(default: &Value, sent: &Value) -> bool {
    match (default, sent) {
        (Value::Bool(_), Value::Bool(_)) | (Value::String(_), Value::String(_)) => true,
        (Value::Number(_), Value::Number(n)) => n.is_i64(),
        (Value::Array(_), Value::Array(items)) => items.iter().all(Value::is_string),
        _ => false,
    }
}

/// Defaults that follow another setting's value.
fn derive(tree: &mut Value, sent: &Value) {
    let given = |pointer: &str| match (built_in().pointer(pointer), sent.pointer(pointer)) {
        (Some(default), Some(sent)) => same_type(default, sent),
        _ => false,
    };
    if !given("/EmailSettings/EnableSignInWithEmail") {
        let sign_up = flag(tree, "/EmailSettings/EnableSignUpWithEmail");
        set(tree, "/EmailSettings/EnableSignInWithEmail", sign_up);
    }
    if !given("/LdapSettings/EnableSync") {
        let ldap = flag(tree, "/LdapSettings/Enable");
        set(tree, "/LdapSettings/EnableSync", ldap);
    }
    if !given("/TeamSettings/TeammateNameDisplay") {
        let full_name = flag(tree, "/LdapSettings/Enable") || flag(tree, "/SamlSettings/Enable");
        set(tree, "/TeamSettings/TeammateNameDisplay", if full_name { "full_name" } else { "username" });
    }
    for kind in ["Public", "Private"] {
        let management = text(tree, &format!("/TeamSettings/Restrict{kind}ChannelManagement")).to_owned();
        let creation = format!("/TeamSettings/Restrict{kind}ChannelCreation");
        if !given(&creation) {
            // There is no channel yet whose administrator could be asked.
            set(tree, &creation, if management == "channel_admin" { "team_admin" } else { &management });
        }
        let deletion = format!("/TeamSettings/Restrict{kind}ChannelDeletion");
        if !given(&deletion) {
            set(tree, &deletion, management);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_shipped_file_parses() {
        assert_eq!(shipped().as_object().map(|sections| sections.len()), Some(32));
    }

    #[test]
    fn every_difference_names_a_shipped_setting() {
        for pointer in BUILT_IN_FALSE.iter().chain(BUILT_IN_EMPTY).chain(BUILT_IN_TEXT.iter().map(|(p, _)| p)) {
            assert!(shipped().pointer(pointer).is_some(), "{pointer}");
        }
    }

    #[test]
    fn a_partial_tree_resets_everything_else() {
        let tree = complete(&json!({"TeamSettings": {"MaxUsersPerTeam": 7}})).expect("an object");
        assert_eq!(tree["TeamSettings"]["MaxUsersPerTeam"], 7);
        assert_eq!(tree["TeamSettings"]["SiteName"], "");
        assert_eq!(tree["ServiceSettings"]["EnableCommands"], false);
        assert_eq!(tree["ServiceSettings"]["EnableAPIv3"], true);
        assert_eq!(tree["SamlSettings"]["LoginButtonColor"], "#34a28b");
        assert_eq!(tree["ServiceSettings"]["ReadTimeout"], 300);
    }

    #[test]
    fn unknown_keys_are_dropped_and_wrong_types_count_as_missing() {
        let sent = json!({
            "Nonsense": 1,
            "TeamSettings": {"Nonsense": 1, "MaxUsersPerTeam": "7", "MaxChannelsPerTeam": 1.5, "SiteName": null},
            "ThemeSettings": {"AllowedThemes": [1]},
            "SqlSettings": "text",
            "PluginSettings": {"PluginStates": {"com.example": {"Enable": true}}, "Plugins": []},
        });
        let tree = complete(&sent).expect("an object");
        assert!(tree.get("Nonsense").is_none() && tree.pointer("/TeamSettings/Nonsense").is_none());
        assert_eq!(tree["TeamSettings"]["MaxUsersPerTeam"], 50);
        assert_eq!(tree["TeamSettings"]["MaxChannelsPerTeam"], 2000);
        assert_eq!(tree["ThemeSettings"]["AllowedThemes"], json!([]));
        assert_eq!(tree["SqlSettings"], built_in()["SqlSettings"]);
        assert_eq!(tree["PluginSettings"]["PluginStates"]["com.example"]["Enable"], true);
        assert_eq!(tree["PluginSettings"]["Plugins"], json!({}));
    }

    #[test]
    fn what_is_no_object_is_no_tree() {
        for sent in [json!(null), json!([]), json!("x"), json!(1)] {
            assert!(complete(&sent).is_none(), "{sent}");
        }
    }

    #[test]
    fn defaults_that_follow_other_settings() {
        let cases = [
            (json!({"EmailSettings": {"EnableSignUpWithEmail": true}}), "/EmailSettings/EnableSignInWithEmail", json!(true)),
            (
                json!({"EmailSettings": {"EnableSignUpWithEmail": true, "EnableSignInWithEmail": false}}),
                "/EmailSettings/EnableSignInWithEmail",
                json!(false),
            ),
            (json!({"LdapSettings": {"Enable": true}}), "/LdapSettings/EnableSync", json!(true)),
            (json!({"LdapSettings": {"Enable": true}}), "/TeamSettings/TeammateNameDisplay", json!("full_name")),
            (json!({"SamlSettings": {"Enable": true}}), "/TeamSettings/TeammateNameDisplay", json!("full_name")),
            (json!({}), "/TeamSettings/TeammateNameDisplay", json!("username")),
            (
                json!({"TeamSettings": {"RestrictPublicChannelManagement": "channel_admin"}}),
                "/TeamSettings/RestrictPublicChannelCreation",
                json!("team_admin"),
            ),
            (
                json!({"TeamSettings": {"RestrictPrivateChannelManagement": "channel_admin"}}),
                "/TeamSettings/RestrictPrivateChannelDeletion",
                json!("channel_admin"),
            ),
            (
                json!({"TeamSettings": {"RestrictPublicChannelManagement": "system_admin", "RestrictPublicChannelDeletion": "all"}}),
                "/TeamSettings/RestrictPublicChannelDeletion",
                json!("all"),
            ),
        ];
        for (sent, pointer, expected) in cases {
            assert_eq!(complete(&sent).expect("an object").pointer(pointer), Some(&expected), "{sent} {pointer}");
        }
    }
}
