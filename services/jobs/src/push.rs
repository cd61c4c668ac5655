//! Push notifications, handed to a push proxy (`PushNotificationServer`) from a durable queue. A push that is late is
//! worthless: it is given up after minutes.

mod store;

pub use store::{delete_gone, insert};

use futures_util::StreamExt;
use muster_domain::time::{MINUTE_MS, SECOND_MS, now_ms};
use muster_error::AppError;
use muster_events::{Bus, PUSH_WAKE};
use muster_proto::identity::{Device, devices_client::DevicesClient};
use muster_runtime::{Caller, ConfigFeed, Peer, config::ConfigError, postgres::sql_error};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const LOOK_EVERY: Duration = Duration::from_secs(2);
const TIMEOUT: Duration = Duration::from_secs(10);
/// Pushes of one claim, and how many are on their way at once.
const CLAIM: i64 = 32;
const AT_ONCE: usize = 8;
/// How long a claim holds, ms: longer than all its pushes may take.
const LEASE_MS: i64 = MINUTE_MS;
/// Older pushes are not sent any more, ms.
const AGE_MAX_MS: i64 = 10 * MINUTE_MS;
/// Bytes of an answer that are read.
const ANSWER_MAX: usize = 64 * 1024;

/// The protocol's message, and whose device it is for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Push {
    pub platform: String,
    pub server_id: String,
    pub device_id: String,
    pub category: String,
    pub sound: String,
    pub message: String,
    pub badge: i64,
    pub cont_ava: i64,
    pub team_id: String,
    pub channel_id: String,
    pub post_id: String,
    pub root_id: String,
    pub channel_name: String,
    pub r#type: String,
    pub sender_id: String,
    pub override_username: String,
    pub override_icon_url: String,
    pub from_webhook: String,
    #[serde(skip)]
    pub user_id: String,
    #[serde(skip)]
    pub session_id: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Answer {
    status: String,
    error: String,
}

pub struct Worker {
    pub pool: PgPool,
    pub bus: Bus,
    pub feed: ConfigFeed,
    pub identity: Peer,
}

/// Works until the token is cancelled.
pub fn work(worker: Worker, stop: CancellationToken) -> Result<(), ConfigError> {
    let client = reqwest::Client::builder().timeout(TIMEOUT).redirect(reqwest::redirect::Policy::none()).build();
    let client = client.map_err(|e| ConfigError(format!("HTTP client for pushes: {e}")))?;
    tokio::spawn(run(worker, client, stop));
    Ok(())
}

async fn run(worker: Worker, client: reqwest::Client, stop: CancellationToken) {
    let mut every = tokio::time::interval(LOOK_EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut wakes = worker.bus.wakes(PUSH_WAKE).await;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = every.tick() => {}
            () = wakes.next() => {}
        }
        if let Err(error) = worker.send_due(&client, &stop).await {
            tracing::warn!(%error, "sending pushes failed");
        }
    }
}

impl Worker {
    async fn send_due(&self, client: &reqwest::Client, stop: &CancellationToken) -> Result<(), AppError> {
        let snapshot = self.feed.get();
        let url = format!("{}/api/v1/send_push", snapshot.settings.push_notification_server.trim_end_matches('/'));
        while !stop.is_cancelled() {
            let claimed = store::claim(&self.pool, now_ms(), LEASE_MS, CLAIM).await.map_err(sql_error)?;
            if claimed.is_empty() {
                return Ok(());
            }
            let sends = claimed.into_iter().map(|claimed| self.send(client, &url, snapshot.settings.pushes_posts(), claimed));
            futures_util::stream::iter(sends).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
        }
        Ok(())
    }

    async fn send(&self, client: &reqwest::Client, url: &str, is_on: bool, claimed: store::Claimed) {
        let store::Claimed { key, push, device, create_at, attempts } = claimed;
        let outdated = now_ms() - create_at > AGE_MAX_MS;
        let outcome = match push {
            Some(push) if is_on && !outdated => self.hand_over(client, url, push, &device).await,
            _ => Ok(()),
        };
        let stored = match outcome {
            Ok(()) => store::finish(&self.pool, &key).await,
            Err(error) => {
                // The address is the administrator's, but the device's token is nobody's business.
                tracing::warn!(%key, attempts, error = %error.without_url(), "a push could not be handed over; it will be tried again");
                store::postpone(&self.pool, &key, now_ms() + (SECOND_MS << attempts.clamp(0, 8))).await
            }
        };
        if let Err(error) = stored {
            tracing::warn!(%error, "what became of a push could not be stored");
        }
    }

    async fn hand_over(&self, client: &reqwest::Client, url: &str, push: Vec<u8>, device: &Device) -> Result<(), reqwest::Error> {
        let request = client.post(url).header("content-type", "application/json").body(push);
        let response = request.send().await?.error_for_status()?;
        let body = response.bytes().await?;
        let answer: Answer = serde_json::from_slice(&body[..body.len().min(ANSWER_MAX)]).unwrap_or_default();
        match answer.status.as_str() {
            "REMOVE" => self.forget(device).await,
            "FAIL" => tracing::warn!(session = device.session_id, error = answer.error, "the push proxy refused a push"),
            _ => {}
        }
        metrics::counter!("muster_pushes_sent_total").increment(1);
        Ok(())
    }

    /// The app is gone from the device.
    async fn forget(&self, device: &Device) {
        let request = Caller::system("jobs").call(device.clone());
        match DevicesClient::new(self.identity.channel()).forget(request).await {
            Ok(_) => tracing::info!(session = device.session_id, "the device of a session is gone"),
            // The next push to it says so again.
            Err(status) => tracing::warn!(%status, "a device that is gone could not be forgotten"),
        }
    }
}
