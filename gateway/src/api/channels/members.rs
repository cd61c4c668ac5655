//! Members of channels.

use super::{compose, rights};
use crate::{
    api::{ApiRoutes, IDS_MAX},
    audit,
    error::ApiResult,
    extract::{ChannelId, Json, Page, Session, UserId},
    state::Gateway,
    wire::{ApiJson, Created, StatusOk},
};
use axum::extract::State;
use muster_domain::{channels::ChannelType, ids::is_id, permissions::Permission, roles::is_valid_roles};
use muster_error::{AppError, ErrorId};
use muster_proto::serde_rules::null_as_default;
use muster_proto::{
    model::ChannelMember,
    posts::GetPostRequest,
    teams::{
        AddChannelMembersRequest, ChannelMemberKey, ChannelMembersByIdsRequest, ListChannelMembersRequest, SetChannelMemberRolesRequest,
        SetNotifyPropsRequest,
    },
};
use serde::Deserialize;
use std::collections::BTreeMap;

pub fn routes() -> ApiRoutes {
    ApiRoutes::new()
        .get("/channels/{channel_id}/members", list)
        .post("/channels/{channel_id}/members", add)
        .post("/channels/{channel_id}/members/ids", by_ids)
        .get("/channels/{channel_id}/members/{user_id}", get)
        .delete("/channels/{channel_id}/members/{user_id}", remove)
        .put("/channels/{channel_id}/members/{user_id}/roles", set_roles)
        .put("/channels/{channel_id}/members/{user_id}/notify_props", set_notify_props)
}

/// `read_channel`.
async fn list(
    State(gateway): State<Gateway>,
    session: Session,
    ChannelId(channel_id): ChannelId,
    Page(page): Page,
) -> ApiResult<ApiJson<Vec<ChannelMember>>> {
    gateway.access.channel(&session, &channel_id, Permission::ReadChannel).await?;
    let request = ListChannelMembersRequest { channel_id, offset: page.offset(), limit: page.limit() };
    let members = gateway.clients.channel_members().list(session.call(request)).await?.into_inner().members;
    Ok(ApiJson(compose::members(&gateway, &session, members).await?))
}

/// `read_channel`. Unknown ids are left out.
async fn by_ids(
    State(gateway): State<Gateway>,
    session: Session,
    ChannelId(channel_id): ChannelId,
    Json(user_ids): Json<Vec<String>>,
) -> ApiResult<ApiJson<Vec<ChannelMember>>> {
    if user_ids.is_empty() || user_ids.len() > IDS_MAX {
        return Err(AppError::body("user_ids").into());
    }
    gateway.access.channel(&session, &channel_id, Permission::ReadChannel).await?;
    let request = ChannelMembersByIdsRequest { channel_id, user_ids };
    let members = gateway.clients.channel_members().by_ids(session.call(request)).await?.into_inner().members;
    Ok(ApiJson(compose::members(&gateway, &session, members).await?))
}

