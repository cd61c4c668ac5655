//! What a token stands for, from the nearest place that knows: this process (30 s), Redis, the identity service.

use crate::{clients::Clients, extract::RequestFacts};
use moka::sync::Cache;
use muster_domain::time::now_ms;
use muster_error::{AppError, ErrorId};
use muster_proto::{
    identity::{AuthenticateRequest, TouchSessionRequest},
    model,
    sessions::{is_access_token, is_idle, touch_every},
};
use muster_runtime::{Caller, ConfigFeed, redis::Redis};
use prost::Message;
use sha2::{Digest, Sha256};
use std::{
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// How long a session is trusted without asking, if no invalidation comes.
const LOCAL_TTL: Duration = Duration::from_secs(30);
/// How often the activity of a session is recorded.
const TOUCH_EVERY: Duration = Duration::from_secs(300);
const LOCAL_MAX: u64 = 100_000;

type TokenHash = [u8; 32];

#[derive(Clone)]
pub struct Sessions {
    local: Cache<TokenHash, Arc<model::Session>>,
    /// When the activity of a session was last recorded.
    touched: Cache<String, Instant>,
    redis: Redis,
    clients: Clients,
    /// Moves with every eviction: an answer that was under way meanwhile is not kept.
    generation: Arc<AtomicU64>,
    /// While the bus is away, invalidations cannot reach us: nothing local is trusted.
    bus_connected: watch::Receiver<bool>,
    config: ConfigFeed,
}

impl Sessions {
    pub fn new(redis: Redis, clients: Clients, bus_connected: watch::Receiver<bool>, config: ConfigFeed) -> Self {
        let local = Cache::builder().max_capacity(LOCAL_MAX).time_to_live(LOCAL_TTL).build();
        let touched = Cache::builder().max_capacity(LOCAL_MAX).time_to_live(TOUCH_EVERY).build();
        Self { local, touched, redis, clients, generation: Arc::default(), bus_connected, config }
    }

    /// `None` for an unknown, expired or revoked token; an error when nobody could tell.
    pub async fn find(&self, token: &str, facts: &RequestFacts) -> Result<Option<Arc<model::Session>>, AppError> {
        let hash: TokenHash = Sha256::digest(token.as_bytes()).into();
        if *self.bus_connected.borrow()
            && let Some(session) = self.local.get(&hash)
            && !self.looks_idle(&session)
        {
            return Ok(self.usable(session));
        }
        self.find_beyond(hash, token, facts).await
    }

    /// Like [`Sessions::find`], but not from this process's memory: an invalidation may be waiting there.
    pub async fn find_anew(&self, token: &str, facts: &RequestFacts) -> Result<Option<Arc<model::Session>>, AppError> {
        self.find_beyond(Sha256::digest(token.as_bytes()).into(), token, facts).await
    }

    async fn find_beyond(&self, hash: TokenHash, token: &str, facts: &RequestFacts) -> Result<Option<Arc<model::Session>>, AppError> {
        let trusted = *self.bus_connected.borrow();
        let before = self.generation.load(Ordering::Acquire);
        let session = match self.look_up_in_redis(&hash).await {
            // The copy does not follow the session's activity; identity knows it, and ends the session if it was idle.
            Some(session) if !self.looks_idle(&session) => session,
            _ => match self.ask_identity(token, facts).await? {
                Some(session) => session,
                None => return Ok(None),
            },
        };
        let session = Arc::new(session);
        if trusted {
            self.keep(hash, &session, before);
        }
        Ok(self.usable(session))
    }

    async fn ask_identity(&self, token: &str, facts: &RequestFacts) -> Result<Option<model::Session>, AppError> {
        let caller = Caller { request_id: facts.request_id.to_string(), ip: facts.client_ip.to_string(), ..Caller::default() };
        match self.clients.sessions().authenticate(caller.call(AuthenticateRequest { token: token.to_owned() })).await {
            Ok(reply) => Ok(Some(reply.into_inner())),
            Err(status) => match AppError::from(status) {
                error if error.id == ErrorId::SessionExpired => Ok(None),
                error => Err(error),
            },
        }
    }

    fn looks_idle(&self, session: &model::Session) -> bool {
        is_idle(session, self.config.get().settings.session_idle_timeout_in_minutes, now_ms())
    }

    /// Neither run out, nor opened by an access token while those are off.
    fn usable(&self, session: Arc<model::Session>) -> Option<Arc<model::Session>> {
        let over = session.expires_at > 0 && session.expires_at < now_ms();
        let off = is_access_token(&session) && !self.config.get().settings.enable_user_access_tokens;
        (!over && !off).then_some(session)
    }

    fn keep(&self, hash: TokenHash, session: &Arc<model::Session>, before: u64) {
        self.local.insert(hash, session.clone());
        if self.generation.load(Ordering::Acquire) != before {
            self.local.invalidate(&hash);
        }
    }

    /// The session was used: moves its `last_activity_at`, asked for at most every five minutes by each gateway (more often
    /// where idle sessions end sooner). A failure is logged; the request stands.
    pub async fn touch(&self, session: &model::Session, caller: &Caller) {
        let every = touch_every(self.config.get().settings.session_idle_timeout_in_minutes);
        if self.touched.get(session.id.as_str()).is_some_and(|at| at.elapsed() < every) {
            return;
        }
        self.touched.insert(session.id.clone(), Instant::now());
        let request = TouchSessionRequest { session_id: session.id.clone() };
        if let Err(status) = self.clients.sessions().touch(caller.call(request)).await {
            tracing::warn!(%status, "a session's activity was not recorded");
        }
    }

    /// Drops what this gateway knows of a token.
    pub fn forget_token(&self, token: &str) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.local.invalidate(&TokenHash::from(Sha256::digest(token.as_bytes())));
    }

    /// Drops a session by the hex of its token's hash.
    pub fn forget(&self, token_hash: &str) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        if let Some(hash) = from_hex(token_hash) {
            self.local.invalidate(&hash);
        }
    }

    pub fn forget_all(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.local.invalidate_all();
    }

    async fn look_up_in_redis(&self, hash: &TokenHash) -> Option<model::Session> {
        let key = format!("session:{}", to_hex(hash));
        let bytes: Option<Vec<u8>> = redis::cmd("GET").arg(key).query_async(&mut self.redis.clone()).await.ok()?;
        model::Session::decode(bytes?.as_slice()).ok()
    }
}

fn to_hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(out, "{byte:02x}");
    }
    out
}

fn from_hex(text: &str) -> Option<TokenHash> {
    let mut hash = [0; 32];
    if text.len() != 64 {
        return None;
    }
    for (i, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(i * 2..i * 2 + 2)?, 16).ok()?;
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_round_trip() {
        let hash: TokenHash = Sha256::digest(b"x").into();
        assert_eq!(from_hex(&to_hex(&hash)), Some(hash));
        assert_eq!(from_hex("zz"), None);
    }
}
