//! `POST /teams/{team_id}/posts/search`.

use crate::{
    error::ApiResult,
    extract::{Json, Session, TeamId},
    state::Gateway,
    wire::{NoCache, RawJson},
};
use axum::extract::State;
use muster_domain::permissions::Permission;
use muster_error::{AppError, ErrorId};
use muster_proto::posts::SearchPostsRequest;
use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Search {
    terms: Value,
    is_or_search: Value,
    /// Seconds, east positive: the zone of the dates in the terms.
    time_zone_offset: Value,
}

/// `view_team`: the newest posts that match, in channels of the team and direct ones the caller is a member of.
pub async fn search(
    State(gateway): State<Gateway>,
    session: Session,
    TeamId(team_id): TeamId,
    Json(body): Json<Search>,
) -> ApiResult<NoCache<RawJson>> {
    gateway.access.team(&session, &team_id, Permission::ViewTeam).await?;
    let terms = body.terms.as_str().filter(|terms| !terms.is_empty()).ok_or_else(|| AppError::body("terms"))?;
    if !gateway.settings().settings.enable_post_search {
        return Err(ErrorId::PostSearchDisabled.into());
    }
    let request = SearchPostsRequest {
        team_id,
        terms: terms.to_owned(),
        is_or_search: body.is_or_search.as_bool().unwrap_or_default(),
        time_zone_offset: body.time_zone_offset.as_i64().unwrap_or_default(),
    };
    Ok(NoCache(RawJson(gateway.clients.search().posts(session.call(request)).await?.into_inner().json)))
}
