//! The registry's table. Leases are measured by the database's clock, the only one all replicas share.

use muster_proto::model::ClusterNode;
use muster_runtime::from_row;
use sqlx::PgExecutor;

/// Processes of one cluster; a registry beyond this is cut.
const NODES_MAX: i64 = 1_000;

pub async fn renew(db: impl PgExecutor<'_>, node: &ClusterNode) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO nodes (id, role, version, config_hash, ipaddress, hostname, address, started_at, last_ping)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
         ON CONFLICT (id) DO UPDATE SET config_hash = excluded.config_hash, ipaddress = excluded.ipaddress, hostname = excluded.hostname,
             address = excluded.address, last_ping = excluded.last_ping",
    )
    .bind(&node.id)
    .bind(&node.role)
    .bind(&node.version)
    .bind(&node.config_hash)
    .bind(&node.ipaddress)
    .bind(&node.hostname)
    .bind(&node.address)
    .bind(node.started_at)
    .execute(db)
    .await?;
    Ok(())
}

pub async fn leave(db: impl PgExecutor<'_>, id: &str) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM nodes WHERE id = $1").bind(id).execute(db).await?;
    Ok(())
}

/// Deletes nodes that have not renewed for `after` ms.
pub async fn forget(db: impl PgExecutor<'_>, after: i64) -> sqlx::Result<u64> {
    let done = sqlx::query("DELETE FROM nodes WHERE last_ping < (extract(epoch FROM clock_timestamp()) * 1000)::bigint - $1")
        .bind(after)
        .execute(db)
        .await?;
    Ok(done.rows_affected())
}

/// Every node that renewed within `forgotten` ms, alive if within `unreachable` ms; longest known first.
pub async fn list(db: impl PgExecutor<'_>, unreachable: i64, forgotten: i64) -> sqlx::Result<Vec<ClusterNode>> {
    let rows = sqlx::query(
        "SELECT id, role, version, config_hash, ipaddress, hostname, address, started_at, last_ping, age <= $1 AS is_alive
         FROM (SELECT *, (extract(epoch FROM clock_timestamp()) * 1000)::bigint - last_ping AS age FROM nodes) AS n
         WHERE age <= $2 ORDER BY started_at, id LIMIT $3",
    )
    .bind(unreachable)
    .bind(forgotten)
    .bind(NODES_MAX)
    .fetch_all(db)
    .await?;
    rows.iter()
        .map(|row| {
            from_row!(row => ClusterNode { id, role, version, config_hash, ipaddress, hostname, address, started_at, last_ping, is_alive })
        })
        .collect()
}
