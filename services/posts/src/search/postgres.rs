//! The index in PostgreSQL: one `tsvector` per post under a GIN index.
//!
//! The newest hundred of what matches are wanted, and a word may stand in a million posts. GIN knows no order, so time is
//! searched in windows, from the newest backwards, each as long as what was found lets expect, until enough is found.
//! Windows are part of the text query (see `document::period`): the index itself passes over the rest of history.

use super::document::{Document, period};
use muster_runtime::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row, postgres::PgArguments, query::Query};

/// Posts that one search finds.
pub const FOUND_MAX: usize = 100;
/// Channels that hold no more posts than this together are read through.
const SMALL: i64 = 10_000;
/// Posts of everybody in the first window.
const FIRST_WINDOW: i64 = 8_192;
/// How many times longer all that is searched becomes with a window, at least.
const GROWTH_MIN: f64 = 4.0;
/// What is expected to be found where nothing was.
const LEAST_EXPECTED: f64 = 0.5;

/// What is looked for.
#[derive(Debug, Default)]
pub struct Wanted {
    /// A `tsquery`; "" = anything.
    pub query: String,
    /// Whether the query names a word that must be there: then the index on words can find it.
    pub positive: bool,
    /// Whether it names beginnings of words, of which there may be very many.
    pub prefixes: bool,
    pub channels: Vec<String>,
    /// ms; inclusive.
    pub since: i64,
    /// ms; exclusive.
    pub until: i64,
}

/// Newest first.
type Found = Vec<(i64, String)>;

/// Writes documents over older ones of the same posts, and takes out those that are gone.
pub async fn put(conn: &mut PgConnection, documents: &[Document], gone: &[String]) -> sqlx::Result<()> {
    // Sorted, so that two replicas do not wait for each other in a circle.
    let mut sorted: Vec<&Document> = documents.iter().collect();
    sorted.sort_unstable_by(|a, b| a.post_id.cmp(&b.post_id));
    sqlx::query(
        "WITH gone AS (DELETE FROM search_documents WHERE post_id = ANY($6)) \
         INSERT INTO search_documents AS d (post_id, channel_id, create_at, version, words) \
         SELECT t.post_id, t.channel_id, t.create_at, t.version, t.words::tsvector \
         FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::text[]) AS t(post_id, channel_id, create_at, version, words) \
         ON CONFLICT (post_id) DO UPDATE SET version = excluded.version, words = excluded.words WHERE d.version <= excluded.version",
    )
    .bind(sorted.iter().map(|d| d.post_id.as_str()).collect::<Vec<_>>())
    .bind(sorted.iter().map(|d| d.channel_id.as_str()).collect::<Vec<_>>())
    .bind(sorted.iter().map(|d| d.create_at).collect::<Vec<_>>())
    .bind(sorted.iter().map(|d| d.version).collect::<Vec<_>>())
    .bind(sorted.iter().map(|d| d.words.as_str()).collect::<Vec<_>>())
    .bind(gone)
    .execute(conn)
    .await?;
    Ok(())
}

/// Ids of the newest posts that match, newest first, at most [`FOUND_MAX`].
pub async fn find(pool: &PgPool, wanted: &Wanted) -> sqlx::Result<Vec<String>> {
    if wanted.channels.is_empty() || wanted.since >= wanted.until {
        return Ok(Vec::new());
    }
    let mut conn = pool.acquire().await?;
    let mut found = if wanted.positive {
        let (posts, of_all) = posts_in(&mut conn, &wanted.channels).await?;
        if posts <= SMALL {
            of_small_channels(&mut conn, wanted).await?
        } else {
            by_windows(&mut conn, wanted, posts as f64 / of_all.max(posts) as f64).await?
        }
    } else {
        of_each_channel(&mut conn, wanted).await?
    };
    found.truncate(FOUND_MAX);
    Ok(found.into_iter().map(|(_, id)| id).collect())
}

/// Posts of these channels, and roughly of all.
async fn posts_in(conn: &mut PgConnection, channels: &[String]) -> sqlx::Result<(i64, i64)> {
    sqlx::query_as(
        "SELECT (SELECT COALESCE(sum(total_msg_count), 0)::bigint FROM channel_activity WHERE channel_id = ANY($1)), \
                (SELECT reltuples::bigint FROM pg_class WHERE oid = 'search_documents'::regclass)",
    )
    .bind(channels)
    .fetch_one(conn)
    .await
}

/// Where nothing keeps a post from matching but what it must not have, the newest of each channel soon match.
async fn of_each_channel(conn: &mut PgConnection, wanted: &Wanted) -> sqlx::Result<Found> {
    let sql = "SELECT d.create_at, d.post_id FROM unnest($2::text[]) AS c(id) CROSS JOIN LATERAL ( \
                   SELECT create_at, post_id FROM search_documents WHERE channel_id = c.id AND create_at >= $3 AND create_at < $4 \
                   AND ($1 = '' OR words @@ $1::tsquery) IS TRUE ORDER BY create_at DESC LIMIT $5) AS d \
               ORDER BY d.create_at DESC, d.post_id DESC LIMIT $5";
    rows(bound(sql, &wanted.query, wanted, wanted.since, wanted.until).fetch_all(conn).await?)
}

