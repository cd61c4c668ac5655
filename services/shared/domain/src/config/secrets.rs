//! Secrets that the server makes for itself when nobody sets them.

use super::tree::{set, text};
use serde_json::Value;

/// Characters a generated or given secret has at least.
pub const MIN_LENGTH: usize = 32;

/// Settings that hold such a secret.
pub const GENERATED: &[&str] = &["/SqlSettings/AtRestEncryptKey", "/FileSettings/PublicLinkSalt", "/EmailSettings/InviteSalt"];

/// Fills the empty ones. `generate` returns at least [`MIN_LENGTH`] random characters.
pub fn fill(tree: &mut Value, mut generate: impl FnMut() -> String) {
    for pointer in GENERATED {
        if text(tree, pointer).is_empty() {
            set(tree, pointer, generate());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::defaults::shipped, *};

    #[test]
    fn only_empty_secrets_are_made() {
        let mut tree = shipped().clone();
        set(&mut tree, "/EmailSettings/InviteSalt", "mine");
        let mut made = 0;
        fill(&mut tree, || {
            made += 1;
            format!("made {made}")
        });
        assert_eq!(tree["SqlSettings"]["AtRestEncryptKey"], "made 1");
        assert_eq!(tree["FileSettings"]["PublicLinkSalt"], "made 2");
        assert_eq!(tree["EmailSettings"]["InviteSalt"], "mine");
    }
}
