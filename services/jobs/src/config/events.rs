//! What is announced when the configuration changes.

use muster_domain::config::client::{Facts, client_map};
use muster_events::{Announcement, audience, everyone_subject, frame};
use muster_proto::jobs::ConfigReply;
use serde_json::{Value, json};

/// `config_changed` with the full client configuration, to everyone, `times` over.
pub fn config_changed(reply: &ConfigReply, times: usize) -> Announcement {
    let tree: Value = serde_json::from_slice(&reply.json).unwrap_or_default();
    let facts = Facts {
        // Only an administrator, who has an account, changes the configuration.
        no_accounts: false,
        asymmetric_signing_public_key: reply.asymmetric_signing_public_key.clone(),
        diagnostic_id: reply.diagnostic_id.clone(),
    };
    let data = json!({ "config": client_map(&tree, &facts) });
    let items = (0..times).map(|_| frame("config_changed", &data, audience::everyone())).collect();
    Announcement::new(everyone_subject(), items)
}
