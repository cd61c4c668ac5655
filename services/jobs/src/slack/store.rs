//! What is kept of an import between two attempts: which export, how far it is, the log.

use muster_proto::jobs::StartImportRequest;
use sqlx::{PgConnection, PgExecutor, PgPool, Row};

/// An import as stored.
#[derive(Debug, Clone, Default)]
pub struct Import {
    pub job_id: String,
    pub team_id: String,
    /// Who asked for it.
    pub user_id: String,
    /// The export among the pending uploads.
    pub file_id: String,
    /// Direct and group channels too.
    pub conversations: bool,
    /// Entries with messages that are done.
    pub done: usize,
    pub log: String,
    /// The export was no good; nothing was done.
    pub refused: bool,
}

pub async fn insert(conn: &mut PgConnection, job_id: &str, user_id: &str, request: &StartImportRequest) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO imports (job_id, team_id, user_id, file_id, conversations) VALUES ($1, $2, $3, $4, $5)")
        .bind(job_id)
        .bind(&request.team_id)
        .bind(user_id)
        .bind(&request.file_id)
        .bind(request.conversations)
        .execute(conn)
        .await?;
    Ok(())
}

pub async fn get(db: impl PgExecutor<'_>, job_id: &str) -> sqlx::Result<Option<Import>> {
    let sql = "SELECT job_id, team_id, user_id, file_id, conversations, done, log, refused FROM imports WHERE job_id = $1";
    let Some(row) = sqlx::query(sql).bind(job_id).fetch_optional(db).await? else { return Ok(None) };
    Ok(Some(Import {
        job_id: row.try_get("job_id")?,
        team_id: row.try_get("team_id")?,
        user_id: row.try_get("user_id")?,
        file_id: row.try_get("file_id")?,
        conversations: row.try_get("conversations")?,
        done: row.try_get::<i64, _>("done")? as usize,
        log: row.try_get("log")?,
        refused: row.try_get("refused")?,
    }))
}

pub async fn log(pool: &PgPool, job_id: &str, text: &str) -> sqlx::Result<()> {
    sqlx::query("UPDATE imports SET log = log || $2 WHERE job_id = $1").bind(job_id).bind(text).execute(pool).await?;
    Ok(())
}

pub async fn refuse(pool: &PgPool, job_id: &str) -> sqlx::Result<()> {
    sqlx::query("UPDATE imports SET refused = true WHERE job_id = $1").bind(job_id).execute(pool).await?;
    Ok(())
}

/// `progress`: of the job, percent.
pub async fn advance(pool: &PgPool, job_id: &str, done: usize, progress: i64) -> sqlx::Result<()> {
    sqlx::query("WITH at AS (UPDATE jobs SET progress = $3 WHERE id = $1) UPDATE imports SET done = $2 WHERE job_id = $1")
        .bind(job_id)
        .bind(done as i64)
        .bind(progress)
        .execute(pool)
        .await?;
    Ok(())
}
