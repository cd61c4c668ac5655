//! The rows of channels.

use muster_proto::model::Channel;
use muster_runtime::from_row;
use sqlx::{PgConnection, PgPool, Row, postgres::PgRow};

pub const CHANNEL_COLUMNS: &str =
    "id, create_at, update_at, delete_at, team_id, type, display_name, name, header, purpose, extra_update_at, creator_id";

/// Structure; activity stays 0.
pub fn channel(row: &PgRow) -> sqlx::Result<Channel> {
    from_row!(row => Channel {
        id, create_at, update_at, delete_at, team_id, r#type, display_name, name, header, purpose, extra_update_at, creator_id;
        ..default
    })
}

fn map(row: PgRow) -> sqlx::Result<Channel> {
    channel(&row)
}

const INSERT: &str = "INSERT INTO channels (id, create_at, update_at, delete_at, team_id, type, display_name, name, header, purpose,
    extra_update_at, creator_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";

pub async fn insert(conn: &mut PgConnection, channel: &Channel) -> sqlx::Result<()> {
    execute_insert(conn, INSERT, channel).await?;
    Ok(())
}

/// False when the team (or, for "", the server) has a channel of this name.
pub async fn insert_unless_named(conn: &mut PgConnection, channel: &Channel) -> sqlx::Result<bool> {
    let statement = format!("{INSERT} ON CONFLICT ON CONSTRAINT channels_team_name_key DO NOTHING");
    Ok(execute_insert(conn, &statement, channel).await? == 1)
}

async fn execute_insert(conn: &mut PgConnection, statement: &str, channel: &Channel) -> sqlx::Result<u64> {
    let done = sqlx::query(statement)
        .bind(&channel.id)
        .bind(channel.create_at)
        .bind(channel.update_at)
        .bind(channel.delete_at)
        .bind(&channel.team_id)
        .bind(&channel.r#type)
        .bind(&channel.display_name)
        .bind(&channel.name)
        .bind(&channel.header)
        .bind(&channel.purpose)
        .bind(channel.extra_update_at)
        .bind(&channel.creator_id)
        .execute(conn)
        .await?;
    Ok(done.rows_affected())
}

/// Writes everything that can change.
pub async fn update(conn: &mut PgConnection, channel: &Channel) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE channels SET update_at = $2, delete_at = $3, type = $4, display_name = $5, name = $6, header = $7, purpose = $8
         WHERE id = $1",
    )
    .bind(&channel.id)
    .bind(channel.update_at)
    .bind(channel.delete_at)
    .bind(&channel.r#type)
    .bind(&channel.display_name)
    .bind(&channel.name)
    .bind(&channel.header)
    .bind(&channel.purpose)
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes that members came or went. Rows are locked in the order of their ids: two requests cannot wait for each other.
pub async fn touch_members(conn: &mut PgConnection, ids: &[&str], now: i64) -> sqlx::Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "UPDATE channels SET extra_update_at = $2
         WHERE id IN (SELECT id FROM channels WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE)",
    )
    .bind(ids)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

/// The channel, locked against other changes of its row.
pub async fn lock(conn: &mut PgConnection, id: &str) -> sqlx::Result<Option<Channel>> {
    sqlx::query(&format!("SELECT {CHANNEL_COLUMNS} FROM channels WHERE id = $1 FOR NO KEY UPDATE"))
        .bind(id)
        .try_map(map)
        .fetch_optional(conn)
        .await
}

pub async fn by_names(conn: &mut PgConnection, team_id: &str, names: &[&str]) -> sqlx::Result<Vec<Channel>> {
    sqlx::query(&format!("SELECT {CHANNEL_COLUMNS} FROM channels WHERE team_id = $1 AND name = ANY($2) ORDER BY name DESC"))
        .bind(team_id)
        .bind(names)
        .try_map(map)
        .fetch_all(conn)
        .await
}

/// Open, private and archived channels: all that count for the limit of a team.
pub async fn count_of_team(conn: &mut PgConnection, team_id: &str) -> sqlx::Result<i64> {
    sqlx::query("SELECT count(*) FROM channels WHERE team_id = $1").bind(team_id).fetch_one(conn).await?.try_get(0)
}

pub async fn by_id(pool: &PgPool, id: &str) -> sqlx::Result<Option<Channel>> {
    sqlx::query(&format!("SELECT {CHANNEL_COLUMNS} FROM channels WHERE id = $1")).bind(id).try_map(map).fetch_optional(pool).await
}

/// Whoever holds the name, archived or not; team "" for direct and group channels.
pub async fn by_exact_name(pool: &PgPool, team_id: &str, name: &str) -> sqlx::Result<Option<Channel>> {
    sqlx::query(&format!("SELECT {CHANNEL_COLUMNS} FROM channels WHERE team_id = $1 AND name = $2"))
        .bind(team_id)
        .bind(name)
        .try_map(map)
        .fetch_optional(pool)
        .await
}
