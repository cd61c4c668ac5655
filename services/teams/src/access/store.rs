//! The queries behind permission checks. Every one is a primary-key or index lookup; `channel` is asked for on
//! nearly every request and stays one statement.

use crate::{
    channel_members::store::notify_props,
    channels::store::{CHANNEL_COLUMNS, channel as channel_row},
    teams::store::{TEAM_COLUMNS, team as team_row},
};
use muster_proto::{
    model::Channel,
    teams::{AudienceMember, AudienceReply, ChannelAccess, MembershipsReply, TeamAccess},
};
use sqlx::{PgPool, Row, postgres::PgRow};

pub async fn channel(pool: &PgPool, user_id: &str, channel_id: &str) -> sqlx::Result<ChannelAccess> {
    let found = sqlx::query(
        "SELECT c.id, c.create_at, c.update_at, c.delete_at, c.team_id, c.type, c.display_name, c.name, c.header, c.purpose,
                c.extra_update_at, c.creator_id, cm.roles AS channel_roles, tm.roles AS team_roles
         FROM channels c
         LEFT JOIN channel_members cm ON cm.channel_id = c.id AND cm.user_id = $2
         LEFT JOIN team_members tm ON tm.team_id = c.team_id AND tm.user_id = $2 AND tm.delete_at = 0
         WHERE c.id = $1",
    )
    .bind(channel_id)
    .bind(user_id)
    .try_map(|row: PgRow| {
        let (channel_roles, team_roles): (Option<String>, Option<String>) = (row.try_get("channel_roles")?, row.try_get("team_roles")?);
        Ok(ChannelAccess {
            found: true,
            member: channel_roles.is_some(),
            team_member: team_roles.is_some(),
            channel_roles: channel_roles.unwrap_or_default(),
            team_roles: team_roles.unwrap_or_default(),
            channel: Some(channel_row(&row)?),
        })
    })
    .fetch_optional(pool)
    .await?;
    Ok(found.unwrap_or_default())
}

pub async fn team(pool: &PgPool, user_id: &str, team_id: &str) -> sqlx::Result<TeamAccess> {
    let found = sqlx::query(&format!(
        "SELECT {TEAM_COLUMNS},
                (SELECT roles FROM team_members m WHERE m.team_id = teams.id AND m.user_id = $2 AND m.delete_at = 0) AS team_roles
         FROM teams WHERE id = $1"
    ))
    .bind(team_id)
    .bind(user_id)
    .try_map(|row: PgRow| {
        let roles: Option<String> = row.try_get("team_roles")?;
        Ok(TeamAccess { found: true, team: Some(team_row(&row)?), member: roles.is_some(), team_roles: roles.unwrap_or_default() })
    })
    .fetch_optional(pool)
    .await?;
    Ok(found.unwrap_or_default())
}

pub async fn memberships(pool: &PgPool, user_id: &str) -> sqlx::Result<MembershipsReply> {
    sqlx::query(
        "SELECT ARRAY(SELECT team_id FROM team_members WHERE user_id = $1 AND delete_at = 0) AS team_ids,
                ARRAY(SELECT m.channel_id FROM channel_members m JOIN channels c ON c.id = m.channel_id
                      WHERE m.user_id = $1 AND c.delete_at = 0) AS channel_ids",
    )
    .bind(user_id)
    .try_map(|row: PgRow| Ok(MembershipsReply { team_ids: row.try_get("team_ids")?, channel_ids: row.try_get("channel_ids")? }))
    .fetch_one(pool)
    .await
}

pub async fn audience(pool: &PgPool, channel_id: &str) -> sqlx::Result<AudienceReply> {
    let channel = sqlx::query(&format!("SELECT {CHANNEL_COLUMNS} FROM channels WHERE id = $1"))
        .bind(channel_id)
        .try_map(|row: PgRow| channel_row(&row))
        .fetch_optional(pool)
        .await?;
    let Some(channel) = channel else { return Ok(AudienceReply::default()) };
    let members = sqlx::query("SELECT user_id, notify_props::text AS notify_props FROM channel_members WHERE channel_id = $1")
        .bind(channel_id)
        .try_map(|row: PgRow| Ok(AudienceMember { user_id: row.try_get("user_id")?, notify_props: notify_props(&row)? }))
        .fetch_all(pool)
        .await?;
    Ok(AudienceReply { found: true, channel: Some(channel), members })
}

pub async fn team_members_among(pool: &PgPool, team_id: &str, user_ids: &[String]) -> sqlx::Result<Vec<String>> {
    sqlx::query("SELECT user_id FROM team_members WHERE team_id = $1 AND user_id = ANY($2) AND delete_at = 0")
        .bind(team_id)
        .bind(user_ids)
        .try_map(|row: PgRow| row.try_get(0))
        .fetch_all(pool)
        .await
}

pub async fn open_channels_by_name(pool: &PgPool, team_id: &str, names: &[String]) -> sqlx::Result<Vec<Channel>> {
    sqlx::query(&format!("SELECT {CHANNEL_COLUMNS} FROM channels WHERE team_id = $1 AND name = ANY($2) AND type = 'O' AND delete_at = 0"))
        .bind(team_id)
        .bind(names)
        .try_map(|row: PgRow| channel_row(&row))
        .fetch_all(pool)
        .await
}
