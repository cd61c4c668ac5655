//! Who is outside a large group. A small group is skipped member by member while a list is walked; outsiders of a large
//! one have a list of their own, made when it is first asked for and kept by triggers (migration 0008).

use sqlx::PgPool;

/// Members up to which a group is skipped one by one.
const SMALL: i64 = 2_000;

/// The list of those outside `group` (among `within`, or everybody when empty), if walking could take long without it.
/// The first question about a pair of large groups makes the list, which takes about a second with 100,000 users and
/// holds up joins and sign-ups meanwhile.
pub(super) async fn list_of(pool: &PgPool, group: &str, within: &str) -> sqlx::Result<Option<i64>> {
    let known: Option<i64> = sqlx::query_scalar("SELECT id FROM outsider_lists WHERE group_id = $1 AND within = $2")
        .bind(group)
        .bind(within)
        .fetch_optional(pool)
        .await?;
    if known.is_some() {
        return Ok(known);
    }
    if !is_large(pool, group).await? || (!within.is_empty() && !is_large(pool, within).await?) {
        return Ok(None);
    }
    sqlx::query_scalar("SELECT list_outsiders($1, $2)").bind(group).bind(within).fetch_one(pool).await
}

async fn is_large(pool: &PgPool, group: &str) -> sqlx::Result<bool> {
    let sql = "SELECT count(*) > $2 FROM (SELECT 1 FROM group_members WHERE group_id = $1 AND member LIMIT $2 + 1) m";
    sqlx::query_scalar(sql).bind(group).bind(SMALL).fetch_one(pool).await
}
