//! The rows of team memberships.

use muster_proto::model::TeamMember;
use muster_runtime::from_row;
use sqlx::{PgConnection, PgPool, postgres::PgRow};

fn map(row: PgRow) -> sqlx::Result<TeamMember> {
    from_row!(row => TeamMember { team_id, user_id, roles, delete_at })
}

/// Rows of these users, former members included, locked in the order of their ids.
pub async fn lock(conn: &mut PgConnection, team_id: &str, user_ids: &[&str]) -> sqlx::Result<Vec<TeamMember>> {
    sqlx::query(
        "SELECT team_id, user_id, roles, delete_at FROM team_members WHERE team_id = $1 AND user_id = ANY($2)
         ORDER BY user_id FOR UPDATE",
    )
    .bind(team_id)
    .bind(user_ids)
    .try_map(map)
    .fetch_all(conn)
    .await
}

/// As [`lock`], for those who only need the rows to stay as they are.
pub async fn share(conn: &mut PgConnection, team_id: &str, user_ids: &[&str]) -> sqlx::Result<Vec<TeamMember>> {
    sqlx::query(
        "SELECT team_id, user_id, roles, delete_at FROM team_members WHERE team_id = $1 AND user_id = ANY($2)
         ORDER BY user_id FOR SHARE",
    )
    .bind(team_id)
    .bind(user_ids)
    .try_map(map)
    .fetch_all(conn)
    .await
}

/// Adds members; a former member's row is revived with the new roles.
pub async fn upsert(conn: &mut PgConnection, members: &[TeamMember]) -> sqlx::Result<()> {
    if members.is_empty() {
        return Ok(());
    }
    let teams: Vec<&str> = members.iter().map(|m| m.team_id.as_str()).collect();
    let users: Vec<&str> = members.iter().map(|m| m.user_id.as_str()).collect();
    let roles: Vec<&str> = members.iter().map(|m| m.roles.as_str()).collect();
    sqlx::query(
        "INSERT INTO team_members (team_id, user_id, roles) SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
         ON CONFLICT (team_id, user_id) DO UPDATE SET roles = excluded.roles, delete_at = 0",
    )
    .bind(teams)
    .bind(users)
    .bind(roles)
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn end(conn: &mut PgConnection, team_id: &str, user_id: &str, now: i64) -> sqlx::Result<()> {
    sqlx::query("UPDATE team_members SET roles = '', delete_at = $3 WHERE team_id = $1 AND user_id = $2")
        .bind(team_id)
        .bind(user_id)
        .bind(now)
        .execute(conn)
        .await?;
    Ok(())
}

/// `None` when the user is no live member.
pub async fn set_roles(conn: &mut PgConnection, team_id: &str, user_id: &str, roles: &str) -> sqlx::Result<Option<TeamMember>> {
    sqlx::query(
        "UPDATE team_members SET roles = $3 WHERE team_id = $1 AND user_id = $2 AND delete_at = 0
         RETURNING team_id, user_id, roles, delete_at",
    )
    .bind(team_id)
    .bind(user_id)
    .bind(roles)
    .try_map(map)
    .fetch_optional(conn)
    .await
}

pub async fn get(pool: &PgPool, team_id: &str, user_id: &str) -> sqlx::Result<Option<TeamMember>> {
    sqlx::query("SELECT team_id, user_id, roles, delete_at FROM team_members WHERE team_id = $1 AND user_id = $2")
        .bind(team_id)
        .bind(user_id)
        .try_map(map)
        .fetch_optional(pool)
        .await
}

pub async fn list(pool: &PgPool, team_id: &str, offset: i64, limit: i64) -> sqlx::Result<Vec<TeamMember>> {
    sqlx::query(
        // What the offset skips is counted in the index alone.
        "SELECT team_id, user_id, roles, delete_at FROM team_members WHERE team_id = $1 AND delete_at = 0 AND user_id >= (
             SELECT user_id FROM team_members WHERE team_id = $1 AND delete_at = 0 ORDER BY user_id OFFSET $2 LIMIT 1)
         ORDER BY user_id LIMIT $3",
    )
    .bind(team_id)
    .bind(offset)
    .bind(limit)
    .try_map(map)
    .fetch_all(pool)
    .await
}

pub async fn by_ids(pool: &PgPool, team_id: &str, user_ids: &[String]) -> sqlx::Result<Vec<TeamMember>> {
    sqlx::query(
        "SELECT team_id, user_id, roles, delete_at FROM team_members WHERE team_id = $1 AND user_id = ANY($2) AND delete_at = 0
         ORDER BY user_id",
    )
    .bind(team_id)
    .bind(user_ids)
    .try_map(map)
    .fetch_all(pool)
    .await
}

pub async fn of_user(pool: &PgPool, user_id: &str) -> sqlx::Result<Vec<TeamMember>> {
    sqlx::query("SELECT team_id, user_id, roles, delete_at FROM team_members WHERE user_id = $1 ORDER BY team_id")
        .bind(user_id)
        .try_map(map)
        .fetch_all(pool)
        .await
}
