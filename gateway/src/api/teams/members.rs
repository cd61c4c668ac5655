//! Members of teams.

use super::invite;
use crate::{
    api::{ApiRoutes, IDS_MAX},
    error::ApiResult,
    extract::{Json, Page, Params, Session, TeamId, UserId},
    state::Gateway,
    wire::{ApiJson, Created, StatusOk},
};
use axum::extract::State;
use muster_domain::{ids::is_id, permissions::Permission, roles::is_valid_roles, teams::BATCH_MAX};
use muster_error::{AppError, ErrorId};
use muster_proto::serde_rules::null_as_default;
use muster_proto::{
    model::TeamMember,
    teams::{
        AddTeamMembersRequest, GetTeamRequest, ListTeamMembersRequest, SetTeamMemberRolesRequest, TeamJoin, TeamMemberKey,
        TeamMembersByIdsRequest, TeamMembershipsOfUserRequest, get_team_request::By,
    },
};
use serde::Deserialize;

pub fn routes() -> ApiRoutes {
    ApiRoutes::new()
        .get("/teams/{team_id}/members", list)
        .post("/teams/{team_id}/members", add)
        .post("/teams/members/invite", join_by_invite)
        .post("/teams/{team_id}/members/batch", add_batch)
        .get("/users/{user_id}/teams/members", of_user)
        .get("/teams/{team_id}/members/{user_id}", get)
        .delete("/teams/{team_id}/members/{user_id}", remove)
        .post("/teams/{team_id}/members/ids", by_ids)
        .put("/teams/{team_id}/members/{user_id}/roles", set_roles)
}

/// `view_team`: live members.
async fn list(
    State(gateway): State<Gateway>,
    session: Session,
    TeamId(team_id): TeamId,
    Page(page): Page,
) -> ApiResult<ApiJson<Vec<TeamMember>>> {
    gateway.access.team(&session, &team_id, Permission::ViewTeam).await?;
    let request = ListTeamMembersRequest { team_id, offset: page.offset(), limit: page.limit() };
    Ok(ApiJson(gateway.clients.team_members().list(session.call(request)).await?.into_inner().members))
}

/// `add_user_to_team`. Who is a member already is answered as he is.
async fn add(
    State(gateway): State<Gateway>,
    session: Session,
    TeamId(team_id): TeamId,
    Json(member): Json<TeamMember>,
) -> ApiResult<Created<TeamMember>> {
    check_named(&team_id, &member)?;
    gateway.access.team(&session, &team_id, Permission::AddUserToTeam).await?;
    let request = AddTeamMembersRequest { team_id, user_ids: vec![member.user_id], how: TeamJoin::Single.into() };
    added_one(&gateway, &session, request).await
}

/// `add_user_to_team`. In the order given, up to the first who cannot be added; those before stay.
async fn add_batch(
    State(gateway): State<Gateway>,
    session: Session,
    TeamId(team_id): TeamId,
    Json(members): Json<Vec<TeamMember>>,
) -> ApiResult<Created<Vec<TeamMember>>> {
    if members.is_empty() || members.len() > BATCH_MAX {
        return Err(AppError::body("members").into());
    }
    members.iter().try_for_each(|member| check_named(&team_id, member))?;
    gateway.access.team(&session, &team_id, Permission::AddUserToTeam).await?;
    let user_ids = members.into_iter().map(|m| m.user_id).collect();
    let request = AddTeamMembersRequest { team_id, user_ids, how: TeamJoin::Batch.into() };
    Ok(Created(gateway.clients.team_members().add(session.call(request)).await?.into_inner().members))
}

/// Any session with the `invite_id` of a team of either type, or the `token` of a mailed invitation.
async fn join_by_invite(State(gateway): State<Gateway>, session: Session, params: Params) -> ApiResult<Created<TeamMember>> {
    let token = params.get("token");
    if !token.is_empty() {
        return invite::join(&gateway, &session, token.to_owned()).await;
    }
    let invite_id = params.get("invite_id");
    if invite_id.is_empty() {
        return Err(ErrorId::TeamJoinMissingParameter.into());
    }
    let by = Some(By::InviteId(invite_id.to_owned()));
    let team = gateway.clients.teams().get(session.call(GetTeamRequest { by })).await?.into_inner();
    let user_ids = vec![session.user_id.clone()];
    added_one(&gateway, &session, AddTeamMembersRequest { team_id: team.id, user_ids, how: TeamJoin::Invite.into() }).await
}

