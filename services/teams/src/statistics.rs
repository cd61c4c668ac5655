//! Counts of channels and teams for administrators, asked by hand.

use muster_proto::teams::{ChannelStatistics, ChannelStatisticsRequest, statistics_server};
use muster_runtime::{Caller, postgres::sql_error};
use sqlx::{PgPool, Row};
use tonic::{Request, Response, Status};

pub(crate) struct Statistics {
    pub(crate) pool: PgPool,
}

#[tonic::async_trait]
impl statistics_server::Statistics for Statistics {
    async fn channels(&self, request: Request<ChannelStatisticsRequest>) -> Result<Response<ChannelStatistics>, Status> {
        Caller::of(&request)?;
        let statistics = count(&self.pool, &request.get_ref().team_id).await.map_err(sql_error)?;
        Ok(Response::new(statistics))
    }
}

async fn count(pool: &PgPool, team_id: &str) -> sqlx::Result<ChannelStatistics> {
    let row = sqlx::query(
        "SELECT count(*) FILTER (WHERE type = 'O') AS open, count(*) FILTER (WHERE type = 'P') AS private,
                (SELECT count(*) FROM teams WHERE delete_at = 0) AS teams
         FROM channels WHERE $1 = '' OR team_id = $1",
    )
    .bind(team_id)
    .fetch_one(pool)
    .await?;
    Ok(ChannelStatistics { open: row.try_get("open")?, private: row.try_get("private")?, teams: row.try_get("teams")? })
}
