//! The second factor of an account.

use crate::{
    api::ApiRoutes,
    error::ApiResult,
    extract::{Json, MaybeSession, RequestFacts, Session, UserId},
    state::Gateway,
    wire::{ApiJson, NoCache, StatusOk},
};
use axum::extract::State;
use base64::{Engine, engine::general_purpose::STANDARD};
use muster_error::AppError;
use muster_proto::identity::{ActivateMfaRequest, DeactivateMfaRequest, GenerateMfaRequest, MfaRequiredRequest};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub fn routes() -> ApiRoutes {
    ApiRoutes::new().post("/users/mfa", required).put("/users/{user_id}/mfa", set_active).post("/users/{user_id}/mfa/generate", generate)
}

#[derive(Deserialize)]
struct LoginIdBody {
    login_id: Option<String>,
}

#[derive(Serialize)]
struct MfaRequired {
    mfa_required: bool,
}

/// Anyone: clients ask before they show the field for the code.
async fn required(
    State(gateway): State<Gateway>,
    session: MaybeSession,
    facts: RequestFacts,
    Json(body): Json<LoginIdBody>,
) -> ApiResult<ApiJson<MfaRequired>> {
    let login_id = body.login_id.filter(|id| !id.is_empty()).ok_or_else(|| AppError::body("login_id"))?;
    let reply = gateway.clients.mfa().required(session.caller(&facts).call(MfaRequiredRequest { login_id })).await?.into_inner();
    Ok(ApiJson(MfaRequired { mfa_required: reply.required }))
}

#[derive(Serialize)]
struct Secret {
    secret: String,
    /// Base64 of a PNG.
    qr_code: String,
}

/// Oneself, or `edit_other_users`; not for sessions of OAuth applications.
async fn generate(State(gateway): State<Gateway>, session: Session, UserId(user_id): UserId) -> ApiResult<NoCache<ApiJson<Secret>>> {
    check(&gateway, &session, &user_id)?;
    let reply = gateway.clients.mfa().generate(session.call(GenerateMfaRequest { user_id })).await?.into_inner();
    Ok(NoCache(ApiJson(Secret { secret: reply.secret, qr_code: STANDARD.encode(&reply.qr_code) })))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct MfaBody {
    activate: Value,
    code: Value,
}

/// Oneself, or `edit_other_users` (who so lets in somebody without the authenticator).
async fn set_active(
    State(gateway): State<Gateway>,
    session: Session,
    UserId(user_id): UserId,
    Json(body): Json<MfaBody>,
) -> ApiResult<StatusOk> {
    check(&gateway, &session, &user_id)?;
    let activate = body.activate.as_bool().ok_or_else(|| AppError::body("activate"))?;
    if activate {
        let code = body.code.as_str().filter(|code| !code.is_empty()).ok_or_else(|| AppError::body("code"))?.to_owned();
        gateway.clients.mfa().activate(session.call(ActivateMfaRequest { user_id: user_id.clone(), code })).await?;
    } else {
        gateway.clients.mfa().deactivate(session.call(DeactivateMfaRequest { user_id: user_id.clone() })).await?;
    }
    gateway.people.forget(&user_id);
    Ok(StatusOk)
}

fn check(gateway: &Gateway, session: &Session, user_id: &str) -> ApiResult<()> {
    if session.is_oauth {
        return Err(AppError::permissions("an OAuth session").into());
    }
    gateway.access.user(session, user_id)
}
