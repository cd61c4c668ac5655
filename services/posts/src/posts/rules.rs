//! What a post may be. Pure.

use muster_domain::{
    ids::is_id,
    posts::{FILE_IDS_MAX, PENDING_POST_ID_MAX, PostFault, check_message, check_props, check_type, unique_file_ids},
    text::fits_bytes,
};
use muster_error::{AppError, ErrorId};
use muster_proto::model::{Channel, Post};

fn refusal(fault: PostFault) -> AppError {
    match fault {
        PostFault::Message => ErrorId::PostInvalidMessage.into(),
        PostFault::SystemType => AppError::new(ErrorId::InvalidParam).param("Name", "post.type"),
        PostFault::Type => ErrorId::PostInvalidType.into(),
        PostFault::Props => ErrorId::PostInvalidProps.into(),
        PostFault::FileIds => ErrorId::PostInvalidFileIds.into(),
    }
}

/// A post as a client may send it to a channel, reduced to what clients decide: flags of the server's own
/// (deletion, edit, reactions) are cleared.
pub fn new_post(post: Post, channel: &Channel, author: &str, keep_create_at: bool) -> Result<Post, AppError> {
    if !post.id.is_empty() {
        return Err(ErrorId::PostSaveExisting.into());
    }
    if post.channel_id != channel.id || !is_id(&channel.id) {
        return Err(AppError::body("channel_id"));
    }
    if channel.delete_at > 0 {
        return Err(ErrorId::PostToArchivedChannel.into());
    }
    check_type(&post.r#type).map_err(refusal)?;
    if !fits_bytes(&post.pending_post_id, PENDING_POST_ID_MAX) {
        return Err(AppError::body("pending_post_id"));
    }
    if post.create_at < 0 {
        return Err(AppError::body("create_at"));
    }
    if post.root_id.is_empty() && !post.parent_id.is_empty() {
        return Err(ErrorId::PostInvalidRootParent.into());
    }
    if !post.root_id.is_empty() && !is_id(&post.root_id) {
        return Err(ErrorId::PostRootNotFound.into());
    }
    if !post.parent_id.is_empty() && !is_id(&post.parent_id) {
        return Err(ErrorId::PostParentInvalid.into());
    }
    check_text(&post.message, &post.props)?;
    Ok(Post {
        create_at: if keep_create_at { post.create_at } else { 0 },
        user_id: author.to_owned(),
        channel_id: post.channel_id,
        parent_id: if post.parent_id.is_empty() { post.root_id.clone() } else { post.parent_id },
        root_id: post.root_id,
        is_pinned: post.is_pinned,
        hashtags: muster_domain::posts::hashtags(&post.message),
        message: post.message,
        r#type: post.r#type,
        props: post.props,
        file_ids: file_ids(&post.file_ids)?,
        pending_post_id: post.pending_post_id,
        ..Post::default()
    })
}

/// The limits of message and props.
pub fn check_text(message: &str, props: &str) -> Result<(), AppError> {
    check_message(message).map_err(refusal)?;
    check_props(props).map_err(refusal)?;
    // NUL can be written as an escape in JSON, but a database cannot take the text behind it anywhere else.
    if props.contains('\0') { Err(ErrorId::PostInvalidProps.into()) } else { Ok(()) }
}

/// Each id once; at most [`FILE_IDS_MAX`].
pub fn file_ids(ids: &[String]) -> Result<Vec<String>, AppError> {
    let unique = unique_file_ids(ids).map_err(refusal)?;
    // Commas separate them on the way to the database, and no id has one.
    if unique.len() > FILE_IDS_MAX || unique.iter().any(|id| !is_id(id)) {
        return Err(ErrorId::PostInvalidFileIds.into());
    }
    Ok(unique.into_iter().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel() -> Channel {
        Channel { id: "c".repeat(26), ..Channel::default() }
    }

    fn post() -> Post {
        Post { channel_id: "c".repeat(26), message: "hi #tag".into(), ..Post::default() }
    }

    fn refused(post: Post) -> Option<ErrorId> {
        new_post(post, &channel(), "u", false).err().map(|e| e.id)
    }

    #[test]
    fn clients_decide_only_some_fields() {
        let sent = Post {
            edit_at: 1,
            delete_at: 2,
            update_at: 3,
            create_at: 4,
            has_reactions: true,
            original_id: "x".into(),
            user_id: "else".into(),
            is_pinned: true,
            pending_post_id: "u:1".into(),
            root_id: "r".repeat(26),
            ..post()
        };
        let made = new_post(sent.clone(), &channel(), "u", false).expect("valid");
        let expected = Post {
            user_id: "u".into(),
            is_pinned: true,
            hashtags: "#tag".into(),
            pending_post_id: "u:1".into(),
            root_id: "r".repeat(26),
            parent_id: "r".repeat(26),
            ..post()
        };
        assert_eq!(made, expected);
        assert_eq!(new_post(sent, &channel(), "u", true).expect("valid").create_at, 4);
    }

    #[test]
    fn refusals() {
        for (sent, expected) in [
            (Post { id: "x".into(), ..post() }, ErrorId::PostSaveExisting),
            (Post { channel_id: "d".repeat(26), ..post() }, ErrorId::InvalidBodyParam),
            (Post { r#type: "system_x".into(), ..post() }, ErrorId::InvalidParam),
            (Post { r#type: "x".into(), ..post() }, ErrorId::PostInvalidType),
            (Post { message: "a".repeat(16_384), ..post() }, ErrorId::PostInvalidMessage),
            (Post { message: "a\0".into(), ..post() }, ErrorId::PostInvalidMessage),
            (Post { props: format!("{{\"k\":\"{}\"}}", "a".repeat(8_000)), ..post() }, ErrorId::PostInvalidProps),
            (Post { parent_id: "p".repeat(26), ..post() }, ErrorId::PostInvalidRootParent),
            (Post { root_id: "short".into(), ..post() }, ErrorId::PostRootNotFound),
            (Post { pending_post_id: "a".repeat(101), ..post() }, ErrorId::InvalidBodyParam),
            (Post { file_ids: (0..6).map(|n| n.to_string().repeat(26)).collect(), ..post() }, ErrorId::PostInvalidFileIds),
            (Post { file_ids: vec!["a,b".into()], ..post() }, ErrorId::PostInvalidFileIds),
        ] {
            assert_eq!(refused(sent), Some(expected), "{expected:?}");
        }
        let archived = Channel { delete_at: 1, ..channel() };
        assert_eq!(new_post(post(), &archived, "u", false).err().map(|e| e.id), Some(ErrorId::PostToArchivedChannel));
        assert_eq!(refused(Post { message: String::new(), ..post() }), None);
    }
}
