//! Who is asking: the four ways to carry a token, and the CSRF rule (reference: identity, section 2).

use super::{Params, RequestFacts};
use crate::{error::ApiError, second_factors, state::Gateway};
use axum::extract::FromRequestParts;
use http::{HeaderMap, header, request::Parts};
use muster_error::ErrorId;
use muster_proto::model;
use muster_runtime::Caller;
use std::{ops::Deref, sync::Arc};

/// Cookie that carries the token.
pub const TOKEN_COOKIE: &str = "MMAUTHTOKEN";
/// Cookie with the user's id, readable by script.
pub const USER_COOKIE: &str = "MMUSERID";

/// An authenticated request. Dereferences to the session.
#[derive(Debug, Clone)]
pub struct Session {
    pub session: Arc<model::Session>,
    pub facts: RequestFacts,
    /// The token as sent.
    pub token: Arc<str>,
}

impl Session {
    /// Who stands behind calls to services.
    pub fn caller(&self) -> Caller {
        Caller {
            user_id: self.session.user_id.clone(),
            session_id: self.session.id.clone(),
            roles: self.session.roles.clone(),
            request_id: self.facts.request_id.to_string(),
            ip: self.facts.client_ip.to_string(),
            path: self.facts.path.to_string(),
        }
    }

    /// A call to a service on behalf of this session.
    pub fn call<T>(&self, message: T) -> tonic::Request<T> {
        self.caller().call(message)
    }
}

impl Deref for Session {
    type Target = model::Session;

    fn deref(&self) -> &model::Session {
        &self.session
    }
}

/// How the token came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    Header,
    Cookie,
    Query,
}

/// Looks for a token: `Authorization: Bearer`, `Authorization: token`, the cookie, `?access_token=`.
pub fn find_token(headers: &HeaderMap, query: &str) -> Option<(String, Carrier)> {
    if let Some(value) = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok())
        && let Some((scheme, token)) = value.split_once(' ')
        && (scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("token"))
    {
        return Some((token.trim().to_owned(), Carrier::Header));
    }
    if let Some(token) = cookie(headers, TOKEN_COOKIE) {
        return Some((token.to_owned(), Carrier::Cookie));
    }
    if query.contains("access_token=") {
        let token = Params::parse(query).get("access_token").to_owned();
        if !token.is_empty() {
            return Some((token, Carrier::Query));
        }
    }
    None
}

/// The value of a cookie.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, value)| *key == name && !value.is_empty())
        .map(|(_, value)| value)
}

/// Routes whose cookie sessions need no `X-Requested-With`: what a browser fetches by itself.
fn csrf_exempt(method: &http::Method, path: &str) -> bool {
    let Some(rest) = path.strip_prefix("/api/v4/") else { return path.starts_with("/oauth/") };
    let parts: Vec<&str> = rest.split('/').collect();
    if method == http::Method::GET {
        return matches!(
            parts.as_slice(),
            ["users" | "teams" | "emoji", _, "image"]
                | ["files", _]
                | ["files", _, "thumbnail" | "preview"]
                | ["roles", ..]
                | ["brand", "image"]
                | ["image"]
                | ["websocket"]
                | ["compliance", "reports", _, "download"]
        );
    }
    (method == http::Method::POST && rest == "roles/names")
        || (method == http::Method::PUT && matches!(parts.as_slice(), ["users", _, "auth"]))
}

/// The outcome is kept in the request, so that extractors may ask again.
#[derive(Clone)]
struct Resolved(Result<Option<Session>, ApiError>);

async fn resolve(parts: &mut Parts, gateway: &Gateway, required: bool) -> Result<Option<Session>, ApiError> {
    if let Some(Resolved(known)) = parts.extensions.get::<Resolved>() {
        return known.clone();
    }
    let resolved = look_up(parts, gateway, required).await;
    parts.extensions.insert(Resolved(resolved.clone()));
    resolved
}

async fn look_up(parts: &Parts, gateway: &Gateway, required: bool) -> Result<Option<Session>, ApiError> {
    let query = parts.uri.query().unwrap_or_default();
    let Some((token, carrier)) = find_token(&parts.headers, query) else { return Ok(None) };
    let facts = parts.extensions.get::<RequestFacts>().cloned().unwrap_or_default();
    // Not the path of the URI: within a nested router that lacks its beginning.
    if required && carrier == Carrier::Cookie && !csrf_exempt(&parts.method, &facts.path) {
        let sent = parts.headers.get("x-requested-with").and_then(|v| v.to_str().ok());
        if sent != Some("XMLHttpRequest") {
            return Err(ErrorId::SessionExpired.into());
        }
    }
    let Some(session) = gateway.sessions.find(&token, &facts).await? else { return Ok(None) };
    if carrier == Carrier::Query && !session.is_oauth {
        return Err(ErrorId::TokenProvided.into());
    }
    if required && !second_factors::is_exempt(&parts.method, &facts.path) {
        second_factors::check(gateway, &session, &facts).await?;
    }
    Ok(Some(Session { session, facts, token: token.into() }))
}

impl FromRequestParts<Gateway> for Session {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, ApiError> {
        resolve(parts, gateway, true).await?.ok_or_else(|| ErrorId::SessionExpired.into())
    }
}

/// The session of a route that does not need one; an unknown token counts as none.
#[derive(Debug, Clone)]
pub struct MaybeSession(pub Option<Session>);

impl FromRequestParts<Gateway> for MaybeSession {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, ApiError> {
        match resolve(parts, gateway, false).await {
            Ok(session) => Ok(Self(session)),
            Err(error) if error.0.id == ErrorId::TokenProvided => Err(error),
            Err(_) => Ok(Self(None)),
        }
    }
}

impl MaybeSession {
    /// The caller for services; anonymous without a session.
    pub fn caller(&self, facts: &RequestFacts) -> Caller {
        match &self.0 {
            Some(session) => session.caller(),
            None => Caller {
                request_id: facts.request_id.to_string(),
                ip: facts.client_ip.to_string(),
                path: facts.path.to_string(),
                ..Caller::default()
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderValue, Method};

    #[test]
    fn finds_tokens_in_order() {
        let mut headers = HeaderMap::new();
        assert_eq!(find_token(&headers, "access_token=q"), Some(("q".into(), Carrier::Query)));
        headers.insert(header::COOKIE, HeaderValue::from_static("a=b; MMAUTHTOKEN=c"));
        assert_eq!(find_token(&headers, "access_token=q"), Some(("c".into(), Carrier::Cookie)));
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static("TOKEN t"));
        assert_eq!(find_token(&headers, ""), Some(("t".into(), Carrier::Header)));
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Basic x"));
        assert_eq!(find_token(&headers, ""), Some(("c".into(), Carrier::Cookie)));
    }

    #[test]
    fn pictures_need_no_csrf_header() {
        for (method, path, exempt) in [
            (Method::GET, "/api/v4/users/x/image", true),
            (Method::GET, "/api/v4/files/x/preview", true),
            (Method::GET, "/api/v4/files/x/info", false),
            (Method::POST, "/api/v4/users/x/image", false),
            (Method::POST, "/api/v4/roles/names", true),
            (Method::GET, "/api/v4/users/me", false),
        ] {
            assert_eq!(csrf_exempt(&method, path), exempt, "{path}");
        }
    }
}
