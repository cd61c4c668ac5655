//! One process from start to end: connect, wire the roles it plays, serve, stop in order.

use crate::{configuration, node};
use anyhow::Context;
use muster_events::Bus;
use muster_gateway::clients::Clients;
use muster_runtime::{
    ConfigFeed, Peer, ProcessConfig,
    config::Role,
    grpc,
    health::{self, Readiness},
    nats,
    redis::{self, Redis},
    shutdown, telemetry,
};
use std::{sync::Arc, time::Duration};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

/// What the roles of this process are built from.
struct Parts {
    config: Arc<ProcessConfig>,
    feed: ConfigFeed,
    bus: Bus,
    redis: Redis,
    peers: Clients,
    readiness: Readiness,
    stop: CancellationToken,
}

/// Plays `role` until a signal, or until a part fails.
pub async fn run(role: Role) -> anyhow::Result<()> {
    let config = Arc::new(ProcessConfig::from_env(role)?);
    let _telemetry = telemetry::init(role)?;
    muster_events::trace_with(telemetry::traceparent);
    let stop = shutdown::on_signal().context("signal handlers")?;
    let readiness = Readiness::default();
    readiness.set("start", false);

    let mut parts = JoinSet::new();
    // The management listener outlives the rest, so that "not ready" is visible while we stop.
    let ended = CancellationToken::new();
    parts.spawn(health::serve(config.management_addr, readiness.clone(), ended.clone()));

    let nats = nats::connect(&config.nats_url, role).await?;
    let bus = Bus::new(nats.client, nats.losses, nats.connected);
    let redis = redis::connect(&config.redis_url).await?;
    let peers = peers(&config)?;
    let (source, feed) = configuration::feed()?;
    let context = Parts { config: config.clone(), feed, bus: bus.clone(), redis, peers: peers.clone(), readiness, stop: stop.clone() };
    // Nobody is served by the shipped defaults where an administrator chose otherwise. Jobs, which has the
    // configuration, must be ready for the others to read it.
    let known = (role != Role::Jobs).then(|| context.readiness.clone());
    let known = move |is_known: bool| {
        if let Some(readiness) = &known {
            readiness.set("configuration", is_known);
        }
    };
    known(false);
    tokio::spawn(configuration::follow(source, peers.jobs.clone(), bus.clone(), move || known(true), stop.clone()));
    tokio::spawn(node::register(config.clone(), peers.jobs, context.feed.clone(), stop.clone()));
    watch_bus(&context);
    tokio::spawn(node::answer_for_logs(bus.clone(), stop.clone()));

    match role {
        Role::Gateway => {
            parts.spawn(gateway(&context));
        }
        Role::All => {
            // In the order of the calls they make at start.
            for service in Role::SERVICES {
                let routes = grpc::traced(service_routes(&context, service).await?);
                context.peer(service).bind(routes);
            }
            parts.spawn(gateway(&context));
        }
        service => {
            let routes = grpc::traced(service_routes(&context, service).await?);
            let (config, stop) = (config.clone(), stop.clone());
            parts.spawn(async move { grpc::serve(routes, config.grpc_addr, &config.cluster_secret, stop).await });
        }
    }
    context.readiness.set("start", true);
    tracing::info!(role = role.name(), node = config.node_id, http = %config.http_addr, grpc = %config.grpc_addr, "started");

    // The first part to end decides: a failure stops the others.
    let first = tokio::select! {
        () = stop.cancelled() => Ok(()),
        Some(outcome) = parts.join_next() => outcome.context("a part of the process panicked")?.map_err(anyhow::Error::from),
    };
    stop.cancel();
    tracing::info!("stopping");
    let rest = async {
        // All but the management listener.
        while parts.len() > 1 {
            if let Some(Ok(Err(error))) = parts.join_next().await {
                tracing::warn!(%error, "while stopping");
            }
        }
        // What the outboxes have published is cleared shortly after.
        let _ = bus.client().flush().await;
        tokio::time::sleep(Duration::from_millis(300)).await;
    };
    if tokio::time::timeout(config.shutdown_grace, rest).await.is_err() {
        tracing::warn!("the grace period is over; ending with work under way");
    }
    ended.cancel();
    first
}

impl Parts {
    fn peer(&self, service: Role) -> &Peer {
        match service {
            Role::Identity => &self.peers.identity,
            Role::Teams => &self.peers.teams,
            Role::Posts => &self.peers.posts,
            Role::Files => &self.peers.files,
            _ => &self.peers.jobs,
        }
    }
}

/// How this process reaches each service: in itself when it plays all roles, else over TCP.
fn peers(config: &ProcessConfig) -> anyhow::Result<Clients> {
    let peer = |service: Role| -> anyhow::Result<Peer> {
        if config.role == Role::All {
            return Ok(Peer::in_process());
        }
        Ok(Peer::tcp(ProcessConfig::peer_addresses(service)?, &config.cluster_secret)?)
    };
    Ok(Clients {
        identity: peer(Role::Identity)?,
        teams: peer(Role::Teams)?,
        posts: peer(Role::Posts)?,
        files: peer(Role::Files)?,
        jobs: peer(Role::Jobs)?,
    })
}

async fn service_routes(context: &Parts, service: Role) -> anyhow::Result<Routes> {
    let (config, feed, bus, stop) = (context.config.clone(), context.feed.clone(), context.bus.clone(), context.stop.clone());
    let (readiness, peers) = (context.readiness.clone(), context.peers.clone());
    let routes = match service {
        Role::Identity => muster_identity::start(muster_identity::Deps { config, feed, bus, redis: context.redis.clone(), stop }).await?,
        Role::Teams => {
            let (identity, posts, files) = (peers.identity, peers.posts, peers.files);
            muster_teams::start(muster_teams::Deps { config, feed, bus, readiness, stop, identity, posts, files }).await?
        }
        Role::Posts => {
            let (identity, teams, files) = (peers.identity, peers.teams, peers.files);
            muster_posts::start(muster_posts::Deps { config, feed, bus, readiness, stop, identity, teams, files }).await?
        }
        Role::Files => muster_files::start(muster_files::Deps { config, feed, stop }).await?,
        Role::Jobs => {
            muster_jobs::start(muster_jobs::Deps {
                config,
                feed,
                bus,
                readiness,
                stop,
                identity: peers.identity,
                teams: peers.teams,
                posts: peers.posts,
                files: peers.files,
            })
            .await?
        }
        Role::Gateway | Role::All => Routes::default(),
    };
    Ok(routes)
}

/// Not ready from here on until the gateway itself says so.
fn gateway(context: &Parts) -> impl Future<Output = Result<(), muster_runtime::config::ConfigError>> + Send + 'static {
    context.readiness.set("gateway", false);
    muster_gateway::start(muster_gateway::Deps {
        config: context.config.clone(),
        feed: context.feed.clone(),
        bus: context.bus.clone(),
        redis: context.redis.clone(),
        clients: context.peers.clone(),
        readiness: context.readiness.clone(),
        stop: context.stop.clone(),
    })
}

/// Every role needs the bus to be ready.
fn watch_bus(context: &Parts) {
    let (readiness, mut connected, stop) = (context.readiness.clone(), context.bus.connected(), context.stop.clone());
    tokio::spawn(async move {
        loop {
            readiness.set("bus", *connected.borrow_and_update());
            tokio::select! {
                () = stop.cancelled() => return,
                changed = connected.changed() => if changed.is_err() { return },
            }
        }
    });
}
