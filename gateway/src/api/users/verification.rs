//! Proving an e-mail address by a mailed link. Neither operation needs a session, or tells whether an account exists.

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
use muster_proto::identity::{SendVerificationRequest, VerifyEmailRequest};
use serde::Deserialize;

pub fn routes() -> ApiRoutes {
    ApiRoutes::new().post("/users/email/verify/send", send).post("/users/email/verify", verify)
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Account {
    /// Or the username.
    email: Option<String>,
}

/// Anyone. OK for unknown accounts too.
async fn send(
    State(gateway): State<Gateway>,
    session: MaybeSession,
    facts: RequestFacts,
    Json(body): Json<Account>,
) -> ApiResult<StatusOk> {
    let login_id = body.email.filter(|email| !email.is_empty()).ok_or_else(|| AppError::body("email"))?;
    gateway.clients.codes().send_verification(session.caller(&facts).call(SendVerificationRequest { login_id })).await?;
    Ok(StatusOk)
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Proof {
    token: Option<String>,
}

/// Whoever has the code.
async fn verify(
    State(gateway): State<Gateway>,
    session: MaybeSession,
    facts: RequestFacts,
    Json(body): Json<Proof>,
) -> ApiResult<StatusOk> {
    let code = body.token.filter(|code| code.len() == CODE_LENGTH).ok_or_else(|| AppError::body("token"))?;
    gateway.clients.codes().verify_email(session.caller(&facts).call(VerifyEmailRequest { code })).await?;
    Ok(StatusOk)
}
