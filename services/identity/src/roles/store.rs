//! SQL of roles.

use muster_domain::{
    ids::new_id,
    roles::{Restriction, SeedSettings, builtin_roles},
    time::now_ms,
};
use muster_proto::model::Role;
use muster_runtime::{
    from_row,
    postgres::{PgRow, sql_error},
};
use serde_json::Value;
use sqlx::{PgConnection, PgPool};

const COLUMNS: &str = "id, name, display_name, description, create_at, update_at, delete_at, permissions, scheme_managed";

fn role(row: &PgRow) -> sqlx::Result<Role> {
    from_row!(row => Role { id, name, display_name, description, create_at, update_at, delete_at, permissions, scheme_managed })
}

/// Writes the built-in roles that do not exist yet, shaped by the settings in force at that moment.
pub(crate) async fn seed(pool: &PgPool, tree: &Value) -> sqlx::Result<()> {
    let now = now_ms();
    for builtin in builtin_roles(&seed_settings(tree)) {
        let permissions: Vec<&str> = builtin.permissions.iter().map(|p| p.as_str()).collect();
        sqlx::query(
            "INSERT INTO roles (id, name, display_name, description, create_at, update_at, permissions, scheme_managed)
             VALUES ($1, $2, $3, $4, $5, $5, $6, true) ON CONFLICT (name) DO NOTHING",
        )
        .bind(new_id())
        .bind(builtin.name)
        .bind(builtin.display_name)
        .bind(builtin.description)
        .bind(now)
        .bind(permissions)
        .execute(pool)
        .await?;
    }
    Ok(())
}

fn seed_settings(tree: &Value) -> SeedSettings {
    let flag = |pointer: &str, default| tree.pointer(pointer).and_then(Value::as_bool).unwrap_or(default);
    let restriction = |name: &str| {
        let setting = tree.pointer(&format!("/TeamSettings/{name}")).and_then(Value::as_str);
        setting.map(Restriction::parse).unwrap_or_default()
    };
    let text = |pointer: &str| tree.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    SeedSettings {
        enable_team_creation: flag("/TeamSettings/EnableTeamCreation", true),
        enable_only_admin_integrations: flag("/ServiceSettings/EnableOnlyAdminIntegrations", true),
        public_channel_creation: restriction("RestrictPublicChannelCreation"),
        private_channel_creation: restriction("RestrictPrivateChannelCreation"),
        public_channel_management: restriction("RestrictPublicChannelManagement"),
        private_channel_management: restriction("RestrictPrivateChannelManagement"),
        public_channel_deletion: restriction("RestrictPublicChannelDeletion"),
        private_channel_deletion: restriction("RestrictPrivateChannelDeletion"),
        private_channel_manage_members: restriction("RestrictPrivateChannelManageMembers"),
        team_invite: restriction("RestrictTeamInvite"),
        post_delete: Restriction::parse(text("/ServiceSettings/RestrictPostDelete")),
        allow_edit_post: text("/ServiceSettings/AllowEditPost") != "never",
    }
}

/// All roles; a few dozen rows.
pub(crate) async fn all(pool: &PgPool) -> sqlx::Result<Vec<Role>> {
    let rows = sqlx::query(&format!("SELECT {COLUMNS} FROM roles ORDER BY name")).fetch_all(pool).await?;
    rows.iter().map(role).collect()
}

pub(crate) async fn lock(conn: &mut PgConnection, id: &str) -> sqlx::Result<Option<Role>> {
    let row = sqlx::query(&format!("SELECT {COLUMNS} FROM roles WHERE id = $1 FOR UPDATE")).bind(id).fetch_optional(conn).await?;
    row.as_ref().map(role).transpose()
}

pub(crate) async fn update(conn: &mut PgConnection, role: &Role) -> sqlx::Result<()> {
    sqlx::query("UPDATE roles SET permissions = $2, update_at = $3 WHERE id = $1")
        .bind(&role.id)
        .bind(&role.permissions)
        .bind(role.update_at)
        .execute(conn)
        .await?;
    Ok(())
}

/// Whether every name is a role.
pub(crate) async fn all_exist(pool: &PgPool, names: &[&str]) -> Result<bool, muster_error::AppError> {
    sqlx::query_scalar(
        "SELECT NOT EXISTS (SELECT 1 FROM unnest($1::text[]) AS n (name) LEFT JOIN roles r USING (name) WHERE r.name IS NULL)",
    )
    .bind(names)
    .fetch_one(pool)
    .await
    .map_err(sql_error)
}
