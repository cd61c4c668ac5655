//! Carries posts into the index: the commits that write or change them leave their ids in `search_queue`, tasks of every
//! replica take them from there. Who searches takes what is left first, so that a post is found as soon as it is written.

use super::{document::document, postgres};
use crate::posts::store::{COLUMNS, rows};
use muster_error::AppError;
use muster_runtime::postgres::sql_error;
use sqlx::{PgConnection, PgPool};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// Rows of the queue in one transaction; each names the posts of one commit.
const ROWS_MAX: i64 = 16;
/// How long a search indexes before it goes on with what is indexed: only a flood of posts takes longer.
const SEARCH_INDEXES: Duration = Duration::from_secs(1);
const EVERY: Duration = Duration::from_millis(200);
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(5);
/// Commits a second from which posting is busy: then the indexer steps back, and catches up afterwards.
const BUSY: f64 = 100.0;
/// Pauses of a busy time, in terms of the work before each.
const STEP_BACK: u32 = 5;

/// What one round took of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Taken {
    rows: i64,
    /// The newest row: rows are numbered as they are written.
    newest: i64,
}

/// Records that these posts have to be indexed again, in the transaction that changes them.
pub async fn record(conn: &mut PgConnection, post_ids: &[String]) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO search_queue (post_ids) VALUES ($1)").bind(post_ids).execute(conn).await?;
    Ok(())
}

/// Runs until the token ends it.
pub async fn run(pool: PgPool, stop: CancellationToken) {
    let mut pause = Duration::ZERO;
    let mut before: Option<(Instant, i64)> = None;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        let began = Instant::now();
        pause = match round(&pool, i64::MAX).await {
            Ok(Some(taken)) => {
                let commits = before.replace((began, taken.newest)).map_or(0.0, |(at, newest)| rate(began - at, taken.newest - newest));
                pause_after(taken, commits, began.elapsed())
            }
            Ok(None) => EVERY,
            Err(error) => {
                tracing::warn!(%error, "indexing posts failed");
                PAUSE_AFTER_FAILURE
            }
        };
    }
}

/// A second.
fn rate(passed: Duration, count: i64) -> f64 {
    count.max(0) as f64 / passed.as_secs_f64().max(0.001)
}

fn pause_after(taken: Taken, commits: f64, work: Duration) -> Duration {
    let busy = if commits > BUSY { work * STEP_BACK } else { Duration::ZERO };
    if taken.rows == ROWS_MAX { busy } else { busy.max(EVERY) }
}

/// Indexes what waits at this moment, the newest first, so that the search finds it. What another task has in hand is waited
/// for.
pub async fn catch_up(pool: &PgPool) -> Result<(), AppError> {
    let began = Instant::now();
    let mut newest: Option<i64> = sqlx::query_scalar("SELECT max(seq) FROM search_queue").fetch_one(pool).await.map_err(sql_error)?;
    while let Some(seq) = newest
        && began.elapsed() < SEARCH_INDEXES
    {
        if round(pool, seq).await?.is_none() {
            let in_hand = "SELECT seq FROM search_queue WHERE seq <= $1 ORDER BY seq DESC LIMIT $2 FOR KEY SHARE";
            sqlx::query(in_hand).bind(seq).bind(ROWS_MAX).execute(pool).await.map_err(sql_error)?;
        }
        let left = "SELECT max(seq) FROM search_queue WHERE seq <= $1";
        newest = sqlx::query_scalar(left).bind(seq).fetch_one(pool).await.map_err(sql_error)?;
    }
    Ok(())
}

/// Takes the newest of the queue up to this number.
async fn round(pool: &PgPool, until: i64) -> Result<Option<Taken>, AppError> {
    match take(pool, until, true).await {
        Err(sqlx::Error::Database(error)) => {
            tracing::error!(%error, "a post cannot be indexed; the others of its batch will be one by one");
            take(pool, until, false).await.map_err(sql_error)
        }
        taken => taken.map_err(sql_error),
    }
}

async fn take(pool: &PgPool, until: i64, together: bool) -> sqlx::Result<Option<Taken>> {
    let mut tx = pool.begin().await?;
    // Two replicas may take two rows of one post; either makes the document from the post as it is now, and the older
    // never overwrites the newer.
    let taken: Vec<(i64, Vec<String>)> = sqlx::query_as(
        "DELETE FROM search_queue WHERE seq IN (SELECT seq FROM search_queue WHERE seq <= $1 ORDER BY seq DESC LIMIT $2 FOR UPDATE SKIP LOCKED) \
         RETURNING seq, post_ids",
    )
    .bind(until)
    .bind(ROWS_MAX)
    .fetch_all(&mut *tx)
    .await?;
    let Some(newest) = taken.iter().map(|(seq, _)| *seq).max() else { return Ok(None) };
    let summary = Taken { rows: taken.len() as i64, newest };
    let mut ids: Vec<String> = taken.into_iter().flat_map(|(_, ids)| ids).collect();
    ids.sort_unstable();
    ids.dedup();
    // By a list of ids, not by a join: its plan would be a guess at how many there are.
    let found = sqlx::query(&format!("SELECT {COLUMNS} FROM posts WHERE id = ANY($1)")).bind(ids).fetch_all(&mut *tx).await?;
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
    Ok(Some(summary))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_back_while_posting_is_busy() {
        let work = Duration::from_millis(100);
        let full = Taken { rows: ROWS_MAX, newest: 1 };
        assert_eq!(pause_after(full, 0.0, work), Duration::ZERO, "there is more, and time");
        assert_eq!(pause_after(full, 300.0, work), work * STEP_BACK);
        assert_eq!(pause_after(Taken { rows: 1, newest: 1 }, 0.0, work), EVERY);
        assert_eq!(pause_after(Taken { rows: 1, newest: 1 }, 300.0, work), work * STEP_BACK);
        assert_eq!((rate(Duration::from_secs(2), 10), rate(Duration::from_secs(2), -10)), (5.0, 0.0));
    }
}
