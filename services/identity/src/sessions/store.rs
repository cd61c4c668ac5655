//! SQL of sessions.

use super::Revoked;
use muster_proto::model::Session;
use muster_runtime::{from_row, postgres::PgRow};
use sqlx::{PgConnection, PgPool, Row};
use std::time::Duration;

/// Sessions of one user that a list shows.
const LIST_MAX: i64 = 500;
/// Expired sessions deleted by one statement.
const EXPIRE_BATCH: i64 = 1_000;

const COLUMNS: &str = "s.id, s.create_at, s.expires_at, s.last_activity_at, s.user_id, s.device_id, s.roles, s.is_oauth, s.props";

fn session(row: &PgRow) -> sqlx::Result<Session> {
    let mut session =
        from_row!(row => Session { id, create_at, expires_at, last_activity_at, user_id, device_id, roles, is_oauth; ..default })?;
    session.props = serde_json::from_str(row.try_get("props")?).unwrap_or_default();
    Ok(session)
}

/// The access token behind a session; "" for a login.
pub(crate) struct Found {
    pub(crate) session: Session,
    pub(crate) access_token_id: String,
}

/// A live session of an active user.
pub(crate) async fn find(conn: &mut PgConnection, token_hash: &str, now: i64) -> sqlx::Result<Option<Found>> {
    let sql = format!(
        "SELECT {COLUMNS}, s.access_token_id FROM sessions s JOIN users u ON u.id = s.user_id
         WHERE s.token_hash = $1 AND (s.expires_at = 0 OR s.expires_at > $2) AND u.delete_at = 0"
    );
    let row = sqlx::query(&sql).bind(token_hash).bind(now).fetch_optional(conn).await?;
    row.map(|row| Ok(Found { session: session(&row)?, access_token_id: row.try_get("access_token_id")? })).transpose()
}

/// Latest activity first.
pub(crate) async fn list(pool: &PgPool, user_id: &str, now: i64) -> sqlx::Result<Vec<Session>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM sessions s WHERE s.user_id = $1 AND (s.expires_at = 0 OR s.expires_at > $2)
         ORDER BY s.last_activity_at DESC, s.id DESC LIMIT $3"
    );
    sqlx::query(&sql).bind(user_id).bind(now).bind(LIST_MAX).fetch_all(pool).await?.iter().map(session).collect()
}

/// A second session for the same token is not made: the first use of an access token may happen twice at once.
pub(crate) async fn insert(conn: &mut PgConnection, session: &Session, token_hash: &str, access_token_id: &str) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO sessions (id, token_hash, user_id, create_at, expires_at, last_activity_at, device_id, roles, is_oauth, props, access_token_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (token_hash) DO NOTHING",
    )
    .bind(&session.id)
    .bind(token_hash)
    .bind(&session.user_id)
    .bind(session.create_at)
    .bind(session.expires_at)
    .bind(session.last_activity_at)
    .bind(&session.device_id)
    .bind(&session.roles)
    .bind(session.is_oauth)
    .bind(serde_json::to_string(&session.props).unwrap_or_default())
    .bind(access_token_id)
    .execute(conn)
    .await?;
    Ok(())
}

/// Which sessions of a user.
pub(crate) enum Which<'a> {
    All,
    Id(&'a str),
    /// All of a device but one.
    Device {
        device_id: &'a str,
        keep: &'a str,
    },
    AccessToken(&'a str),
}

/// Deletes sessions of a user and tells which.
pub(crate) async fn delete(conn: &mut PgConnection, user_id: &str, which: Which<'_>) -> sqlx::Result<Vec<Revoked>> {
    let (filter, value, keep) = match which {
        Which::All => ("$2 = $2 AND $3 = $3", "", ""),
        Which::Id(id) => ("id = $2 AND $3 = $3", id, ""),
        Which::Device { device_id, keep } => ("device_id = $2 AND id <> $3", device_id, keep),
        Which::AccessToken(id) => ("access_token_id = $2 AND $3 = $3", id, ""),
    };
    let sql = format!("DELETE FROM sessions WHERE user_id = $1 AND {filter} RETURNING id, token_hash");
    let rows = sqlx::query(&sql).bind(user_id).bind(value).bind(keep).fetch_all(conn).await?;
    rows.iter().map(|row| from_row!(row => Revoked { id, token_hash })).collect()
}

/// Returns the hashes of the tokens whose sessions changed.
pub(crate) async fn set_roles(conn: &mut PgConnection, user_id: &str, roles: &str) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar("UPDATE sessions SET roles = $2 WHERE user_id = $1 RETURNING token_hash")
        .bind(user_id)
        .bind(roles)
        .fetch_all(conn)
        .await
}

/// The changed session and the hash of its token.
pub(crate) async fn attach_device(
    conn: &mut PgConnection,
    session_id: &str,
    device_id: &str,
    lifetime_ms: i64,
) -> sqlx::Result<Option<(Session, String)>> {
    let sql = format!("UPDATE sessions s SET device_id = $2, expires_at = create_at + $3 WHERE id = $1 RETURNING {COLUMNS}, s.token_hash");
    let row = sqlx::query(&sql).bind(session_id).bind(device_id).bind(lifetime_ms).fetch_optional(conn).await?;
    row.map(|row| Ok((session(&row)?, row.try_get("token_hash")?))).transpose()
}

/// The hash of the session's token, if its activity moved: not more often than `every`.
pub(crate) async fn touch(pool: &PgPool, session_id: &str, now: i64, every: Duration) -> sqlx::Result<Option<String>> {
    let every = i64::try_from(every.as_millis()).unwrap_or(i64::MAX);
    sqlx::query_scalar("UPDATE sessions SET last_activity_at = $2 WHERE id = $1 AND last_activity_at < $3 RETURNING token_hash")
        .bind(session_id)
        .bind(now)
        .bind(now.saturating_sub(every))
        .fetch_optional(pool)
        .await
}

pub(crate) async fn delete_expired(pool: &PgPool, now: i64) -> sqlx::Result<()> {
    loop {
        let deleted = sqlx::query(
            "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at > 0 AND expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
        )
        .bind(now)
        .bind(EXPIRE_BATCH)
        .execute(pool)
        .await?;
        if deleted.rows_affected() < EXPIRE_BATCH as u64 {
            return Ok(());
        }
    }
}

/// An active access token of an active user.
pub(crate) struct AccessToken {
    pub(crate) id: String,
    pub(crate) user_id: String,
    pub(crate) roles: String,
}

/// Locks the token, so that it is not revoked while its session is made.
pub(crate) async fn access_token(conn: &mut PgConnection, token_hash: &str) -> sqlx::Result<Option<AccessToken>> {
    let row = sqlx::query(
        "SELECT t.id, t.user_id, u.roles FROM access_tokens t JOIN users u ON u.id = t.user_id
         WHERE t.token_hash = $1 AND t.is_active AND u.delete_at = 0 FOR SHARE OF t",
    )
    .bind(token_hash)
    .fetch_optional(conn)
    .await?;
    row.map(|row| from_row!(row => AccessToken { id, user_id, roles })).transpose()
}

pub(crate) async fn access_token_is_active(conn: &mut PgConnection, id: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM access_tokens WHERE id = $1 AND is_active)").bind(id).fetch_one(conn).await
}
