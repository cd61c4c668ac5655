//! SQL of the second factor. Its secrets are rows that only this module and the login read.

use sqlx::{PgConnection, PgPool};

/// Keeps a secret until it is activated; false when there is no such user.
pub(super) async fn keep_pending(pool: &PgPool, user_id: &str, secret: &str) -> sqlx::Result<bool> {
    let done =
        sqlx::query("UPDATE credentials SET mfa_pending_secret = $2 WHERE user_id = $1").bind(user_id).bind(secret).execute(pool).await?;
    Ok(done.rows_affected() > 0)
}

/// The secret waiting for its first code; "" when there is none.
pub(super) async fn pending(conn: &mut PgConnection, user_id: &str) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar("SELECT mfa_pending_secret FROM credentials WHERE user_id = $1 FOR UPDATE").bind(user_id).fetch_optional(conn).await
}

/// Puts the pending secret in force. The code that proved it counts as used.
pub(super) async fn activate(conn: &mut PgConnection, user_id: &str, second: i64) -> sqlx::Result<()> {
    sqlx::query("UPDATE credentials SET mfa_secret = mfa_pending_secret, mfa_pending_secret = '', mfa_used_at = $2 WHERE user_id = $1")
        .bind(user_id)
        .bind(second)
        .execute(conn)
        .await?;
    Ok(())
}

pub(super) async fn deactivate(conn: &mut PgConnection, user_id: &str) -> sqlx::Result<()> {
    sqlx::query("UPDATE credentials SET mfa_secret = '', mfa_pending_secret = '', mfa_used_at = 0 WHERE user_id = $1")
        .bind(user_id)
        .execute(conn)
        .await?;
    Ok(())
}

/// Uses a code up; false when it, or a later one, was used before.
pub(crate) async fn use_code(pool: &PgPool, user_id: &str, second: i64) -> sqlx::Result<bool> {
    let done = sqlx::query("UPDATE credentials SET mfa_used_at = $2 WHERE user_id = $1 AND mfa_used_at < $2")
        .bind(user_id)
        .bind(second)
        .execute(pool)
        .await?;
    Ok(done.rows_affected() > 0)
}
