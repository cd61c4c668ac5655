//! The script that changes one user's status in Redis.

use super::record;
use muster_domain::{
    statuses::{Happening, Presence, Status},
    time::{DAY_MS, MINUTE_MS},
};
use muster_runtime::redis::Redis;
use redis::{RedisResult, Script};
use std::sync::LazyLock;

/// A connection that is not renewed for this long counts as closed.
pub(super) const CONNECTION_MS: i64 = 3 * MINUTE_MS;
/// Repeated activity of somebody online is recorded this often.
const ACTIVITY_EVERY_MS: i64 = MINUTE_MS;
/// How long Redis remembers a status nobody changes; then the durable copy answers.
const KEY_SECONDS: i64 = 14 * DAY_MS / 1_000;

pub(super) const ACTIVE: &str = "statuses:active";
pub(super) const USERS: &str = "connections:users";

static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("transition.lua")));

/// What happens to a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change<'a> {
    Connect(&'a str),
    Renew(&'a str),
    Disconnect(&'a str),
    /// Connections may have died unnoticed.
    Expire,
    Activity,
    /// The account was closed.
    Offline,
    /// Only put into Redis.
    Read,
    Set(Status),
}

impl Change<'_> {
    fn name(self) -> String {
        match self {
            Self::Connect(_) => "connect".into(),
            Self::Renew(_) => "renew".into(),
            Self::Disconnect(_) => "disconnect".into(),
            Self::Expire => "expire".into(),
            Self::Activity => "activity".into(),
            Self::Offline => "offline".into(),
            Self::Read => "read".into(),
            Self::Set(wanted) => format!("set:{}", wanted.as_str()),
        }
    }

    fn connection(&self) -> &str {
        match self {
            Self::Connect(id) | Self::Renew(id) | Self::Disconnect(id) => id,
            _ => "",
        }
    }
}

/// What a change did.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Redis does not know the user: ask again with the durable status.
    Missing,
    Done {
        before: Presence,
        after: Presence,
        written: bool,
    },
}

pub(super) fn key(user_id: &str) -> String {
    format!("status:{user_id}")
}

/// Runs the script once.
pub(super) async fn run(
    redis: &Redis,
    user_id: &str,
    change: Change<'_>,
    now: i64,
    away_after_ms: i64,
    durable: Option<Presence>,
) -> RedisResult<Outcome> {
    let reply: Vec<String> = SCRIPT
        .key(key(user_id))
        .key(format!("connections:{user_id}"))
        .key(ACTIVE)
        .key(USERS)
        .arg(change.name())
        .arg(user_id)
        .arg(now)
        .arg(change.connection())
        .arg(now + CONNECTION_MS)
        .arg(away_after_ms)
        .arg(durable.map(record::encode).unwrap_or_default())
        .arg(ACTIVITY_EVERY_MS)
        .arg(KEY_SECONDS)
        .invoke_async(&mut redis.clone())
        .await?;
    match <[String; 3]>::try_from(reply) {
        Ok([before, after, written]) => {
            let presence = |text: &str| record::decode(text).unwrap_or_default();
            Ok(Outcome::Done { before: presence(&before), after: presence(&after), written: written == "1" })
        }
        Err(_) => Ok(Outcome::Missing),
    }
}

/// The same change on the durable copy alone, while Redis is away and nobody counts connections.
pub(super) fn without_redis(presence: Presence, change: Change<'_>, now: i64, away_after_ms: i64) -> Presence {
    let happening = match change {
        Change::Connect(_) | Change::Activity => Happening::Active,
        Change::Renew(_) => Happening::Pong { away_after_ms },
        Change::Offline => Happening::Deactivated,
        Change::Set(status) => Happening::Chosen(status),
        Change::Disconnect(_) | Change::Expire | Change::Read => return presence,
    };
    presence.after(happening, now)
}
