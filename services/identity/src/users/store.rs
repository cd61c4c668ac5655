//! SQL of accounts and their credentials.

use muster_error::{AppError, ErrorId};
use muster_proto::{identity::Mentionable, model::User};
use muster_runtime::{
    from_row,
    postgres::{PgRow, sql_error, violated_constraint},
};
use sqlx::{PgConnection, PgExecutor, PgPool, Row};
use std::collections::BTreeMap;

pub(super) const COLUMNS: &str = "u.id, u.create_at, u.update_at, u.delete_at, u.username, u.auth_service, u.email, u.email_verified, \
     u.nickname, u.first_name, u.last_name, u.position, u.roles, u.allow_marketing, u.props, u.notify_props, u.last_password_update, \
     u.last_picture_update, u.failed_attempts, u.locale, u.timezone, u.mfa_active";

/// Held by the transaction that may create the first account.
const FIRST_USER_LOCK: i64 = 0x6669_7273_7475_7365;

pub(super) fn user(row: &PgRow) -> sqlx::Result<User> {
    let mut user = from_row!(row => User {
        id, create_at, update_at, delete_at, username, auth_service, email, email_verified, nickname, first_name, last_name, position,
        roles, allow_marketing, last_password_update, last_picture_update, failed_attempts, locale, mfa_active; ..default
    })?;
    user.props = map(row, "props")?;
    user.notify_props = map(row, "notify_props")?;
    user.timezone = map(row, "timezone")?;
    Ok(user)
}

fn map(row: &PgRow, column: &str) -> sqlx::Result<BTreeMap<String, String>> {
    serde_json::from_str(row.try_get(column)?).map_err(|e| sqlx::Error::ColumnDecode { index: column.to_owned(), source: Box::new(e) })
}

fn json(map: &BTreeMap<String, String>) -> String {
    // A map of strings always encodes.
    serde_json::to_string(map).unwrap_or_else(|_| "{}".to_owned())
}

async fn one(executor: impl PgExecutor<'_>, filter: &str, value: &str) -> sqlx::Result<Option<User>> {
    let sql = format!("SELECT {COLUMNS} FROM users u WHERE {filter}");
    sqlx::query(&sql).bind(value).fetch_optional(executor).await?.as_ref().map(user).transpose()
}

pub(crate) async fn by_id(pool: &PgPool, id: &str) -> sqlx::Result<Option<User>> {
    one(pool, "u.id = $1", id).await
}

pub(super) async fn by_username(pool: &PgPool, username: &str) -> sqlx::Result<Option<User>> {
    one(pool, "u.username = $1", username).await
}

pub(crate) async fn by_email(pool: &PgPool, email: &str) -> sqlx::Result<Option<User>> {
    one(pool, "u.email = $1", email).await
}

pub(crate) async fn lock(tx: &mut PgConnection, id: &str) -> sqlx::Result<Option<User>> {
    one(tx, "u.id = $1 FOR UPDATE", id).await
}

/// Those with the ids, and those with the usernames.
pub(super) async fn many(pool: &PgPool, ids: &[String], usernames: &[String]) -> sqlx::Result<Vec<User>> {
    let mut users = Vec::with_capacity(ids.len() + usernames.len());
    for (column, values) in [("id", ids), ("username", usernames)] {
        if !values.is_empty() {
            let sql = format!("SELECT {COLUMNS} FROM users u WHERE u.{column} = ANY($1)");
            for row in &sqlx::query(&sql).bind(values).fetch_all(pool).await? {
                users.push(user(row)?);
            }
        }
    }
    Ok(users)
}

pub(super) async fn mentionables(pool: &PgPool, ids: &[String]) -> sqlx::Result<Vec<Mentionable>> {
    let rows = sqlx::query("SELECT id AS user_id, username, first_name, delete_at, notify_props FROM users WHERE id = ANY($1)")
        .bind(ids)
        .fetch_all(pool)
        .await?;
    rows.iter()
        .map(|row| {
            let mut found = from_row!(row => Mentionable { user_id, username, first_name, delete_at; ..default })?;
            found.notify_props = map(row, "notify_props")?;
            Ok(found)
        })
        .collect()
}

