//! SQL of preferences.

use muster_proto::{
    identity::{ForgetPreferencesRequest, ListPreferencesRequest},
    model::Preference,
};
use muster_runtime::from_row;
use sqlx::{PgConnection, PgPool};
use std::collections::BTreeMap;

/// One range of the primary key.
pub(crate) async fn list(pool: &PgPool, request: &ListPreferencesRequest) -> sqlx::Result<Vec<Preference>> {
    let filter = match (request.category.is_empty(), request.name.is_empty()) {
        (true, _) => "$2 = $2 AND $3 = $3",
        (false, true) => "category = $2 AND $3 = $3",
        (false, false) => "category = $2 AND name = $3",
    };
    let sql = format!("SELECT user_id, category, name, value FROM preferences WHERE user_id = $1 AND {filter} ORDER BY category, name");
    let rows = sqlx::query(&sql).bind(&request.user_id).bind(&request.category).bind(&request.name).fetch_all(pool).await?;
    rows.iter().map(|row| from_row!(row => Preference { user_id, category, name, value })).collect()
}

/// Of rows with the same key the last wins.
pub(crate) async fn save(conn: &mut PgConnection, preferences: &[Preference]) -> sqlx::Result<()> {
    let unique: BTreeMap<_, _> = preferences.iter().map(|p| ((&p.user_id, &p.category, &p.name), p)).collect();
    let column = |get: fn(&Preference) -> &str| unique.values().map(|p| get(p)).collect::<Vec<_>>();
    sqlx::query(
        "INSERT INTO preferences (user_id, category, name, value) SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
         ON CONFLICT (user_id, category, name) DO UPDATE SET value = excluded.value WHERE preferences.value <> excluded.value",
    )
    .bind(column(|p| &p.user_id))
    .bind(column(|p| &p.category))
    .bind(column(|p| &p.name))
    .bind(column(|p| &p.value))
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn delete(conn: &mut PgConnection, preferences: &[Preference]) -> sqlx::Result<()> {
    let column = |get: fn(&Preference) -> &str| preferences.iter().map(get).collect::<Vec<_>>();
    sqlx::query(
        "DELETE FROM preferences p USING unnest($1::text[], $2::text[], $3::text[]) AS k (user_id, category, name)
         WHERE p.user_id = k.user_id AND p.category = k.category AND p.name = k.name",
    )
    .bind(column(|p| &p.user_id))
    .bind(column(|p| &p.category))
    .bind(column(|p| &p.name))
    .execute(conn)
    .await?;
    Ok(())
}

/// Uses the index on (category, name), or the primary key when a user is named.
pub(crate) async fn forget(pool: &PgPool, request: &ForgetPreferencesRequest) -> sqlx::Result<()> {
    let user = if request.user_id.is_empty() { "$1 = $1" } else { "user_id = $1" };
    let names = if request.names.is_empty() { "$3::text[] IS NOT NULL" } else { "name = ANY($3)" };
    sqlx::query(&format!("DELETE FROM preferences WHERE {user} AND category = $2 AND {names}"))
        .bind(&request.user_id)
        .bind(&request.category)
        .bind(&request.names)
        .execute(pool)
        .await?;
    Ok(())
}
