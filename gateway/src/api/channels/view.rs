//! `POST /channels/members/{user_id}/view`: opening a channel reads it, and the one that was open before.

use crate::{
    api::ApiRoutes,
    error::ApiResult,
    extract::{Json, Session, UserId},
    state::Gateway,
    wire::ApiJson,
};
use axum::extract::State;
use muster_error::{AppError, ErrorId};
use muster_proto::{identity::ActivityRequest, posts::ViewRequest, teams::ChannelMemberKey};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub fn routes() -> ApiRoutes {
    ApiRoutes::new().post("/channels/members/{user_id}/view", view)
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct View {
    channel_id: Option<String>,
    prev_channel_id: Option<String>,
}

#[derive(Serialize)]
struct Viewed {
    status: &'static str,
    last_viewed_at_times: BTreeMap<String, i64>,
}

/// "User" permission. A channel the user is not in is passed over: clients name the one they have just left.
async fn view(
    State(gateway): State<Gateway>,
    session: Session,
    UserId(user_id): UserId,
    Json(view): Json<View>,
) -> ApiResult<ApiJson<Viewed>> {
    gateway.access.user(&session, &user_id)?;
    let (channel_id, prev_channel_id) = (view.channel_id.unwrap_or_default(), view.prev_channel_id.unwrap_or_default());
    let (open, previous) =
        tokio::join!(in_channel(&gateway, &session, &user_id, channel_id), in_channel(&gateway, &session, &user_id, prev_channel_id));
    let (channel_id, prev_channel_id) = (open?, previous?);

    let last_viewed_at_times = if channel_id.is_empty() && prev_channel_id.is_empty() {
        BTreeMap::new()
    } else {
        let announce = gateway.settings().settings.enable_channel_viewed_messages;
        let request = ViewRequest { user_id: user_id.clone(), channel_id, prev_channel_id, announce };
        let viewed = gateway.clients.activity().view(session.call(request)).await?.into_inner().viewed;
        viewed.into_iter().map(|channel| (channel.channel_id, channel.last_post_at)).collect()
    };
    // Presence is a courtesy: the channels are read even when it cannot be noted.
    let activity = ActivityRequest { user_id, session_id: session.id.clone() };
    if let Err(status) = gateway.clients.statuses().activity(session.call(activity)).await {
        tracing::warn!(%status, "activity could not be noted");
    }
    Ok(ApiJson(Viewed { status: "OK", last_viewed_at_times }))
}

/// The id when the user is in the channel, else "".
async fn in_channel(gateway: &Gateway, session: &Session, user_id: &str, channel_id: String) -> ApiResult<String> {
    if channel_id.is_empty() {
        return Ok(channel_id);
    }
    // The caller's own membership is mostly remembered.
    if user_id == session.user_id && gateway.access.channel_grant(session, &channel_id).await?.is_some_and(|grant| grant.member) {
        return Ok(channel_id);
    }
    let key = ChannelMemberKey { channel_id: channel_id.clone(), user_id: user_id.to_owned() };
    match gateway.clients.channel_members().get(session.call(key)).await.map_err(AppError::from) {
        Ok(_) => Ok(channel_id),
        Err(error) if error.id == ErrorId::ChannelMemberNotFound => Ok(String::new()),
        Err(error) => Err(error.into()),
    }
}
