//! `GET /channels/{channel_id}/pinned`.

use crate::{
    api::ApiRoutes,
    error::ApiResult,
    extract::{ChannelId, IfNoneMatch, Session},
    state::Gateway,
    wire::{NotModifiedOr, RawJson},
};
use axum::extract::State;
use muster_domain::permissions::Permission;
use muster_proto::posts::PinnedRequest;

pub fn routes() -> ApiRoutes {
    ApiRoutes::new().get("/channels/{channel_id}/pinned", pinned)
}

/// `read_channel`: oldest first.
async fn pinned(
    State(gateway): State<Gateway>,
    session: Session,
    ChannelId(channel_id): ChannelId,
    if_none_match: IfNoneMatch,
) -> ApiResult<NotModifiedOr<RawJson>> {
    gateway.access.channel(&session, &channel_id, Permission::ReadChannel).await?;
    let request = PinnedRequest { channel_id, if_none_match: if_none_match.0.unwrap_or_default() };
    let reply = gateway.clients.posts().pinned(session.call(request)).await?.into_inner();
    Ok(match reply.not_modified {
        true => NotModifiedOr::NotModified(reply.etag),
        false => NotModifiedOr::Modified { etag: reply.etag, body: RawJson(reply.json) },
    })
}
