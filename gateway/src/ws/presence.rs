//! Tells identity once a minute which connections live, so that presence outlasts nobody and idle people turn away.

use super::hub::Hub;
use crate::clients::Clients;
use muster_proto::identity::{ConnectionRequest, RenewRequest};
use muster_runtime::Caller;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const RENEW_EVERY: Duration = Duration::from_secs(60);
/// Connections per call.
const CHUNK: usize = 500;

/// Runs until the token is cancelled. A connection whose peer is gone ends itself when its pongs stay away.
pub async fn renew(hub: Hub, clients: Clients, stop: CancellationToken) {
    let mut every = tokio::time::interval(RENEW_EVERY);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = every.tick() => {}
        }
        let connections: Vec<ConnectionRequest> = hub
            .connections()
            .iter()
            .map(|c| ConnectionRequest { user_id: c.user_id.clone(), connection_id: c.id.clone(), session_id: c.session_id.clone() })
            .collect();
        for chunk in connections.chunks(CHUNK) {
            let request = Caller::system("gateway").call(RenewRequest { connections: chunk.to_vec() });
            if let Err(status) = clients.statuses().renew(request).await {
                tracing::warn!(%status, "renewing presence failed");
            }
        }
    }
}
