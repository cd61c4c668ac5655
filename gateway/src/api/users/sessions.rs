//! Sessions, devices and the audit trail of one user.

use super::cookies;
use crate::{
    api::ApiRoutes,
    error::ApiResult,
    extract::{Json, Page, Session, UserId},
    state::Gateway,
    wire::{ApiJson, StatusOk},
};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use muster_error::AppError;
use muster_proto::{
    identity::{AttachDeviceRequest, ListAuditsRequest, ListSessionsRequest, RevokeAllRequest, RevokeSessionRequest},
    model,
    teams::TeamMembershipsOfUserRequest,
};
use serde::Deserialize;

pub fn routes() -> ApiRoutes {
    ApiRoutes::new()
        .get("/users/{user_id}/sessions", list)
        .post("/users/{user_id}/sessions/revoke", revoke)
        .post("/users/{user_id}/sessions/revoke/all", revoke_all)
        .put("/users/sessions/device", attach_device)
        .get("/users/{user_id}/audits", audits)
}

/// Oneself, or `edit_other_users`; each session with the user's current team memberships.
async fn list(State(gateway): State<Gateway>, session: Session, UserId(user_id): UserId) -> ApiResult<ApiJson<Vec<model::Session>>> {
    gateway.access.user(&session, &user_id)?;
    let (mut sessions, mut teams) = (gateway.clients.sessions(), gateway.clients.team_members());
    let (sessions, members) = tokio::try_join!(
        sessions.list(session.call(ListSessionsRequest { user_id: user_id.clone() })),
        teams.of_user(session.call(TeamMembershipsOfUserRequest { user_id })),
    )?;
    let members: Vec<model::TeamMember> = members.into_inner().members.into_iter().filter(|m| m.delete_at == 0).collect();
    let mut sessions = sessions.into_inner().sessions;
    sessions.iter_mut().for_each(|s| s.team_members.clone_from(&members));
    Ok(ApiJson(sessions))
}

#[derive(Deserialize)]
struct SessionBody {
    session_id: Option<String>,
}

/// Oneself, or `edit_other_users`; the session must be the user's.
async fn revoke(
    State(gateway): State<Gateway>,
    session: Session,
    UserId(user_id): UserId,
    Json(body): Json<SessionBody>,
) -> ApiResult<StatusOk> {
    gateway.access.user(&session, &user_id)?;
    let session_id = body.session_id.filter(|id| !id.is_empty()).ok_or_else(|| AppError::body("session_id"))?;
    gateway.clients.sessions().revoke(session.call(RevokeSessionRequest { user_id, session_id })).await?;
    Ok(StatusOk)
}

/// Oneself, or `edit_other_users`; the caller's own session too.
async fn revoke_all(State(gateway): State<Gateway>, session: Session, UserId(user_id): UserId) -> ApiResult<StatusOk> {
    gateway.access.user(&session, &user_id)?;
    let ends_own = user_id == session.user_id;
    gateway.clients.sessions().revoke_all(session.call(RevokeAllRequest { user_id })).await?;
    if ends_own {
        gateway.sessions.forget_token(&session.token);
    }
    Ok(StatusOk)
}

#[derive(Deserialize)]
struct DeviceBody {
    device_id: Option<String>,
}

/// The caller's own session becomes that of a device.
async fn attach_device(State(gateway): State<Gateway>, session: Session, Json(body): Json<DeviceBody>) -> ApiResult<Response> {
    let device_id = body.device_id.filter(|id| !id.is_empty()).ok_or_else(|| AppError::body("device_id"))?;
    let request = AttachDeviceRequest { session_id: session.id.clone(), device_id };
    gateway.clients.sessions().attach_device(session.call(request)).await?;
    gateway.sessions.forget_token(&session.token);
    let mut response = StatusOk.into_response();
    cookies::set_token(response.headers_mut(), &gateway, &session.facts, &session.token);
    Ok(response)
}

/// Oneself, or `edit_other_users`; newest first.
async fn audits(
    State(gateway): State<Gateway>,
    session: Session,
    UserId(user_id): UserId,
    Page(page): Page,
) -> ApiResult<ApiJson<Vec<model::Audit>>> {
    gateway.access.user(&session, &user_id)?;
    let request = ListAuditsRequest { user_id, offset: page.offset(), limit: page.limit() };
    Ok(ApiJson(gateway.clients.audits().list(session.call(request)).await?.into_inner().audits))
}
