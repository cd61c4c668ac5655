//! Names of emoji.

/// Characters.
pub const NAME_MAX: usize = 64;
/// Bytes of a request that creates one.
pub const BODY_MAX: u64 = 1_024_000;

/// Built-in ones that no standard lists.
const OWN: [&str; 1] = ["mattermost"];

/// Whether a custom emoji may be called so: letters, digits, `-`, `_`, and not the name of a built-in one.
pub fn is_custom_name(name: &str) -> bool {
    is_name(name) && !is_builtin(name)
}

fn is_name(name: &str) -> bool {
    (1..=NAME_MAX).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// Whether clients know this name without asking.
pub fn is_builtin(name: &str) -> bool {
    OWN.contains(&name) || emojis::get_by_shortcode(name).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in ["party-parrot", "A_1", "q", &"a".repeat(64)] {
            assert!(is_custom_name(good), "{good}");
        }
        for bad in ["", "smile", "thumbsup", "heart", "100", "rocket", "mattermost", "a b", "ä", "a+b", "a.b", &"a".repeat(65)] {
            assert!(!is_custom_name(bad), "{bad}");
        }
    }
}
