//! Announcements that survive a crash: rows of the same transaction, published after commit, deleted once the bus has
//! them. What is left behind is published again (receivers recognise the batch id).

use crate::{Announcement, Bus};
use bytes::Bytes;
use muster_domain::time::now_ms;
use prost::Message;
use sqlx::{PgConnection, PgPool, Row};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// The table, to be the first migration of every service that announces.
pub const OUTBOX_MIGRATION: (i64, &str, &str) = (1, "outbox", include_str!("outbox.sql"));

/// Ids waiting to be deleted; beyond this the sweeper takes over.
const CLEAR_QUEUE: usize = 16_384;
const CLEAR_BATCH: usize = 2_000;
/// Longest a published row stays: deletions are shared.
const CLEAR_LINGER: Duration = Duration::from_millis(100);
const SWEEP_EVERY: Duration = Duration::from_secs(2);
/// A row older than this was left behind, ms.
const LEFT_BEHIND_MS: i64 = 5_000;
/// Rows a sweep takes at once.
const SWEEP_LIMIT: i64 = 500;

/// A row: when it was recorded (ms), and the batch id.
type Key = (i64, String);

/// An announcement as it is stored and sent, encoded once. For writers that store it by a statement of their own.
#[derive(Debug, Clone)]
pub struct Encoded {
    pub create_at: i64,
    pub id: String,
    pub subject: String,
    pub payload: Bytes,
}

impl From<Announcement> for Encoded {
    fn from(Announcement { subject, batch }: Announcement) -> Self {
        let payload = batch.encode_to_vec().into();
        Self { create_at: batch.create_at, id: batch.id, subject, payload }
    }
}

#[derive(Clone)]
pub struct Outbox {
    bus: Bus,
    published: mpsc::Sender<Key>,
}

impl Outbox {
    /// Starts the outbox of a schema; the tasks end with the token, after deleting what was published.
    pub fn start(pool: PgPool, bus: Bus, stop: CancellationToken) -> Self {
        let (published, ids) = mpsc::channel(CLEAR_QUEUE);
        tokio::spawn(clear(pool.clone(), bus.clone(), ids));
        tokio::spawn(sweep(pool, bus.clone(), stop));
        Self { bus, published }
    }

    pub fn bus(&self) -> &Bus {
        &self.bus
    }

    /// Records announcements in the transaction of the change that causes them.
    pub async fn record(&self, conn: &mut PgConnection, announcements: &[Announcement]) -> sqlx::Result<()> {
        if announcements.is_empty() {
            return Ok(());
        }
        let (ids, subjects): (Vec<&str>, Vec<&str>) = announcements.iter().map(|a| (a.batch.id.as_str(), a.subject.as_str())).unzip();
        let payloads: Vec<Vec<u8>> = announcements.iter().map(|a| a.batch.encode_to_vec()).collect();
        let times: Vec<i64> = announcements.iter().map(|a| a.batch.create_at).collect();
        sqlx::query(
            "INSERT INTO outbox (create_at, id, subject, payload) SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bytea[])",
        )
        .bind(times)
        .bind(ids)
        .bind(subjects)
        .bind(payloads)
        .execute(conn)
        .await?;
        Ok(())
    }

    /// Publishes what was recorded; call after the commit.
    pub async fn publish(&self, announcements: Vec<Announcement>) {
        self.publish_encoded(announcements.into_iter().map(Encoded::from).collect()).await;
    }

    /// Like [`Outbox::publish`].
    pub async fn publish_encoded(&self, announcements: Vec<Encoded>) {
        for Encoded { create_at, id, subject, payload } in announcements {
            self.bus.publish_bytes(subject, payload).await;
            // A full queue leaves the row to the sweeper.
            let _ = self.published.try_send((create_at, id));
        }
    }
}

async fn clear(pool: PgPool, bus: Bus, mut ids: mpsc::Receiver<Key>) {
    let mut batch = Vec::with_capacity(CLEAR_BATCH);
    while ids.recv_many(&mut batch, CLEAR_BATCH).await > 0 {
        if batch.len() < CLEAR_BATCH {
            let linger = tokio::time::Instant::now() + CLEAR_LINGER;
            while batch.len() < CLEAR_BATCH {
                match tokio::time::timeout_at(linger, ids.recv()).await {
                    Ok(Some(id)) => batch.push(id),
                    _ => break,
                }
            }
        }
        // Only what the bus certainly has may be forgotten.
        if bus.confirm().await.is_ok()
            && let Err(error) = delete(&pool, batch.drain(..)).await
        {
            tracing::warn!(%error, "clearing the outbox failed; the sweeper will publish these rows again");
        }
        batch.clear();
    }
}

async fn delete(executor: impl sqlx::PgExecutor<'_>, keys: impl Iterator<Item = Key>) -> sqlx::Result<()> {
    let (times, ids): (Vec<i64>, Vec<String>) = keys.unzip();
    sqlx::query("DELETE FROM outbox USING unnest($1::bigint[], $2::text[]) AS k(t, i) WHERE create_at = k.t AND id = k.i")
        .bind(times)
        .bind(ids)
        .execute(executor)
        .await?;
    Ok(())
}

async fn sweep(pool: PgPool, bus: Bus, stop: CancellationToken) {
    let mut every = tokio::time::interval(SWEEP_EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = every.tick() => {}
        }
        loop {
            match sweep_once(&pool, &bus).await {
                Ok(n) if n == SWEEP_LIMIT as usize => {}
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(%error, "sweeping the outbox failed");
                    break;
                }
            }
        }
    }
}

async fn sweep_once(pool: &PgPool, bus: &Bus) -> Result<usize, Box<dyn std::error::Error + Send + Sync>> {
    let mut tx = pool.begin().await?;
    let rows = sqlx::query(
        "SELECT create_at, id, subject, payload FROM outbox WHERE create_at < $1 ORDER BY create_at, id LIMIT $2 FOR UPDATE SKIP LOCKED",
    )
    .bind(now_ms() - LEFT_BEHIND_MS)
    .bind(SWEEP_LIMIT)
    .fetch_all(&mut *tx)
    .await?;
    if rows.is_empty() {
        return Ok(0);
    }
    let mut keys: Vec<Key> = Vec::with_capacity(rows.len());
    for row in &rows {
        bus.publish_bytes(row.try_get("subject")?, row.try_get::<Vec<u8>, _>("payload")?.into()).await;
        keys.push((row.try_get("create_at")?, row.try_get("id")?));
    }
    bus.confirm().await?;
    let published = keys.len();
    delete(&mut *tx, keys.into_iter()).await?;
    tx.commit().await?;
    metrics::counter!("muster_outbox_swept_total").increment(published as u64);
    tracing::info!(rows = published, "published announcements that a crash or an outage left behind");
    Ok(published)
}
