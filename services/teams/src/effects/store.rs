//! The rows of pending effects.

use super::Effect;
use muster_domain::time::now_ms;
use sqlx::{PgConnection, Row, postgres::PgRow};

pub const POSTS: &str = "posts";
pub const MEMBERSHIPS: &str = "memberships";
pub const PREFERENCES: &str = "preferences";
pub const GROUPS: &str = "groups";
pub const FILES: &str = "files";

/// Effects one delivery takes of a key.
const TAKE: i64 = 64;

pub struct Pending {
    pub seq: i64,
    pub target: String,
    pub payload: Vec<u8>,
    pub attempts: i32,
}

/// `due_at`: when the sweeper may take them, ms.
pub async fn record(conn: &mut PgConnection, effects: &[Effect], due_at: i64) -> sqlx::Result<()> {
    if effects.is_empty() {
        return Ok(());
    }
    // After the membership rows: a later fact about the same pair waits for this transaction and gets a larger number.
    let version: i64 = sqlx::query("SELECT nextval('membership_version')").fetch_one(&mut *conn).await?.try_get(0)?;
    let ids: Vec<&str> = effects.iter().map(|e| e.id.as_str()).collect();
    let keys: Vec<&str> = effects.iter().map(|e| e.key.as_str()).collect();
    let targets: Vec<&str> = effects.iter().map(Effect::target).collect();
    let payloads: Vec<Vec<u8>> = effects.iter().map(|e| e.payload(version)).collect();
    sqlx::query(
        "INSERT INTO effects (id, key, target, payload, create_at, next_at)
         SELECT id, key, target, payload, $5, $6
         FROM unnest($1::text[], $2::text[], $3::text[], $4::bytea[]) WITH ORDINALITY AS e (id, key, target, payload, n)
         ORDER BY n",
    )
    .bind(ids)
    .bind(keys)
    .bind(targets)
    .bind(payloads)
    .bind(now_ms())
    .bind(due_at)
    .execute(conn)
    .await?;
    Ok(())
}

/// The oldest effects of a key, locked in order. With `wait` it waits for a delivery under way, so that what it
/// returns is the head of the line; without, a delivery under way is the error `lock_not_available`.
pub async fn take(conn: &mut PgConnection, key: &str, wait: bool) -> sqlx::Result<Vec<Pending>> {
    let statement = if wait {
        "SELECT seq, target, payload, attempts FROM effects WHERE key = $1 ORDER BY seq LIMIT $2 FOR UPDATE"
    } else {
        "SELECT seq, target, payload, attempts FROM effects WHERE key = $1 ORDER BY seq LIMIT $2 FOR UPDATE NOWAIT"
    };
    sqlx::query(statement)
        .bind(key)
        .bind(TAKE)
        .try_map(|row: PgRow| {
            Ok(Pending {
                seq: row.try_get("seq")?,
                target: row.try_get("target")?,
                payload: row.try_get("payload")?,
                attempts: row.try_get("attempts")?,
            })
        })
        .fetch_all(conn)
        .await
}

pub async fn delete(conn: &mut PgConnection, seqs: &[i64]) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM effects WHERE seq = ANY($1)").bind(seqs).execute(conn).await?;
    Ok(())
}

pub async fn postpone(conn: &mut PgConnection, seq: i64, next_at: i64) -> sqlx::Result<()> {
    sqlx::query("UPDATE effects SET attempts = attempts + 1, next_at = $2 WHERE seq = $1").bind(seq).bind(next_at).execute(conn).await?;
    Ok(())
}

/// Keys whose oldest effect is due.
pub async fn due_keys(conn: &mut PgConnection, now: i64, limit: i64) -> sqlx::Result<Vec<String>> {
    sqlx::query(
        "SELECT key FROM (SELECT DISTINCT ON (key) key, next_at FROM effects ORDER BY key, seq) heads
         WHERE next_at <= $1 ORDER BY next_at LIMIT $2",
    )
    .bind(now)
    .bind(limit)
    .try_map(|row: PgRow| row.try_get(0))
    .fetch_all(conn)
    .await
}

/// Drops what was still to be told of groups that are no more; waits for deliveries under way.
pub async fn drop_memberships(conn: &mut PgConnection, keys: &[String]) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM effects WHERE key = ANY($1) AND target = $2").bind(keys).bind(MEMBERSHIPS).execute(conn).await?;
    Ok(())
}
