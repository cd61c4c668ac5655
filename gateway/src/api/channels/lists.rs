//! Channels of a team.

use super::compose;
use crate::{
    api::{ApiRoutes, IDS_MAX},
    error::ApiResult,
    extract::{Json, Page, Params, Session, TeamId},
    state::Gateway,
    wire::ApiJson,
};
use axum::extract::State;
use muster_domain::{
    channels::{AUTOCOMPLETE_MAX, SEARCH_MAX},
    ids::is_id,
    permissions::Permission,
};
use muster_error::{AppError, ErrorId};
use muster_proto::serde_rules::null_as_default;
use muster_proto::{
    model::Channel,
    teams::{ChannelsByIdsRequest, ListChannelsRequest, SearchChannelsRequest},
};
use serde::Deserialize;

pub fn routes() -> ApiRoutes {
    ApiRoutes::new()
        .post("/teams/{team_id}/channels/ids", by_ids)
        .get("/teams/{team_id}/channels", open)
        .get("/teams/{team_id}/channels/deleted", archived)
        .get("/teams/{team_id}/channels/autocomplete", autocomplete)
        .post("/teams/{team_id}/channels/search", search)
}

type Channels = ApiResult<ApiJson<Vec<Channel>>>;

/// `list_team_channels`: open and not archived, by display name.
async fn open(State(gateway): State<Gateway>, session: Session, TeamId(team_id): TeamId, Page(page): Page) -> Channels {
    gateway.access.team(&session, &team_id, Permission::ListTeamChannels).await?;
    let request = ListChannelsRequest { team_id, offset: page.offset(), limit: page.limit() };
    let channels = gateway.clients.channel_directory().open(session.call(request)).await?.into_inner().channels;
    Ok(ApiJson(compose::channels(&gateway, channels).await?))
}

/// `manage_team`: archived channels of the team, by display name.
async fn archived(State(gateway): State<Gateway>, session: Session, TeamId(team_id): TeamId, Page(page): Page) -> Channels {
    gateway.access.team(&session, &team_id, Permission::ManageTeam).await?;
    let request = ListChannelsRequest { team_id, offset: page.offset(), limit: page.limit() };
    let channels = gateway.clients.channel_directory().archived(session.call(request)).await?.into_inner().channels;
    Ok(ApiJson(compose::channels(&gateway, channels).await?))
}

/// `view_team`: the open, live channels among these; none is 404.
async fn by_ids(
    State(gateway): State<Gateway>,
    session: Session,
    TeamId(team_id): TeamId,
    Json(channel_ids): Json<Vec<String>>,
) -> Channels {
    if channel_ids.is_empty() || channel_ids.len() > IDS_MAX || !channel_ids.iter().all(|id| is_id(id)) {
        return Err(AppError::body("channel_ids").into());
    }
    gateway.access.team(&session, &team_id, Permission::ViewTeam).await?;
    let request = ChannelsByIdsRequest { team_id, channel_ids };
    let channels = gateway.clients.channel_directory().by_ids(session.call(request)).await?.into_inner().channels;
    if channels.is_empty() {
        return Err(ErrorId::ChannelsNotFoundById.into());
    }
    Ok(ApiJson(compose::channels(&gateway, channels).await?))
}

/// `list_team_channels`. Without a name all are listed.
async fn autocomplete(State(gateway): State<Gateway>, session: Session, TeamId(team_id): TeamId, params: Params) -> Channels {
    matching(&gateway, &session, team_id, params.get("name").to_owned(), AUTOCOMPLETE_MAX).await
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Search {
    #[serde(deserialize_with = "null_as_default")]
    term: String,
}

/// `list_team_channels`. An empty term lists all.
async fn search(
    State(gateway): State<Gateway>,
    session: Session,
    TeamId(team_id): TeamId,
    Json(Search { term }): Json<Search>,
) -> Channels {
    matching(&gateway, &session, team_id, term, SEARCH_MAX).await
}

async fn matching(gateway: &Gateway, session: &Session, team_id: String, term: String, limit: i64) -> Channels {
    gateway.access.team(session, &team_id, Permission::ListTeamChannels).await?;
    let request = SearchChannelsRequest { team_id, term, limit };
    let channels = gateway.clients.channel_directory().search(session.call(request)).await?.into_inner().channels;
    Ok(ApiJson(compose::channels(gateway, channels).await?))
}
