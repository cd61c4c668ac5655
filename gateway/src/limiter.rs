//! The rate limiter: off by default. Counts are in Redis, so that a client cannot multiply its rate by the number of
//! gateways. Without Redis nothing is limited: the limiter protects the server, it does not guard a door.

use axum::response::{IntoResponse, Response};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use muster_domain::config::Settings;
use muster_runtime::redis::Redis;
use sha2::{Digest, Sha256};
use std::sync::Arc;

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
const SECOND_US: i64 = 1_000_000;

#[derive(Clone)]
pub struct Limiter {
    redis: Redis,
    script: Arc<redis::Script>,
}

/// What the limiter says about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    pub refused: bool,
    /// Requests that may come at once.
    limit: i64,
    remaining: i64,
    /// Seconds until the key is as if nothing had come.
    reset: i64,
    /// Seconds until the next request is let in; 0 unless refused.
    retry: i64,
}

impl Limiter {
    pub fn new(redis: Redis) -> Self {
        Self { redis, script: Arc::new(redis::Script::new(include_str!("limiter.lua"))) }
    }

    /// Counts a request. `None` while the limiter is off, or cannot count.
    pub async fn count(&self, settings: &Settings, key: &str) -> Option<Verdict> {
        let interval = SECOND_US / settings.rate_limit_per_sec.max(1);
        let limit = settings.rate_limit_max_burst.saturating_add(1);
        let mut call = self.script.key(format!("rate:{key}"));
        let answer: Result<(i64, i64, i64), _> = call.arg(interval).arg(limit).invoke_async(&mut self.redis.clone()).await;
        match answer {
            Ok((refused, fresh, wait)) => Some(verdict(refused == 1, fresh, wait, interval, limit)),
            Err(error) => {
                tracing::warn!(%error, "requests cannot be counted; nothing is limited");
                None
            }
        }
    }
}

fn verdict(refused: bool, fresh: i64, wait: i64, interval: i64, limit: i64) -> Verdict {
    let seconds = |us: i64| (us + SECOND_US - 1) / SECOND_US;
    let remaining = if refused { 0 } else { (interval * limit - fresh) / interval.max(1) };
    Verdict { refused, limit, remaining: remaining.max(0), reset: seconds(fresh), retry: seconds(wait) }
}

/// The key of a request: the client's address, or its token, and the header of the operator's choice.
pub fn key(settings: &Settings, client_ip: &str, token: Option<&str>, headers: &HeaderMap) -> String {
    let mut key = String::new();
    match token {
        // Redis is not to hold what opens a session.
        Some(token) if settings.rate_limit_vary_by_user => key.push_str(&URL_SAFE_NO_PAD.encode(Sha256::digest(token.as_bytes()))),
        _ if settings.rate_limit_vary_by_remote_addr || settings.rate_limit_vary_by_user => key.push_str(client_ip),
        _ => {}
    }
    if !settings.rate_limit_vary_by_header.is_empty()
        && let Some(value) = headers.get(&settings.rate_limit_vary_by_header).and_then(|value| value.to_str().ok())
    {
        key.push_str(&value.to_lowercase());
    }
    key
}

impl Verdict {
    /// 429 in the original's form.
    pub fn refusal(self) -> Response {
        let mut response = (StatusCode::TOO_MANY_REQUESTS, "limit exceeded").into_response();
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(self.retry));
        response
    }

    /// Tells the client where it stands.
    pub fn put_into(self, headers: &mut HeaderMap) {
        headers.insert(LIMIT, HeaderValue::from(self.limit));
        headers.insert(REMAINING, HeaderValue::from(self.remaining));
        headers.insert(RESET, HeaderValue::from(self.reset));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_are_told() {
        let first = verdict(false, 100_000, 0, 100_000, 101);
        assert_eq!((first.limit, first.remaining, first.reset, first.retry), (101, 100, 1, 0));
        let last = verdict(false, 10_100_000, 0, 100_000, 101);
        assert_eq!((last.remaining, last.reset), (0, 11));
        let refused = verdict(true, 10_100_000, 50_000, 100_000, 101);
        assert_eq!((refused.remaining, refused.retry), (0, 1));
    }

    #[test]
    fn keys_vary_as_configured() {
        let mut headers = HeaderMap::new();
        headers.insert("x-tenant", HeaderValue::from_static("Acme"));
        let with = |user: bool, header: &str| Settings {
            rate_limit_vary_by_user: user,
            rate_limit_vary_by_header: header.to_owned(),
            ..Settings::default()
        };
        for (user, header, token, expected) in [
            (false, "", Some("t"), "1.2.3.4"),
            (true, "", Some("t"), "47mKTaMaEn1L3m5DAz9muidMqw636xxw7EFAK_YnPdg"),
            (true, "", None, "1.2.3.4"),
            (false, "X-Tenant", None, "1.2.3.4acme"),
            (false, "X-Other", None, "1.2.3.4"),
        ] {
            assert_eq!(key(&with(user, header), "1.2.3.4", token, &headers), expected);
        }
    }
}
