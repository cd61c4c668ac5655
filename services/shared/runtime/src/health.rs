//! The management listener of every role: `/healthz`, `/readyz`, `/metrics`.

use crate::{config::ConfigError, telemetry};
use axum::{Router, http::StatusCode, routing::get};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio_util::sync::CancellationToken;

/// What this process waits for before it takes work, by name.
#[derive(Clone, Default)]
pub struct Readiness(Arc<Mutex<BTreeMap<&'static str, bool>>>);

impl Readiness {
    pub fn set(&self, name: &'static str, ready: bool) {
        // A poisoned lock would mean a panic between two map operations; the map is still whole.
        self.0.lock().unwrap_or_else(|e| e.into_inner()).insert(name, ready);
    }

    /// What is not ready; empty = ready.
    pub fn missing(&self) -> Vec<&'static str> {
        let map = self.0.lock().unwrap_or_else(|e| e.into_inner());
        if map.is_empty() {
            return vec!["starting"];
        }
        map.iter().filter(|(_, ready)| !**ready).map(|(name, _)| *name).collect()
    }
}

/// Serves the management endpoints until the token is cancelled.
pub async fn serve(addr: SocketAddr, readiness: Readiness, stop: CancellationToken) -> Result<(), ConfigError> {
    let listener = tokio::net::TcpListener::bind(addr)
        .await
        .map_err(|e| ConfigError(format!("cannot listen on {addr} (MUSTER_MANAGEMENT_ADDR): {e}")))?;
    let app = Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route(
            "/readyz",
            get(move || async move {
                let missing = readiness.missing();
                if missing.is_empty() {
                    (StatusCode::OK, "ready".to_owned())
                } else {
                    (StatusCode::SERVICE_UNAVAILABLE, format!("waiting for {}", missing.join(", ")))
                }
            }),
        )
        .route("/metrics", get(|| async { telemetry::render_metrics() }));
    axum::serve(listener, app)
        .with_graceful_shutdown(stop.cancelled_owned())
        .await
        .map_err(|e| ConfigError(format!("management listener: {e}")))
}
