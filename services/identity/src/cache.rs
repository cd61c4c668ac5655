//! What gateways read from Redis without asking us, and how it is taken back. A key that could not be taken back
//! while Redis was away is deleted when Redis answers again.

use muster_domain::time::now_ms;
use muster_proto::model::Session;
use muster_runtime::redis::Redis;
use prost::Message;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Stands in a session's place for a while after a change, so that an answer read before the change cannot fill the
/// key again. It does not decode, so readers come to us.
const ASK_IDENTITY: &[u8] = &[0xff];
/// Longer than any call may take, seconds.
const ASK_IDENTITY_SECONDS: u64 = 30;
/// Keys waiting for Redis to return.
const REPAIRS: usize = 65_536;
const RETRY: Duration = Duration::from_millis(500);
/// Keys deleted by one command.
const REPAIR_BATCH: usize = 1_000;

#[derive(Clone)]
pub(crate) struct Cache {
    redis: Redis,
    repairs: mpsc::Sender<String>,
}

impl Cache {
    pub(crate) fn start(redis: Redis, stop: CancellationToken) -> Self {
        let (repairs, keys) = mpsc::channel(REPAIRS);
        tokio::spawn(repair(redis.clone(), keys, stop));
        Self { redis, repairs }
    }

    /// Stores a session for at most `ttl`, unless it changed meanwhile.
    pub(crate) async fn put_session(&self, token_hash: &str, session: &Session, ttl: Duration) {
        let left = Duration::from_millis(session.expires_at.saturating_sub(now_ms()).max(0) as u64);
        let seconds = ttl.min(left).as_secs();
        if seconds == 0 {
            return;
        }
        let stored: redis::RedisResult<redis::Value> = redis::cmd("SET")
            .arg(session_key(token_hash))
            .arg(session.encode_to_vec())
            .arg("NX")
            .arg("EX")
            .arg(seconds)
            .query_async(&mut self.redis.clone())
            .await;
        if let Err(error) = stored {
            tracing::debug!(%error, "a session was not cached");
        }
    }

    /// Takes sessions back.
    pub(crate) async fn forget_sessions(&self, token_hashes: &[String]) {
        if token_hashes.is_empty() {
            return;
        }
        let mut pipeline = redis::pipe();
        for hash in token_hashes {
            pipeline.cmd("SET").arg(session_key(hash)).arg(ASK_IDENTITY).arg("EX").arg(ASK_IDENTITY_SECONDS).ignore();
        }
        if let Err(error) = pipeline.query_async::<()>(&mut self.redis.clone()).await {
            tracing::warn!(%error, "sessions could not be taken back from Redis; retrying");
            token_hashes.iter().for_each(|hash| self.delete_later(session_key(hash)));
        }
    }

    /// Deletes a key as soon as Redis answers.
    pub(crate) fn delete_later(&self, key: String) {
        if self.repairs.try_send(key).is_err() {
            metrics::counter!("muster_redis_repairs_dropped_total").increment(1);
            tracing::error!("too many keys wait for Redis; some stay stale until they expire");
        }
    }
}

fn session_key(token_hash: &str) -> String {
    format!("session:{token_hash}")
}

async fn repair(redis: Redis, mut keys: mpsc::Receiver<String>, stop: CancellationToken) {
    let mut batch = Vec::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            received = keys.recv_many(&mut batch, REPAIR_BATCH) => if received == 0 { return },
        }
        while let Err(error) = redis::cmd("DEL").arg(&batch).query_async::<()>(&mut redis.clone()).await {
            tracing::debug!(%error, keys = batch.len(), "Redis is still away");
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(RETRY) => {}
            }
        }
        batch.clear();
    }
}
