//! This process in the cluster's registry: a lease renewed while it lives.

use muster_domain::time::{NODE_RENEWAL_MS, now_ms};
use muster_events::Bus;
use muster_gateway::{api::logs, version::SERVER_VERSION};
use muster_proto::{
    jobs::{LeaveNodeRequest, RenewNodeRequest, nodes_client::NodesClient},
    model::ClusterNode,
};
use muster_runtime::{Caller, ConfigFeed, Peer, ProcessConfig, config};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

const RENEW_EVERY: Duration = Duration::from_millis(NODE_RENEWAL_MS as u64);
/// After a failed renewal, such as while the jobs service starts.
const RETRY: Duration = Duration::from_millis(500);

/// Renews until the token is cancelled, then leaves.
pub async fn register(process: Arc<ProcessConfig>, jobs: Peer, feed: ConfigFeed, stop: CancellationToken) {
    let mut client = NodesClient::new(jobs.channel());
    let caller = Caller::system(process.role.name());
    let started_at = now_ms();
    loop {
        let snapshot = feed.get();
        let node = ClusterNode {
            id: process.node_id.clone(),
            version: SERVER_VERSION.to_owned(),
            config_hash: snapshot.version.to_string(),
            ipaddress: process.advertise_addr.rsplit_once(':').map(|(host, _)| host.to_owned()).unwrap_or_default(),
            hostname: config::hostname(),
            role: process.role.name().to_owned(),
            address: process.advertise_addr.clone(),
            started_at,
            last_ping: now_ms(),
            is_alive: true,
        };
        let pause = match client.renew(caller.call(RenewNodeRequest { node: Some(node) })).await {
            Ok(_) => RENEW_EVERY,
            Err(_) => RETRY,
        };
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(pause) => {}
        }
    }
    let leave = client.leave(caller.call(LeaveNodeRequest { node_id: process.node_id.clone() }));
    let _ = tokio::time::timeout(Duration::from_secs(1), leave).await;
}

/// Gives gateways the newest log lines of this process until the token is cancelled.
pub async fn answer_for_logs(bus: Bus, stop: CancellationToken) {
    bus.answer(logs::QUESTION, stop, logs::answer).await;
}
