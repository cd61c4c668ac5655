//! What a reaction may be. Pure.

use muster_domain::ids::is_id;
use muster_error::{AppError, ErrorId};
use muster_proto::model::Reaction;

/// Bytes.
pub const EMOJI_NAME_MAX: usize = 64;

/// The emoji need not exist.
pub fn check(reaction: &Reaction, caller: &str) -> Result<(), AppError> {
    let name = &reaction.emoji_name;
    if !is_id(&reaction.user_id) || !is_id(&reaction.post_id) || name.is_empty() || name.len() > EMOJI_NAME_MAX || reaction.create_at < 0 {
        return Err(ErrorId::ReactionInvalid.into());
    }
    if reaction.user_id != caller {
        return Err(ErrorId::ReactionOtherUser.into());
    }
    if !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+' | b'_')) {
        return Err(ErrorId::ReactionInvalidEmojiName.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals() {
        let (user, post) = ("u".repeat(26), "p".repeat(26));
        let good = Reaction { user_id: user.clone(), post_id: post, emoji_name: "+1".into(), create_at: 0 };
        assert!(check(&good, &user).is_ok());
        for (reaction, expected) in [
            (Reaction { user_id: "u".into(), ..good.clone() }, ErrorId::ReactionInvalid),
            (Reaction { emoji_name: String::new(), ..good.clone() }, ErrorId::ReactionInvalid),
            (Reaction { emoji_name: "a".repeat(65), ..good.clone() }, ErrorId::ReactionInvalid),
            (Reaction { emoji_name: "a b".into(), ..good.clone() }, ErrorId::ReactionInvalidEmojiName),
            (Reaction { user_id: "x".repeat(26), ..good.clone() }, ErrorId::ReactionOtherUser),
        ] {
            assert_eq!(check(&reaction, &user).err().map(|e| e.id), Some(expected));
        }
    }
}
