//! Tag `channels`; one module per topic below.

mod change;
pub mod compose;
mod create;
mod lists;
mod members;
mod mine;
mod rights;
mod view;

use super::{ApiRoutes, teams::TeamName};
use crate::{
    error::{ApiError, ApiResult},
    extract::{ChannelId, Session, TeamId, path_param},
    state::Gateway,
    wire::ApiJson,
};
use axum::extract::{FromRequestParts, State};
use http::request::Parts;
use muster_domain::{channels::is_channel_name, permissions::Permission};
use muster_error::{AppError, ErrorId};
use muster_proto::{
    model::Channel,
    teams::{ChannelByNameRequest, GetChannelRequest, GetTeamRequest, get_team_request::By},
};
use serde::Serialize;

pub fn routes() -> ApiRoutes {
    ApiRoutes::new()
        .get("/channels/{channel_id}", get)
        .get("/channels/{channel_id}/stats", stats)
        .get("/teams/{team_id}/channels/name/{channel_name}", get_by_name)
        .get("/teams/name/{team_name}/channels/name/{channel_name}", get_by_names)
        .merge(create::routes())
        .merge(change::routes())
        .merge(lists::routes())
        .merge(members::routes())
        .merge(mine::routes())
        .merge(view::routes())
}

/// `read_public_channel` on the team of an open channel, `read_channel` of any other. Archived ones are found.
async fn get(State(gateway): State<Gateway>, session: Session, ChannelId(channel_id): ChannelId) -> ApiResult<ApiJson<Channel>> {
    rights::readable(&gateway, &session, &channel_id).await?;
    let mut directory = gateway.clients.channel_directory();
    let structure = directory.get(session.call(GetChannelRequest { channel_id: channel_id.clone() }));
    let (structure, activity) = tokio::join!(structure, compose::activity(&gateway, &channel_id));
    Ok(ApiJson(activity?.on(structure?.into_inner())))
}

/// As by id. Direct and group channels are found under any team, archived channels are not.
async fn get_by_name(
    State(gateway): State<Gateway>,
    session: Session,
    TeamId(team_id): TeamId,
    ChannelName(name): ChannelName,
) -> ApiResult<ApiJson<Channel>> {
    let channel = by_name(&gateway, &session, team_id, name).await?;
    rights::readable(&gateway, &session, &channel.id).await?;
    Ok(ApiJson(compose::channel(&gateway, channel).await?))
}

/// `read_channel`, of an open channel too: unlike by team id, only its members read it here.
async fn get_by_names(
    State(gateway): State<Gateway>,
    session: Session,
    TeamName(team): TeamName,
    ChannelName(name): ChannelName,
) -> ApiResult<ApiJson<Channel>> {
    let request = GetTeamRequest { by: Some(By::Name(team)) };
    let team = gateway.clients.teams().get(session.call(request)).await?.into_inner();
    let channel = by_name(&gateway, &session, team.id, name).await?;
    gateway.access.channel(&session, &channel.id, Permission::ReadChannel).await?;
    Ok(ApiJson(compose::channel(&gateway, channel).await?))
}

#[derive(Serialize)]
struct Stats {
    channel_id: String,
    member_count: i64,
}

/// `read_channel`. Members with active accounts.
async fn stats(State(gateway): State<Gateway>, session: Session, ChannelId(channel_id): ChannelId) -> ApiResult<ApiJson<Stats>> {
    gateway.access.channel(&session, &channel_id, Permission::ReadChannel).await?;
    let request = GetChannelRequest { channel_id: channel_id.clone() };
    let member_count = gateway.clients.channel_directory().stats(session.call(request)).await?.into_inner().member_count;
    Ok(ApiJson(Stats { channel_id, member_count }))
}

async fn by_name(gateway: &Gateway, session: &Session, team_id: String, name: String) -> ApiResult<Channel> {
    let request = ChannelByNameRequest { team_id, name };
    Ok(gateway.clients.channel_directory().by_name(session.call(request)).await?.into_inner())
}

/// `{channel_name}`, lower-cased; what can be no name is 400, other characters are no route.
struct ChannelName(String);

impl FromRequestParts<Gateway> for ChannelName {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Gateway) -> Result<Self, ApiError> {
        let name = path_param(parts, "channel_name").await?.to_lowercase();
        if !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')) {
            return Err(ErrorId::NotFound.into());
        }
        if is_channel_name(&name) { Ok(Self(name)) } else { Err(AppError::url("channel_name").into()) }
    }
}
