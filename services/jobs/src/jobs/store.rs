//! The jobs table. Moments are the database's, so that leases mean the same on every replica.

use super::rules::{ATTEMPTS_MAX, CANCEL_REQUESTED, CANCELED, ERROR, FAILED_PROGRESS, IN_PROGRESS, PENDING, with_error};
use muster_proto::model::Job;
use muster_runtime::{from_row, postgres::violated_constraint};
use sqlx::{PgExecutor, PgPool, Row, postgres::PgRow};

const COLUMNS: &str = "id, type, priority, create_at, start_at, last_activity_at, status, progress, data";
/// Now in ms.
const NOW: &str = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint";

fn job(row: &PgRow) -> sqlx::Result<Job> {
    from_row!(row => Job { id, r#type, priority, create_at, start_at, last_activity_at, status, progress, data })
}

/// A job that this worker holds. The attempt's number tells it from a worker that lost the same job before.
#[derive(Debug, Clone)]
pub struct Claimed {
    pub job: Job,
    attempt: i64,
}

fn claimed(row: &PgRow) -> sqlx::Result<Claimed> {
    Ok(Claimed { job: job(row)?, attempt: row.try_get("attempts")? })
}

/// Stores a new job. With a `schedule_key` that exists already, nothing happens and the answer is false.
pub async fn insert(db: impl PgExecutor<'_>, job: &Job, schedule_key: Option<&str>) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "INSERT INTO jobs (id, type, priority, create_at, status, data, schedule_key) VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (schedule_key) DO NOTHING",
    )
    .bind(&job.id)
    .bind(&job.r#type)
    .bind(job.priority)
    .bind(job.create_at)
    .bind(&job.status)
    .bind(&job.data)
    .bind(schedule_key)
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub async fn get(db: impl PgExecutor<'_>, id: &str) -> sqlx::Result<Option<Job>> {
    sqlx::query(&format!("SELECT {COLUMNS} FROM jobs WHERE id = $1")).bind(id).fetch_optional(db).await?.as_ref().map(job).transpose()
}

/// Newest first; "" = all types.
pub async fn list(db: impl PgExecutor<'_>, r#type: &str, offset: i64, limit: i64) -> sqlx::Result<Vec<Job>> {
    let rows = if r#type.is_empty() {
        let sql = format!("SELECT {COLUMNS} FROM jobs ORDER BY create_at DESC, id DESC LIMIT $1 OFFSET $2");
        sqlx::query(&sql).bind(limit).bind(offset).fetch_all(db).await?
    } else {
        let sql = format!("SELECT {COLUMNS} FROM jobs WHERE type = $3 ORDER BY create_at DESC, id DESC LIMIT $1 OFFSET $2");
        sqlx::query(&sql).bind(limit).bind(offset).bind(r#type).fetch_all(db).await?
    };
    rows.iter().map(job).collect()
}

/// Cancels a pending job, asks the worker of a running one; `None` for any other.
pub async fn cancel(db: impl PgExecutor<'_>, id: &str) -> sqlx::Result<Option<Job>> {
    let sql = format!(
        "UPDATE jobs SET status = CASE status WHEN '{PENDING}' THEN '{CANCELED}' ELSE '{CANCEL_REQUESTED}' END, last_activity_at = {NOW}
         WHERE id = $1 AND status IN ('{PENDING}', '{IN_PROGRESS}') RETURNING {COLUMNS}"
    );
    sqlx::query(&sql).bind(id).fetch_optional(db).await?.as_ref().map(job).transpose()
}

/// Takes the oldest job of a type that nobody works on: a pending one, or one whose worker's lease has run out. `None`
/// when there is none or another one of the type runs.
pub async fn claim(pool: &PgPool, r#type: &str, lease: i64) -> sqlx::Result<Option<Claimed>> {
    // Lost workers first: their row holds the type's only place.
    let lost = format!(
        "UPDATE jobs SET lease_until = {NOW} + $2, attempts = attempts + 1, last_activity_at = {NOW} WHERE id = (
             SELECT id FROM jobs WHERE type = $1 AND status = '{IN_PROGRESS}' AND lease_until < {NOW} LIMIT 1 FOR UPDATE SKIP LOCKED
         ) RETURNING {COLUMNS}, attempts"
    );
    if let Some(row) = sqlx::query(&lost).bind(r#type).bind(lease).fetch_optional(pool).await? {
        return claimed(&row).map(Some);
    }
    let next = format!(
        "UPDATE jobs SET status = '{IN_PROGRESS}', start_at = {NOW}, last_activity_at = {NOW}, lease_until = {NOW} + $2, attempts = attempts + 1
         WHERE id = (
             SELECT id FROM jobs WHERE type = $1 AND status = '{PENDING}' ORDER BY create_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
         ) RETURNING {COLUMNS}, attempts"
    );
    match sqlx::query(&next).bind(r#type).bind(lease).fetch_optional(pool).await {
        Ok(row) => row.as_ref().map(claimed).transpose(),
        Err(error) if violated_constraint(&error) == Some("jobs_one_running") => Ok(None),
        Err(error) => Err(error),
    }
}

/// Ends jobs whose worker was lost while cancelling, or lost too often.
pub async fn give_up_lost(db: impl PgExecutor<'_>) -> sqlx::Result<u64> {
    let reason = with_error("", "the worker was lost");
    let sql = format!(
        "UPDATE jobs SET last_activity_at = {NOW}, lease_until = 0,
             progress = CASE status WHEN '{IN_PROGRESS}' THEN {FAILED_PROGRESS} ELSE progress END,
             data = CASE status WHEN '{IN_PROGRESS}' THEN $1 ELSE data END,
             status = CASE status WHEN '{IN_PROGRESS}' THEN '{ERROR}' ELSE '{CANCELED}' END
         WHERE lease_until < {NOW} AND (status = '{CANCEL_REQUESTED}' OR (status = '{IN_PROGRESS}' AND attempts >= $2))"
    );
    Ok(sqlx::query(&sql).bind(reason).bind(ATTEMPTS_MAX).execute(db).await?.rows_affected())
}

/// Renews the lease of a running job. The status, or `None` when the job is not ours any more.
pub async fn renew(db: impl PgExecutor<'_>, claimed: &Claimed, lease: i64) -> sqlx::Result<Option<String>> {
    let sql = format!(
        "UPDATE jobs SET lease_until = {NOW} + $3
         WHERE id = $1 AND attempts = $2 AND status IN ('{IN_PROGRESS}', '{CANCEL_REQUESTED}') RETURNING status"
    );
    sqlx::query_scalar(&sql).bind(&claimed.job.id).bind(claimed.attempt).bind(lease).fetch_optional(db).await
}

/// Ends a running job, if it is still ours.
pub async fn finish(db: impl PgExecutor<'_>, claimed: &Claimed, status: &str, progress: i64, data: &str) -> sqlx::Result<()> {
    let sql = format!(
        "UPDATE jobs SET status = $3, progress = $4, data = $5, last_activity_at = {NOW}, lease_until = 0
         WHERE id = $1 AND attempts = $2 AND status IN ('{IN_PROGRESS}', '{CANCEL_REQUESTED}')"
    );
    sqlx::query(&sql).bind(&claimed.job.id).bind(claimed.attempt).bind(status).bind(progress).bind(data).execute(db).await?;
    Ok(())
}

/// Gives a running job back, for another worker to begin at once.
pub async fn give_back(db: impl PgExecutor<'_>, claimed: &Claimed) -> sqlx::Result<()> {
    let sql = format!(
        "UPDATE jobs SET status = CASE status WHEN '{IN_PROGRESS}' THEN '{PENDING}' ELSE '{CANCELED}' END, lease_until = 0, attempts = attempts - 1
         WHERE id = $1 AND attempts = $2 AND status IN ('{IN_PROGRESS}', '{CANCEL_REQUESTED}')"
    );
    sqlx::query(&sql).bind(&claimed.job.id).bind(claimed.attempt).execute(db).await?;
    Ok(())
}

/// Deletes at most `limit` ended jobs created before `before` (ms).
pub async fn delete_ended(db: impl PgExecutor<'_>, before: i64, limit: i64) -> sqlx::Result<u64> {
    let sql = format!(
        "DELETE FROM jobs WHERE id IN (
             SELECT id FROM jobs WHERE create_at < $1 AND status NOT IN ('{PENDING}', '{IN_PROGRESS}', '{CANCEL_REQUESTED}')
             ORDER BY create_at LIMIT $2)"
    );
    Ok(sqlx::query(&sql).bind(before).bind(limit).execute(db).await?.rows_affected())
}
