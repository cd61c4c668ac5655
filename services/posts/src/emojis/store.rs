//! Custom emoji. A server has hundreds, at the very most some ten thousand.

use muster_proto::model::Emoji;
use muster_runtime::{from_row, postgres::PgRow};
use sqlx::{PgConnection, PgPool};

const COLUMNS: &str = "id, create_at, update_at, delete_at, creator_id, name";

fn map(row: PgRow) -> sqlx::Result<Emoji> {
    from_row!(row => Emoji { id, create_at, update_at, delete_at, creator_id, name })
}

pub async fn insert(conn: &mut PgConnection, emoji: &Emoji) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO emojis (id, create_at, update_at, creator_id, name) VALUES ($1, $2, $3, $4, $5)")
        .bind(&emoji.id)
        .bind(emoji.create_at)
        .bind(emoji.update_at)
        .bind(&emoji.creator_id)
        .bind(&emoji.name)
        .execute(conn)
        .await?;
    Ok(())
}

pub async fn by_id(pool: &PgPool, id: &str) -> sqlx::Result<Option<Emoji>> {
    sqlx::query(&format!("SELECT {COLUMNS} FROM emojis WHERE id = $1 AND delete_at = 0")).bind(id).try_map(map).fetch_optional(pool).await
}

pub async fn by_name(pool: &PgPool, name: &str) -> sqlx::Result<Option<Emoji>> {
    sqlx::query(&format!("SELECT {COLUMNS} FROM emojis WHERE name = $1 AND delete_at = 0"))
        .bind(name)
        .try_map(map)
        .fetch_optional(pool)
        .await
}

/// By name.
pub async fn list(pool: &PgPool, offset: i64, limit: i64) -> sqlx::Result<Vec<Emoji>> {
    sqlx::query(&format!("SELECT {COLUMNS} FROM emojis WHERE delete_at = 0 ORDER BY name OFFSET $1 LIMIT $2"))
        .bind(offset)
        .bind(limit)
        .try_map(map)
        .fetch_all(pool)
        .await
}

/// Those whose name holds the term, or begins with it, by name.
pub async fn search(pool: &PgPool, term: &str, prefix_only: bool, limit: i64) -> sqlx::Result<Vec<Emoji>> {
    let matches = if prefix_only { "starts_with(name, $1)" } else { "strpos(name, $1) > 0" };
    sqlx::query(&format!("SELECT {COLUMNS} FROM emojis WHERE delete_at = 0 AND {matches} ORDER BY name LIMIT $2"))
        .bind(term)
        .bind(limit)
        .try_map(map)
        .fetch_all(pool)
        .await
}

/// The name of the emoji, when it was there.
pub async fn delete(conn: &mut PgConnection, id: &str, now: i64) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar("UPDATE emojis SET delete_at = $2, update_at = $2 WHERE id = $1 AND delete_at = 0 RETURNING name")
        .bind(id)
        .bind(now)
        .fetch_optional(conn)
        .await
}

/// Removes up to `limit` reactions with the emoji, and the mark of posts that have none left; how many there were.
pub async fn delete_reactions(conn: &mut PgConnection, name: &str, now: i64, limit: i64) -> sqlx::Result<usize> {
    let posts: Vec<String> = sqlx::query_scalar("SELECT post_id FROM reactions WHERE emoji_name = $1 LIMIT $2")
        .bind(name)
        .bind(limit)
        .fetch_all(&mut *conn)
        .await?;
    // The locks of the channels first, in their order, as everywhere.
    sqlx::query(
        "SELECT 1 FROM channel_activity WHERE channel_id IN (SELECT channel_id FROM posts WHERE id = ANY($1)) \
         ORDER BY channel_id FOR UPDATE",
    )
    .bind(&posts)
    .execute(&mut *conn)
    .await?;
    sqlx::query("DELETE FROM reactions WHERE emoji_name = $2 AND post_id = ANY($1)").bind(&posts).bind(name).execute(&mut *conn).await?;
    sqlx::query(
        "WITH bare AS ( \
             UPDATE posts SET has_reactions = false, update_at = GREATEST(update_at + 1, $2) \
             WHERE id = ANY($1) AND has_reactions AND NOT EXISTS (SELECT 1 FROM reactions r WHERE r.post_id = posts.id) RETURNING channel_id) \
         UPDATE channel_activity SET max_update_at = GREATEST(max_update_at + 1, $2) WHERE channel_id IN (SELECT channel_id FROM bare)",
    )
    .bind(&posts)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(posts.len())
}