/// Oneself, or `edit_other_users`. Teams that were left are in it.
async fn of_user(State(gateway): State<Gateway>, session: Session, UserId(user_id): UserId) -> ApiResult<ApiJson<Vec<TeamMember>>> {
    gateway.access.user(&session, &user_id)?;
    let request = TeamMembershipsOfUserRequest { user_id };
    Ok(ApiJson(gateway.clients.team_members().of_user(session.call(request)).await?.into_inner().members))
}

/// `view_team`. A former member is found with `delete_at` > 0.
async fn get(
    State(gateway): State<Gateway>,
    session: Session,
    TeamId(team_id): TeamId,
    UserId(user_id): UserId,
) -> ApiResult<ApiJson<TeamMember>> {
    gateway.access.team(&session, &team_id, Permission::ViewTeam).await?;
    Ok(ApiJson(gateway.clients.team_members().get(session.call(TeamMemberKey { team_id, user_id })).await?.into_inner()))
}

/// `view_team`. Unknown ids are left out.
async fn by_ids(
    State(gateway): State<Gateway>,
    session: Session,
    TeamId(team_id): TeamId,
    Json(user_ids): Json<Vec<String>>,
) -> ApiResult<ApiJson<Vec<TeamMember>>> {
    if user_ids.is_empty() || user_ids.len() > IDS_MAX {
        return Err(AppError::body("user_ids").into());
    }
    gateway.access.team(&session, &team_id, Permission::ViewTeam).await?;
    let request = TeamMembersByIdsRequest { team_id, user_ids };
    Ok(ApiJson(gateway.clients.team_members().by_ids(session.call(request)).await?.into_inner().members))
}

/// Oneself, else `remove_user_from_team`.
async fn remove(State(gateway): State<Gateway>, session: Session, TeamId(team_id): TeamId, UserId(user_id): UserId) -> ApiResult<StatusOk> {
    if session.user_id != user_id {
        gateway.access.team(&session, &team_id, Permission::RemoveUserFromTeam).await?;
    }
    gateway.clients.team_members().remove(session.call(TeamMemberKey { team_id, user_id })).await?;
    Ok(StatusOk)
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Roles {
    #[serde(deserialize_with = "null_as_default")]
    roles: String,
}

/// `manage_team_roles`. Replaces all roles; a missing key means none.
async fn set_roles(
    State(gateway): State<Gateway>,
    session: Session,
    TeamId(team_id): TeamId,
    UserId(user_id): UserId,
    Json(Roles { roles }): Json<Roles>,
) -> ApiResult<StatusOk> {
    if !is_valid_roles(&roles) {
        return Err(AppError::body("team_member_roles").into());
    }
    gateway.access.team(&session, &team_id, Permission::ManageTeamRoles).await?;
    gateway.clients.team_members().set_roles(session.call(SetTeamMemberRolesRequest { team_id, user_id, roles })).await?;
    Ok(StatusOk)
}

/// The body must name the path's team and something that can be a user.
fn check_named(team_id: &str, member: &TeamMember) -> ApiResult<()> {
    if member.team_id != team_id {
        return Err(AppError::body("team_id").into());
    }
    if !is_id(&member.user_id) {
        return Err(AppError::body("user_id").into());
    }
    Ok(())
}

pub(super) async fn added_one(gateway: &Gateway, session: &Session, request: AddTeamMembersRequest) -> ApiResult<Created<TeamMember>> {
    let members = gateway.clients.team_members().add(session.call(request)).await?.into_inner().members;
    let member = members.into_iter().next().ok_or_else(|| AppError::internal("an addition without a member"))?;
    Ok(Created(member))
}
