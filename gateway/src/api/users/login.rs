//! Signing in and out.

use super::{cookies, shown};
use crate::{
    api::ApiRoutes,
    error::ApiResult,
    extract::{Json, MaybeSession, RequestFacts},
    state::Gateway,
    wire::{ApiJson, StatusOk},
};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use muster_error::AppError;
use muster_proto::identity::{LoginRequest, LogoutRequest};
use serde::Deserialize;

const TOKEN: HeaderName = HeaderName::from_static("token");

pub fn routes() -> ApiRoutes {
    ApiRoutes::new().post("/users/login", login).post("/users/logout", logout)
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Credentials {
    id: Option<String>,
    login_id: Option<String>,
    password: Option<String>,
    token: Option<String>,
    device_id: Option<String>,
    /// `"true"`; some clients send a boolean.
    ldap_only: serde_json::Value,
}

/// Anyone. The answer is the user, the `Token` header and two cookies.
async fn login(
    State(gateway): State<Gateway>,
    session: MaybeSession,
    facts: RequestFacts,
    headers: HeaderMap,
    Json(credentials): Json<Credentials>,
) -> ApiResult<Response> {
    let user_agent = headers.get(header::USER_AGENT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let request = LoginRequest {
        login_id: credentials.login_id.unwrap_or_default(),
        id: credentials.id.unwrap_or_default(),
        password: credentials.password.unwrap_or_default(),
        mfa_token: credentials.token.unwrap_or_default(),
        device_id: credentials.device_id.unwrap_or_default(),
        ldap_only: credentials.ldap_only == "true" || credentials.ldap_only == true,
        user_agent: user_agent.to_owned(),
    };
    let reply = gateway.clients.sessions().login(session.caller(&facts).call(request)).await?.into_inner();
    let user = reply.user.ok_or_else(|| AppError::internal("a login without a user"))?;
    let user_id = user.id.clone();
    let mut response = ApiJson(shown::own(user)).into_response();
    let headers = response.headers_mut();
    headers.insert(TOKEN, HeaderValue::try_from(&reply.token).map_err(AppError::internal)?);
    cookies::set(headers, &gateway, &facts, &reply.token, &user_id);
    Ok(response)
}

/// Anyone; ends the session that came with the request, if one did.
async fn logout(State(gateway): State<Gateway>, session: MaybeSession) -> ApiResult<Response> {
    if let Some(session) = &session.0 {
        gateway.clients.sessions().logout(session.call(LogoutRequest {})).await?;
        gateway.sessions.forget_token(&session.token);
    }
    let mut response = StatusOk.into_response();
    cookies::clear(response.headers_mut());
    Ok(response)
}
