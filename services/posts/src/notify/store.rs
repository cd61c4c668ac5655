//! Rows of `calls` that jobs fetches, and what they are completed with.

use crate::{
    calls::{CallKind, FETCHED_FROM},
    posts::store::{COLUMNS, row},
};
use muster_error::AppError;
use muster_proto::{model::Post, posts::PostMentions};
use muster_runtime::postgres::sql_error;
use prost::Message;
use sqlx::{PgPool, Row};
use std::collections::HashMap;

/// Hands out what nobody holds, oldest first.
pub async fn take(pool: &PgPool, now: i64, lease: i64, limit: i64) -> Result<Vec<(String, PostMentions)>, AppError> {
    let rows = sqlx::query(
        "UPDATE calls SET attempts = attempts + 1, try_at = $2 + $3 WHERE id IN (
             SELECT id FROM calls WHERE try_at BETWEEN $1 AND $2 AND kind = $5 ORDER BY try_at LIMIT $4 FOR UPDATE SKIP LOCKED
         ) RETURNING id, body",
    )
    .bind(FETCHED_FROM)
    .bind(FETCHED_FROM + now)
    .bind(lease)
    .bind(limit)
    .bind(CallKind::Notify.as_str())
    .fetch_all(pool)
    .await
    .map_err(sql_error)?;
    rows.iter()
        .map(|row| {
            let body: &[u8] = row.try_get("body").map_err(sql_error)?;
            Ok((row.try_get("id").map_err(sql_error)?, PostMentions::decode(body).map_err(AppError::internal)?))
        })
        .collect()
}

pub async fn delete(pool: &PgPool, ids: &[String]) -> sqlx::Result<()> {
    if !ids.is_empty() {
        sqlx::query("DELETE FROM calls WHERE id = ANY($1)").bind(ids).execute(pool).await?;
    }
    Ok(())
}

/// Those that are not deleted.
pub async fn posts(pool: &PgPool, ids: &[&str]) -> sqlx::Result<HashMap<String, Post>> {
    let sql = format!("SELECT {COLUMNS} FROM posts WHERE id = ANY($1) AND delete_at = 0 AND original_id = ''");
    let found = sqlx::query(&sql).bind(ids).fetch_all(pool).await?;
    found.iter().map(|found| row(found).map(|post| (post.id.clone(), post))).collect()
}

/// Unread mentions in all channels, of those who have any.
pub async fn unread_mentions(pool: &PgPool, users: &[&str]) -> sqlx::Result<HashMap<String, i64>> {
    let sql = "SELECT user_id, sum(mention_count)::bigint FROM read_states WHERE user_id = ANY($1) AND mention_count > 0 GROUP BY user_id";
    let rows = sqlx::query(sql).bind(users).fetch_all(pool).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}
