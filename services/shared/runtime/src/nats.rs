//! NATS: the bus of events and invalidations.

use crate::config::{ConfigError, Role};
use async_nats::{Client, ConnectOptions, Event};
use std::time::Duration;
use tokio::sync::watch;

/// A connection to the bus and how often it was lost.
#[derive(Clone)]
pub struct Nats {
    pub client: Client,
    /// Number of times the connection was lost; a change means that messages may have been missed.
    pub losses: watch::Receiver<u64>,
    /// Whether the connection stands.
    pub connected: watch::Receiver<bool>,
}

/// Longest pause between attempts: an invalidation that waits for one process to be back is late by as much everywhere.
const RECONNECT_PAUSE_MAX_MS: u64 = 250;

/// Connects; fails when no server answers within ten seconds (the bus is a condition of being ready).
pub async fn connect(url: &str, role: Role) -> Result<Nats, ConfigError> {
    let (losses_tx, losses) = watch::channel(0u64);
    let (connected_tx, connected) = watch::channel(true);
    let client = credentials(url)
        .name(format!("muster-{}", role.name()))
        .max_reconnects(None)
        .reconnect_delay_callback(|attempt| Duration::from_millis((attempt as u64 * 50).min(RECONNECT_PAUSE_MAX_MS)))
        .ping_interval(Duration::from_secs(5))
        .subscription_capacity(65_536)
        .client_capacity(8_192)
        .event_callback(move |event| {
            match event {
                Event::Disconnected => {
                    tracing::warn!("the bus is disconnected");
                    connected_tx.send_replace(false);
                    losses_tx.send_modify(|n| *n += 1);
                }
                Event::Connected => {
                    tracing::info!("the bus is connected");
                    connected_tx.send_replace(true);
                }
                // Messages were dropped: the same as having been away.
                Event::SlowConsumer(id) => {
                    tracing::error!(subscription = id, "the bus dropped messages for a slow consumer");
                    metrics::counter!("muster_bus_slow_consumer_total").increment(1);
                    losses_tx.send_modify(|n| *n += 1);
                }
                _ => {}
            }
            async {}
        })
        .connect(url)
        .await
        .map_err(|e| ConfigError(format!("cannot reach NATS at MUSTER_NATS_URL: {e}")))?;
    Ok(Nats { client, losses, connected })
}

/// The client library ignores the `user:password@` of a URL, so it is told separately.
fn credentials(url: &str) -> ConnectOptions {
    let options = ConnectOptions::new();
    match url.parse::<async_nats::ServerAddr>() {
        Ok(address) => match (address.username(), address.password()) {
            (Some(user), Some(password)) => options.user_and_password(user.to_owned(), password.to_owned()),
            (Some(token), None) => options.token(token.to_owned()),
            _ => options,
        },
        // The connecting says what is wrong with the address.
        Err(_) => options,
    }
}
