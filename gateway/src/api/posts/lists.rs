//! Lists of posts.

use super::read::list;
use crate::{
    error::ApiResult,
    extract::{ChannelId, IfNoneMatch, Page, Params, Session, UserId},
    state::Gateway,
    wire::{NotModifiedOr, RawJson},
};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use muster_domain::permissions::Permission;
use muster_error::AppError;
use muster_proto::{
    identity::ListPreferencesRequest,
    posts::{ChannelPageRequest, PinnedRequest, PostsByIdsRequest},
};

/// `read_channel`: membership even for open channels. `since` beats `after` beats `before`; a list of changes has no ETag.
pub async fn of_channel(
    State(gateway): State<Gateway>,
    session: Session,
    id: ChannelId,
    Page(page): Page,
    params: Params,
    if_none_match: IfNoneMatch,
) -> ApiResult<Response> {
    let since = match params.get("since") {
        "" => 0,
        text => text.parse::<i64>().map_err(|_| AppError::body("since"))?,
    };
    gateway.access.channel(&session, &id, Permission::ReadChannel).await?;
    let after = params.get("after").to_owned();
    let request = ChannelPageRequest {
        channel_id: id.0,
        page: page.page,
        per_page: page.per_page,
        before: if after.is_empty() { params.get("before").to_owned() } else { String::new() },
        after,
        since: since.max(0),
        if_none_match: if_none_match.0.unwrap_or_default(),
    };
    let reply = gateway.clients.posts().channel_page(session.call(request)).await?.into_inner();
    Ok(if since > 0 { RawJson(reply.json).into_response() } else { list(reply).into_response() })
}

/// `read_channel`: oldest first.
pub async fn pinned(
    State(gateway): State<Gateway>,
    session: Session,
    id: ChannelId,
    if_none_match: IfNoneMatch,
) -> ApiResult<NotModifiedOr<RawJson>> {
    gateway.access.channel(&session, &id, Permission::ReadChannel).await?;
    let request = PinnedRequest { channel_id: id.0, if_none_match: if_none_match.0.unwrap_or_default() };
    Ok(list(gateway.clients.posts().pinned(session.call(request)).await?.into_inner()))
}

/// Oneself, or `edit_other_users`: posts with a preference of category `flagged_post`, newest first.
pub async fn flagged(
    State(gateway): State<Gateway>,
    session: Session,
    user: UserId,
    Page(page): Page,
    params: Params,
) -> ApiResult<RawJson> {
    gateway.access.user(&session, &user)?;
    let request = ListPreferencesRequest { user_id: user.0, category: "flagged_post".into(), name: String::new() };
    let flags = gateway.clients.preferences().list(session.call(request)).await?.into_inner().preferences;
    let channel_id = params.get("channel_id").to_owned();
    let request = PostsByIdsRequest {
        post_ids: flags.into_iter().map(|flag| flag.name).collect(),
        team_id: if channel_id.is_empty() { params.get("team_id").to_owned() } else { String::new() },
        channel_id,
        offset: page.offset(),
        limit: page.limit(),
    };
    Ok(RawJson(gateway.clients.posts().by_ids(session.call(request)).await?.into_inner().json))
}
