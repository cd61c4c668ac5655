//! Tag `teams`; one module per topic below.

pub mod image;
mod import;
mod invite;
mod lists;
mod members;
mod sanitise;
mod unread;

use super::ApiRoutes;
use crate::{
    audit,
    error::{ApiError, ApiResult},
    extract::{Json, MaybeSession, Params, RequestFacts, Session, TeamId, path_param},
    state::Gateway,
    wire::{ApiJson, Created, StatusOk},
};
use axum::extract::{FromRequestParts, Path, State};
use http::request::Parts;
use muster_domain::{permissions::Permission, teams::is_team_name};
use muster_error::{AppError, ErrorId};
use muster_proto::{
    model::Team,
    teams::{
        CreateTeamRequest, GetTeamRequest, PatchTeamRequest, TeamExistsRequest, TeamIdRequest, UpdateTeamRequest, get_team_request::By,
    },
};
use sanitise::sanitised;
use serde::{Deserialize, Serialize};

pub fn routes() -> ApiRoutes {
    ApiRoutes::new()
        .post("/teams", create)
        .get("/teams/{team_id}", get)
        .put("/teams/{team_id}", update)
        .delete("/teams/{team_id}", delete)
        .put("/teams/{team_id}/patch", patch)
        .get("/teams/name/{team_name}", get_by_name)
        .get("/teams/name/{team_name}/exists", exists)
        .get("/teams/{team_id}/stats", stats)
        .get("/teams/invite/{invite_id}", invite_info)
        .merge(image::routes())
        .merge(import::routes())
        .merge(invite::routes())
        .merge(lists::routes())
        .merge(members::routes())
        .merge(unread::routes())
}

/// `create_team`. The caller becomes the administrator; the answer is unsanitised.
async fn create(State(gateway): State<Gateway>, session: Session, Json(team): Json<Team>) -> ApiResult<Created<Team>> {
    if !gateway.access.is_allowed(&session, Permission::CreateTeam) {
        return Err(ErrorId::TeamCreationDisabled.into());
    }
    let request = CreateTeamRequest { team: Some(team) };
    Ok(Created(gateway.clients.teams().create(session.call(request)).await?.into_inner()))
}

/// Anyone for an open team that allows open invites, else `view_team`.
async fn get(State(gateway): State<Gateway>, session: Session, TeamId(id): TeamId) -> ApiResult<ApiJson<Team>> {
    let team = find(&gateway, &session, By::Id(id)).await?;
    visible(&gateway, &session, team).await
}

/// As by id.
async fn get_by_name(State(gateway): State<Gateway>, session: Session, TeamName(name): TeamName) -> ApiResult<ApiJson<Team>> {
    let team = find(&gateway, &session, By::Name(name)).await?;
    visible(&gateway, &session, team).await
}

/// Any session; deleted teams exist too.
async fn exists(State(gateway): State<Gateway>, session: Session, TeamName(name): TeamName) -> ApiResult<ApiJson<Existence>> {
    let exists = gateway.clients.teams().exists(session.call(TeamExistsRequest { name })).await?.into_inner().exists;
    Ok(ApiJson(Existence { exists }))
}

/// `manage_team`. What is left out becomes blank.
async fn update(State(gateway): State<Gateway>, session: Session, TeamId(id): TeamId, Json(team): Json<Team>) -> ApiResult<ApiJson<Team>> {
    gateway.access.team(&session, &id, Permission::ManageTeam).await?;
    let request = UpdateTeamRequest { team: Some(Team { id, ..team }) };
    Ok(ApiJson(gateway.clients.teams().update(session.call(request)).await?.into_inner()))
}

/// What PATCH takes.
#[derive(Deserialize)]
struct TeamPatch {
    display_name: Option<String>,
    description: Option<String>,
    company_name: Option<String>,
    invite_id: Option<String>,
    allow_open_invite: Option<bool>,
}

