//! How an account signs in: passwords, services, the second factor.

use crate::{
    api::ApiRoutes,
    error::ApiResult,
    extract::{Json, Session, UserId},
    state::Gateway,
    wire::{ApiJson, StatusOk},
};
use axum::extract::State;
use muster_domain::permissions::Permission;
use muster_error::{AppError, ErrorId};
use muster_proto::identity::{SetAuthRequest, SetPasswordRequest};
use serde::{Deserialize, Serialize};

pub fn routes() -> ApiRoutes {
    ApiRoutes::new().put("/users/{user_id}/password", set_password).put("/users/{user_id}/auth", set_auth)
}

#[derive(Deserialize)]
struct PasswordBody {
    current_password: Option<String>,
    new_password: Option<String>,
}

/// Oneself with the current password; anybody else's with `manage_system`.
async fn set_password(
    State(gateway): State<Gateway>,
    session: Session,
    UserId(user_id): UserId,
    Json(body): Json<PasswordBody>,
) -> ApiResult<StatusOk> {
    let current_password = body.current_password.unwrap_or_default();
    if user_id == session.user_id {
        if current_password.is_empty() {
            return Err(AppError::body("current_password").into());
        }
    } else if !gateway.access.is_allowed(&session, Permission::ManageSystem) {
        return Err(ErrorId::PasswordUpdateRefused.into());
    }
    let request = SetPasswordRequest { user_id, current_password, new_password: body.new_password.unwrap_or_default() };
    gateway.clients.accounts().set_password(session.call(request)).await?;
    Ok(StatusOk)
}

#[derive(Deserialize)]
struct AuthBody {
    auth_service: Option<String>,
    auth_data: Option<String>,
    password: Option<String>,
}

#[derive(Serialize)]
struct AuthReply {
    #[serde(skip_serializing_if = "String::is_empty")]
    auth_data: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    auth_service: String,
}

/// `manage_system`.
async fn set_auth(
    State(gateway): State<Gateway>,
    session: Session,
    UserId(user_id): UserId,
    Json(body): Json<AuthBody>,
) -> ApiResult<ApiJson<AuthReply>> {
    gateway.access.system(&session, Permission::ManageSystem)?;
    let request = SetAuthRequest {
        user_id,
        auth_service: body.auth_service.unwrap_or_default(),
        auth_data: body.auth_data.unwrap_or_default(),
        password: body.password.unwrap_or_default(),
    };
    let reply = gateway.clients.accounts().set_auth(session.call(request)).await?.into_inner();
    Ok(ApiJson(AuthReply { auth_data: reply.auth_data, auth_service: reply.auth_service }))
}
