//! PostgreSQL: one pool per service, its schema first on the search path; migrations at start.

use crate::config::ConfigError;
use muster_error::{AppError, ErrorId};
use sqlx::{
    Connection, PgPool,
    migrate::{Migration, MigrationType, Migrator},
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::{borrow::Cow, str::FromStr, time::Duration};

pub use sqlx::postgres::PgRow;

/// A pooled connection that was idle for longer is tested before it is used.
const IDLE_TRUSTED: Duration = Duration::from_secs(1);

/// One SQL file of a service's `migrations/`, embedded: `(version, "name", include_str!(…))`.
pub type MigrationFile = (i64, &'static str, &'static str);

/// Opens the pool of a schema, creates the schema and migrates it. Safe when several replicas start at once.
pub async fn connect(url: &str, schema: &'static str, connections: u32, migrations: &[MigrationFile]) -> Result<PgPool, ConfigError> {
    connect_with(url, schema, connections, migrations, &[]).await
}

/// Like [`connect`], with PostgreSQL settings for every connection.
pub async fn connect_with(
    url: &str,
    schema: &'static str,
    connections: u32,
    migrations: &[MigrationFile],
    settings: &[(&str, &str)],
) -> Result<PgPool, ConfigError> {
    let failed = |e: sqlx::Error| ConfigError(format!("PostgreSQL ({schema}): {e}"));
    let options = PgConnectOptions::from_str(url)
        .map_err(|e| ConfigError(format!("MUSTER_DATABASE_URL: {e}")))?
        .application_name(&format!("muster-{schema}"))
        .options([("search_path", schema)])
        .options(settings.iter().copied());
    let pool = PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(10))
        // A round trip before every statement would halve what a busy pool does; one that was idle is worth the question.
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for > IDLE_TRUSTED {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_with(options)
        .await
        .map_err(failed)?;
    // Two replicas creating the schema at once would collide on the catalogue's unique index.
    let mut tx = pool.begin().await.map_err(failed)?;
    sqlx::query("SELECT pg_advisory_xact_lock(hashtext('muster-schemas'))").execute(&mut *tx).await.map_err(failed)?;
    sqlx::query(&format!("CREATE SCHEMA IF NOT EXISTS {schema}")).execute(&mut *tx).await.map_err(failed)?;
    tx.commit().await.map_err(failed)?;
    let migrator = Migrator {
        migrations: Cow::Owned(
            migrations
                .iter()
                .map(|(version, name, sql)| {
                    Migration::new(*version, Cow::Borrowed(*name), MigrationType::Simple, Cow::Borrowed(*sql), false)
                })
                .collect(),
        ),
        // During a rolling upgrade an older replica meets a newer schema.
        ignore_missing: true,
        ..Migrator::DEFAULT
    };
    migrator.run(&pool).await.map_err(|e| ConfigError(format!("migrating schema {schema}: {e}")))?;
    Ok(pool)
}

/// A statement that failed, as an error of ours: 503 when the database is away or busy, 400 for text it cannot
/// store, else 500.
pub fn sql_error(error: sqlx::Error) -> AppError {
    match &error {
        sqlx::Error::PoolTimedOut | sqlx::Error::Io(_) | sqlx::Error::PoolClosed => AppError::new(ErrorId::Unavailable).detail(&error),
        sqlx::Error::Database(db) => match db.code().as_deref() {
            // invalid byte sequence (NUL), untranslatable character
            Some("22021" | "22P05") => AppError::new(ErrorId::InvalidText).detail(&error),
            // shutting down, crash recovery, too many connections, serialization failure, deadlock
            Some("57P01" | "57P02" | "57P03" | "53300" | "40001" | "40P01") => AppError::new(ErrorId::Unavailable).detail(&error),
            _ => AppError::internal(&error),
        },
        _ => AppError::internal(&error),
    }
}

/// The name of the unique constraint a statement violated.
pub fn violated_constraint(error: &sqlx::Error) -> Option<&str> {
    error.as_database_error().filter(|e| e.is_unique_violation()).and_then(|e| e.constraint())
}

/// Fills a struct from the columns of a row with the same names: `from_row!(row => Post { id, create_at; ..default })`.
#[macro_export]
macro_rules! from_row {
    ($row:expr => $type:ident { $($field:ident),* $(,)? ; ..default }) => {{
        use sqlx::Row as _;
        Ok::<$type, sqlx::Error>($type { $($field: $row.try_get($crate::column!($field))?,)* ..Default::default() })
    }};
    ($row:expr => $type:ident { $($field:ident),* $(,)? }) => {{
        use sqlx::Row as _;
        Ok::<$type, sqlx::Error>($type { $($field: $row.try_get($crate::column!($field))?,)* })
    }};
}

/// The column of a field; `r#type` is `type`.
#[macro_export]
macro_rules! column {
    (r#type) => {
        "type"
    };
    ($field:ident) => {
        stringify!($field)
    };
}
