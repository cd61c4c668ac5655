//! Counts of people for administrators. Each statement reads an index or a small table; they are asked by hand.

use muster_domain::time::{DAY_MS, now_ms};
use muster_proto::identity::{UserStatistics, UserStatisticsRequest, statistics_server::Statistics};
use muster_runtime::{Caller, postgres::sql_error};
use sqlx::{PgPool, Row};
use tonic::{Request, Response, Status};

/// Days without activity after which somebody is no longer a monthly user.
const MONTH_MS: i64 = 31 * DAY_MS;
/// With a team, the deactivated are not told.
const NOT_TOLD: i64 = -1;

pub(crate) struct StatisticsService {
    pub(crate) pool: PgPool,
}

#[tonic::async_trait]
impl Statistics for StatisticsService {
    async fn users(&self, request: Request<UserStatisticsRequest>) -> Result<Response<UserStatistics>, Status> {
        Caller::of(&request)?;
        let statistics = count(&self.pool, &request.get_ref().team_id, now_ms()).await.map_err(sql_error)?;
        Ok(Response::new(statistics))
    }
}

async fn count(pool: &PgPool, team_id: &str, now: i64) -> sqlx::Result<UserStatistics> {
    let (active, inactive) = if team_id.is_empty() {
        let row =
            sqlx::query("SELECT count(*) AS total, count(*) FILTER (WHERE delete_at > 0) AS inactive FROM users").fetch_one(pool).await?;
        let (total, inactive): (i64, i64) = (row.try_get("total")?, row.try_get("inactive")?);
        (total - inactive, inactive)
    } else {
        let sql =
            "SELECT count(*) FROM group_members m JOIN users u ON u.id = m.user_id WHERE m.group_id = $1 AND m.member AND u.delete_at = 0";
        (sqlx::query_scalar(sql).bind(team_id).fetch_one(pool).await?, NOT_TOLD)
    };
    let row = sqlx::query(
        "SELECT (SELECT count(*) FROM statuses WHERE last_activity_at > $1) AS daily,
                (SELECT count(*) FROM statuses WHERE last_activity_at > $2) AS monthly,
                (SELECT count(*) FROM sessions WHERE expires_at = 0 OR expires_at > $3) AS sessions,
                (SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'muster-%') AS connections",
    )
    .bind(now - DAY_MS)
    .bind(now - MONTH_MS)
    .bind(now)
    .fetch_one(pool)
    .await?;
    Ok(UserStatistics {
        active,
        inactive,
        daily_active: row.try_get("daily")?,
        monthly_active: row.try_get("monthly")?,
        sessions: row.try_get("sessions")?,
        database_connections: row.try_get("connections")?,
    })
}
