//! Announcements that survive a crash: rows of the same transaction, published after commit, deleted once the bus has
//! them. What is left behind is published again (receivers recognise the batch id).

use crate::{Announcement, Bus};
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

#[derive(Clone)]
pub struct Outbox {
    bus: Bus,
    published: mpsc::Sender<String>,
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
        let (ids, subjects): (Vec<&str>, Vec<&str>) =
            announcements.iter().map(|a| (a.batch.id.as_str(), a.subject.as_str())).unzip();
        let payloads: Vec<Vec<u8>> = announcements.iter().map(|a| a.batch.encode_to_vec()).collect();
        sqlx::query("INSERT INTO outbox (id, subject, payload, create_at) SELECT *, $4 FROM unnest($1::text[], $2::text[], $3::bytea[])")
            .bind(ids)
            .bind(subjects)
            .bind(payloads)
            .bind(now_ms())
            .execute(conn)
            .await?;
        Ok(())
    }

    /// Publishes what was recorded; call after the commit.
    pub async fn publish(&self, announcements: Vec<Announcement>) {
        for Announcement { subject, batch } in announcements {
            self.bus.publish_bytes(subject, batch.encode_to_vec().into()).await;
            // A full queue leaves the row to the sweeper.
            let _ = self.published.try_send(batch.id);
        }
    }
}

async fn clear(pool: PgPool, bus: Bus, mut ids: mpsc::Receiver<String>) {
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
            && let Err(error) = sqlx::query("DELETE FROM outbox WHERE id = ANY($1)").bind(&batch).execute(&pool).await
        {
            tracing::warn!(%error, "clearing the outbox failed; the sweeper will publish these rows again");
        }
        batch.clear();
    }
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
    // Ids are time-ordered, so the primary key gives the order of publication.
    let rows = sqlx::query("SELECT id, subject, payload FROM outbox WHERE create_at < $1 ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED")
        .bind(now_ms() - LEFT_BEHIND_MS)
        .bind(SWEEP_LIMIT)
        .fetch_all(&mut *tx)
        .await?;
    if rows.is_empty() {
        return Ok(0);
    }
    let mut ids = Vec::with_capacity(rows.len());
    for row in &rows {
        bus.publish_bytes(row.try_get("subject")?, row.try_get::<Vec<u8>, _>("payload")?.into()).await;
        ids.push(row.try_get::<String, _>("id")?);
    }
    bus.confirm().await?;
    sqlx::query("DELETE FROM outbox WHERE id = ANY($1)").bind(&ids).execute(&mut *tx).await?;
    tx.commit().await?;
    metrics::counter!("muster_outbox_swept_total").increment(ids.len() as u64);
    tracing::info!(rows = ids.len(), "published announcements that a crash or an outage left behind");
    Ok(ids.len())
}
