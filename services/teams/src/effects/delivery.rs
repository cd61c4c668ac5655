//! Delivering effects: at once after the commit, and by a sweeper.

use super::{Effect, lines::Lines, store};
use futures_util::future::join_all;
use muster_domain::time::now_ms;
use muster_error::{AppError, ErrorId, Result};
use muster_proto::{
    files::files_client::FilesClient,
    identity::{memberships_client::MembershipsClient, preferences_client::PreferencesClient},
    posts::effects_client::EffectsClient,
};
use muster_runtime::{Caller, Peer, postgres::sql_error};
use prost::Message;
use sqlx::{PgConnection, PgPool};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Longest a request waits for its effects to be applied.
const DELIVER_WITHIN: Duration = Duration::from_secs(2);
/// An effect this old was left behind by its request, ms.
const LEFT_BEHIND_MS: i64 = 3_000;
const SWEEP_EVERY: Duration = Duration::from_millis(500);
/// Keys a sweep takes at once.
const SWEEP_KEYS: i64 = 200;
/// First and longest pause before a failed delivery is tried again, ms.
const RETRY_FIRST_MS: i64 = 500;
const RETRY_MAX_MS: i64 = 60_000;

#[derive(Clone)]
pub struct Effects {
    pool: PgPool,
    identity: Peer,
    posts: Peer,
    files: Peer,
    /// A delivery holds a connection: half of the pool stays free for everything else.
    permits: Arc<Semaphore>,
    lines: Lines,
}

impl Effects {
    /// Starts the sweeper, which ends with `stop`.
    pub fn start(pool: PgPool, (identity, posts, files): (Peer, Peer, Peer), connections: u32, stop: CancellationToken) -> Self {
        let permits = Arc::new(Semaphore::new((connections as usize / 2).max(1)));
        let effects = Self { pool, identity, posts, files, permits, lines: Lines::default() };
        tokio::spawn(effects.clone().sweep(stop));
        effects
    }

    /// Writes effects in the transaction of the change that causes them.
    pub async fn record(&self, conn: &mut PgConnection, effects: &[Effect]) -> sqlx::Result<()> {
        store::record(conn, effects, now_ms() + LEFT_BEHIND_MS).await
    }

    /// Drops joins and leaves of a team and its channels that were not told yet: the team is no more.
    pub async fn drop_memberships(&self, conn: &mut PgConnection, group_ids: impl Iterator<Item = &str>) -> sqlx::Result<()> {
        let keys: Vec<String> = group_ids.map(|id| format!("identity/{id}")).collect();
        store::drop_memberships(conn, &keys).await
    }

    /// Delivers what was just committed and waits until it is applied or the time is up; the sweeper does the rest.
    pub async fn deliver(&self, caller: &Caller, effects: &[Effect]) {
        let keys: BTreeSet<&str> = effects.iter().map(|e| e.key.as_str()).collect();
        let caller = Caller { request_id: caller.request_id.clone(), ..Caller::system("teams") };
        let all = join_all(keys.into_iter().map(|key| self.deliver_key(&caller, key, true)));
        match tokio::time::timeout(DELIVER_WITHIN, all).await {
            Ok(results) => {
                for error in results.into_iter().filter_map(Result::err) {
                    tracing::warn!(%error, "an effect could not be delivered; it will be tried again");
                }
            }
            Err(_) => tracing::warn!("effects are slow to be applied; the sweeper will see to them"),
        }
    }

