//! The rows of teams.

use super::rules::with_invite_id;
use muster_proto::{model::Team, teams::TeamCounts};
use muster_runtime::from_row;
use sqlx::{PgConnection, PgPool, Row, postgres::PgRow};

pub const TEAM_COLUMNS: &str = "id, create_at, update_at, delete_at, display_name, name, description, email, type, company_name,
    allowed_domains, invite_id, allow_open_invite, last_team_icon_update";

/// Teams a search answers at most.
const SEARCH_MAX: i64 = 1_000;

/// Larger than any text that begins with the prefix before it.
const BEYOND: char = char::MAX;

pub fn team(row: &PgRow) -> sqlx::Result<Team> {
    from_row!(row => Team {
        id, create_at, update_at, delete_at, display_name, name, description, email, r#type, company_name, allowed_domains,
        invite_id, allow_open_invite, last_team_icon_update
    })
    .map(with_invite_id)
}

fn map(row: PgRow) -> sqlx::Result<Team> {
    team(&row)
}

pub async fn insert(conn: &mut PgConnection, team: &Team) -> sqlx::Result<()> {
    sqlx::query(&format!("INSERT INTO teams ({TEAM_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"))
        .bind(&team.id)
        .bind(team.create_at)
        .bind(team.update_at)
        .bind(team.delete_at)
        .bind(&team.display_name)
        .bind(&team.name)
        .bind(&team.description)
        .bind(&team.email)
        .bind(&team.r#type)
        .bind(&team.company_name)
        .bind(&team.allowed_domains)
        .bind(&team.invite_id)
        .bind(team.allow_open_invite)
        .bind(team.last_team_icon_update)
        .execute(conn)
        .await?;
    Ok(())
}

/// Writes everything that can change; name, type and creation stay.
pub async fn update(conn: &mut PgConnection, team: &Team) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE teams SET update_at = $2, delete_at = $3, display_name = $4, description = $5, company_name = $6, allowed_domains = $7,
             invite_id = $8, allow_open_invite = $9, last_team_icon_update = $10
         WHERE id = $1",
    )
    .bind(&team.id)
    .bind(team.update_at)
    .bind(team.delete_at)
    .bind(&team.display_name)
    .bind(&team.description)
    .bind(&team.company_name)
    .bind(&team.allowed_domains)
    .bind(&team.invite_id)
    .bind(team.allow_open_invite)
    .bind(team.last_team_icon_update)
    .execute(conn)
    .await?;
    Ok(())
}

/// The team, locked against other changes of its row.
pub async fn lock(conn: &mut PgConnection, id: &str) -> sqlx::Result<Option<Team>> {
    sqlx::query(&format!("SELECT {TEAM_COLUMNS} FROM teams WHERE id = $1 FOR NO KEY UPDATE"))
        .bind(id)
        .try_map(map)
        .fetch_optional(conn)
        .await
}

pub async fn by_id(pool: &PgPool, id: &str) -> sqlx::Result<Option<Team>> {
    sqlx::query(&format!("SELECT {TEAM_COLUMNS} FROM teams WHERE id = $1")).bind(id).try_map(map).fetch_optional(pool).await
}

pub async fn by_name(pool: &PgPool, name: &str) -> sqlx::Result<Option<Team>> {
    sqlx::query(&format!("SELECT {TEAM_COLUMNS} FROM teams WHERE name = $1")).bind(name).try_map(map).fetch_optional(pool).await
}

pub async fn by_invite_id(pool: &PgPool, invite_id: &str) -> sqlx::Result<Option<Team>> {
    sqlx::query(&format!(
        "SELECT {TEAM_COLUMNS} FROM teams WHERE (invite_id = $1 AND invite_id <> '') OR (id = $1 AND invite_id = '')
         ORDER BY create_at LIMIT 1"
    ))
    .bind(invite_id)
    .try_map(map)
    .fetch_optional(pool)
    .await
}

pub async fn by_ids(pool: &PgPool, ids: &[String]) -> sqlx::Result<Vec<Team>> {
    sqlx::query(&format!("SELECT {TEAM_COLUMNS} FROM teams WHERE id = ANY($1)")).bind(ids).try_map(map).fetch_all(pool).await
}

/// Soft-deleted ones too.
pub async fn list(pool: &PgPool, open_only: bool, offset: i64, limit: i64) -> sqlx::Result<Vec<Team>> {
    let filter = if open_only { "WHERE allow_open_invite" } else { "" };
    sqlx::query(&format!("SELECT {TEAM_COLUMNS} FROM teams {filter} ORDER BY id OFFSET $1 LIMIT $2"))
        .bind(offset)
        .bind(limit)
        .try_map(map)
        .fetch_all(pool)
        .await
}

