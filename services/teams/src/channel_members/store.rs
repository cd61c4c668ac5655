//! The rows of channel memberships.

use muster_domain::channels::default_notify_props;
use muster_proto::{model::ChannelMember, teams::TeamChannelMember};
use muster_runtime::from_row;
use sqlx::{PgConnection, PgPool, Row, postgres::PgRow};
use std::collections::BTreeMap;

const COLUMNS: &str = "channel_id, user_id, roles, notify_props::text AS notify_props, last_update_at";

/// The column `notify_props`, selected as text.
pub fn notify_props(row: &PgRow) -> sqlx::Result<BTreeMap<String, String>> {
    serde_json::from_str(row.try_get("notify_props")?)
        .map_err(|e| sqlx::Error::ColumnDecode { index: "notify_props".into(), source: Box::new(e) })
}

/// Membership; read state stays 0.
fn map(row: PgRow) -> sqlx::Result<ChannelMember> {
    let member = from_row!(row => ChannelMember { channel_id, user_id, roles, last_update_at; ..default })?;
    Ok(ChannelMember { notify_props: notify_props(&row)?, ..member })
}

fn json(props: &BTreeMap<String, String>) -> String {
    // A map of strings always encodes.
    serde_json::to_string(props).unwrap_or_else(|_| "{}".into())
}

/// Adds `(channel, user, roles)` with default settings. Answers those that were not members before.
pub async fn insert_many<'a>(
    conn: &mut PgConnection,
    members: impl Iterator<Item = (&'a str, &'a str, &'a str)>,
    now: i64,
) -> sqlx::Result<Vec<(String, String)>> {
    let (mut channels, mut users, mut roles) = (Vec::new(), Vec::new(), Vec::new());
    for (channel, user, role) in members {
        channels.push(channel);
        users.push(user);
        roles.push(role);
    }
    if users.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query(
        "INSERT INTO channel_members (channel_id, user_id, roles, notify_props, last_update_at)
         SELECT DISTINCT channel_id, user_id, roles, $4::jsonb, $5
         FROM unnest($1::text[], $2::text[], $3::text[]) AS m (channel_id, user_id, roles) ORDER BY channel_id, user_id
         ON CONFLICT DO NOTHING RETURNING channel_id, user_id",
    )
    .bind(channels)
    .bind(users)
    .bind(roles)
    .bind(json(&default_notify_props()))
    .bind(now)
    .try_map(|row: PgRow| Ok((row.try_get(0)?, row.try_get(1)?)))
    .fetch_all(conn)
    .await
}

