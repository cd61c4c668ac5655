//! The rows of mails on their way to jobs, and the counts that limit them.

use muster_error::AppError;
use muster_proto::jobs::MailMessage;
use muster_runtime::postgres::sql_error;
use prost::Message;
use sqlx::{PgConnection, PgExecutor, PgPool, Row};

pub(super) async fn insert(tx: &mut PgConnection, mail: &MailMessage, now: i64) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO mails (key, body, take_at) VALUES ($1, $2, $3)")
        .bind(&mail.key)
        .bind(mail.encode_to_vec())
        .bind(now)
        .execute(tx)
        .await?;
    Ok(())
}

/// Hands out what nobody holds, oldest first.
pub(super) async fn take(pool: &PgPool, now: i64, lease: i64, limit: i64) -> Result<Vec<MailMessage>, AppError> {
    let rows = sqlx::query(
        "UPDATE mails SET take_at = $1 + $2 WHERE key IN (
             SELECT key FROM mails WHERE take_at <= $1 ORDER BY take_at, key LIMIT $3 FOR UPDATE SKIP LOCKED
         ) RETURNING body",
    )
    .bind(now)
    .bind(lease)
    .bind(limit)
    .fetch_all(pool)
    .await
    .map_err(sql_error)?;
    rows.iter().map(|row| MailMessage::decode(row.try_get::<&[u8], _>(0).map_err(sql_error)?).map_err(AppError::internal)).collect()
}

pub(super) async fn delete(executor: impl PgExecutor<'_>, keys: &[String]) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM mails WHERE key = ANY($1)").bind(keys).execute(executor).await?;
    Ok(())
}

/// False when the hour's limit would be exceeded.
pub(super) async fn count(tx: &mut PgConnection, subject: &str, hour: i64, mails: i64, limit: i64) -> sqlx::Result<bool> {
    if mails > limit {
        return Ok(false);
    }
    let done = sqlx::query(
        "INSERT INTO mail_counts AS c (subject, hour, mails) VALUES ($1, $2, $3)
         ON CONFLICT (subject, hour) DO UPDATE SET mails = c.mails + excluded.mails WHERE c.mails + excluded.mails <= $4",
    )
    .bind(subject)
    .bind(hour)
    .bind(mails)
    .bind(limit)
    .execute(tx)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Counts of hours before this one.
pub(crate) async fn forget_counts(executor: impl PgExecutor<'_>, hour: i64) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM mail_counts WHERE hour < $1").bind(hour).execute(executor).await?;
    Ok(())
}
