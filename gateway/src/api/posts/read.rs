//! `GET /posts/{post_id}` and its thread.

use super::may_read;
use crate::{
    error::ApiResult,
    extract::{IfNoneMatch, PostId, Session},
    state::Gateway,
    wire::{ApiJson, NotModifiedOr, RawJson},
};
use axum::extract::State;
use muster_proto::{
    model::Post,
    posts::{GetPostRequest, PostListReply, ThreadRequest},
};

/// `read_channel`, or `read_public_channel` for an open channel; a post that is not there is 404 before that.
pub async fn get(
    State(gateway): State<Gateway>,
    session: Session,
    id: PostId,
    if_none_match: IfNoneMatch,
) -> ApiResult<NotModifiedOr<ApiJson<Post>>> {
    let post = find(&gateway, &session, id).await?;
    let etag = format!("4.10.0.{}.{}", post.id, post.update_at);
    Ok(NotModifiedOr::new(if_none_match.as_deref(), etag, || ApiJson(post)))
}

/// As for the post: it, its root and all replies.
pub async fn thread(
    State(gateway): State<Gateway>,
    session: Session,
    id: PostId,
    if_none_match: IfNoneMatch,
) -> ApiResult<NotModifiedOr<RawJson>> {
    let post = find(&gateway, &session, id).await?;
    let request = ThreadRequest { post_id: post.id, if_none_match: if_none_match.0.unwrap_or_default() };
    Ok(list(gateway.clients.posts().thread(session.call(request)).await?.into_inner()))
}

async fn find(gateway: &Gateway, session: &Session, id: PostId) -> ApiResult<Post> {
    let post = gateway.clients.posts().get(session.call(GetPostRequest { post_id: id.0 })).await?.into_inner();
    may_read(gateway, session, &post.channel_id).await?;
    Ok(post)
}

/// A list with its ETag.
pub(super) fn list(reply: PostListReply) -> NotModifiedOr<RawJson> {
    if reply.not_modified {
        NotModifiedOr::NotModified(reply.etag)
    } else {
        NotModifiedOr::Modified { etag: reply.etag, body: RawJson(reply.json) }
    }
}
