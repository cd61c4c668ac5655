//! Removes uploads that were never committed: their client or gateway went away in between.

use crate::{files, objects::Objects};
use muster_domain::time::{HOUR_MS, now_ms};
use sqlx::PgPool;
use std::time::Duration;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

const EVERY: Duration = Duration::from_secs(600);
/// No request lasts this long, ms.
const STALE_MS: i64 = 6 * HOUR_MS;
const BATCH: i64 = 100;

/// Runs until the token is cancelled. Every replica sweeps; they share the rows.
pub async fn run(pool: PgPool, objects: Objects, stop: CancellationToken) {
    let mut every = tokio::time::interval(EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = every.tick() => {}
        }
        loop {
            match files::take_stale(&pool, now_ms() - STALE_MS, BATCH).await {
                Ok((keys, rows)) => {
                    objects.delete_all(&keys).await;
                    if rows < BATCH as usize {
                        break;
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "sweeping abandoned uploads failed");
                    break;
                }
            }
        }
    }
}
