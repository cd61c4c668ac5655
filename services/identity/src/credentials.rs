//! Checking a password against the lock, and setting one.

use crate::{
    passwords::{Passwords, Turn},
    users,
};
use muster_domain::config::Settings;
use muster_error::{AppError, ErrorId};
use muster_runtime::postgres::sql_error;
use sqlx::{PgConnection, PgPool};

/// 401 when the account is locked or the password is wrong, which counts. The count of failures is read and written
/// within one turn, so that parallel guesses cannot outrun the limit.
pub(crate) async fn check(
    pool: &PgPool,
    passwords: &Passwords,
    user_id: &str,
    password: String,
    settings: &Settings,
) -> Result<Turn, AppError> {
    let limit = settings.maximum_login_attempts;
    let locked = || AppError::new(ErrorId::LoginTooManyAttempts);
    let turn = passwords.turn().await?;
    let (hash, failed) = users::password(pool, user_id).await.map_err(sql_error)?.ok_or(ErrorId::LoginInvalidPassword)?;
    if failed >= limit {
        return Err(locked());
    }
    if !turn.verify(password, hash).await? {
        users::count_failure(pool, user_id).await.map_err(sql_error)?;
        return Err(ErrorId::LoginInvalidPassword.into());
    }
    if failed > 0 && !users::clear_failures(pool, user_id, limit).await.map_err(sql_error)? {
        return Err(locked());
    }
    Ok(turn)
}

/// Sets a password: the address counts as verified, other ways of signing in and the failures are gone.
pub(crate) async fn set_password(conn: &mut PgConnection, user_id: &str, password_hash: &str, now: i64) -> sqlx::Result<bool> {
    let changed = sqlx::query(
        "UPDATE users SET auth_service = '', email_verified = true, failed_attempts = 0, last_password_update = $2,
             update_at = greatest(update_at + 1, $2)
         WHERE id = $1",
    )
    .bind(user_id)
    .bind(now)
    .execute(&mut *conn)
    .await?;
    set(conn, user_id, password_hash, None).await?;
    Ok(changed.rows_affected() > 0)
}

/// Hands signing in to a service: the password is gone.
pub(crate) async fn set_service(conn: &mut PgConnection, user_id: &str, service: &str, data: &str, now: i64) -> sqlx::Result<bool> {
    let changed = sqlx::query(
        "UPDATE users SET auth_service = $2, email_verified = true, failed_attempts = 0, last_password_update = $3,
             update_at = greatest(update_at + 1, $3)
         WHERE id = $1",
    )
    .bind(user_id)
    .bind(service)
    .bind(now)
    .execute(&mut *conn)
    .await?;
    set(conn, user_id, "", Some(data)).await?;
    Ok(changed.rows_affected() > 0)
}

async fn set(conn: &mut PgConnection, user_id: &str, password_hash: &str, auth_data: Option<&str>) -> sqlx::Result<()> {
    sqlx::query("UPDATE credentials SET password_hash = $2, auth_data = $3 WHERE user_id = $1")
        .bind(user_id)
        .bind(password_hash)
        .bind(auth_data)
        .execute(conn)
        .await?;
    Ok(())
}
