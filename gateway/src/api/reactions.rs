//! Tag `reactions`.

use super::{ApiRoutes, posts::in_channel_of};
use crate::{
    error::{ApiError, ApiResult},
    extract::{Json, PostId, Session, UserId, path_param},
    state::Gateway,
    wire::{ApiJson, StatusOk},
};
use axum::extract::{FromRequestParts, State};
use http::request::Parts;
use muster_domain::{ids::is_id, permissions::Permission};
use muster_error::ErrorId;
use muster_proto::{
    model::Reaction,
    posts::{ListReactionsRequest, SaveReactionRequest},
};

/// Bytes of an emoji's name.
const EMOJI_NAME_MAX: usize = 64;

pub fn routes() -> ApiRoutes {
    ApiRoutes::new()
        .post("/reactions", save)
        .get("/posts/{post_id}/reactions", list)
        .delete("/users/{user_id}/posts/{post_id}/reactions/{emoji_name}", delete)
}

/// `{emoji_name}`: other characters than those of a name are no route.
struct EmojiName(String);

impl<S: Sync> FromRequestParts<S> for EmojiName {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let name = path_param(parts, "emoji_name").await?;
        if name.is_empty() || name.len() > EMOJI_NAME_MAX || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-+_".contains(&b)) {
            return Err(ErrorId::NotFound.into());
        }
        Ok(Self(name))
    }
}

/// `add_reaction` in the post's channel, in one's own name only. Answers 200, as the original does.
async fn save(State(gateway): State<Gateway>, session: Session, Json(reaction): Json<Reaction>) -> ApiResult<ApiJson<Reaction>> {
    let name = &reaction.emoji_name;
    if !is_id(&reaction.user_id) || !is_id(&reaction.post_id) || name.is_empty() || name.len() > EMOJI_NAME_MAX {
        return Err(ErrorId::ReactionInvalid.into());
    }
    if reaction.user_id != session.user_id {
        return Err(ErrorId::ReactionOtherUser.into());
    }
    in_channel_of(&gateway, &session, &reaction.post_id, Permission::AddReaction).await?;
    let request = SaveReactionRequest { reaction: Some(reaction) };
    Ok(ApiJson(gateway.clients.reactions().save(session.call(request)).await?.into_inner()))
}

/// `read_channel` in the post's channel; an unknown post has none.
async fn list(State(gateway): State<Gateway>, session: Session, id: PostId) -> ApiResult<ApiJson<Vec<Reaction>>> {
    match in_channel_of(&gateway, &session, &id, Permission::ReadChannel).await {
        Ok(_) => {}
        Err(error) if error.0.id == ErrorId::PostNotFound => return Ok(ApiJson(Vec::new())),
        Err(error) => return Err(error),
    }
    let request = ListReactionsRequest { post_id: id.0 };
    Ok(ApiJson(gateway.clients.reactions().list(session.call(request)).await?.into_inner().reactions))
}

/// `remove_reaction` in the post's channel; another user's needs `remove_others_reactions`. One that is not there is no error.
async fn delete(
    State(gateway): State<Gateway>,
    session: Session,
    user: UserId,
    post: PostId,
    EmojiName(emoji_name): EmojiName,
) -> ApiResult<StatusOk> {
    in_channel_of(&gateway, &session, &post, Permission::RemoveReaction).await?;
    if user.0 != session.user_id {
        gateway.access.system(&session, Permission::RemoveOthersReactions)?;
    }
    let reaction = Reaction { user_id: user.0, post_id: post.0, emoji_name, create_at: 0 };
    gateway.clients.reactions().delete(session.call(SaveReactionRequest { reaction: Some(reaction) })).await?;
    Ok(StatusOk)
}
