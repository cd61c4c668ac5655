//! Putting the gateway together and serving it.

use crate::{
    access::Access,
    activity, api,
    caches::Caches,
    channel_lists::ChannelLists,
    clients::Clients,
    edge,
    limiter::Limiter,
    people::People,
    presence::Presence,
    sessions::Sessions,
    state::{Gateway, Parts},
    version::Version,
    web,
    ws::{self, Hub},
};
use axum::{Router, extract::Request, serve::ListenerExt};
use muster_events::Bus;
use muster_runtime::{ConfigFeed, ProcessConfig, config::ConfigError, health::Readiness, redis::Redis};
use std::{
    net::SocketAddr,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// What the process gives its gateway.
pub struct Deps {
    pub config: Arc<ProcessConfig>,
    pub feed: ConfigFeed,
    pub bus: Bus,
    pub redis: Redis,
    pub clients: Clients,
    pub readiness: Readiness,
    pub stop: CancellationToken,
}

/// How long after "not ready" new connections are still taken: a load balancer needs that long to notice.
const DRAIN: Duration = Duration::from_millis(500);

/// Serves until the token is cancelled and the connections are done.
pub async fn start(deps: Deps) -> Result<(), ConfigError> {
    let addr = deps.config.http_addr;
    let listener = TcpListener::bind(addr).await.map_err(|e| ConfigError(format!("cannot listen on {addr} (MUSTER_HTTP_ADDR): {e}")))?;
    let connected = deps.bus.connected();
    let sessions = Sessions::new(deps.redis.clone(), deps.clients.clone(), connected.clone(), deps.feed.clone());
    let access = Access::new(deps.clients.clone(), connected.clone());
    let people = People::new(deps.clients.clone(), connected.clone());
    let channel_lists = ChannelLists::new(deps.clients.clone(), connected.clone());
    let hub = Hub::start(deps.bus.clone(), deps.clients.clone(), deps.stop.clone())
        .await
        .map_err(|e| ConfigError(format!("subscribing to events: {e}")))?;
    let invalidations = deps.bus.invalidations().await.map_err(|e| ConfigError(format!("subscribing to invalidations: {e}")))?;
    tokio::spawn(hub.clone().watch_settings(deps.feed.clone()));
    tokio::spawn(ws::presence::renew(hub.clone(), deps.clients.clone(), deps.stop.clone()));
    let caches =
        Caches { sessions: sessions.clone(), access: access.clone(), people: people.clone(), channel_lists: channel_lists.clone() };
    tokio::spawn(caches.keep_true(invalidations, connected, deps.stop.clone()));

    let presence = Presence::start(deps.clients.clone(), deps.stop.clone());
    let gateway = Gateway::new(Parts {
        presence,
        clients: deps.clients.clone(),
        sessions,
        access: access.clone(),
        people,
        channel_lists,
        activities: activity::start(&deps.clients, &deps.stop),
        version: Version::new(deps.feed.clone()),
        config: deps.feed,
        hub: hub.clone(),
        bus: deps.bus.clone(),
        limiter: Limiter::new(deps.redis),
        accounts_exist: AtomicBool::new(false),
        client_dir: deps.config.client_dir.clone(),
    });
    tokio::spawn(api::analytics::answer_for_sockets(deps.bus.clone(), hub.clone(), deps.stop.clone()));
    tokio::spawn(become_ready(deps.readiness.clone(), access, deps.bus, deps.stop.clone()));

    let app = Router::new()
        .nest("/api/v4", api::router(gateway.clone()).merge(ws::router(gateway.clone())))
        .merge(api::v3(gateway.clone()))
        .route("/api/{*rest}", axum::routing::any(|request: Request| async move { edge::no_such_route(request.uri().path()) }))
        .merge(api::files::public_routes(gateway.clone()))
        .merge(web::router(gateway.clone()))
        .layer(axum::middleware::from_fn_with_state(gateway, edge::outermost));

    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::warn!(%error, "TCP_NODELAY could not be set");
        }
    });
    let (stop, readiness) = (deps.stop, deps.readiness);
    let drained = async move {
        stop.cancelled().await;
        readiness.set("gateway", false);
        tokio::time::sleep(DRAIN).await;
        hub.close_all_for_restart().await;
    };
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(drained)
        .await
        .map_err(|e| ConfigError(format!("HTTP server: {e}")))
}

/// Ready once the roles are known and a round trip on the bus succeeds; not ready while the bus is away.
async fn become_ready(readiness: Readiness, access: Access, bus: Bus, stop: CancellationToken) {
    readiness.set("gateway", false);
    let mut connected = bus.connected();
    loop {
        let ready = *connected.borrow() && !access.roles().roles.is_empty() && bus.confirm().await.is_ok();
        readiness.set("gateway", ready);
        let pause = if ready { Duration::from_secs(5) } else { Duration::from_millis(100) };
        if !ready && access.roles().roles.is_empty() {
            let _ = access.reload_roles().await;
        }
        tokio::select! {
            () = stop.cancelled() => return,
            _ = connected.changed() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}
