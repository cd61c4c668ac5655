//! Changing, converting, archiving and restoring channels.

use super::{compose, rights};
use crate::{
    api::ApiRoutes,
    audit,
    error::ApiResult,
    extract::{ChannelId, Json, Session},
    state::Gateway,
    wire::{ApiJson, StatusOk},
};
use axum::extract::State;
use muster_domain::permissions::Permission;
use muster_error::{AppError, ErrorId};
use muster_proto::{
    model::Channel,
    teams::{ChangeChannelRequest, PatchChannelRequest, UpdateChannelRequest},
};
use serde::Deserialize;

pub fn routes() -> ApiRoutes {
    ApiRoutes::new()
        .put("/channels/{channel_id}", update)
        .delete("/channels/{channel_id}", archive)
        .put("/channels/{channel_id}/patch", patch)
        .post("/channels/{channel_id}/convert", convert)
        .post("/channels/{channel_id}/restore", restore)
}

/// Members with `manage_*_channel_properties`. The channel is the one the body names. Audited.
async fn update(State(gateway): State<Gateway>, session: Session, _: ChannelId, Json(given): Json<Channel>) -> ApiResult<ApiJson<Channel>> {
    let grant = rights::known(&gateway, &session, &given.id).await?;
    // Outsiders learn this before anything else, system administrators too; a remembered "no" is asked again.
    if !grant.member && !rights::is_member(&gateway, &session, &given.id).await? {
        return Err(ErrorId::ChannelMemberNotFound.into());
    }
    let (allowed, activity) = tokio::join!(rights::may_change(&gateway, &session, &given.id), compose::activity(&gateway, &given.id));
    allowed?;
    let activity = activity?;
    let name = given.name.clone();
    let request = UpdateChannelRequest { channel: Some(activity.on(given)) };
    let channel = gateway.clients.channels().update(session.call(request)).await?.into_inner();
    audit::record(&gateway, &session, &format!("name={name}")).await;
    Ok(ApiJson(activity.on(channel)))
}

/// What PATCH takes.
#[derive(Deserialize)]
struct ChannelPatch {
    display_name: Option<String>,
    name: Option<String>,
    header: Option<String>,
    purpose: Option<String>,
}

/// `manage_*_channel_properties`; of direct and group channels their members. Audited.
async fn patch(
    State(gateway): State<Gateway>,
    session: Session,
    ChannelId(channel_id): ChannelId,
    Json(ChannelPatch { display_name, name, header, purpose }): Json<ChannelPatch>,
) -> ApiResult<ApiJson<Channel>> {
    let (allowed, activity) = tokio::join!(rights::may_change(&gateway, &session, &channel_id), compose::activity(&gateway, &channel_id));
    allowed?;
    let activity = activity?;
    let compose::Activity { last_post_at, total_msg_count } = activity;
    let request = PatchChannelRequest { channel_id, display_name, name, header, purpose, last_post_at, total_msg_count };
    let channel = gateway.clients.channels().patch(session.call(request)).await?.into_inner();
    audit::record(&gateway, &session, "").await;
    Ok(ApiJson(activity.on(channel)))
}

/// `manage_team`, of open channels only. Audited.
async fn convert(State(gateway): State<Gateway>, session: Session, ChannelId(channel_id): ChannelId) -> ApiResult<ApiJson<Channel>> {
    let (request, activity) = team_change(&gateway, &session, channel_id).await?;
    let channel = gateway.clients.channels().convert(session.call(request)).await?.into_inner();
    audit::record(&gateway, &session, &format!("name={}", channel.name)).await;
    Ok(ApiJson(activity.on(channel)))
}

/// `manage_team`. Audited.
async fn restore(State(gateway): State<Gateway>, session: Session, ChannelId(channel_id): ChannelId) -> ApiResult<ApiJson<Channel>> {
    let (request, activity) = team_change(&gateway, &session, channel_id).await?;
    let channel = gateway.clients.channels().restore(session.call(request)).await?.into_inner();
    audit::record(&gateway, &session, &format!("name={}", channel.name)).await;
    Ok(ApiJson(activity.on(channel)))
}

/// `delete_public_channel` or `delete_private_channel`. Members are kept. Audited.
async fn archive(State(gateway): State<Gateway>, session: Session, ChannelId(channel_id): ChannelId) -> ApiResult<StatusOk> {
    let grant = rights::may_archive(&gateway, &session, &channel_id).await?;
    let request = ChangeChannelRequest { channel_id, ..ChangeChannelRequest::default() };
    gateway.clients.channels().archive(session.call(request)).await?;
    audit::record(&gateway, &session, &format!("name={}", grant.channel.name)).await;
    Ok(StatusOk)
}

/// For whoever administers the team of a channel; direct and group channels have none, so nobody may.
async fn team_change(gateway: &Gateway, session: &Session, channel_id: String) -> ApiResult<(ChangeChannelRequest, compose::Activity)> {
    let grant = rights::known(gateway, session, &channel_id).await?;
    if grant.channel.team_id.is_empty() {
        return Err(AppError::permissions(Permission::ManageTeam.as_str()).into());
    }
    let (allowed, activity) =
        tokio::join!(gateway.access.team(session, &grant.channel.team_id, Permission::ManageTeam), compose::activity(gateway, &channel_id));
    allowed?;
    let activity = activity?;
    let request = ChangeChannelRequest { channel_id, last_post_at: activity.last_post_at, total_msg_count: activity.total_msg_count };
    Ok((request, activity))
}
