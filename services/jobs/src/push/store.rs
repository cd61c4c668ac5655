//! The queue of pushes.

use super::Push;
use muster_proto::identity::Device;
use sqlx::{PgConnection, PgExecutor, PgPool, Row};

pub struct Claimed {
    pub key: String,
    /// The JSON for the proxy.
    pub push: Option<Vec<u8>>,
    pub device: Device,
    pub create_at: i64,
    pub attempts: i32,
}

/// Known keys are passed over.
pub async fn insert(tx: &mut PgConnection, pushes: &[(String, Push)], now: i64) -> sqlx::Result<()> {
    if pushes.is_empty() {
        return Ok(());
    }
    let mut bodies = Vec::with_capacity(pushes.len());
    for (_, push) in pushes {
        bodies.push(serde_json::to_vec(push).map_err(|e| sqlx::Error::Encode(Box::new(e)))?);
    }
    sqlx::query(
        "INSERT INTO pushes (key, body, user_id, session_id, device_id, create_at, next_at)
         SELECT t.key, t.body, t.user_id, t.session_id, t.device_id, $6, $6
         FROM unnest($1::text[], $2::bytea[], $3::text[], $4::text[], $5::text[]) AS t(key, body, user_id, session_id, device_id)
         ON CONFLICT (key) DO NOTHING",
    )
    .bind(pushes.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>())
    .bind(bodies)
    .bind(pushes.iter().map(|(_, p)| p.user_id.as_str()).collect::<Vec<_>>())
    .bind(pushes.iter().map(|(_, p)| p.session_id.as_str()).collect::<Vec<_>>())
    .bind(pushes.iter().map(|(_, p)| whole_device_id(p)).collect::<Vec<_>>())
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}

/// As the session has it.
fn whole_device_id(push: &Push) -> String {
    if push.platform.is_empty() { push.device_id.clone() } else { format!("{}:{}", push.platform, push.device_id) }
}

/// Takes what is due, oldest first.
pub async fn claim(db: impl PgExecutor<'_>, now: i64, lease: i64, limit: i64) -> sqlx::Result<Vec<Claimed>> {
    let rows = sqlx::query(
        "UPDATE pushes SET next_at = $1 + $2, attempts = attempts + 1 WHERE key IN (
             SELECT key FROM pushes WHERE next_at <= $1 ORDER BY next_at LIMIT $3 FOR UPDATE SKIP LOCKED
         ) RETURNING key, body, user_id, session_id, device_id, create_at, attempts",
    )
    .bind(now)
    .bind(lease)
    .bind(limit)
    .fetch_all(db)
    .await?;
    rows.iter()
        .map(|row| {
            let body: Vec<u8> = row.try_get("body")?;
            Ok(Claimed {
                key: row.try_get("key")?,
                push: (!body.is_empty()).then_some(body),
                device: Device {
                    user_id: row.try_get("user_id")?,
                    session_id: row.try_get("session_id")?,
                    device_id: row.try_get("device_id")?,
                },
                create_at: row.try_get("create_at")?,
                attempts: row.try_get("attempts")?,
            })
        })
        .collect()
}

/// The push is gone: what it says is forgotten.
pub async fn finish(db: impl PgExecutor<'_>, key: &str) -> sqlx::Result<()> {
    sqlx::query("UPDATE pushes SET next_at = NULL, body = '', device_id = '' WHERE key = $1").bind(key).execute(db).await?;
    Ok(())
}

pub async fn postpone(db: impl PgExecutor<'_>, key: &str, next_at: i64) -> sqlx::Result<()> {
    sqlx::query("UPDATE pushes SET next_at = $2 WHERE key = $1 AND next_at IS NOT NULL").bind(key).bind(next_at).execute(db).await?;
    Ok(())
}

/// Deletes at most `limit` keys of pushes that are gone and were made before.
pub async fn delete_gone(pool: &PgPool, before: i64, limit: i64) -> sqlx::Result<u64> {
    let sql = "DELETE FROM pushes WHERE key IN (SELECT key FROM pushes WHERE next_at IS NULL AND create_at < $1 LIMIT $2)";
    Ok(sqlx::query(sql).bind(before).bind(limit).execute(pool).await?.rows_affected())
}
