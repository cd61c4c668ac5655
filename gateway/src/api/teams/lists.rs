//! Lists of teams.

use super::sanitise::all_sanitised;
use crate::{
    api::ApiRoutes,
    error::ApiResult,
    extract::{Json, Page, Session, UserId},
    state::Gateway,
    wire::ApiJson,
};
use axum::extract::State;
use muster_domain::permissions::Permission;
use muster_error::AppError;
use muster_proto::serde_rules::null_as_default;
use muster_proto::{
    model::Team,
    teams::{ListTeamsRequest, SearchTeamsRequest, TeamsOfUserRequest},
};
use serde::Deserialize;

pub fn routes() -> ApiRoutes {
    ApiRoutes::new().get("/teams", list).post("/teams/search", search).get("/users/{user_id}/teams", of_user)
}

/// Any session: teams with open invites; with `manage_system` all of them. Deleted ones included.
async fn list(State(gateway): State<Gateway>, session: Session, Page(page): Page) -> ApiResult<ApiJson<Vec<Team>>> {
    let open_only = !gateway.access.is_allowed(&session, Permission::ManageSystem);
    let request = ListTeamsRequest { open_only, offset: page.offset(), limit: page.limit() };
    let teams = gateway.clients.teams().list(session.call(request)).await?.into_inner().teams;
    Ok(ApiJson(all_sanitised(&gateway, &session, teams).await?))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Search {
    #[serde(deserialize_with = "null_as_default")]
    term: String,
}

/// Any session: open teams with open invites; with `manage_system` all of them.
async fn search(State(gateway): State<Gateway>, session: Session, Json(search): Json<Search>) -> ApiResult<ApiJson<Vec<Team>>> {
    if search.term.is_empty() {
        return Err(AppError::body("term").into());
    }
    let open_only = !gateway.access.is_allowed(&session, Permission::ManageSystem);
    let request = SearchTeamsRequest { term: search.term, open_only };
    let teams = gateway.clients.teams().search(session.call(request)).await?.into_inner().teams;
    Ok(ApiJson(all_sanitised(&gateway, &session, teams).await?))
}

/// Oneself, or `manage_system`.
async fn of_user(State(gateway): State<Gateway>, session: Session, UserId(user_id): UserId) -> ApiResult<ApiJson<Vec<Team>>> {
    if session.user_id != user_id {
        gateway.access.system(&session, Permission::ManageSystem)?;
    }
    let teams = gateway.clients.teams().of_user(session.call(TeamsOfUserRequest { user_id })).await?.into_inner().teams;
    Ok(ApiJson(all_sanitised(&gateway, &session, teams).await?))
}
