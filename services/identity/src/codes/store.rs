//! The rows of one-time codes.

use crate::sessions::token_hash;
use muster_domain::{ids::new_code, time::now_ms};
use sqlx::{PgConnection, PgExecutor, Row};

/// A stored code.
pub(crate) struct Code {
    pub(crate) kind: String,
    /// JSON, by kind.
    pub(crate) data: String,
    pub(crate) create_at: i64,
    /// Who alone may use it; "" = anybody.
    pub(crate) claimed_by: String,
}

/// A new code; only its hash is stored.
pub(crate) async fn create(tx: &mut PgConnection, kind: &str, data: &str) -> sqlx::Result<String> {
    let code = new_code();
    sqlx::query("INSERT INTO codes (code_hash, kind, data, create_at) VALUES ($1, $2, $3, $4)")
        .bind(token_hash(&code))
        .bind(kind)
        .bind(data)
        .bind(now_ms())
        .execute(tx)
        .await?;
    Ok(code)
}

/// The code, locked until the transaction ends: of two who come at once, the second finds it used.
pub(crate) async fn lock(tx: &mut PgConnection, code: &str) -> sqlx::Result<Option<Code>> {
    let row = sqlx::query("SELECT kind, data, create_at, claimed_by FROM codes WHERE code_hash = $1 FOR UPDATE")
        .bind(token_hash(code))
        .fetch_optional(tx)
        .await?;
    row.map(|row| {
        Ok(Code {
            kind: row.try_get("kind")?,
            data: row.try_get("data")?,
            create_at: row.try_get("create_at")?,
            claimed_by: row.try_get("claimed_by")?,
        })
    })
    .transpose()
}

pub(crate) async fn claim(tx: &mut PgConnection, code: &str, user_id: &str) -> sqlx::Result<()> {
    sqlx::query("UPDATE codes SET claimed_by = $2 WHERE code_hash = $1").bind(token_hash(code)).bind(user_id).execute(tx).await?;
    Ok(())
}

pub(crate) async fn delete(executor: impl PgExecutor<'_>, code: &str) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM codes WHERE code_hash = $1").bind(token_hash(code)).execute(executor).await?;
    Ok(())
}

pub(crate) async fn delete_claimed(executor: impl PgExecutor<'_>, code: &str, user_id: &str) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM codes WHERE code_hash = $1 AND claimed_by = $2")
        .bind(token_hash(code))
        .bind(user_id)
        .execute(executor)
        .await?;
    Ok(())
}

pub(crate) async fn delete_older(executor: impl PgExecutor<'_>, before: i64) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM codes WHERE create_at < $1").bind(before).execute(executor).await?;
    Ok(())
}
