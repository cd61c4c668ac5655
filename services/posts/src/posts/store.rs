//! Reading and changing posts.

use muster_proto::model::Post;
use muster_runtime::postgres::PgRow;
use sqlx::{PgConnection, PgExecutor, Row};

/// The columns [`row`] reads, in its order.
pub const COLUMNS: &str = "id, create_at, update_at, edit_at, delete_at, is_pinned, user_id, channel_id, root_id, parent_id, original_id, \
     message, type, props, hashtags, filenames, file_ids, has_reactions";

/// A post from the columns of [`COLUMNS`]. By position: pages of posts are the most read rows of all.
pub fn row(row: &PgRow) -> sqlx::Result<Post> {
    Ok(Post {
        id: row.try_get(0)?,
        create_at: row.try_get(1)?,
        update_at: row.try_get(2)?,
        edit_at: row.try_get(3)?,
        delete_at: row.try_get(4)?,
        is_pinned: row.try_get(5)?,
        user_id: row.try_get(6)?,
        channel_id: row.try_get(7)?,
        root_id: row.try_get(8)?,
        parent_id: row.try_get(9)?,
        original_id: row.try_get(10)?,
        message: row.try_get(11)?,
        r#type: row.try_get(12)?,
        props: row.try_get(13)?,
        hashtags: row.try_get(14)?,
        filenames: row.try_get(15)?,
        file_ids: row.try_get(16)?,
        has_reactions: row.try_get(17)?,
        ..Post::default()
    })
}

pub fn rows(found: Vec<PgRow>) -> sqlx::Result<Vec<Post>> {
    found.iter().map(row).collect()
}

/// A post, deleted or not. Revisions are not found.
pub async fn get(executor: impl PgExecutor<'_>, id: &str) -> sqlx::Result<Option<Post>> {
    sqlx::query(&format!("SELECT {COLUMNS} FROM posts WHERE id = $1 AND original_id = ''"))
        .bind(id)
        .fetch_optional(executor)
        .await?
        .as_ref()
        .map(row)
        .transpose()
}

/// Takes the channel's lock (see migration 0003): its posts change under it only. Moves the value its ETags are made of,
/// and with `edited_at` its `last_post_at`.
pub async fn lock_channel(conn: &mut PgConnection, channel_id: &str, now: i64, edited_at: Option<i64>) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE channel_activity SET max_update_at = GREATEST(max_update_at + 1, $2), \
         last_post_at = GREATEST(last_post_at, COALESCE($3, 0)) WHERE channel_id = $1",
    )
    .bind(channel_id)
    .bind(now)
    .bind(edited_at)
    .execute(conn)
    .await?;
    Ok(())
}

/// Keeps the present state of a post as a revision.
pub async fn insert_revision(conn: &mut PgConnection, revision_id: &str, post: &Post, now: i64) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO posts (id, create_at, update_at, edit_at, delete_at, is_pinned, user_id, channel_id, root_id, parent_id, original_id, \
         message, type, props, hashtags, filenames, file_ids, has_reactions) \
         SELECT $2, create_at, $3, edit_at, $3, is_pinned, user_id, channel_id, root_id, parent_id, id, \
         message, type, props, hashtags, filenames, file_ids, has_reactions FROM posts WHERE id = $1",
    )
    .bind(&post.id)
    .bind(revision_id)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes what an edit may change.
pub async fn update(conn: &mut PgConnection, post: &Post) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE posts SET update_at = $2, edit_at = $3, is_pinned = $4, has_reactions = $5, message = $6, props = $7, hashtags = $8, \
         file_ids = $9 WHERE id = $1",
    )
    .bind(&post.id)
    .bind(post.update_at)
    .bind(post.edit_at)
    .bind(post.is_pinned)
    .bind(post.has_reactions)
    .bind(&post.message)
    .bind(&post.props)
    .bind(&post.hashtags)
    .bind(&post.file_ids)
    .execute(conn)
    .await?;
    Ok(())
}

/// A change in its thread moves the root.
pub async fn bump(conn: &mut PgConnection, post_id: &str, now: i64) -> sqlx::Result<()> {
    sqlx::query("UPDATE posts SET update_at = GREATEST(update_at + 1, $2) WHERE id = $1").bind(post_id).bind(now).execute(conn).await?;
    Ok(())
}

/// A post that was deleted, and whether it had files.
pub type Deleted = (String, bool);

/// Marks a post and all its replies deleted; answers them, none when it was already.
pub async fn delete(conn: &mut PgConnection, post_id: &str, now: i64) -> sqlx::Result<Vec<Deleted>> {
    const DELETE: &str =
        "UPDATE posts SET delete_at = GREATEST($2, update_at + 1), update_at = GREATEST($2, update_at + 1) WHERE delete_at = 0 AND ";
    const ANSWER: &str = "RETURNING id, cardinality(file_ids) > 0";
    let mut deleted: Vec<Deleted> =
        sqlx::query_as(&format!("{DELETE} id = $1 {ANSWER}")).bind(post_id).bind(now).fetch_all(&mut *conn).await?;
    if !deleted.is_empty() {
        let replies = format!("{DELETE} root_id = $1 AND root_id <> '' {ANSWER}");
        deleted.append(&mut sqlx::query_as(&replies).bind(post_id).bind(now).fetch_all(conn).await?);
    }
    Ok(deleted)
}

/// Undeleted posts among these ids, for the rules of replies.
pub async fn thread_posts(executor: impl PgExecutor<'_>, ids: &[&str]) -> sqlx::Result<Vec<Post>> {
    let found =
        sqlx::query(&format!("SELECT {COLUMNS} FROM posts WHERE id = ANY($1) AND delete_at = 0")).bind(ids).fetch_all(executor).await?;
    rows(found)
}

/// Those of the users who wrote in the thread.
pub async fn participants(executor: impl PgExecutor<'_>, root_id: &str, users: &[String]) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "SELECT DISTINCT user_id FROM posts WHERE root_id = $1 AND root_id <> '' AND user_id = ANY($2) AND delete_at = 0 \
         UNION SELECT user_id FROM posts WHERE id = $1 AND user_id = ANY($2) AND delete_at = 0",
    )
    .bind(root_id)
    .bind(users)
    .fetch_all(executor)
    .await
}
