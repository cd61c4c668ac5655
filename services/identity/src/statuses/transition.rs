//! The script that changes one user's status in Redis.

use super::record::{self, AWAY, DND, OFFLINE, ONLINE, OUT_OF_OFFICE};
use muster_domain::time::{DAY_MS, MINUTE_MS};
use muster_proto::model::Status;
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
    Set(Wanted),
}

/// What somebody asked to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    Online,
    Away,
    Dnd,
    Offline,
    OutOfOffice,
}

impl Wanted {
    /// What PUT status accepts.
    pub(crate) fn parse(status: &str) -> Option<Self> {
        match status {
            ONLINE => Some(Self::Online),
            AWAY => Some(Self::Away),
            DND => Some(Self::Dnd),
            OFFLINE => Some(Self::Offline),
            _ => None,
        }
    }

    pub(super) fn status(self) -> &'static str {
        match self {
            Self::Online => ONLINE,
            Self::Away => AWAY,
            Self::Dnd => DND,
            Self::Offline => OFFLINE,
            Self::OutOfOffice => OUT_OF_OFFICE,
        }
    }
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
            Self::Set(wanted) => format!("set:{}", wanted.status()),
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
        before: String,
        after: String,
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
    durable: Option<&Status>,
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
        Ok([before, after, written]) => Ok(Outcome::Done { before, after, written: written == "1" }),
        Err(_) => Ok(Outcome::Missing),
    }
}

/// The same change on the durable copy alone, while Redis is away and nobody counts connections.
pub(super) fn without_redis(mut status: Status, change: Change<'_>, now: i64, away_after_ms: i64) -> Status {
    let mut become_online = |now: i64| {
        if !status.manual {
            status.status = ONLINE.to_owned();
            status.last_activity_at = now;
        }
    };
    match change {
        Change::Connect(_) | Change::Activity => become_online(now),
        Change::Renew(_) => {
            if !status.manual && status.status == ONLINE && now - status.last_activity_at >= away_after_ms {
                status.status = AWAY.to_owned();
            }
        }
        Change::Offline => {
            if !status.manual {
                status.status = OFFLINE.to_owned();
            }
        }
        Change::Set(wanted) => {
            status.status = wanted.status().to_owned();
            status.manual = wanted != Wanted::Online;
            if matches!(wanted, Wanted::Online | Wanted::Offline) {
                status.last_activity_at = now;
            }
        }
        Change::Disconnect(_) | Change::Expire | Change::Read => {}
    }
    status
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_status_is_kept_without_redis_too() {
        let dnd = without_redis(record::never_seen("u"), Change::Set(Wanted::Dnd), 5, 10);
        assert_eq!((dnd.status.as_str(), dnd.manual, dnd.last_activity_at), ("dnd", true, 0));
        for change in [Change::Connect("c"), Change::Activity, Change::Renew("c"), Change::Offline, Change::Disconnect("c")] {
            assert_eq!(without_redis(dnd.clone(), change, 100, 10), dnd, "{change:?}");
        }
        let online = without_redis(dnd, Change::Set(Wanted::Online), 7, 10);
        assert_eq!((online.status.as_str(), online.manual, online.last_activity_at), ("online", false, 7));
        assert_eq!(without_redis(online.clone(), Change::Renew("c"), 16, 10).status, "online");
        assert_eq!(without_redis(online, Change::Renew("c"), 17, 10).status, "away");
    }

    #[test]
    fn only_four_can_be_asked_for() {
        for (text, wanted) in [("online", Some(Wanted::Online)), ("ooo", None), ("", None), ("DND", None)] {
            assert_eq!(Wanted::parse(text), wanted);
        }
    }
}