    /// Applies the pending effects of a key in order. A failure leaves it and its successors for later.
    async fn deliver_key(&self, caller: &Caller, key: &str, wait: bool) -> Result<()> {
        let _turn = self.lines.turn(key).await;
        let _permit = self.permits.acquire().await.map_err(AppError::internal)?;
        let mut tx = self.pool.begin().await.map_err(sql_error)?;
        let pending = match store::take(&mut tx, key, wait).await {
            Ok(pending) => pending,
            Err(error) if is_locked(&error) => return Ok(()),
            Err(error) => return Err(sql_error(error)),
        };
        let mut done = Vec::with_capacity(pending.len());
        let mut failure = None;
        for effect in pending {
            match self.send(caller, &effect.target, &effect.payload).await {
                Ok(()) => done.push(effect.seq),
                // Repeating a refused instruction would not help and would hold up all that follow it.
                Err(error) if is_final(&error) => {
                    tracing::error!(%error, key, target = effect.target, "an effect was refused and is dropped");
                    metrics::counter!("muster_effects_refused_total").increment(1);
                    done.push(effect.seq);
                }
                Err(error) => {
                    store::postpone(&mut tx, effect.seq, now_ms() + retry_after(effect.attempts)).await.map_err(sql_error)?;
                    failure = Some(error);
                    break;
                }
            }
        }
        store::delete(&mut tx, &done).await.map_err(sql_error)?;
        tx.commit().await.map_err(sql_error)?;
        failure.map_or(Ok(()), Err)
    }

    async fn send(&self, caller: &Caller, target: &str, payload: &[u8]) -> Result<()> {
        match target {
            store::POSTS => {
                EffectsClient::new(self.posts.channel()).apply(caller.call(decode(payload)?)).await?;
            }
            store::MEMBERSHIPS => {
                MembershipsClient::new(self.identity.channel()).apply(caller.call(decode(payload)?)).await?;
            }
            store::PREFERENCES => {
                PreferencesClient::new(self.identity.channel()).forget(caller.call(decode(payload)?)).await?;
            }
            store::GROUPS => {
                MembershipsClient::new(self.identity.channel()).forget(caller.call(decode(payload)?)).await?;
            }
            store::FILES => {
                FilesClient::new(self.files.channel()).purge(caller.call(decode(payload)?)).await?;
            }
            // Written by a newer replica during a rolling upgrade: that one knows what to do.
            other => return Err(AppError::internal(format_args!("unknown target {other}"))),
        }
        Ok(())
    }

    async fn sweep(self, stop: CancellationToken) {
        let caller = Caller::system("teams");
        let mut every = tokio::time::interval(SWEEP_EVERY);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = every.tick() => {}
            }
            if let Err(error) = self.sweep_once(&caller).await {
                tracing::warn!(%error, "sweeping the effects failed");
            }
        }
    }

    async fn sweep_once(&self, caller: &Caller) -> Result<()> {
        let keys = {
            let mut conn = self.pool.acquire().await.map_err(sql_error)?;
            store::due_keys(&mut conn, now_ms(), SWEEP_KEYS).await.map_err(sql_error)?
        };
        let results = join_all(keys.iter().map(|key| self.deliver_key(caller, key, false))).await;
        let failures: Vec<AppError> = results.into_iter().filter_map(Result::err).collect();
        if let Some(error) = failures.first() {
            // An outage fails all of them alike: one line tells it.
            tracing::warn!(%error, keys = failures.len(), "effects could not be delivered; they will be tried again");
        }
        Ok(())
    }
}

fn decode<T: Message + Default>(payload: &[u8]) -> Result<T> {
    T::decode(payload).map_err(AppError::internal)
}

/// PostgreSQL's `lock_not_available`.
fn is_locked(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(|e| e.code()).is_some_and(|code| code == "55P03")
}

/// The service understood and said no, rather than being away, busy or not built yet.
fn is_final(error: &AppError) -> bool {
    (400..500).contains(&error.status) && error.id != ErrorId::Unauthenticated
}

fn retry_after(attempts: i32) -> i64 {
    (RETRY_FIRST_MS << attempts.clamp(0, 10)).min(RETRY_MAX_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_slow_down_to_a_minute() {
        assert_eq!([0, 1, 3, 30].map(retry_after), [500, 1_000, 4_000, 60_000]);
    }

    #[test]
    fn only_refusals_are_final() {
        assert!(is_final(&AppError::body("post")));
        for id in [ErrorId::Unavailable, ErrorId::Timeout, ErrorId::NotImplemented, ErrorId::Internal, ErrorId::Unauthenticated] {
            assert!(!is_final(&AppError::new(id)), "{id:?}");
        }
    }
}
