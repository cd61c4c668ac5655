//! SQL of the durable copy of statuses.

use muster_domain::statuses::Presence;
use muster_runtime::postgres::PgRow;
use sqlx::{PgConnection, PgExecutor, PgPool, Row};
use std::collections::{BTreeMap, HashMap};

/// Rows of `list_active` while Redis is away.
const ACTIVE_MAX: i64 = 100_000;

fn presence(row: &PgRow) -> sqlx::Result<(String, Presence)> {
    let presence = Presence {
        // A word nobody knows counts as never seen.
        status: row.try_get::<&str, _>("status")?.parse().unwrap_or_default(),
        manual: row.try_get("manual")?,
        last_activity_at: row.try_get("last_activity_at")?,
    };
    Ok((row.try_get("user_id")?, presence))
}

/// By user; who was never seen is missing.
pub(super) async fn get(pool: &PgPool, ids: &[&str]) -> sqlx::Result<HashMap<String, Presence>> {
    let sql = "SELECT user_id, status, manual, last_activity_at FROM statuses WHERE user_id = ANY($1)";
    sqlx::query(sql).bind(ids).fetch_all(pool).await?.iter().map(presence).collect()
}

pub(super) async fn list_active(pool: &PgPool) -> sqlx::Result<HashMap<String, Presence>> {
    let sql = "SELECT user_id, status, manual, last_activity_at FROM statuses WHERE status <> 'offline' LIMIT $1";
    sqlx::query(sql).bind(ACTIVE_MAX).fetch_all(pool).await?.iter().map(presence).collect()
}

/// A presence and when it was decided, ms.
#[derive(Debug, Clone)]
pub(super) struct Written {
    pub(super) user_id: String,
    pub(super) presence: Presence,
    pub(super) at: i64,
}

/// The newest of each user wins, whichever replica writes it.
pub(super) async fn write(executor: impl PgExecutor<'_>, rows: &[Written]) -> sqlx::Result<()> {
    let mut newest: BTreeMap<&str, &Written> = BTreeMap::new();
    for row in rows {
        let known = newest.entry(&row.user_id).or_insert(row);
        if row.at >= known.at {
            *known = row;
        }
    }
    let rows: Vec<&Written> = newest.into_values().collect();
    sqlx::query(
        "INSERT INTO statuses (user_id, status, manual, last_activity_at, update_at)
         SELECT * FROM unnest($1::text[], $2::text[], $3::boolean[], $4::bigint[], $5::bigint[])
         ON CONFLICT (user_id) DO UPDATE SET status = excluded.status, manual = excluded.manual,
             last_activity_at = excluded.last_activity_at, update_at = excluded.update_at
         WHERE statuses.update_at <= excluded.update_at",
    )
    .bind(rows.iter().map(|r| r.user_id.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|r| r.presence.status.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|r| r.presence.manual).collect::<Vec<_>>())
    .bind(rows.iter().map(|r| r.presence.last_activity_at).collect::<Vec<_>>())
    .bind(rows.iter().map(|r| r.at).collect::<Vec<_>>())
    .execute(executor)
    .await?;
    Ok(())
}

/// The user's row, locked for a change while Redis is away.
pub(super) async fn lock(tx: &mut PgConnection, user_id: &str) -> sqlx::Result<Option<Presence>> {
    let sql = "SELECT user_id, status, manual, last_activity_at FROM statuses WHERE user_id = $1 FOR UPDATE";
    let row = sqlx::query(sql).bind(user_id).fetch_optional(tx).await?;
    Ok(row.as_ref().map(presence).transpose()?.map(|(_, presence)| presence))
}
