//! The queries behind channel lists. A team has at most `MaxChannelsPerTeam` channels, which bounds the search.

use crate::channels::store::{CHANNEL_COLUMNS, channel};
use muster_proto::model::Channel;
use sqlx::{PgPool, Row, postgres::PgRow};

fn map(row: PgRow) -> sqlx::Result<Channel> {
    channel(&row)
}

/// Direct and group channels are found under any team.
pub async fn live_by_name(pool: &PgPool, team_id: &str, name: &str) -> sqlx::Result<Option<Channel>> {
    sqlx::query(&format!(
        "SELECT {CHANNEL_COLUMNS} FROM channels WHERE team_id IN ($1, '') AND name = $2 AND delete_at = 0 ORDER BY team_id DESC LIMIT 1"
    ))
    .bind(team_id)
    .bind(name)
    .try_map(map)
    .fetch_optional(pool)
    .await
}

pub async fn open(pool: &PgPool, team_id: &str, offset: i64, limit: i64) -> sqlx::Result<Vec<Channel>> {
    sqlx::query(&format!(
        "SELECT {CHANNEL_COLUMNS} FROM channels WHERE team_id = $1 AND type = 'O' AND delete_at = 0
         ORDER BY lower(display_name), id OFFSET $2 LIMIT $3"
    ))
    .bind(team_id)
    .bind(offset)
    .bind(limit)
    .try_map(map)
    .fetch_all(pool)
    .await
}

pub async fn archived(pool: &PgPool, team_id: &str, offset: i64, limit: i64) -> sqlx::Result<Vec<Channel>> {
    sqlx::query(&format!(
        "SELECT {CHANNEL_COLUMNS} FROM channels WHERE team_id = $1 AND delete_at > 0
         ORDER BY lower(display_name), id OFFSET $2 LIMIT $3"
    ))
    .bind(team_id)
    .bind(offset)
    .bind(limit)
    .try_map(map)
    .fetch_all(pool)
    .await
}

pub async fn open_by_ids(pool: &PgPool, team_id: &str, ids: &[String]) -> sqlx::Result<Vec<Channel>> {
    sqlx::query(&format!(
        "SELECT {CHANNEL_COLUMNS} FROM channels WHERE id = ANY($2) AND team_id = $1 AND type = 'O' AND delete_at = 0
         ORDER BY lower(display_name), id"
    ))
    .bind(team_id)
    .bind(ids)
    .try_map(map)
    .fetch_all(pool)
    .await
}

pub async fn by_ids(pool: &PgPool, ids: &[String]) -> sqlx::Result<Vec<Channel>> {
    sqlx::query(&format!("SELECT {CHANNEL_COLUMNS} FROM channels WHERE id = ANY($1)")).bind(ids).try_map(map).fetch_all(pool).await
}

/// Name or display name begins with the term, or every word of the term begins a word of them.
pub async fn search(pool: &PgPool, team_id: &str, term: &str, limit: i64) -> sqlx::Result<Vec<Channel>> {
    let term = term.to_lowercase();
    let words: Vec<&str> = term.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    sqlx::query(&format!(
        r"SELECT {CHANNEL_COLUMNS} FROM channels
         WHERE team_id = $1 AND type = 'O' AND delete_at = 0
           AND (starts_with(name, $2) OR starts_with(lower(display_name), $2)
                OR (cardinality($3::text[]) > 0
                    AND NOT EXISTS (SELECT 1 FROM unnest($3::text[]) AS word WHERE lower(name || ' ' || display_name) !~ ('\m' || word))))
         ORDER BY lower(display_name), id LIMIT $4"
    ))
    .bind(team_id)
    .bind(&term)
    .bind(&words)
    .bind(limit)
    .try_map(map)
    .fetch_all(pool)
    .await
}

/// `team_id` "" = of every team.
pub async fn of_user(pool: &PgPool, user_id: &str, team_id: &str) -> sqlx::Result<Vec<Channel>> {
    sqlx::query(&format!(
        "SELECT {CHANNEL_COLUMNS} FROM channels
         WHERE id IN (SELECT channel_id FROM channel_members WHERE user_id = $1) AND delete_at = 0
           AND (team_id = $2 OR team_id = '' OR $2 = '')
         ORDER BY lower(display_name), id"
    ))
    .bind(user_id)
    .bind(team_id)
    .try_map(map)
    .fetch_all(pool)
    .await
}

/// One index range.
pub async fn count_members(pool: &PgPool, channel_id: &str) -> sqlx::Result<i64> {
    sqlx::query("SELECT count(*) FROM channel_members WHERE channel_id = $1").bind(channel_id).fetch_one(pool).await?.try_get(0)
}