/// False when there was no such membership.
pub async fn delete(conn: &mut PgConnection, channel_id: &str, user_id: &str) -> sqlx::Result<bool> {
    let done = sqlx::query("DELETE FROM channel_members WHERE channel_id = $1 AND user_id = $2")
        .bind(channel_id)
        .bind(user_id)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends all memberships of a user in the channels of a team, archived ones too; answers the channels.
pub async fn delete_of_team(conn: &mut PgConnection, team_id: &str, user_id: &str) -> sqlx::Result<Vec<String>> {
    sqlx::query(
        "DELETE FROM channel_members m USING channels c
         WHERE m.user_id = $2 AND c.id = m.channel_id AND c.team_id = $1 RETURNING m.channel_id",
    )
    .bind(team_id)
    .bind(user_id)
    .try_map(|row: PgRow| row.try_get(0))
    .fetch_all(conn)
    .await
}

/// The membership, locked against changes.
pub async fn lock(conn: &mut PgConnection, channel_id: &str, user_id: &str) -> sqlx::Result<Option<ChannelMember>> {
    sqlx::query(&format!("SELECT {COLUMNS} FROM channel_members WHERE channel_id = $1 AND user_id = $2 FOR UPDATE"))
        .bind(channel_id)
        .bind(user_id)
        .try_map(map)
        .fetch_optional(conn)
        .await
}

pub async fn set_roles(
    conn: &mut PgConnection,
    channel_id: &str,
    user_id: &str,
    roles: &str,
    now: i64,
) -> sqlx::Result<Option<ChannelMember>> {
    sqlx::query(&format!(
        "UPDATE channel_members SET roles = $3, last_update_at = $4 WHERE channel_id = $1 AND user_id = $2 RETURNING {COLUMNS}"
    ))
    .bind(channel_id)
    .bind(user_id)
    .bind(roles)
    .bind(now)
    .try_map(map)
    .fetch_optional(conn)
    .await
}

pub async fn set_notify_props(conn: &mut PgConnection, member: &ChannelMember) -> sqlx::Result<()> {
    sqlx::query("UPDATE channel_members SET notify_props = $3::jsonb, last_update_at = $4 WHERE channel_id = $1 AND user_id = $2")
        .bind(&member.channel_id)
        .bind(&member.user_id)
        .bind(json(&member.notify_props))
        .bind(member.last_update_at)
        .execute(conn)
        .await?;
    Ok(())
}

pub async fn get(pool: &PgPool, channel_id: &str, user_id: &str) -> sqlx::Result<Option<ChannelMember>> {
    sqlx::query(&format!("SELECT {COLUMNS} FROM channel_members WHERE channel_id = $1 AND user_id = $2"))
        .bind(channel_id)
        .bind(user_id)
        .try_map(map)
        .fetch_optional(pool)
        .await
}

pub async fn list(pool: &PgPool, channel_id: &str, offset: i64, limit: i64) -> sqlx::Result<Vec<ChannelMember>> {
    // What the offset skips is counted in the index alone.
    let first = "SELECT user_id FROM channel_members WHERE channel_id = $1 ORDER BY user_id OFFSET $2 LIMIT 1";
    sqlx::query(&format!("SELECT {COLUMNS} FROM channel_members WHERE channel_id = $1 AND user_id >= ({first}) ORDER BY user_id LIMIT $3"))
        .bind(channel_id)
        .bind(offset)
        .bind(limit)
        .try_map(map)
        .fetch_all(pool)
        .await
}

pub async fn by_ids(pool: &PgPool, channel_id: &str, user_ids: &[String]) -> sqlx::Result<Vec<ChannelMember>> {
    let mut conn = pool.acquire().await?;
    in_transaction(&mut conn, channel_id, user_ids).await
}

/// As [`by_ids`], seeing what the transaction has written.
pub async fn in_transaction(conn: &mut PgConnection, channel_id: &str, user_ids: &[String]) -> sqlx::Result<Vec<ChannelMember>> {
    sqlx::query(&format!("SELECT {COLUMNS} FROM channel_members WHERE channel_id = $1 AND user_id = ANY($2) ORDER BY user_id"))
        .bind(channel_id)
        .bind(user_ids)
        .try_map(map)
        .fetch_all(conn)
        .await
}

const OF_USER: &str = "SELECT m.channel_id, m.user_id, m.roles, m.notify_props::text AS notify_props, m.last_update_at, c.team_id
    FROM channel_members m JOIN channels c ON c.id = m.channel_id WHERE m.user_id = $1 AND c.delete_at = 0";

/// In the live channels of the team and in direct and group channels; `team_id` "" = everywhere.
pub async fn of_user(pool: &PgPool, user_id: &str, team_id: &str) -> sqlx::Result<Vec<ChannelMember>> {
    sqlx::query(&format!("{OF_USER} AND (c.team_id = $2 OR c.team_id = '' OR $2 = '') ORDER BY m.channel_id"))
        .bind(user_id)
        .bind(team_id)
        .try_map(map)
        .fetch_all(pool)
        .await
}

pub async fn by_team(pool: &PgPool, user_id: &str) -> sqlx::Result<Vec<TeamChannelMember>> {
    sqlx::query(OF_USER)
        .bind(user_id)
        .try_map(|row: PgRow| Ok(TeamChannelMember { team_id: row.try_get("team_id")?, member: Some(map(row)?) }))
        .fetch_all(pool)
        .await
}
