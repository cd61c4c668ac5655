//! Channel activity and read states.

use muster_proto::posts::{ChannelActivity, ReadState};
use muster_runtime::from_row;
use sqlx::{PgConnection, PgPool};

/// Of every channel asked, in the order asked.
pub async fn channels(pool: &PgPool, channel_ids: &[String]) -> sqlx::Result<Vec<ChannelActivity>> {
    let rows = sqlx::query(
        "SELECT t.channel_id, COALESCE(a.last_post_at, 0) AS last_post_at, COALESCE(a.total_msg_count, 0) AS total_msg_count \
         FROM unnest($1::text[]) WITH ORDINALITY AS t(channel_id, position) LEFT JOIN channel_activity a ON a.channel_id = t.channel_id \
         ORDER BY t.position",
    )
    .bind(channel_ids)
    .fetch_all(pool)
    .await?;
    rows.iter().map(|row| from_row!(row => ChannelActivity { channel_id, last_post_at, total_msg_count })).collect()
}

/// Of every pair. One without a row has zeros.
pub async fn read_states(pool: &PgPool, channel_ids: &[String], user_ids: &[String]) -> sqlx::Result<Vec<ReadState>> {
    let rows = sqlx::query(
        "SELECT c.channel_id, u.user_id, COALESCE(r.last_viewed_at, 0) AS last_viewed_at, COALESCE(r.msg_count, 0) AS msg_count, \
         COALESCE(r.mention_count, 0) AS mention_count, COALESCE(a.total_msg_count, 0) AS total_msg_count, \
         COALESCE(a.last_post_at, 0) AS last_post_at \
         FROM unnest($1::text[]) AS c(channel_id) CROSS JOIN unnest($2::text[]) AS u(user_id) \
         LEFT JOIN channel_activity a ON a.channel_id = c.channel_id \
         LEFT JOIN read_states r ON r.channel_id = c.channel_id AND r.user_id = u.user_id",
    )
    .bind(channel_ids)
    .bind(user_ids)
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            from_row!(row => ReadState { channel_id, user_id, last_viewed_at, msg_count, mention_count, total_msg_count, last_post_at })
        })
        .collect()
}

/// Marks channels read and answers their activity. A channel without posts has nothing to read. Does not wait for the
/// disk: after a crash a channel may show as unread again.
pub async fn mark_read(pool: &PgPool, user_id: &str, channel_ids: &[String]) -> sqlx::Result<Vec<ChannelActivity>> {
    let rows = sqlx::query(&format!(
        "{MARK_READ} SELECT t.channel_id, COALESCE(a.last_post_at, 0) AS last_post_at, COALESCE(a.total_msg_count, 0) AS total_msg_count \
         FROM unnest($1::text[]) AS t(channel_id) LEFT JOIN channel_activity a ON a.channel_id = t.channel_id"
    ))
    .bind(channel_ids)
    .bind(user_id)
    .bind("off")
    .fetch_all(pool)
    .await?;
    rows.iter().map(|row| from_row!(row => ChannelActivity { channel_id, last_post_at, total_msg_count })).collect()
}

/// Like [`mark_read`], within the transaction of an effect.
pub async fn mark_read_in(conn: &mut PgConnection, user_id: &str, channel_ids: &[String]) -> sqlx::Result<()> {
    sqlx::query(&format!("{MARK_READ} SELECT 1")).bind(channel_ids).bind(user_id).bind("on").execute(conn).await?;
    Ok(())
}

const MARK_READ: &str = "WITH durable AS (SELECT set_config('synchronous_commit', $3, true) AS setting), marked AS ( \
         INSERT INTO read_states AS r (channel_id, user_id, last_viewed_at, msg_count) \
         SELECT a.channel_id, $2, a.last_post_at, a.total_msg_count FROM channel_activity a, durable \
         WHERE a.channel_id = ANY($1) AND durable.setting IS NOT NULL ORDER BY a.channel_id \
         ON CONFLICT (channel_id, user_id) DO UPDATE SET \
             last_viewed_at = GREATEST(r.last_viewed_at, excluded.last_viewed_at), \
             msg_count = GREATEST(r.msg_count, excluded.msg_count), \
             mention_count = 0)";

/// A user who left channels starts from zero when he comes back.
pub async fn forget_read_state(conn: &mut PgConnection, user_id: &str, channel_ids: &[String]) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM read_states WHERE user_id = $1 AND channel_id = ANY($2)")
        .bind(user_id)
        .bind(channel_ids)
        .execute(conn)
        .await?;
    Ok(())
}

/// Removes some of a channel's posts (revisions and deleted ones too) with what hangs on them. Answers their ids; none = all are gone.
pub async fn delete_posts(conn: &mut PgConnection, channel_id: &str, limit: i64) -> sqlx::Result<Vec<String>> {
    let ids: Vec<String> = sqlx::query_scalar(
        "DELETE FROM posts WHERE id IN (SELECT id FROM posts WHERE channel_id = $1 ORDER BY update_at LIMIT $2) RETURNING id",
    )
    .bind(channel_id)
    .bind(limit)
    .fetch_all(&mut *conn)
    .await?;
    for statement in ["DELETE FROM reactions WHERE post_id = ANY($1)", "DELETE FROM search_documents WHERE post_id = ANY($1)"] {
        sqlx::query(statement).bind(&ids).execute(&mut *conn).await?;
    }
    Ok(ids)
}

/// What is left of a channel without posts.
pub async fn forget_channel(conn: &mut PgConnection, channel_id: &str) -> sqlx::Result<()> {
    for statement in [
        "DELETE FROM channel_activity WHERE channel_id = $1",
        "DELETE FROM read_states WHERE channel_id = $1",
        "DELETE FROM search_documents WHERE channel_id = $1",
    ] {
        sqlx::query(statement).bind(channel_id).execute(&mut *conn).await?;
    }
    Ok(())
}

/// Notes that an effect is being applied; false when it was before.
pub async fn begin_effect(conn: &mut PgConnection, effect_id: &str, now: i64) -> sqlx::Result<bool> {
    let inserted = sqlx::query("INSERT INTO applied_effects (effect_id, create_at) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .bind(effect_id)
        .bind(now)
        .execute(conn)
        .await?
        .rows_affected();
    Ok(inserted > 0)
}

/// Deletes what nobody repeats any more: clients' keys older than `keys_before`, effects older than `effects_before`.
pub async fn sweep_keys(pool: &PgPool, keys_before: i64, effects_before: i64) -> sqlx::Result<()> {
    for (statement, before) in [
        ("DELETE FROM post_keys WHERE create_at < $1 AND user_id <> ''", keys_before),
        ("DELETE FROM post_keys WHERE create_at < $1", effects_before),
        ("DELETE FROM applied_effects WHERE create_at < $1", effects_before),
    ] {
        sqlx::query(statement).bind(before).execute(pool).await?;
    }
    Ok(())
}
