//! Tag `status`.

use super::ApiRoutes;
use crate::{
    error::ApiResult,
    extract::{Json, Session, UserId},
    state::Gateway,
    wire::ApiJson,
};
use axum::extract::State;
use muster_error::{AppError, ErrorId};
use muster_proto::{
    identity::{GetStatusesRequest, GetUserRequest, SetStatusRequest, get_user_request::By},
    model::Status,
};
use serde::Deserialize;

/// Users asked about at once.
const LOOKUP_MAX: usize = 10_000;

pub fn routes() -> ApiRoutes {
    ApiRoutes::new().get("/users/{user_id}/status", get).put("/users/{user_id}/status", set).post("/users/status/ids", by_ids)
}

async fn look_up(gateway: &Gateway, session: &Session, user_ids: Vec<String>) -> ApiResult<Vec<Status>> {
    Ok(gateway.clients.statuses().get(session.call(GetStatusesRequest { user_ids })).await?.into_inner().statuses)
}

/// Any session; unknown users are offline. 404 while statuses are off.
async fn get(State(gateway): State<Gateway>, session: Session, UserId(user_id): UserId) -> ApiResult<ApiJson<Status>> {
    let found = look_up(&gateway, &session, vec![user_id]).await?;
    found.into_iter().next().map(ApiJson).ok_or_else(|| ErrorId::StatusUserNotFound.into())
}

/// Any session; an empty list while statuses are off.
async fn by_ids(State(gateway): State<Gateway>, session: Session, Json(user_ids): Json<Vec<String>>) -> ApiResult<ApiJson<Vec<Status>>> {
    if user_ids.is_empty() || user_ids.len() > LOOKUP_MAX {
        return Err(AppError::body("user_ids").into());
    }
    Ok(ApiJson(look_up(&gateway, &session, user_ids).await?))
}

#[derive(Deserialize)]
struct StatusBody {
    status: Option<String>,
}

/// Oneself, or `edit_other_users`. Away, dnd and offline stay until changed; online is automatic again.
async fn set(
    State(gateway): State<Gateway>,
    session: Session,
    UserId(user_id): UserId,
    Json(body): Json<StatusBody>,
) -> ApiResult<ApiJson<Status>> {
    gateway.access.user(&session, &user_id)?;
    let status = body.status.ok_or_else(|| AppError::body("status"))?;
    if user_id != session.user_id {
        // A status of nobody would be shown for ever.
        gateway.clients.users().get(session.call(GetUserRequest { by: Some(By::Id(user_id.clone())) })).await?;
    }
    Ok(ApiJson(gateway.clients.statuses().set(session.call(SetStatusRequest { user_id, status })).await?.into_inner()))
}