/// `read_channel`.
async fn get(
    State(gateway): State<Gateway>,
    session: Session,
    ChannelId(channel_id): ChannelId,
    UserId(user_id): UserId,
) -> ApiResult<ApiJson<ChannelMember>> {
    gateway.access.channel(&session, &channel_id, Permission::ReadChannel).await?;
    let key = ChannelMemberKey { channel_id, user_id };
    let member = gateway.clients.channel_members().get(session.call(key)).await?.into_inner();
    Ok(ApiJson(compose::member(&gateway, &session, member).await?))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Addition {
    #[serde(deserialize_with = "null_as_default")]
    user_id: String,
    #[serde(deserialize_with = "null_as_default")]
    post_root_id: String,
}

/// An open channel: oneself with `join_public_channels`, others with `manage_public_channel_members`; a private one with
/// `manage_private_channel_members`. Audited.
async fn add(
    State(gateway): State<Gateway>,
    session: Session,
    ChannelId(channel_id): ChannelId,
    Json(Addition { user_id, post_root_id }): Json<Addition>,
) -> ApiResult<Created<ChannelMember>> {
    if !is_id(&user_id) {
        return Err(AppError::body("user_id").into());
    }
    if !post_root_id.is_empty() && !is_id(&post_root_id) {
        return Err(AppError::body("post_root_id").into());
    }
    let grant = rights::known(&gateway, &session, &channel_id).await?;
    match rights::kind(&grant.channel) {
        ChannelType::Direct | ChannelType::Group => return Err(ErrorId::ChannelJoinType.into()),
        ChannelType::Open if user_id == session.user_id => {
            gateway.access.channel(&session, &channel_id, Permission::JoinPublicChannels).await?;
        }
        ChannelType::Open | ChannelType::Private => {
            rights::may_manage_members(&gateway, &session, &channel_id).await?;
        }
    }
    if !post_root_id.is_empty() {
        let request = GetPostRequest { post_id: post_root_id.clone() };
        let root = gateway.clients.posts().get(session.call(request)).await?.into_inner();
        if root.channel_id != channel_id {
            return Err(AppError::body("post_root_id").into());
        }
    }
    let request = AddChannelMembersRequest { channel_id, user_ids: vec![user_id], post_root_id, silent: false };
    let members = gateway.clients.channel_members().add(session.call(request)).await?.into_inner().members;
    let member = members.into_iter().next().ok_or_else(|| AppError::internal("an addition without a member"))?;
    audit::record(&gateway, &session, &format!("name={} user_id={}", grant.channel.name, member.user_id)).await;
    Ok(Created(compose::member(&gateway, &session, member).await?))
}

/// Oneself, else `manage_*_channel_members`. Who is no member stays none. Audited.
async fn remove(
    State(gateway): State<Gateway>,
    session: Session,
    ChannelId(channel_id): ChannelId,
    UserId(user_id): UserId,
) -> ApiResult<StatusOk> {
    let grant = rights::known(&gateway, &session, &channel_id).await?;
    if user_id != session.user_id {
        rights::may_manage_members(&gateway, &session, &channel_id).await?;
    }
    let key = ChannelMemberKey { channel_id, user_id: user_id.clone() };
    gateway.clients.channel_members().remove(session.call(key)).await?;
    audit::record(&gateway, &session, &format!("name={} user_id={user_id}", grant.channel.name)).await;
    Ok(StatusOk)
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Roles {
    #[serde(deserialize_with = "null_as_default")]
    roles: String,
}

/// `manage_channel_roles`. Replaces all roles; a missing key means none. No event.
async fn set_roles(
    State(gateway): State<Gateway>,
    session: Session,
    ChannelId(channel_id): ChannelId,
    UserId(user_id): UserId,
    Json(Roles { roles }): Json<Roles>,
) -> ApiResult<StatusOk> {
    if !is_valid_roles(&roles) {
        return Err(AppError::body("roles").into());
    }
    gateway.access.channel(&session, &channel_id, Permission::ManageChannelRoles).await?;
    let request = SetChannelMemberRolesRequest { channel_id, user_id, roles };
    gateway.clients.channel_members().set_roles(session.call(request)).await?;
    Ok(StatusOk)
}

/// "User" permission. Only desktop, mark_unread, email and push are taken.
async fn set_notify_props(
    State(gateway): State<Gateway>,
    session: Session,
    ChannelId(channel_id): ChannelId,
    UserId(user_id): UserId,
    Json(notify_props): Json<BTreeMap<String, String>>,
) -> ApiResult<StatusOk> {
    gateway.access.user(&session, &user_id)?;
    // The event shows the whole membership, read state included.
    let states = compose::read_states(&gateway, &session, vec![channel_id.clone()], vec![user_id.clone()]).await?;
    let state = states.into_iter().next().unwrap_or_default();
    let request = SetNotifyPropsRequest {
        channel_id,
        user_id,
        notify_props,
        last_viewed_at: state.last_viewed_at,
        msg_count: state.msg_count,
        mention_count: state.mention_count,
    };
    gateway.clients.channel_members().set_notify_props(session.call(request)).await?;
    Ok(StatusOk)
}
