//! What every request passes first and every answer passes last: request id, headers, error bodies, CORS, metrics.

use crate::{
    error::ApiError,
    extract::{RequestFacts, find_token},
    limiter,
    state::Gateway,
};
use axum::{
    extract::{ConnectInfo, MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use muster_error::{AppError, ErrorId};
use muster_runtime::telemetry;
use serde_json::json;
use std::{net::SocketAddr, time::Instant};
use tracing::Instrument;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const X_VERSION_ID: HeaderName = HeaderName::from_static("x-version-id");

/// Around everything: the rate limiter when it is on, then the rest.
pub async fn outermost(State(gateway): State<Gateway>, request: Request, next: Next) -> Response {
    let snapshot = gateway.settings();
    if !snapshot.settings.rate_limit_enable {
        return unlimited(gateway, request, next).await;
    }
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
    let facts = RequestFacts::read(request.headers(), request.uri().path(), peer);
    let token = find_token(request.headers(), request.uri().query().unwrap_or_default());
    let token = token.as_ref().map(|(token, _)| token.as_str());
    let key = limiter::key(&snapshot.settings, &facts.client_ip, token, request.headers());
    let Some(verdict) = gateway.limiter.count(&snapshot.settings, &key).await else { return unlimited(gateway, request, next).await };
    let mut response = if verdict.refused { verdict.refusal() } else { unlimited(gateway, request, next).await };
    verdict.put_into(response.headers_mut());
    response
}

/// Bodies up to this size are read before anything else, bytes.
const READ_AHEAD: usize = 64 * 1024;

/// A connection whose request was answered before its body arrived is closed, and a client that sends the body in a second
/// packet finds its next request on a dead connection. So small bodies are taken in first, whatever the answer will be.
async fn read_ahead(request: Request) -> Result<Request, Response> {
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<usize>().ok());
    if !length.is_some_and(|n| n > 0 && n <= READ_AHEAD) {
        return Ok(request);
    }
    let (parts, body) = request.into_parts();
    match axum::body::to_bytes(body, READ_AHEAD).await {
        Ok(bytes) => Ok(Request::from_parts(parts, bytes.into())),
        Err(_) => Err(StatusCode::BAD_REQUEST.into_response()),
    }
}

/// OPTIONS, CORS, path cleaning, facts, metrics, the trace.
async fn unlimited(gateway: Gateway, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let mut request = match read_ahead(request).await {
        Ok(request) => request,
        Err(refusal) => return refusal,
    };
    let origin = allowed_origin(&gateway, &request);
    if request.method() == Method::OPTIONS {
        return with_cors(preflight(&request), origin, true);
    }
    let path = request.uri().path();
    if let Some(clean) = cleaned(path) {
        let location = match request.uri().query() {
            Some(query) => format!("{clean}?{query}"),
            None => clean,
        };
        return (StatusCode::MOVED_PERMANENTLY, [(header::LOCATION, location)]).into_response();
    }
    // The original's router knows no HEAD on API routes; axum answers it wherever GET is.
    if request.method() == Method::HEAD && path.starts_with("/api/") {
        return with_cors(no_such_route(path), origin, false);
    }
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
    let facts = RequestFacts::read(request.headers(), path, peer);
    let span = telemetry::server_span(if path.starts_with("/api/v4/websocket") { "WS" } else { "HTTP" }, path, request.headers());
    request.extensions_mut().insert(facts);
    let response = next.run(request).instrument(span).await;
    metrics::counter!("mattermost_http_requests_total").increment(1);
    metrics::histogram!("mattermost_http_request_duration_time").record(started.elapsed().as_secs_f64());
    if response.status().is_client_error() || response.status().is_server_error() {
        metrics::counter!("mattermost_http_errors_total").increment(1);
    }
    with_cors(response, origin, false)
}

/// Around every routed operation: its time, the headers of answers, the JSON of refusals.
pub async fn operation(State(gateway): State<Gateway>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let facts = request.extensions().get::<RequestFacts>().cloned().unwrap_or_default();
    let method = request.method().clone();
    let had_cookie = request.headers().contains_key(header::COOKIE);
    let mut response = next.run(request).await;
    if let Some(ApiError(error)) = response.extensions_mut().remove::<ApiError>() {
        response = refusal(&gateway, &facts, &error, had_cookie);
    }
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&facts.request_id) {
        headers.insert(X_REQUEST_ID, id);
    }
    if let Ok(version) = HeaderValue::from_str(&gateway.version.id()) {
        headers.insert(X_VERSION_ID, version);
    }
    headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
    if method == Method::GET {
        headers.entry(header::EXPIRES).or_insert(HeaderValue::from_static("0"));
    }
    if let Some(route) = route {
        let labels = [("handler", route.as_str().to_owned()), ("method", method.to_string())];
        metrics::histogram!("mattermost_api_time", &labels).record(started.elapsed().as_secs_f64());
    }
    response
}

