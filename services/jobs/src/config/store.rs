//! The configuration's tables.

use muster_domain::time::now_ms;
use muster_error::AppError;
use muster_runtime::postgres::sql_error;
use serde_json::Value;
use sqlx::{PgConnection, PgExecutor, Row};
use std::collections::HashMap;

pub const DIAGNOSTIC_ID: &str = "DiagnosticId";
pub const SIGNING_KEY: &str = "AsymmetricSigningKey";
pub const SIGNING_PUBLIC_KEY: &str = "AsymmetricSigningPublicKey";

/// A stored configuration, without the environment's overrides.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    pub version: i64,
    pub tree: Value,
}

/// Makes changes of the configuration wait for each other until the end of the transaction.
pub async fn lock(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query("SELECT pg_advisory_xact_lock(hashtext('muster-config'))").execute(conn).await?;
    Ok(())
}

/// The version in force; `None` before the first start has stored one.
pub async fn newest(db: impl PgExecutor<'_>) -> Result<Option<Stored>, AppError> {
    let row = sqlx::query("SELECT version, tree FROM config_versions ORDER BY version DESC LIMIT 1").fetch_optional(db).await;
    let Some(row) = row.map_err(sql_error)? else { return Ok(None) };
    let tree: &str = row.try_get("tree").map_err(sql_error)?;
    let tree = serde_json::from_str(tree).map_err(AppError::internal)?;
    Ok(Some(Stored { version: row.try_get("version").map_err(sql_error)?, tree }))
}

/// Stores a version; one that exists stays as it is.
pub async fn insert(conn: &mut PgConnection, version: i64, tree: &Value, user_id: &str) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO config_versions (version, tree, user_id, create_at) VALUES ($1, $2, $3, $4) ON CONFLICT (version) DO NOTHING")
        .bind(version)
        .bind(tree.to_string())
        .bind(user_id)
        .bind(now_ms())
        .execute(conn)
        .await?;
    Ok(())
}

/// Forgets old versions beyond the newest `keep`.
pub async fn prune(db: impl PgExecutor<'_>, keep: i64) -> sqlx::Result<u64> {
    let done = sqlx::query("DELETE FROM config_versions WHERE version <= (SELECT max(version) FROM config_versions) - $1")
        .bind(keep)
        .execute(db)
        .await?;
    Ok(done.rows_affected())
}

/// Gives an installation value its first and only content.
pub async fn set_once(conn: &mut PgConnection, name: &str, value: &str) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO installation (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING")
        .bind(name)
        .bind(value)
        .execute(conn)
        .await?;
    Ok(())
}

/// The installation's values by name: a handful of rows.
pub async fn installation(db: impl PgExecutor<'_>) -> sqlx::Result<HashMap<String, String>> {
    let rows = sqlx::query("SELECT name, value FROM installation").fetch_all(db).await?;
    rows.iter().map(|row| Ok((row.try_get("name")?, row.try_get("value")?))).collect()
}
