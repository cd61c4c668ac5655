//! Serving gRPC: who may call, where traces continue, how it stops.

use crate::{
    config::ConfigError,
    peers::{CONNECTION_WINDOW, STREAM_WINDOW},
    telemetry,
};
use axum::{extract::Request, middleware::Next, response::Response};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use subtle::ConstantTimeEq;
use tokio_util::sync::CancellationToken;
use tonic::{
    Status,
    service::Routes,
    transport::{Server, server::TcpIncoming},
};
use tracing::Instrument;

/// Connections are renewed so that callers spread over new replicas.
const CONNECTION_AGE: Duration = Duration::from_secs(300);
/// Far above what a gateway has open: each slow download is a call of its own.
const CALLS_PER_CONNECTION: u32 = 10_000;

/// Continues the caller's trace in every call. Used for both transports.
pub fn traced(routes: Routes) -> Routes {
    routes.into_axum_router().layer(axum::middleware::from_fn(trace)).into()
}

async fn trace(request: Request, next: Next) -> Response {
    let span = telemetry::server_span("rpc", request.uri().path(), request.headers());
    next.run(request).instrument(span).await
}

/// Serves until the token is cancelled, then finishes the calls under way.
pub async fn serve(routes: Routes, addr: SocketAddr, secret: &str, stop: CancellationToken) -> Result<(), ConfigError> {
    let expected: Arc<str> = format!("Bearer {secret}").into();
    let guarded: Routes = routes
        .into_axum_router()
        .layer(axum::middleware::from_fn(move |request: Request, next: Next| {
            let expected = expected.clone();
            async move {
                let sent = request.headers().get(http::header::AUTHORIZATION).map(|v| v.as_bytes()).unwrap_or_default();
                if bool::from(sent.ct_eq(expected.as_bytes())) {
                    next.run(request).await
                } else {
                    Status::unauthenticated("the call does not carry the cluster secret").into_http()
                }
            }
        }))
        .into();
    let incoming = TcpIncoming::bind(addr)
        .map_err(|e| ConfigError(format!("cannot listen on {addr} (MUSTER_GRPC_ADDR): {e}")))?
        .with_nodelay(Some(true));
    Server::builder()
        .http2_keepalive_interval(Some(Duration::from_secs(20)))
        .http2_keepalive_timeout(Some(Duration::from_secs(5)))
        .max_connection_age(CONNECTION_AGE)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_concurrent_streams(CALLS_PER_CONNECTION)
        .add_routes(guarded)
        .serve_with_incoming_shutdown(incoming, stop.cancelled_owned())
        .await
        .map_err(|e| ConfigError(format!("gRPC server: {e}")))
}