/// At most two: one by username, one by e-mail.
pub(crate) async fn for_login(pool: &PgPool, login_id: &str, by_username: bool, by_email: bool) -> sqlx::Result<Vec<User>> {
    let sql = format!("SELECT {COLUMNS} FROM users u WHERE ($2 AND u.username = $1) OR ($3 AND u.email = $1)");
    sqlx::query(&sql).bind(login_id).bind(by_username).bind(by_email).fetch_all(pool).await?.iter().map(user).collect()
}

/// What a login is checked against.
pub(crate) struct Secrets {
    pub(crate) password_hash: String,
    pub(crate) failed_attempts: i64,
    pub(crate) mfa_active: bool,
    pub(crate) mfa_secret: String,
    /// Second of the last code that was accepted.
    pub(crate) mfa_used_at: i64,
}

pub(crate) async fn secrets(pool: &PgPool, id: &str) -> sqlx::Result<Option<Secrets>> {
    let row = sqlx::query(
        "SELECT c.password_hash, u.failed_attempts, u.mfa_active, c.mfa_secret, c.mfa_used_at
         FROM users u JOIN credentials c ON c.user_id = u.id WHERE u.id = $1",
    )
    .bind(id)
    .fetch_optional(pool)
    .await?;
    row.map(|row| from_row!(row => Secrets { password_hash, failed_attempts, mfa_active, mfa_secret, mfa_used_at })).transpose()
}

pub(crate) async fn count_failure(pool: &PgPool, id: &str) -> sqlx::Result<()> {
    sqlx::query("UPDATE users SET failed_attempts = failed_attempts + 1 WHERE id = $1").bind(id).execute(pool).await?;
    Ok(())
}

/// False when the account was locked meanwhile.
pub(crate) async fn clear_failures(pool: &PgPool, id: &str, limit: i64) -> sqlx::Result<bool> {
    let done = sqlx::query("UPDATE users SET failed_attempts = 0 WHERE id = $1 AND failed_attempts < $2")
        .bind(id)
        .bind(limit)
        .execute(pool)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Roles, and whether the account is active; neither changes until the transaction ends.
pub(crate) async fn lock_for_session(tx: &mut PgConnection, id: &str) -> sqlx::Result<Option<(String, bool)>> {
    let row = sqlx::query("SELECT roles, delete_at = 0 FROM users WHERE id = $1 FOR SHARE").bind(id).fetch_optional(tx).await?;
    row.map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).transpose()
}

pub(super) async fn any(executor: impl PgExecutor<'_>) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM users)").fetch_one(executor).await
}

/// Whether there is still no account, now that nobody else can create the first one.
pub(super) async fn lock_first(tx: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(FIRST_USER_LOCK).execute(&mut *tx).await?;
    Ok(!any(tx).await?)
}

pub(super) async fn insert(tx: &mut PgConnection, user: &User, password_hash: &str) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO users (id, create_at, update_at, username, email, email_verified, nickname, first_name, last_name, position,
             search_nickname, search_first_name, search_last_name, roles, allow_marketing, props, notify_props, timezone, locale,
             last_password_update)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)",
    )
    .bind(&user.id)
    .bind(user.create_at)
    .bind(user.update_at)
    .bind(&user.username)
    .bind(&user.email)
    .bind(user.email_verified)
    .bind(&user.nickname)
    .bind(&user.first_name)
    .bind(&user.last_name)
    .bind(&user.position)
    .bind(user.nickname.to_lowercase())
    .bind(user.first_name.to_lowercase())
    .bind(user.last_name.to_lowercase())
    .bind(&user.roles)
    .bind(user.allow_marketing)
    .bind(json(&user.props))
    .bind(json(&user.notify_props))
    .bind(json(&user.timezone))
    .bind(&user.locale)
    .bind(user.last_password_update)
    .execute(&mut *tx)
    .await?;
    sqlx::query("INSERT INTO credentials (user_id, password_hash) VALUES ($1, $2)").bind(&user.id).bind(password_hash).execute(tx).await?;
    Ok(())
}

