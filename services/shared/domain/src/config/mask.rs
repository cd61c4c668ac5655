//! Secrets leave the server as asterisks and come back as they were.

use super::tree::{flag, set};
use serde_json::Value;

/// What a client sees in place of a secret.
pub const MASK: &str = "********************************";

/// Masked even when empty.
const ALWAYS: &[&str] = &[
    "/SqlSettings/DataSource",
    "/SqlSettings/AtRestEncryptKey",
    "/FileSettings/PublicLinkSalt",
    "/EmailSettings/InviteSalt",
    "/ElasticsearchSettings/Password",
];

/// Masked when there is something to hide. Google's and Office 365's secrets, WebRTC's and Global Relay's are not
/// masked, as in the original: its console shows them.
const WHEN_SET: &[&str] =
    &["/LdapSettings/BindPassword", "/FileSettings/AmazonS3SecretAccessKey", "/EmailSettings/SMTPPassword", "/GitLabSettings/Secret"];

/// Lists whose every element is masked.
const LISTS: &[&str] = &["/SqlSettings/DataSourceReplicas", "/SqlSettings/DataSourceSearchReplicas"];

/// Hides the secrets of a tree that goes to an administrator.
pub fn mask(tree: &mut Value) {
    for pointer in ALWAYS {
        set(tree, pointer, MASK);
    }
    for pointer in WHEN_SET {
        if let Some(Value::String(secret)) = tree.pointer_mut(pointer)
            && !secret.is_empty()
        {
            MASK.clone_into(secret);
        }
    }
    for pointer in LISTS {
        for element in tree.pointer_mut(pointer).and_then(Value::as_array_mut).into_iter().flatten() {
            *element = MASK.into();
        }
    }
}

/// Gives masked values of a tree sent by an administrator their stored values back, and holds what the API may not
/// change (`PluginSettings.EnableUploads`).
pub fn restore(tree: &mut Value, stored: &Value) {
    for pointer in ALWAYS.iter().chain(WHEN_SET) {
        if let Some(value) = tree.pointer_mut(pointer)
            && value == MASK
        {
            *value = stored.pointer(pointer).cloned().unwrap_or_else(|| "".into());
        }
    }
    for pointer in LISTS {
        if let Some(Value::Array(elements)) = tree.pointer_mut(pointer) {
            let known = stored.pointer(pointer).and_then(Value::as_array);
            for (i, element) in elements.iter_mut().enumerate().filter(|(_, e)| *e == MASK) {
                *element = known.and_then(|k| k.get(i)).cloned().unwrap_or_default();
            }
            elements.retain(|e| !e.is_null());
        }
    }
    set(tree, "/PluginSettings/EnableUploads", flag(stored, "/PluginSettings/EnableUploads"));
}

#[cfg(test)]
mod tests {
    use super::{super::defaults::shipped, *};
    use serde_json::json;

    fn with_secrets() -> Value {
        let mut tree = shipped().clone();
        for pointer in ALWAYS.iter().chain(WHEN_SET) {
            set(&mut tree, pointer, format!("secret of {pointer}"));
        }
        for pointer in LISTS {
            set(&mut tree, pointer, json!(["one", "two"]));
        }
        tree
    }

    #[test]
    fn no_secret_survives_masking_and_all_come_back() {
        let stored = with_secrets();
        let mut tree = stored.clone();
        mask(&mut tree);
        let shown = tree.to_string();
        assert!(!shown.contains("secret of") && !shown.contains("\"one\""), "{shown}");
        restore(&mut tree, &stored);
        assert_eq!(tree, stored);
    }

    #[test]
    fn empty_secrets_show_whether_they_are_set() {
        let mut tree = shipped().clone();
        mask(&mut tree);
        assert_eq!(tree["ElasticsearchSettings"]["Password"], MASK);
        assert_eq!(tree["EmailSettings"]["SMTPPassword"], "");
        restore(&mut tree, shipped());
        assert_eq!(&tree, shipped());
    }

    #[test]
    fn a_new_secret_is_taken_and_a_mask_without_a_past_is_dropped() {
        let mut tree = shipped().clone();
        set(&mut tree, "/EmailSettings/SMTPPassword", "new");
        set(&mut tree, "/SqlSettings/DataSourceReplicas", json!([MASK, "new"]));
        restore(&mut tree, shipped());
        assert_eq!(tree["EmailSettings"]["SMTPPassword"], "new");
        assert_eq!(tree["SqlSettings"]["DataSourceReplicas"], json!(["new"]));
    }

    #[test]
    fn plugin_uploads_are_not_switched_by_the_api() {
        let mut tree = shipped().clone();
        set(&mut tree, "/PluginSettings/EnableUploads", true);
        restore(&mut tree, shipped());
        assert_eq!(tree["PluginSettings"]["EnableUploads"], false);
    }
}
