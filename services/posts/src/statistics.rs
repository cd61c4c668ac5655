//! Counts of posts for administrators. They read the whole table: the gateway does not ask where there are more people
//! than `AnalyticsSettings.MaxUsersForStatistics`.

use muster_domain::time::{DAY_MS, now_ms};
use muster_proto::posts::{DailyStatistics, DailyStatisticsRequest, DayCount, PostStatistics, PostStatisticsRequest, statistics_server};
use muster_runtime::{Caller, postgres::sql_error};
use sqlx::{PgPool, Row};
use tonic::{Request, Response, Status};

/// Days that the lists go back, today not among them.
const DAYS_BACK: i64 = 31;
/// Days that a list names at most.
const DAYS_MAX: i64 = 30;

pub(crate) struct Statistics {
    pub(crate) pool: PgPool,
}

#[tonic::async_trait]
impl statistics_server::Statistics for Statistics {
    async fn posts(&self, request: Request<PostStatisticsRequest>) -> Result<Response<PostStatistics>, Status> {
        Caller::of(&request)?;
        Ok(Response::new(count(&self.pool, &request.get_ref().team_id).await.map_err(sql_error)?))
    }

    async fn daily(&self, request: Request<DailyStatisticsRequest>) -> Result<Response<DailyStatistics>, Status> {
        Caller::of(&request)?;
        let DailyStatisticsRequest { team_id, authors } = request.get_ref();
        let today = now_ms() / DAY_MS * DAY_MS;
        let days = daily(&self.pool, team_id, *authors, today).await.map_err(sql_error)?;
        Ok(Response::new(DailyStatistics { days }))
    }
}

/// Restricts posts `p` to the team $1; "" is the whole server.
const IN_TEAM: &str = "($1 = '' OR p.channel_id IN (SELECT channel_id FROM channel_activity WHERE team_id = $1))";

async fn count(pool: &PgPool, team_id: &str) -> sqlx::Result<PostStatistics> {
    let sql = format!(
        "SELECT count(*) AS posts, count(*) FILTER (WHERE file_ids <> '{{}}' OR filenames <> '{{}}') AS with_files,
                count(*) FILTER (WHERE hashtags <> '') AS with_hashtags FROM posts p WHERE {IN_TEAM}"
    );
    let row = sqlx::query(&sql).bind(team_id).fetch_one(pool).await?;
    Ok(PostStatistics {
        posts: row.try_get("posts")?,
        with_files: row.try_get("with_files")?,
        with_hashtags: row.try_get("with_hashtags")?,
    })
}

async fn daily(pool: &PgPool, team_id: &str, authors: bool, today: i64) -> sqlx::Result<Vec<DayCount>> {
    let counted = if authors { "count(DISTINCT p.user_id)" } else { "count(*)" };
    let sql = format!(
        "SELECT to_char(to_timestamp(p.create_at / 1000) AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day, {counted} AS count
         FROM posts p WHERE p.create_at >= $2 AND p.create_at < $3 AND {IN_TEAM} GROUP BY day ORDER BY day DESC LIMIT $4"
    );
    let rows = sqlx::query(&sql).bind(team_id).bind(today - DAYS_BACK * DAY_MS).bind(today).bind(DAYS_MAX).fetch_all(pool).await?;
    rows.iter().map(|row| Ok(DayCount { day: row.try_get("day")?, count: row.try_get("count")? })).collect()
}