/// The standard error body.
fn refusal(gateway: &Gateway, facts: &RequestFacts, error: &AppError, had_cookie: bool) -> Response {
    if error.status >= 500 && error.status != 501 {
        tracing::error!(request_id = %facts.request_id, path = %facts.path, %error, "a request failed");
    } else {
        tracing::debug!(request_id = %facts.request_id, path = %facts.path, %error, "a request was refused");
    }
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let developer = gateway.settings().settings.enable_developer;
    let body = json!({
        "id": error.id.wire(),
        "message": error.message(),
        "detailed_error": if developer { error.detail.as_str() } else { "" },
        "request_id": &*facts.request_id,
        "status_code": error.status,
    });
    let mut response = (status, body.to_string()).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if error.id == ErrorId::SessionExpired && had_cookie {
        headers.append(header::SET_COOKIE, HeaderValue::from_static("MMAUTHTOKEN=; Path=/; Max-Age=0; HttpOnly"));
    }
    if matches!(error.status, 429 | 503) {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// 404 of a route that does not exist: no request id, and the path is named.
pub fn no_such_route(path: &str) -> Response {
    let error = AppError::new(ErrorId::NotFound);
    let body = json!({
        "id": error.id.wire(),
        "message": error.message(),
        "detailed_error": format!("There doesn't appear to be an api call for the url='{path}'."),
        "status_code": 404,
    });
    (StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], body.to_string()).into_response()
}

fn preflight(request: &Request) -> Response {
    let mut response = StatusCode::OK.into_response();
    if let Some(wanted) = request.headers().get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
    }
    response
}

/// The request's origin, if `AllowCorsFrom` lets it in.
fn allowed_origin(gateway: &Gateway, request: &Request) -> Option<HeaderValue> {
    let origin = request.headers().get(header::ORIGIN)?;
    let snapshot = gateway.settings();
    let allowed = snapshot.settings.allow_cors_from.as_str();
    let text = origin.to_str().ok()?;
    (allowed == "*" || allowed.split_whitespace().any(|o| o == text)).then(|| origin.clone())
}

fn with_cors(mut response: Response, origin: Option<HeaderValue>, preflight: bool) -> Response {
    match origin {
        Some(origin) => {
            response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            if preflight {
                let methods = HeaderValue::from_static("POST, GET, OPTIONS, PUT, PATCH, DELETE");
                response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
            }
        }
        None => {
            response.headers_mut().remove(header::ACCESS_CONTROL_ALLOW_HEADERS);
        }
    }
    response
}

/// The path without `//`, `.` and `..`, if it has any.
fn cleaned(path: &str) -> Option<String> {
    if !path.contains("//") && !path.split('/').any(|s| s == ".." || s == ".") {
        return None;
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    let slash = if path.ends_with('/') && !parts.is_empty() { "/" } else { "" };
    Some(format!("/{}{slash}", parts.join("/")))
}

#[cfg(test)]
mod tests {
    use super::cleaned;

    #[test]
    fn cleans_paths() {
        assert_eq!(cleaned("/api/v4/users"), None);
        assert_eq!(cleaned("/api/v4/users//preferences").as_deref(), Some("/api/v4/users/preferences"));
        assert_eq!(cleaned("/a/../b/./c/").as_deref(), Some("/b/c/"));
        assert_eq!(cleaned("//").as_deref(), Some("/"));
    }
}
