//! The queue's table. Moments are those of the replica that acts; leases are long against the clocks' differences.

use super::rules::ATTEMPTS_MAX;
use muster_proto::jobs::MailMessage;
use prost::Message;
use sqlx::{PgExecutor, PgPool, Row};

pub const SENT: &str = "sent";
pub const FAILED: &str = "failed";
/// Mail was switched off when it was due.
pub const DROPPED: &str = "dropped";

/// A mail this worker holds until its lease ends.
pub struct Claimed {
    pub key: String,
    pub body: Vec<u8>,
    /// This one included.
    pub attempts: i32,
}

/// Known keys are passed over.
pub async fn insert(db: impl PgExecutor<'_>, mails: &[MailMessage], now: i64) -> sqlx::Result<()> {
    if mails.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO mails (key, body, create_at, next_at) SELECT key, body, $3, $3 FROM unnest($1::text[], $2::bytea[]) AS t(key, body)
         ON CONFLICT (key) DO NOTHING",
    )
    .bind(mails.iter().map(|m| m.key.as_str()).collect::<Vec<_>>())
    .bind(mails.iter().map(MailMessage::encode_to_vec).collect::<Vec<_>>())
    .bind(now)
    .execute(db)
    .await?;
    Ok(())
}

/// Takes what is due, oldest first.
pub async fn claim(db: impl PgExecutor<'_>, now: i64, lease: i64, limit: i64) -> sqlx::Result<Vec<Claimed>> {
    let rows = sqlx::query(
        "UPDATE mails SET next_at = $1 + $2, attempts = attempts + 1 WHERE key IN (
             SELECT key FROM mails WHERE status = 'pending' AND next_at <= $1 ORDER BY next_at LIMIT $3 FOR UPDATE SKIP LOCKED
         ) RETURNING key, body, attempts",
    )
    .bind(now)
    .bind(lease)
    .bind(limit)
    .fetch_all(db)
    .await?;
    rows.iter()
        .map(|row| Ok(Claimed { key: row.try_get("key")?, body: row.try_get("body")?, attempts: row.try_get("attempts")? }))
        .collect()
}

/// The mail is sent, failed or dropped: its content is forgotten.
pub async fn finish(db: impl PgExecutor<'_>, key: &str, status: &str, reason: &str, now: i64) -> sqlx::Result<()> {
    sqlx::query("UPDATE mails SET status = $2, reason = $3, next_at = $4, body = '' WHERE key = $1 AND status = 'pending'")
        .bind(key)
        .bind(status)
        .bind(reason)
        .bind(now)
        .execute(db)
        .await?;
    Ok(())
}

/// To be tried again.
pub async fn postpone(db: impl PgExecutor<'_>, key: &str, reason: &str, next_at: i64) -> sqlx::Result<()> {
    sqlx::query("UPDATE mails SET next_at = $2, reason = $3 WHERE key = $1 AND status = 'pending'")
        .bind(key)
        .bind(next_at)
        .bind(reason)
        .execute(db)
        .await?;
    Ok(())
}

/// Ends mails whose worker was lost (a process that dies of a mail) too often.
pub async fn give_up_lost(db: impl PgExecutor<'_>, now: i64) -> sqlx::Result<u64> {
    let done = sqlx::query(
        "UPDATE mails SET status = 'failed', next_at = $1, body = '' WHERE status = 'pending' AND next_at <= $1 AND attempts >= $2",
    )
    .bind(now)
    .bind(ATTEMPTS_MAX)
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// Deletes at most `limit` mails that ended before: sent and dropped ones, and failed ones.
pub async fn delete_ended(pool: &PgPool, sent_before: i64, failed_before: i64, limit: i64) -> sqlx::Result<u64> {
    let done = sqlx::query(
        "DELETE FROM mails WHERE key IN (
             SELECT key FROM mails WHERE status <> 'pending' AND next_at < CASE status WHEN 'failed' THEN $2 ELSE $1 END
             ORDER BY next_at LIMIT $3)",
    )
    .bind(sent_before)
    .bind(failed_before)
    .bind(limit)
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}
