//! Creating channels of each type.

use super::compose;
use crate::{
    api::ApiRoutes,
    audit,
    error::ApiResult,
    extract::{Json, Session},
    state::Gateway,
    wire::Created,
};
use axum::extract::State;
use muster_domain::{channels::ChannelType, ids::is_id, permissions::Permission};
use muster_error::{AppError, ErrorId};
use muster_proto::{
    model::Channel,
    teams::{CreateChannelRequest, CreateDirectRequest, CreateGroupRequest},
};

pub fn routes() -> ApiRoutes {
    ApiRoutes::new().post("/channels", create).post("/channels/direct", create_direct).post("/channels/group", create_group)
}

/// `create_public_channel` or `create_private_channel` on the team. Audited.
async fn create(State(gateway): State<Gateway>, session: Session, Json(channel): Json<Channel>) -> ApiResult<Created<Channel>> {
    let permission = match channel.r#type.parse() {
        Ok(ChannelType::Private) => Permission::CreatePrivateChannel,
        Ok(ChannelType::Direct | ChannelType::Group) => return Err(ErrorId::ChannelCreateDirect.into()),
        // What is no type at all is refused by the service, to whom may create something.
        Ok(ChannelType::Open) | Err(_) => Permission::CreatePublicChannel,
    };
    gateway.access.team(&session, &channel.team_id, permission).await?;
    let request = CreateChannelRequest { channel: Some(channel), imported: false };
    let channel = gateway.clients.channels().create(session.call(request)).await?.into_inner();
    audit::record(&gateway, &session, &format!("name={}", channel.name)).await;
    Ok(Created(channel))
}

/// `create_direct_channel`, as one of the two or with `manage_system`.
async fn create_direct(State(gateway): State<Gateway>, session: Session, Json(user_ids): Json<Vec<String>>) -> ApiResult<Created<Channel>> {
    if user_ids.len() != 2 || !user_ids.iter().all(|id| is_id(id)) {
        return Err(AppError::body("user_ids").into());
    }
    gateway.access.system(&session, Permission::CreateDirectChannel)?;
    if !user_ids.contains(&session.user_id) {
        gateway.access.system(&session, Permission::ManageSystem)?;
    }
    let channel = gateway.clients.channels().create_direct(session.call(CreateDirectRequest { user_ids })).await?.into_inner();
    Ok(Created(compose::channel(&gateway, channel).await?))
}

/// `create_group_channel`. The caller is added when missing.
async fn create_group(State(gateway): State<Gateway>, session: Session, Json(user_ids): Json<Vec<String>>) -> ApiResult<Created<Channel>> {
    if user_ids.is_empty() || !user_ids.iter().all(|id| is_id(id)) {
        return Err(AppError::body("user_ids").into());
    }
    gateway.access.system(&session, Permission::CreateGroupChannel)?;
    let channel = gateway.clients.channels().create_group(session.call(CreateGroupRequest { user_ids })).await?.into_inner();
    Ok(Created(compose::channel(&gateway, channel).await?))
}
