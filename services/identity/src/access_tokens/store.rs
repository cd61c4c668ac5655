//! SQL of personal access tokens. The token itself is never read: only its hash is stored.

use muster_proto::{identity::ListAccessTokensRequest, model::UserAccessToken};
use muster_runtime::{from_row, postgres::PgRow};
use sqlx::{PgExecutor, PgPool};

/// Tokens a search finds.
const SEARCH_MAX: i64 = 1_000;
/// Sorts after everything that begins with the text before it.
const LAST: char = '\u{10ffff}';

const COLUMNS: &str = "t.id, t.user_id, t.description, t.is_active";

fn token(row: &PgRow) -> sqlx::Result<UserAccessToken> {
    from_row!(row => UserAccessToken { id, user_id, description, is_active; ..default })
}

/// False when there is no such user.
pub(super) async fn insert(executor: impl PgExecutor<'_>, token: &UserAccessToken, token_hash: &str) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "INSERT INTO access_tokens (id, token_hash, user_id, description, is_active)
         SELECT $1, $2, u.id, $4, $5 FROM users u WHERE u.id = $3",
    )
    .bind(&token.id)
    .bind(token_hash)
    .bind(&token.user_id)
    .bind(&token.description)
    .bind(token.is_active)
    .execute(executor)
    .await?;
    Ok(done.rows_affected() > 0)
}

pub(super) async fn get(pool: &PgPool, id: &str) -> sqlx::Result<Option<UserAccessToken>> {
    let row = sqlx::query(&format!("SELECT {COLUMNS} FROM access_tokens t WHERE t.id = $1")).bind(id).fetch_optional(pool).await?;
    row.as_ref().map(token).transpose()
}

pub(super) async fn list(pool: &PgPool, request: &ListAccessTokensRequest) -> sqlx::Result<Vec<UserAccessToken>> {
    let filter = if request.user_id.is_empty() { "$1 = $1" } else { "t.user_id = $1" };
    let sql = format!("SELECT {COLUMNS} FROM access_tokens t WHERE {filter} ORDER BY t.id LIMIT $2 OFFSET $3");
    let rows = sqlx::query(&sql).bind(&request.user_id).bind(request.limit).bind(request.offset).fetch_all(pool).await?;
    rows.iter().map(token).collect()
}

/// Three index ranges.
pub(super) async fn search(pool: &PgPool, term: &str) -> sqlx::Result<Vec<UserAccessToken>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM access_tokens t JOIN users u ON u.id = t.user_id
         WHERE (t.id >= $1 AND t.id < $2) OR (t.user_id >= $1 AND t.user_id < $2) OR (u.username >= $1 AND u.username < $2)
         ORDER BY t.id LIMIT $3"
    );
    let rows = sqlx::query(&sql).bind(term).bind(format!("{term}{LAST}")).bind(SEARCH_MAX).fetch_all(pool).await?;
    rows.iter().map(token).collect()
}

/// The owner; `None` for an unknown token.
pub(super) async fn delete(executor: impl PgExecutor<'_>, id: &str) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar("DELETE FROM access_tokens WHERE id = $1 RETURNING user_id").bind(id).fetch_optional(executor).await
}

/// The owner; `None` for an unknown token.
pub(super) async fn set_active(executor: impl PgExecutor<'_>, id: &str, active: bool) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar("UPDATE access_tokens SET is_active = $2 WHERE id = $1 RETURNING user_id")
        .bind(id)
        .bind(active)
        .fetch_optional(executor)
        .await
}
