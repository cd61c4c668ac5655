//! How the commands for operators reach the services: over gRPC where the environment names them, else in this process,
//! on the database the environment names. Several processes may do the same work side by side, so that is safe while the
//! server runs.

use crate::configuration;
use anyhow::Context;
use muster_events::Bus;
use muster_gateway::clients::Clients;
use muster_runtime::{
    Caller, Peer, ProcessConfig,
    config::{Role, setting},
    grpc,
    health::Readiness,
    nats, redis,
};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// How long what was announced may take to leave.
const LINGER: Duration = Duration::from_millis(300);

/// A way to the services.
pub struct Connected {
    pub clients: Clients,
    /// Who the services are told is acting: audits show the command.
    pub caller: Caller,
    own: Option<(Bus, CancellationToken)>,
}

impl Connected {
    /// `command` is what audits show as the action.
    pub async fn open(command: &str) -> anyhow::Result<Self> {
        let caller = Caller { path: format!("muster {command}"), ..Caller::system("cli") };
        if setting("MUSTER_IDENTITY_URL")?.is_some() {
            return Ok(Self { clients: remote()?, caller, own: None });
        }
        let (clients, bus, stop) = in_process().await.context(
            "no running service is named (MUSTER_IDENTITY_URL, MUSTER_TEAMS_URL), so the command works on the database itself, which failed",
        )?;
        Ok(Self { clients, caller, own: Some((bus, stop)) })
    }

    /// The caller as somebody in particular: who creates a team or channel, or joins and leaves one.
    pub fn acting_as(&self, user_id: &str) -> Caller {
        Caller { user_id: user_id.to_owned(), ..self.caller.clone() }
    }

    /// Lets what was announced go out.
    pub async fn close(self) {
        if let Some((bus, stop)) = self.own {
            let _ = bus.client().flush().await;
            tokio::time::sleep(LINGER).await;
            stop.cancel();
        }
    }
}

/// Clients of running services. The commands speak to identity and teams; the others are not needed.
fn remote() -> anyhow::Result<Clients> {
    let secret = setting("MUSTER_CLUSTER_SECRET")?.context("MUSTER_CLUSTER_SECRET is not set: the secret shared by all processes")?;
    let peer = |service: Role| -> anyhow::Result<Peer> { Ok(Peer::tcp(ProcessConfig::peer_addresses(service)?, &secret)?) };
    Ok(Clients {
        identity: peer(Role::Identity)?,
        teams: peer(Role::Teams)?,
        posts: Peer::in_process(),
        files: Peer::in_process(),
        jobs: Peer::in_process(),
    })
}

async fn in_process() -> anyhow::Result<(Clients, Bus, CancellationToken)> {
    let config = Arc::new(ProcessConfig::from_env(Role::All)?);
    let nats = nats::connect(&config.nats_url, Role::All).await?;
    let bus = Bus::new(nats.client, nats.losses, nats.connected);
    let redis = redis::connect(&config.redis_url).await?;
    let stop = CancellationToken::new();
    let peer = Peer::in_process;
    let clients = Clients { identity: peer(), teams: peer(), posts: peer(), files: peer(), jobs: peer() };

    // The settings that count are those in the database.
    clients.jobs.bind(grpc::traced(muster_jobs::configuration(&config, bus.clone(), stop.clone()).await?));
    let (source, feed) = configuration::feed()?;
    source.set(configuration::fetch(&clients.jobs).await.context("reading the configuration")?);

    let deps = muster_identity::Deps { config: config.clone(), feed: feed.clone(), bus: bus.clone(), redis, stop: stop.clone() };
    clients.identity.bind(grpc::traced(muster_identity::start(deps).await?));
    let deps = muster_teams::Deps {
        config,
        feed,
        bus: bus.clone(),
        readiness: Readiness::default(),
        stop: stop.clone(),
        identity: clients.identity.clone(),
        // What posts and files must be told waits in the database for a running server.
        posts: clients.posts.clone(),
        files: clients.files.clone(),
    };
    clients.teams.bind(grpc::traced(muster_teams::start(deps).await?));
    Ok((clients, bus, stop))
}
