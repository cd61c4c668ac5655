//! The product configuration: Mattermost's tree of sections and settings, as pure rules over a JSON tree.
//!
//! Rules come from Mattermost 4.10 as observed. [`accept`] turns what an administrator sends into the tree to store.
//! Whoever reads a stored tree applies [`environment::overlay`] and builds [`Settings`].

pub mod client;
pub mod defaults;
pub mod environment;
pub mod ldap_filter;
pub mod license;
pub mod mask;
pub mod normalise;
pub mod secrets;
mod settings;
mod tree;
pub mod validate;

pub use settings::Settings;
pub use validate::Rule;

use serde_json::Value;

/// Why a configuration is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The body is no JSON object.
    NotATree,
    /// A setting breaks a rule.
    Invalid(Rule),
    /// `ClusterSettings.Enable` and `.ReadOnlyConfig` are both on in the running configuration.
    ReadOnly,
}

/// The tree to store when an administrator sends `sent`. `stored` is the stored tree, `running` the same with the
/// environment over it; `now` in ms; `generate` makes secrets (see [`secrets::fill`]).
pub fn accept(sent: &Value, stored: &Value, running: &Value, now: i64, generate: impl FnMut() -> String) -> Result<Value, Refusal> {
    let mut tree = defaults::complete(sent).ok_or(Refusal::NotATree)?;
    mask::restore(&mut tree, stored);
    secrets::fill(&mut tree, generate);
    normalise::normalise(&mut tree, now);
    validate::validate(&tree, now).map_err(Refusal::Invalid)?;
    if tree::flag(running, "/ClusterSettings/Enable") && tree::flag(running, "/ClusterSettings/ReadOnlyConfig") {
        return Err(Refusal::ReadOnly);
    }
    Ok(tree)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn stored() -> Value {
        let mut tree = defaults::shipped().clone();
        secrets::fill(&mut tree, || "s".repeat(secrets::MIN_LENGTH));
        tree
    }

    fn accepted(sent: &Value) -> Result<Value, Refusal> {
        accept(sent, &stored(), &stored(), 1, || "g".repeat(secrets::MIN_LENGTH))
    }

    #[test]
    fn what_an_administrator_was_shown_comes_back_unchanged() {
        let mut shown = stored();
        mask::mask(&mut shown);
        assert_eq!(accepted(&shown), Ok(stored()));
    }

    #[test]
    fn a_partial_tree_is_accepted_with_new_secrets() {
        let tree = accepted(&json!({"TeamSettings": {"SiteName": "x"}})).expect("valid");
        assert_eq!(tree["SqlSettings"]["AtRestEncryptKey"], "g".repeat(32));
        assert_eq!(tree["TeamSettings"]["SiteName"], "x");
    }

    #[test]
    fn refusals() {
        assert_eq!(accepted(&json!(null)), Err(Refusal::NotATree));
        assert_eq!(accepted(&json!({"TeamSettings": {"MaxUsersPerTeam": 0}})), Err(Refusal::Invalid(Rule::MaxUsers)));
        let mut running = stored();
        tree::set(&mut running, "/ClusterSettings/Enable", true);
        assert_eq!(accept(&stored(), &stored(), &running, 1, String::new), Err(Refusal::ReadOnly));
    }
}
