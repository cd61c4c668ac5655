//! `POST /posts/{post_id}/actions/{action_id}`.

use super::in_channel_of;
use crate::{
    error::{ApiError, ApiResult},
    extract::{PostId, Session, path_param},
    state::Gateway,
    wire::StatusOk,
};
use axum::extract::{FromRequestParts, State};
use http::request::Parts;
use muster_domain::permissions::Permission;
use muster_error::ErrorId;
use muster_proto::posts::PressRequest;
use std::time::Duration;

/// Longer than an integration may take.
const DEADLINE: Duration = Duration::from_secs(35);

/// `{action_id}`: other characters than letters and digits are no route.
pub struct ActionId(String);

impl<S: Sync> FromRequestParts<S> for ActionId {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let id = path_param(parts, "action_id").await?;
        if id.bytes().all(|b| b.is_ascii_alphanumeric()) { Ok(Self(id)) } else { Err(ErrorId::NotFound.into()) }
    }
}

/// `read_channel` in the post's channel: pressing a button of it.
pub async fn press(State(gateway): State<Gateway>, session: Session, id: PostId, ActionId(action_id): ActionId) -> ApiResult<StatusOk> {
    let (post, grant) = in_channel_of(&gateway, &session, &id, Permission::ReadChannel).await?;
    let mut request = session.call(PressRequest { post_id: post.id, action_id, team_id: grant.channel.team_id.clone() });
    request.set_timeout(DEADLINE);
    gateway.clients.actions().press(request).await?;
    Ok(StatusOk)
}
