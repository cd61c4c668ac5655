//! A long history in many languages, written into the posts schema of a Muster under test: by the API it would take hours.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use muster_domain::{ids::new_id, posts::hashtags, time::now_ms};
use sqlx::{Connection, Executor, PgConnection};

use crate::args::History;
use crate::corpus;
use crate::state::State;

/// Posts of one statement, and of one row of the indexer's queue.
const BATCH: u32 = 4_096;
const QUEUED: usize = 256;
/// How far back the history reaches, ms.
const SPAN_MS: i64 = 400 * 86_400_000;
/// Of the posts, this share stands in channels that nobody of the state is in.
const ELSEWHERE: f64 = 0.5;
const CHANNELS_ELSEWHERE: u32 = 200;

/// Writes the posts and waits until they are indexed.
pub async fn run(state: &State, args: &History) -> Result<()> {
    let mut db = PgConnection::connect(&args.database_url).await.context("--database-url")?;
    db.execute("SET search_path = posts").await?;
    let elsewhere: Vec<String> = (0..CHANNELS_ELSEWHERE).map(|_| new_id()).collect();
    let begin = now_ms() - SPAN_MS;
    let started = Instant::now();
    for first in (0..args.posts).step_by(BATCH as usize) {
        let count = BATCH.min(args.posts - first);
        let at = |n: u32| begin + SPAN_MS * i64::from(first + n) / i64::from(args.posts);
        write(&mut db, state, &elsewhere, count, at).await?;
        if (first / BATCH).is_multiple_of(25) {
            eprintln!("history: {} of {} posts, {:.0} s", first + count, args.posts, started.elapsed().as_secs_f64());
        }
    }
    count_channels(&mut db).await?;
    eprintln!("history: written in {:.0} s, waiting for the index", started.elapsed().as_secs_f64());
    let mut before = i64::MAX;
    loop {
        let waiting: i64 = sqlx::query_scalar("SELECT count(*) FROM search_queue").fetch_one(&mut db).await?;
        if waiting == 0 {
            break;
        }
        ensure!(waiting < before, "the index does not grow: is Muster running on this database?");
        before = waiting;
        eprintln!("history: {} posts to be indexed", waiting * QUEUED as i64);
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
    db.execute("VACUUM ANALYZE posts").await?;
    db.execute("VACUUM ANALYZE search_documents").await?;
    eprintln!("history: indexed after {:.0} s", started.elapsed().as_secs_f64());
    Ok(())
}

async fn write(db: &mut PgConnection, state: &State, elsewhere: &[String], count: u32, at: impl Fn(u32) -> i64) -> Result<()> {
    let ids: Vec<String> = (0..count).map(|_| new_id()).collect();
    let times: Vec<i64> = (0..count).map(at).collect();
    let pick = |list: usize| rand::random_range(0..list);
    let users: Vec<&str> = (0..count).map(|_| state.users[pick(state.users.len())].id.as_str()).collect();
    let channels: Vec<&str> = (0..count)
        .map(|_| {
            let list = if rand::random_bool(ELSEWHERE) { elsewhere } else { &state.channels[..] };
            list[pick(list.len())].as_str()
        })
        .collect();
    let messages: Vec<String> = (0..count).map(|_| corpus::message()).collect();
    let tags: Vec<String> = messages.iter().map(|m| hashtags(m)).collect();
    let mut tx = db.begin().await?;
    sqlx::query(
        "INSERT INTO posts (id, create_at, update_at, user_id, channel_id, message, hashtags) \
         SELECT id, at, at, user_id, channel_id, message, tags \
         FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[]) AS t(id, at, user_id, channel_id, message, tags)",
    )
    .bind(&ids)
    .bind(times)
    .bind(users)
    .bind(channels)
    .bind(messages)
    .bind(tags)
    .execute(&mut *tx)
    .await?;
    for part in ids.chunks(QUEUED) {
        sqlx::query("INSERT INTO search_queue (post_ids) VALUES ($1)").bind(part).execute(&mut *tx).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// The counters that posting would have moved.
async fn count_channels(db: &mut PgConnection) -> Result<()> {
    db.execute(
        "INSERT INTO channel_activity AS a (channel_id, last_post_at, total_msg_count, max_update_at) \
         SELECT channel_id, max(create_at), count(*), max(update_at) FROM posts WHERE delete_at = 0 GROUP BY channel_id \
         ON CONFLICT (channel_id) DO UPDATE SET total_msg_count = excluded.total_msg_count, \
         last_post_at = GREATEST(a.last_post_at, excluded.last_post_at), max_update_at = GREATEST(a.max_update_at + 1, excluded.max_update_at)",
    )
    .await?;
    Ok(())
}
