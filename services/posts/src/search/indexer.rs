//! Carries posts into the index: the commits that write or change them leave their ids in `search_queue`, tasks of every
//! replica take them from there. Who searches takes what is left first, so that a post is found as soon as it is written.

use super::{document::document, postgres};
use crate::posts::store::{COLUMNS, rows};
use muster_error::AppError;
use muster_runtime::postgres::sql_error;
use sqlx::{PgConnection, PgPool, Row};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Rows of the queue in one transaction; each names the posts of one commit.
const ROWS_MAX: i64 = 16;
/// Rounds a search makes before it goes on with what is indexed.
const ROUNDS_OF_A_SEARCH: u32 = 8;
const EVERY: Duration = Duration::from_millis(200);
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(5);

/// Records that these posts have to be indexed again, in the transaction that changes them.
pub async fn record(conn: &mut PgConnection, post_ids: &[String]) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO search_queue (post_ids) VALUES ($1)").bind(post_ids).execute(conn).await?;
    Ok(())
}

/// Runs until the token ends it.
pub async fn run(pool: PgPool, stop: CancellationToken) {
    let mut pause = Duration::ZERO;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        pause = match round(&pool).await {
            Ok(true) => Duration::ZERO,
            Ok(false) => EVERY,
            Err(error) => {
                tracing::warn!(%error, "indexing posts failed");
                PAUSE_AFTER_FAILURE
            }
        };
    }
}

/// Indexes what waits, as far as a search can wait for it.
pub async fn catch_up(pool: &PgPool) -> Result<(), AppError> {
    for _ in 0..ROUNDS_OF_A_SEARCH {
        if !round(pool).await? {
            break;
        }
    }
    Ok(())
}

/// Takes the newest of the queue; whether there may be more.
async fn round(pool: &PgPool) -> Result<bool, AppError> {
    match take(pool, true).await {
        Err(sqlx::Error::Database(error)) => {
            tracing::error!(%error, "a post cannot be indexed; the others of its batch will be one by one");
            take(pool, false).await.map_err(sql_error)
        }
        taken => taken.map_err(sql_error),
    }
}

async fn take(pool: &PgPool, together: bool) -> sqlx::Result<bool> {
    let mut tx = pool.begin().await?;
    // One snapshot: what left the row is seen with it. Two replicas may take two rows of one post; either makes the
    // document from the post as it is, and the older never overwrites the newer.
    let found = sqlx::query(&format!(
        "WITH taken AS (DELETE FROM search_queue WHERE seq IN \
             (SELECT seq FROM search_queue ORDER BY seq DESC LIMIT $1 FOR UPDATE SKIP LOCKED) RETURNING post_ids), \
         ids AS (SELECT DISTINCT unnest(post_ids) AS post_id FROM taken) \
         SELECT {COLUMNS}, (SELECT count(*) FROM taken) AS taken FROM ids JOIN posts ON posts.id = ids.post_id"
    ))
    .bind(ROWS_MAX)
    .fetch_all(&mut *tx)
    .await?;
    let Some(taken) = found.first().map(|row| row.try_get::<i64, _>("taken")).transpose()? else {
        // Nothing, or posts that do not exist any more.
        tx.commit().await?;
        return Ok(false);
    };
    let posts = rows(found)?;
    let documents: Vec<_> = posts.iter().filter_map(document).collect();
    let gone: Vec<String> = posts.iter().filter(|p| p.delete_at > 0).map(|p| p.id.clone()).collect();
    // A crash that loses this transaction gives the queue its rows back.
    sqlx::query("SET LOCAL synchronous_commit = off").execute(&mut *tx).await?;
    if together {
        postgres::put(&mut tx, &documents, &gone).await?;
    } else {
        for one in documents.chunks(1) {
            let mut alone = sqlx::Connection::begin(&mut *tx).await?;
            match postgres::put(&mut alone, one, &gone).await {
                Ok(()) => alone.commit().await?,
                Err(error) => tracing::error!(%error, post_id = one[0].post_id, "a post cannot be indexed"),
            }
        }
    }
    tx.commit().await?;
    Ok(taken == ROWS_MAX)
}
