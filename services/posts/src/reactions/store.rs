//! Reactions and the flag they set on their post.

use muster_proto::model::{Post, Reaction};
use muster_runtime::from_row;
use sqlx::{PgConnection, PgPool};

/// A repetition keeps the first.
pub async fn insert(conn: &mut PgConnection, reaction: &Reaction) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO reactions (post_id, user_id, emoji_name, create_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING")
        .bind(&reaction.post_id)
        .bind(&reaction.user_id)
        .bind(&reaction.emoji_name)
        .bind(reaction.create_at)
        .execute(conn)
        .await?;
    Ok(())
}

pub async fn delete(conn: &mut PgConnection, reaction: &Reaction) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM reactions WHERE post_id = $1 AND user_id = $2 AND emoji_name = $3")
        .bind(&reaction.post_id)
        .bind(&reaction.user_id)
        .bind(&reaction.emoji_name)
        .execute(conn)
        .await?;
    Ok(())
}

/// Whether the post has a reaction.
pub async fn any(conn: &mut PgConnection, post_id: &str) -> sqlx::Result<bool> {
    Ok(sqlx::query("SELECT 1 FROM reactions WHERE post_id = $1 LIMIT 1").bind(post_id).fetch_optional(conn).await?.is_some())
}

/// The first reaction and the last removal change the post.
pub async fn set_has_reactions(conn: &mut PgConnection, post: &mut Post, has: bool, now: i64) -> sqlx::Result<()> {
    post.has_reactions = has;
    post.update_at = now.max(post.update_at + 1);
    sqlx::query("UPDATE posts SET has_reactions = $2, update_at = $3 WHERE id = $1")
        .bind(&post.id)
        .bind(has)
        .bind(post.update_at)
        .execute(conn)
        .await?;
    Ok(())
}

/// Oldest first.
pub async fn list(pool: &PgPool, post_id: &str) -> sqlx::Result<Vec<Reaction>> {
    let rows = sqlx::query(
        "SELECT post_id, user_id, emoji_name, create_at FROM reactions WHERE post_id = $1 ORDER BY create_at, user_id, emoji_name",
    )
    .bind(post_id)
    .fetch_all(pool)
    .await?;
    rows.iter().map(|row| from_row!(row => Reaction { user_id, post_id, emoji_name, create_at })).collect()
}
