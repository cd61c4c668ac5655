//! Changing how one signs in.

use super::cookies;
use crate::{
    api::ApiRoutes,
    error::{ApiError, ApiResult},
    extract::{Json, RequestFacts, Session},
    state::Gateway,
    wire::ApiJson,
};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::HeaderMap;
use muster_error::AppError;
use muster_proto::identity::SwitchSignInRequest;
use muster_runtime::Caller;
use serde::{Deserialize, Serialize};

const EMAIL: &str = "email";
const LDAP: &str = "ldap";

pub fn routes() -> ApiRoutes {
    ApiRoutes::new().post("/users/login/switch", switch)
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct SwitchBody {
    current_service: Option<String>,
    new_service: Option<String>,
    email: Option<String>,
    password: Option<String>,
    mfa_code: Option<String>,
    new_password: Option<String>,
}

#[derive(Serialize)]
struct Follow {
    follow_link: String,
}

/// Anyone who knows the password; from a single sign-on service back to a password only the owner, with a session.
async fn switch(
    State(gateway): State<Gateway>,
    session: Result<Session, ApiError>,
    facts: RequestFacts,
    headers: HeaderMap,
    Json(body): Json<SwitchBody>,
) -> ApiResult<Response> {
    let request = SwitchSignInRequest {
        current_service: body.current_service.unwrap_or_default(),
        new_service: body.new_service.unwrap_or_default(),
        email: body.email.unwrap_or_default(),
        password: body.password.unwrap_or_default(),
        mfa_code: body.mfa_code.unwrap_or_default(),
        new_password: body.new_password.unwrap_or_default(),
        site_url: facts.site_url(&headers),
    };
    let needs_session = request.new_service == EMAIL && !matches!(request.current_service.as_str(), EMAIL | LDAP | "");
    let caller = match session {
        Ok(session) => session.caller(),
        Err(refusal) if needs_session => return Err(refusal),
        Err(_) => {
            let (request_id, ip, path) = (facts.request_id.to_string(), facts.client_ip.to_string(), facts.path.to_string());
            Caller { request_id, ip, path, ..Caller::default() }
        }
    };
    let reply = gateway.clients.accounts().switch_sign_in(caller.call(request)).await?.into_inner();
    if reply.follow_link.is_empty() {
        return Err(AppError::internal("a switch without a link").into());
    }
    let mut response = ApiJson(Follow { follow_link: reply.follow_link }).into_response();
    if !reply.oauth_cookie.is_empty() {
        cookies::set_oauth(response.headers_mut(), &facts, &reply.oauth_cookie);
    }
    Ok(response)
}