async fn of_small_channels(conn: &mut PgConnection, wanted: &Wanted) -> sqlx::Result<Found> {
    // `IS TRUE` keeps the planner from the index on words.
    let sql = "SELECT create_at, post_id FROM search_documents WHERE channel_id = ANY($2) AND create_at >= $3 AND create_at < $4 \
               AND (words @@ $1::tsquery) IS TRUE ORDER BY create_at DESC, post_id DESC LIMIT $5";
    rows(bound(sql, &wanted.query, wanted, wanted.since, wanted.until).fetch_all(conn).await?)
}

async fn by_windows(conn: &mut PgConnection, wanted: &Wanted, share: f64) -> sqlx::Result<Found> {
    let limits = sqlx::query("SELECT min(create_at), max(create_at) FROM search_documents").fetch_one(&mut *conn).await?;
    let (Some(oldest), Some(newest)) = (limits.try_get::<Option<i64>, _>(0)?, limits.try_get::<Option<i64>, _>(1)?) else {
        return Ok(Vec::new());
    };
    let (since, until) = (wanted.since.max(oldest), wanted.until.min(newest.saturating_add(1)));
    let edge: Option<i64> = sqlx::query_scalar(
        "SELECT create_at FROM search_documents WHERE create_at >= $1 AND create_at < $2 ORDER BY create_at DESC OFFSET $3 LIMIT 1",
    )
    .bind(since)
    .bind(until)
    .bind(FIRST_WINDOW)
    .fetch_optional(&mut *conn)
    .await?;
    let (mut found, mut of_all) = (Found::new(), 0);
    let (mut start, mut end) = (edge.unwrap_or(since), until);
    // Collecting all that begins so may take long where it is frequent; there it is soon met by reading.
    let mut reads_through = wanted.prefixes;
    while found.len() < FOUND_MAX && end > since {
        if std::mem::take(&mut reads_through) {
            found.extend(read_through(conn, wanted, start, end).await?);
        } else {
            let mut query = wanted.query.clone();
            if start > since
                && let Some((spans, begins)) = period(start, end)
            {
                start = begins.max(since);
                query = format!("({query}) & ({})", spans.join(" | "));
            }
            let (mut more, all) = indexed(conn, &query, wanted, start, end).await?;
            found.append(&mut more);
            of_all += all;
        }
        end = start;
        start = earlier(start, since, until, (found.len() as f64).max(of_all as f64 * share));
    }
    Ok(found)
}

/// Where the next window begins, if the past is like what was searched, in which so many were to be expected.
fn earlier(start: i64, since: i64, until: i64, expected: f64) -> i64 {
    let covered = (until - start).max(1);
    let growth = (FOUND_MAX as f64 * 1.5 / expected.max(LEAST_EXPECTED)).max(GROWTH_MIN);
    let next = until.saturating_sub((covered as f64 * growth) as i64);
    // What would be left over is not worth a window of its own.
    if next.saturating_sub(since) < (until - next) / 2 { since } else { next }
}

async fn read_through(conn: &mut PgConnection, wanted: &Wanted, since: i64, until: i64) -> sqlx::Result<Found> {
    let sql = "SELECT create_at, post_id FROM search_documents WHERE create_at >= $3 AND create_at < $4 AND channel_id = ANY($2) \
               AND (words @@ $1::tsquery) IS TRUE ORDER BY create_at DESC, post_id DESC LIMIT $5";
    rows(bound(sql, &wanted.query, wanted, since, until).fetch_all(conn).await?)
}

/// What is found, and how many of all channels matched.
async fn indexed(conn: &mut PgConnection, query: &str, wanted: &Wanted, since: i64, until: i64) -> sqlx::Result<(Found, i64)> {
    // The sums keep the planner from the other indexes, whose use it would guess at.
    let sql = "WITH matched AS MATERIALIZED (SELECT create_at, post_id, channel_id FROM search_documents \
                   WHERE words @@ $1::tsquery AND create_at + 0 >= $3 AND create_at + 0 < $4), \
               found AS (SELECT create_at, post_id FROM matched WHERE channel_id = ANY($2) ORDER BY create_at DESC, post_id DESC LIMIT $5) \
               SELECT create_at, post_id FROM found UNION ALL SELECT count(*), '' FROM matched";
    let mut found = rows(bound(sql, query, wanted, since, until).fetch_all(conn).await?)?;
    let all = found.iter().find(|(_, id)| id.is_empty()).map_or(0, |(count, _)| *count);
    found.retain(|(_, id)| !id.is_empty());
    Ok((found, all))
}

/// Planned anew each time: a plan that does not know the channels compares with each of them in turn.
fn bound<'q>(sql: &'q str, query: &'q str, wanted: &'q Wanted, since: i64, until: i64) -> Query<'q, sqlx::Postgres, PgArguments> {
    sqlx::query(sql).persistent(false).bind(query).bind(&wanted.channels).bind(since).bind(until).bind(FOUND_MAX as i64)
}

fn rows(found: Vec<PgRow>) -> sqlx::Result<Found> {
    found.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_grow_by_what_was_found() {
        assert_eq!(earlier(900, -1_000_000, 1_000, 15.0), 0, "ten times as long");
        assert_eq!(earlier(900, -1_000_000, 1_000, 99.0), 600, "four times at least");
        assert_eq!(earlier(900, -1_000_000, 1_000, 0.0), 1_000 - 100 * 300);
        assert_eq!(earlier(900, -10_000, 1_000, 0.0), -10_000, "never before the beginning");
        assert_eq!(earlier(900, 450, 1_000, 99.0), 450, "a short rest is taken along");
        assert!(earlier(1_000, -1_000_000, 1_000, 1.0) < 1_000, "always some");
    }
}
