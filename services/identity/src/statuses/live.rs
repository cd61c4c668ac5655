//! Statuses as they change: in Redis, else in PostgreSQL; the user's own clients hear of it.

use super::{
    record::{self, shown},
    store::{self, Written},
    transition::{self, ACTIVE, Change, Outcome, USERS},
};
use crate::{cache::Cache, users};
use futures_util::{StreamExt, TryStreamExt, stream};
use muster_domain::{
    statuses::{Presence, Status as Kind},
    time::{SECOND_MS, now_ms},
};
use muster_error::AppError;
use muster_events::{Announcement, Bus, audience, frame, invalidation::What, user_subject};
use muster_proto::{identity::ConnectionRequest, model::Status};
use muster_runtime::{ConfigFeed, postgres::sql_error, redis::Redis};
use serde_json::json;
use sqlx::PgPool;
use std::{collections::HashMap, time::Duration};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Changes waiting for the durable copy; beyond it the copy lags until the user's next change.
const QUEUE: usize = 16_384;
const BATCH: usize = 1_000;
/// Changes of one user share a write.
const LINGER: Duration = Duration::from_millis(500);
/// Scripts under way at once.
const PARALLEL: usize = 128;
/// How often connections of dead gateways are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(15);
const SWEEP_BATCH: usize = 500;
/// Keys of one MGET.
const READ_BATCH: usize = 1_000;

#[derive(Clone)]
pub(crate) struct Live {
    pool: PgPool,
    redis: Redis,
    cache: Cache,
    bus: Bus,
    feed: ConfigFeed,
    durable: mpsc::Sender<Written>,
}

impl Live {
    pub(crate) fn start(pool: PgPool, redis: Redis, cache: Cache, bus: Bus, feed: ConfigFeed, stop: CancellationToken) -> Self {
        let (durable, rows) = mpsc::channel(QUEUE);
        tokio::spawn(write_behind(pool.clone(), rows, stop.clone()));
        let live = Self { pool, redis, cache, bus, feed, durable };
        tokio::spawn(sweep(live.clone(), stop));
        live
    }

    pub(crate) fn enabled(&self) -> bool {
        self.feed.get().settings.enable_user_statuses
    }

    fn away_after_ms(&self) -> i64 {
        self.feed.get().settings.user_status_away_timeout.saturating_mul(SECOND_MS)
    }

    /// In the order asked; unknown users are offline.
    pub(super) async fn get(&self, ids: &[String]) -> Result<Vec<Status>, AppError> {
        let mut found: HashMap<&str, Presence> = self.read_redis(ids).await.unwrap_or_else(|error| {
            tracing::debug!(%error, "reading statuses from PostgreSQL");
            HashMap::new()
        });
        let missing: Vec<&str> = ids.iter().map(String::as_str).filter(|id| !found.contains_key(id)).collect();
        if !missing.is_empty() {
            let durable = store::get(&self.pool, &missing).await.map_err(sql_error)?;
            self.remember(&durable).await;
            found.extend(missing.into_iter().filter_map(|id| durable.get(id).map(|presence| (id, *presence))));
        }
        Ok(ids.iter().map(|id| shown(id, found.get(id.as_str()).copied().unwrap_or_default())).collect())
    }

    /// Everybody who is not offline.
    pub(super) async fn list_active(&self) -> Result<Vec<Status>, AppError> {
        let ids: redis::RedisResult<Vec<String>> = redis::cmd("SMEMBERS").arg(ACTIVE).query_async(&mut self.redis.clone()).await;
        match ids {
            Ok(ids) => Ok(self.get(&ids).await?.into_iter().filter(|s| s.status != Kind::Offline.as_str()).collect()),
            Err(_) => {
                let active = store::list_active(&self.pool).await.map_err(sql_error)?;
                Ok(active.into_iter().map(|(id, presence)| shown(&id, presence)).collect())
            }
        }
    }