/// `manage_team`. Audited.
async fn patch(
    State(gateway): State<Gateway>,
    session: Session,
    TeamId(team_id): TeamId,
    Json(patch): Json<TeamPatch>,
) -> ApiResult<ApiJson<Team>> {
    gateway.access.team(&session, &team_id, Permission::ManageTeam).await?;
    let TeamPatch { display_name, description, company_name, invite_id, allow_open_invite } = patch;
    let request = PatchTeamRequest { team_id, display_name, description, company_name, invite_id, allow_open_invite };
    let team = gateway.clients.teams().patch(session.call(request)).await?.into_inner();
    audit::record(&gateway, &session, "").await;
    Ok(ApiJson(team))
}

/// `manage_team`. Soft: the name stays taken. With `permanent=true`, which needs `manage_system`, nothing stays.
async fn delete(State(gateway): State<Gateway>, session: Session, TeamId(team_id): TeamId, params: Params) -> ApiResult<StatusOk> {
    gateway.access.team(&session, &team_id, Permission::ManageTeam).await?;
    let request = TeamIdRequest { team_id };
    if params.get("permanent") == "true" {
        gateway.access.system(&session, Permission::ManageSystem)?;
        gateway.clients.teams().delete_forever(session.call(request)).await?;
    } else {
        gateway.clients.teams().delete(session.call(request)).await?;
    }
    Ok(StatusOk)
}

/// `view_team`.
async fn stats(State(gateway): State<Gateway>, session: Session, TeamId(team_id): TeamId) -> ApiResult<ApiJson<Stats>> {
    gateway.access.team(&session, &team_id, Permission::ViewTeam).await?;
    let stats = gateway.clients.teams().stats(session.call(TeamIdRequest { team_id: team_id.clone() })).await?.into_inner();
    Ok(ApiJson(Stats { team_id, total_member_count: stats.total_member_count, active_member_count: stats.active_member_count }))
}

/// Anyone, without a session: what an invitation page shows of an open team.
async fn invite_info(
    State(gateway): State<Gateway>,
    maybe: MaybeSession,
    facts: RequestFacts,
    Path(invite_id): Path<String>,
) -> ApiResult<ApiJson<InviteInfo>> {
    let request = maybe.caller(&facts).call(GetTeamRequest { by: Some(By::InviteId(invite_id)) });
    let team = gateway.clients.teams().get(request).await?.into_inner();
    if team.r#type != muster_domain::teams::TYPE_OPEN {
        return Err(ErrorId::TeamInviteNotOpen.into());
    }
    Ok(ApiJson(InviteInfo { id: team.id, name: team.name, display_name: team.display_name, description: team.description }))
}

async fn find(gateway: &Gateway, session: &Session, by: By) -> ApiResult<Team> {
    Ok(gateway.clients.teams().get(session.call(GetTeamRequest { by: Some(by) })).await?.into_inner())
}

async fn visible(gateway: &Gateway, session: &Session, team: Team) -> ApiResult<ApiJson<Team>> {
    if !is_public(&team) {
        gateway.access.team(session, &team.id, Permission::ViewTeam).await?;
    }
    Ok(ApiJson(sanitised(gateway, session, team).await?))
}

/// Everybody on the server may see it.
fn is_public(team: &Team) -> bool {
    team.r#type == muster_domain::teams::TYPE_OPEN && team.allow_open_invite
}

#[derive(Serialize)]
struct Existence {
    exists: bool,
}

#[derive(Serialize)]
struct Stats {
    team_id: String,
    total_member_count: i64,
    active_member_count: i64,
}

#[derive(Serialize)]
struct InviteInfo {
    id: String,
    name: String,
    display_name: String,
    description: String,
}

/// `{team_name}`, lower-cased; what can be no name is 400, other characters are no route.
pub struct TeamName(pub String);

impl FromRequestParts<Gateway> for TeamName {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Gateway) -> Result<Self, ApiError> {
        let name = path_param(parts, "team_name").await?.to_lowercase();
        if !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')) {
            return Err(ErrorId::NotFound.into());
        }
        if is_team_name(&name) { Ok(Self(name)) } else { Err(AppError::url("team_name").into()) }
    }
}