/// By prefix of name or display name, case-sensitively.
pub async fn search(pool: &PgPool, prefix: &str, open_only: bool) -> sqlx::Result<Vec<Team>> {
    let filter = if open_only { "AND allow_open_invite AND type = 'O'" } else { "" };
    sqlx::query(&format!(
        "SELECT {TEAM_COLUMNS} FROM teams
         WHERE ((name >= $1 AND name < $2) OR (display_name >= $1 AND display_name < $2)) {filter}
         ORDER BY name LIMIT $3"
    ))
    .bind(prefix)
    .bind(format!("{prefix}{BEYOND}"))
    .bind(SEARCH_MAX)
    .try_map(map)
    .fetch_all(pool)
    .await
}

pub async fn of_user(pool: &PgPool, user_id: &str) -> sqlx::Result<Vec<Team>> {
    sqlx::query(&format!(
        "SELECT {TEAM_COLUMNS} FROM teams
         WHERE delete_at = 0 AND id IN (SELECT team_id FROM team_members WHERE user_id = $1 AND delete_at = 0)
         ORDER BY id"
    ))
    .bind(user_id)
    .try_map(map)
    .fetch_all(pool)
    .await
}

/// Live memberships; 0 for an unknown team.
pub async fn count_members(pool: &PgPool, team_id: &str) -> sqlx::Result<i64> {
    let row = sqlx::query("SELECT member_count FROM teams WHERE id = $1").bind(team_id).fetch_optional(pool).await?;
    row.map_or(Ok(0), |row| row.try_get(0))
}

/// Locks the team's row, so that memberships come and go one request after another; answers how many are live.
pub async fn lock_members(conn: &mut PgConnection, team_id: &str) -> sqlx::Result<Option<i64>> {
    sqlx::query("SELECT member_count FROM teams WHERE id = $1 FOR NO KEY UPDATE")
        .bind(team_id)
        .try_map(|row: PgRow| row.try_get(0))
        .fetch_optional(conn)
        .await
}

/// Call under [`lock_members`].
pub async fn add_to_member_count(conn: &mut PgConnection, team_id: &str, change: i64) -> sqlx::Result<()> {
    sqlx::query("UPDATE teams SET member_count = member_count + $2 WHERE id = $1").bind(team_id).bind(change).execute(conn).await?;
    Ok(())
}

/// For statistics, which are asked rarely: two scans.
pub async fn counts(pool: &PgPool, team_id: &str) -> sqlx::Result<TeamCounts> {
    sqlx::query(
        "SELECT (SELECT count(*) FROM teams WHERE delete_at = 0) AS teams,
                (SELECT count(*) FROM teams WHERE delete_at > 0) AS deleted_teams,
                count(*) FILTER (WHERE type = 'O' AND delete_at = 0) AS open_channels,
                count(*) FILTER (WHERE type = 'P' AND delete_at = 0) AS private_channels,
                count(*) FILTER (WHERE type = 'D') AS direct_channels,
                count(*) FILTER (WHERE delete_at > 0) AS deleted_channels
         FROM channels WHERE $1 = '' OR team_id = $1",
    )
    .bind(team_id)
    .try_map(|row: PgRow| from_row!(row => TeamCounts { teams, open_channels, private_channels, direct_channels, deleted_channels, deleted_teams }))
    .fetch_one(pool)
    .await
}

/// Removes the team with its memberships and channels; answers the channels.
pub async fn remove(conn: &mut PgConnection, team_id: &str) -> sqlx::Result<Vec<String>> {
    // The team before the memberships before the channels, the order in which everything else takes them.
    sqlx::query("DELETE FROM team_members WHERE team_id = $1").bind(team_id).execute(&mut *conn).await?;
    let channel_ids: Vec<String> = sqlx::query_scalar("SELECT id FROM channels WHERE team_id = $1 AND $1 <> '' ORDER BY id FOR UPDATE")
        .bind(team_id)
        .fetch_all(&mut *conn)
        .await?;
    sqlx::query("DELETE FROM channel_members WHERE channel_id = ANY($1)").bind(&channel_ids).execute(&mut *conn).await?;
    sqlx::query("DELETE FROM channels WHERE id = ANY($1)").bind(&channel_ids).execute(&mut *conn).await?;
    sqlx::query("DELETE FROM teams WHERE id = $1").bind(team_id).execute(&mut *conn).await?;
    Ok(channel_ids)
}
