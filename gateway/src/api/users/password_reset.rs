//! A new password by a mailed link. Neither operation needs a session, or tells whether an account exists.

use crate::{
    api::ApiRoutes,
    error::ApiResult,
    extract::{Json, MaybeSession, RequestFacts},
    state::Gateway,
    wire::StatusOk,
};
use axum::extract::State;
use muster_domain::ids::CODE_LENGTH;
use muster_error::AppError;
use muster_proto::identity::{ResetPasswordRequest, SendPasswordResetRequest};
use serde::Deserialize;

pub fn routes() -> ApiRoutes {
    ApiRoutes::new().post("/users/password/reset/send", send).post("/users/password/reset", reset)
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Address {
    email: Option<String>,
}

/// Anyone. OK for unknown addresses too.
async fn send(
    State(gateway): State<Gateway>,
    session: MaybeSession,
    facts: RequestFacts,
    Json(body): Json<Address>,
) -> ApiResult<StatusOk> {
    let email = body.email.filter(|email| !email.is_empty()).ok_or_else(|| AppError::body("email"))?;
    let request = SendPasswordResetRequest { email };
    gateway.clients.codes().send_password_reset(session.caller(&facts).call(request)).await?;
    Ok(StatusOk)
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct NewPassword {
    token: Option<String>,
    new_password: Option<String>,
}

/// Whoever has the code.
async fn reset(
    State(gateway): State<Gateway>,
    session: MaybeSession,
    facts: RequestFacts,
    Json(body): Json<NewPassword>,
) -> ApiResult<StatusOk> {
    let code = body.token.filter(|code| code.len() == CODE_LENGTH).ok_or_else(|| AppError::body("token"))?;
    let request = ResetPasswordRequest { code, new_password: body.new_password.unwrap_or_default() };
    gateway.clients.codes().reset_password(session.caller(&facts).call(request)).await?;
    Ok(StatusOk)
}
