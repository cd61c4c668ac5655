//! Checking a password against the lock, and setting one.

use crate::{
    mfa,
    passwords::{Passwords, Turn},
    users::{self, Secrets},
};
use muster_domain::{config::Settings, time::now_ms};
use muster_error::{AppError, ErrorId};
use muster_events::{Bus, invalidation::What};
use muster_proto::model::User;
use muster_runtime::postgres::sql_error;
use sqlx::{PgConnection, PgPool};

/// What somebody proves who they are with.
pub(crate) struct Proof {
    pub(crate) password: String,
    /// The code of an authenticator, where one is asked for.
    pub(crate) code: Option<String>,
}

/// 401 when the account is locked, or the code or the password is wrong, which counts. The count of failures is read and
/// written within one turn, so that parallel guesses cannot outrun the limit. A code is used up only together with the
/// right password.
pub(crate) async fn check(
    pool: &PgPool,
    bus: &Bus,
    passwords: &Passwords,
    user_id: &str,
    proof: Proof,
    settings: &Settings,
) -> Result<Turn, AppError> {
    let limit = settings.maximum_login_attempts;
    let locked = || AppError::new(ErrorId::LoginTooManyAttempts);
    let turn = passwords.turn().await?;
    let secrets = users::secrets(pool, user_id).await.map_err(sql_error)?.ok_or(ErrorId::LoginInvalidPassword)?;
    if secrets.failed_attempts >= limit {
        return Err(locked());
    }
    let code_at = match &proof.code {
        Some(code) if secrets.mfa_active && settings.enable_multifactor_authentication => match accepted(&secrets, code) {
            Some(second) => Some(second),
            None => return failed(pool, bus, user_id, ErrorId::MfaBadCode).await,
        },
        _ => None,
    };
    if !turn.verify(proof.password, secrets.password_hash).await? {
        return failed(pool, bus, user_id, ErrorId::LoginInvalidPassword).await;
    }
    if let Some(second) = code_at
        && !mfa::use_code(pool, user_id, second).await.map_err(sql_error)?
    {
        return failed(pool, bus, user_id, ErrorId::MfaBadCode).await;
    }
    if secrets.failed_attempts > 0 {
        if !users::clear_failures(pool, user_id, limit).await.map_err(sql_error)? {
            return Err(locked());
        }
        bus.invalidate_now([What::UserId(user_id.to_owned())]).await;
    }
    Ok(turn)
}

/// Everything that is asked of somebody who signs in, in the order of the reference (identity, section 3).
pub(crate) async fn sign_in(
    pool: &PgPool,
    bus: &Bus,
    passwords: &Passwords,
    mut user: User,
    proof: Proof,
    settings: &Settings,
) -> Result<User, AppError> {
    // Clients ask for the code when they read this id. Nothing was guessed yet, so it does not count as a failure.
    let code = proof.code.as_deref().unwrap_or_default();
    if user.mfa_active && settings.enable_multifactor_authentication && !mfa::is_code(code) {
        return Err(ErrorId::MfaAuthenticate.into());
    }
    if user.delete_at > 0 {
        return Err(ErrorId::LoginInactive.into());
    }
    // The common refusal of a locked account need not wait for a turn.
    if user.failed_attempts >= settings.maximum_login_attempts {
        return Err(ErrorId::LoginTooManyAttempts.into());
    }
    check(pool, bus, passwords, &user.id, proof, settings).await?;
    user.failed_attempts = 0;
    if settings.require_email_verification && !user.email_verified {
        return Err(ErrorId::LoginNotVerified.into());
    }
    Ok(user)
}

/// The second of a right code that was not used before.
fn accepted(secrets: &Secrets, code: &str) -> Option<i64> {
    mfa::second_of(&secrets.mfa_secret, code, now_ms()).filter(|second| *second > secrets.mfa_used_at)
}

async fn failed<T>(pool: &PgPool, bus: &Bus, user_id: &str, why: ErrorId) -> Result<T, AppError> {
    users::count_failure(pool, user_id).await.map_err(sql_error)?;
    bus.invalidate_now([What::UserId(user_id.to_owned())]).await;
    Err(why.into())
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