    async fn read_redis<'a>(&self, ids: &'a [String]) -> redis::RedisResult<HashMap<&'a str, Presence>> {
        let mut found = HashMap::with_capacity(ids.len());
        for ids in ids.chunks(READ_BATCH) {
            let keys: Vec<String> = ids.iter().map(|id| transition::key(id)).collect();
            let values: Vec<Option<String>> = redis::cmd("MGET").arg(keys).query_async(&mut self.redis.clone()).await?;
            let known = ids.iter().zip(values).filter_map(|(id, value)| Some((id.as_str(), record::decode(&value?)?)));
            found.extend(known);
        }
        Ok(found)
    }

    /// Puts durable statuses into Redis, unless they are there by now.
    async fn remember(&self, durable: &HashMap<String, Presence>) {
        let (now, away) = (now_ms(), self.away_after_ms());
        let runs: Vec<_> =
            durable.iter().map(|(id, presence)| transition::run(&self.redis, id, Change::Read, now, away, Some(*presence))).collect();
        stream::iter(runs).buffer_unordered(PARALLEL).for_each(|_| async {}).await;
    }

    /// One user's.
    async fn presence(&self, user_id: &str) -> Result<Presence, AppError> {
        let ids = [user_id.to_owned()];
        match self.read_redis(&ids).await.ok().and_then(|found| found.get(user_id).copied()) {
            Some(presence) => Ok(presence),
            None => Ok(store::get(&self.pool, &[user_id]).await.map_err(sql_error)?.remove(user_id).unwrap_or_default()),
        }
    }

    pub(super) async fn connected(&self, connection: &ConnectionRequest, now: i64) -> Result<(), AppError> {
        self.apply(&connection.user_id, Change::Connect(&connection.connection_id), now).await.map(drop)
    }

    /// Each connection on its own: one user's failure is not another's.
    pub(super) async fn renew(&self, connections: Vec<ConnectionRequest>, now: i64) -> Result<(), AppError> {
        let results = stream::iter(connections)
            .map(|c| async move { self.apply(&c.user_id, Change::Renew(&c.connection_id), now).await })
            .buffer_unordered(PARALLEL);
        results.fold(Ok(()), |all, one| async { all.and(one.map(drop)) }).await
    }

    pub(super) async fn disconnected(&self, connection: &ConnectionRequest) -> Result<(), AppError> {
        self.apply(&connection.user_id, Change::Disconnect(&connection.connection_id), now_ms()).await.map(drop)
    }

    pub(super) async fn active(&self, user_id: &str) -> Result<(), AppError> {
        self.apply(user_id, Change::Activity, now_ms()).await.map(drop)
    }

    /// The account was closed: offline, unless another status was chosen.
    pub(crate) async fn went_offline(&self, user_id: &str) -> Result<(), AppError> {
        self.apply(user_id, Change::Offline, now_ms()).await.map(drop)
    }

    /// Somebody chose a status. It is durable before Redis has it.
    pub(crate) async fn set(&self, user_id: &str, chosen: Kind) -> Result<Status, AppError> {
        let now = now_ms();
        let presence = transition::without_redis(self.presence(user_id).await?, Change::Set(chosen), now, 0);
        store::write(&self.pool, &[Written { user_id: user_id.to_owned(), presence, at: now }]).await.map_err(sql_error)?;
        Ok(shown(user_id, self.apply(user_id, Change::Set(chosen), now).await?))
    }

    /// Another status ends an automatic reply.
    pub(super) async fn end_out_of_office(&self, user_id: &str) -> Result<(), AppError> {
        if self.presence(user_id).await?.status == Kind::Ooo {
            users::set_notify_prop(&self.pool, user_id, users::AUTO_RESPONDER, "false").await.map_err(sql_error)?;
            self.bus.invalidate_now([What::UserId(user_id.to_owned())]).await;
        }
        Ok(())
    }

    /// Makes a change and tells the user's clients when it shows.
    async fn apply(&self, user_id: &str, change: Change<'_>, now: i64) -> Result<Presence, AppError> {
        if !self.enabled() {
            return Ok(Presence::default());
        }
        let away = self.away_after_ms();
        let mut outcome = transition::run(&self.redis, user_id, change, now, away, None).await;
        if matches!(outcome, Ok(Outcome::Missing)) {
            let durable = store::get(&self.pool, &[user_id]).await.map_err(sql_error)?.remove(user_id).unwrap_or_default();
            outcome = transition::run(&self.redis, user_id, change, now, away, Some(durable)).await;
        }
        match outcome {
            Ok(Outcome::Done { before, after, written }) => {
                if written {
                    // A full queue leaves the durable copy to the next change.
                    let _ = self.durable.try_send(Written { user_id: user_id.to_owned(), presence: after, at: now });
                }
                self.tell(user_id, before, after, change).await;
                Ok(after)
            }
            Ok(Outcome::Missing) => Err(AppError::internal("a status that was given is missing")),
            Err(error) => {
                tracing::debug!(%error, "changing a status in PostgreSQL");
                self.apply_without_redis(user_id, change, now, away).await
            }
        }
    }

    async fn apply_without_redis(&self, user_id: &str, change: Change<'_>, now: i64, away: i64) -> Result<Presence, AppError> {
        // Whatever Redis remembers of the user when it is back is old.
        self.cache.delete_later(transition::key(user_id));
        let mut tx = self.pool.begin().await.map_err(sql_error)?;
        let before = store::lock(&mut tx, user_id).await.map_err(sql_error)?.unwrap_or_default();
        let after = transition::without_redis(before, change, now, away);
        if before != after {
            let row = Written { user_id: user_id.to_owned(), presence: after, at: now };
            store::write(&mut *tx, &[row]).await.map_err(sql_error)?;
        }
        tx.commit().await.map_err(sql_error)?;
        self.tell(user_id, before, after, change).await;
        Ok(after)
    }

    /// A status that shows as before is announced again only when it was chosen. May be lost in a crash: other
    /// clients read it within a minute.
    async fn tell(&self, user_id: &str, before: Presence, after: Presence, change: Change<'_>) {
        let chosen = matches!(change, Change::Set(status) if status != Kind::Online);
        if before.status == after.status && !chosen {
            return;
        }
        let data = json!({ "status": after.status.as_str(), "user_id": user_id });
        let item = frame("status_change", &data, audience::user(user_id));
        self.bus.publish(Announcement::new(user_subject(user_id), vec![item])).await;
    }

    /// Ends the connections of gateways that died.
    async fn sweep_once(&self) -> Result<usize, AppError> {
        let now = now_ms();
        let due: redis::RedisResult<Vec<String>> = redis::cmd("ZRANGEBYSCORE")
            .arg(USERS)
            .arg("-inf")
            .arg(now)
            .arg("LIMIT")
            .arg(0)
            .arg(SWEEP_BATCH)
            .query_async(&mut self.redis.clone())
            .await;
        // Without Redis nobody counts connections.
        let Ok(due) = due else { return Ok(0) };
        let count = due.len();
        stream::iter(due)
            .map(|user_id| async move { self.apply(&user_id, Change::Expire, now).await })
            .buffer_unordered(PARALLEL)
            .try_for_each(|_| async { Ok(()) })
            .await?;
        Ok(count)
    }
}

async fn sweep(live: Live, stop: CancellationToken) {
    let mut every = tokio::time::interval(SWEEP_EVERY);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = every.tick() => {}
        }
        if !live.enabled() {
            continue;
        }
        loop {
            match live.sweep_once().await {
                Ok(SWEEP_BATCH) => {}
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(%error, "looking for dead connections failed");
                    break;
                }
            }
        }
    }
}

async fn write_behind(pool: PgPool, mut rows: mpsc::Receiver<Written>, stop: CancellationToken) {
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        let received = tokio::select! {
            biased;
            n = rows.recv_many(&mut batch, BATCH) => n,
            // The sweeper holds a sender, so the channel does not close by itself.
            () = stop.cancelled() => {
                rows.close();
                rows.recv_many(&mut batch, BATCH).await
            }
        };
        if received == 0 {
            return;
        }
        if !stop.is_cancelled() && batch.len() < BATCH {
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(LINGER) => {}
            }
            while batch.len() < BATCH
                && let Ok(row) = rows.try_recv()
            {
                batch.push(row);
            }
        }
        if let Err(error) = store::write(&pool, &batch).await {
            tracing::warn!(%error, rows = batch.len(), "writing the durable copy of statuses failed");
        }
        batch.clear();
    }
}