/// Writes what PUT and PATCH may change.
pub(super) async fn update(tx: &mut PgConnection, user: &User) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE users SET update_at = $2, username = $3, email = $4, email_verified = $5, nickname = $6, first_name = $7, last_name = $8,
             position = $9, search_nickname = $10, search_first_name = $11, search_last_name = $12, props = $13, notify_props = $14,
             timezone = $15, locale = $16
         WHERE id = $1",
    )
    .bind(&user.id)
    .bind(user.update_at)
    .bind(&user.username)
    .bind(&user.email)
    .bind(user.email_verified)
    .bind(&user.nickname)
    .bind(&user.first_name)
    .bind(&user.last_name)
    .bind(&user.position)
    .bind(user.nickname.to_lowercase())
    .bind(user.first_name.to_lowercase())
    .bind(user.last_name.to_lowercase())
    .bind(json(&user.props))
    .bind(json(&user.notify_props))
    .bind(json(&user.timezone))
    .bind(&user.locale)
    .execute(tx)
    .await?;
    Ok(())
}

pub(super) async fn set_roles(tx: &mut PgConnection, user: &User) -> sqlx::Result<()> {
    sqlx::query("UPDATE users SET roles = $2, update_at = $3 WHERE id = $1")
        .bind(&user.id)
        .bind(&user.roles)
        .bind(user.update_at)
        .execute(tx)
        .await?;
    Ok(())
}

pub(super) async fn set_deleted(tx: &mut PgConnection, user: &User) -> sqlx::Result<()> {
    sqlx::query("UPDATE users SET delete_at = $2, update_at = $3 WHERE id = $1")
        .bind(&user.id)
        .bind(user.delete_at)
        .bind(user.update_at)
        .execute(tx)
        .await?;
    Ok(())
}

/// Writes what other operations than those above may change.
pub(super) async fn set_flags(tx: &mut PgConnection, user: &User) -> sqlx::Result<()> {
    sqlx::query("UPDATE users SET mfa_active = $2, update_at = $3 WHERE id = $1")
        .bind(&user.id)
        .bind(user.mfa_active)
        .bind(user.update_at)
        .execute(tx)
        .await?;
    Ok(())
}

pub(super) async fn set_picture(tx: &mut PgConnection, user: &User) -> sqlx::Result<()> {
    sqlx::query("UPDATE users SET last_picture_update = $2, update_at = $3 WHERE id = $1")
        .bind(&user.id)
        .bind(user.last_picture_update)
        .bind(user.update_at)
        .execute(tx)
        .await?;
    Ok(())
}

/// Changes one entry of a user's notify_props.
pub(crate) async fn set_notify_prop(pool: &PgPool, id: &str, name: &str, value: &str) -> sqlx::Result<()> {
    let mut tx = pool.begin().await?;
    if let Some(mut user) = lock(&mut tx, id).await? {
        user.notify_props.insert(name.to_owned(), value.to_owned());
        user.update_at += 1;
        update(&mut tx, &user).await?;
    }
    tx.commit().await
}

/// Everybody, and those who are active. The second is a count over the few deactivated.
pub(super) async fn counts(pool: &PgPool) -> sqlx::Result<(i64, i64)> {
    let row =
        sqlx::query("SELECT t.n, t.n - d.n FROM (SELECT count(*) n FROM users) t, (SELECT count(*) n FROM users WHERE delete_at > 0) d")
            .fetch_one(pool)
            .await?;
    Ok((row.try_get(0)?, row.try_get(1)?))
}

/// One look at the end of an index.
pub(super) async fn newest_update(pool: &PgPool) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT coalesce((SELECT max(update_at) FROM users), 0)").fetch_one(pool).await
}

/// Marks the address as verified, if the user still has it.
pub(crate) async fn set_verified(tx: &mut PgConnection, id: &str, email: &str, now: i64) -> sqlx::Result<bool> {
    let done = sqlx::query("UPDATE users SET email_verified = true, update_at = greatest(update_at + 1, $3) WHERE id = $1 AND email = $2")
        .bind(id)
        .bind(email)
        .bind(now)
        .execute(tx)
        .await?;
    Ok(done.rows_affected() > 0)
}

fn taken(error: sqlx::Error, username: ErrorId, email: ErrorId) -> AppError {
    match violated_constraint(&error) {
        Some("users_username") => username.into(),
        Some("users_email") => email.into(),
        _ => sql_error(error),
    }
}

pub(super) fn taken_on_save(error: sqlx::Error) -> AppError {
    taken(error, ErrorId::UsernameExists, ErrorId::EmailExists)
}

pub(super) fn taken_on_update(error: sqlx::Error) -> AppError {
    taken(error, ErrorId::UsernameTaken, ErrorId::EmailTaken)
}
