//! Everything outside the API: the web client's files, or a small page that says what this is.

use crate::{state::Gateway, version::SERVER_VERSION};
use axum::{
    Router,
    extract::State,
    response::{Html, IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use tower_http::{compression::CompressionLayer, services::ServeDir, set_header::SetResponseHeaderLayer};

const STATIC_CACHE: HeaderValue = HeaderValue::from_static("max-age=31556926, public");
const PAGE_CACHE: HeaderValue = HeaderValue::from_static("no-cache, max-age=31556926, public");

/// `/static/*` and, for every other GET, the client's `root.html` (deep links) or our own page.
pub fn router(gateway: Gateway) -> Router {
    let files = ServeDir::new(&gateway.client_dir).append_index_html_on_directories(false).fallback(axum::routing::any(missing));
    let statics = Router::new()
        .nest_service("/static", files)
        .layer(CompressionLayer::new())
        .layer(SetResponseHeaderLayer::overriding(header::CACHE_CONTROL, STATIC_CACHE));
    Router::new().merge(statics).fallback(page).with_state(gateway)
}

async fn missing() -> Response {
    (StatusCode::NOT_FOUND, "404 page not found\n").into_response()
}

async fn page(State(gateway): State<Gateway>, request: axum::extract::Request) -> Response {
    let path = request.uri().path();
    if request.method() != http::Method::GET {
        return missing().await;
    }
    let html = match tokio::fs::read_to_string(gateway.client_dir.join("root.html")).await {
        Ok(html) => html,
        Err(_) if path == "/" => welcome(&gateway),
        Err(_) => return missing().await,
    };
    let mut response = Html(html).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, PAGE_CACHE);
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("frame-ancestors 'self'"));
    response
}

fn welcome(gateway: &Gateway) -> String {
    format!(
        r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Muster</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:4rem auto;padding:0 1rem;color:#222}}code{{background:#f2f2f2;padding:.1em .3em;border-radius:3px}}</style></head>
<body><h1>Muster is running</h1>
<p>This is a <strong>Muster</strong> {version} team-chat server. It speaks Mattermost's HTTP API v4 (as of server {api}) and its WebSocket.</p>
<p>Point any Mattermost client, bot or script at this address: the API is at <code>/api/v4</code>, the WebSocket at <code>/api/v4/websocket</code>.</p>
<p>To have a web client here, put one's files into <code>{dir}</code> on the server (setting <code>MUSTER_CLIENT_DIR</code>).</p>
<p>Is it well? <a href="/api/v4/system/ping">/api/v4/system/ping</a></p></body></html>
"#,
        version = env!("CARGO_PKG_VERSION"),
        api = SERVER_VERSION,
        dir = gateway.client_dir.display(),
    )
}
