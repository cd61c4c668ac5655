//! The gRPC service of what moves when messages are posted and read.

pub mod store;

use crate::posts::events;
use muster_error::AppError;
use muster_events::{Announcement, Outbox, user_subject};
use muster_proto::posts::{
    ChannelActivityReply, ChannelActivityRequest, ReadStatesReply, ReadStatesRequest, ViewReply, ViewRequest, activity_server,
};
use muster_runtime::{Caller, postgres::sql_error};
use sqlx::PgPool;
use tonic::{Request, Response, Status};

/// Pairs of channel and user of one question.
const PAIRS_MAX: usize = 50_000;

pub struct Activity {
    pub pool: PgPool,
    pub outbox: Outbox,
}

#[tonic::async_trait]
impl activity_server::Activity for Activity {
    async fn channels(&self, request: Request<ChannelActivityRequest>) -> Result<Response<ChannelActivityReply>, Status> {
        Caller::of(&request)?;
        let channels = store::channels(&self.pool, &request.into_inner().channel_ids).await.map_err(sql_error)?;
        Ok(Response::new(ChannelActivityReply { channels }))
    }

    async fn read_states(&self, request: Request<ReadStatesRequest>) -> Result<Response<ReadStatesReply>, Status> {
        Caller::of(&request)?;
        let ReadStatesRequest { channel_ids, user_ids } = request.into_inner();
        if channel_ids.len().saturating_mul(user_ids.len()) > PAIRS_MAX {
            return Err(AppError::body("channel_ids").detail("too many read states in one call").into());
        }
        let states = store::read_states(&self.pool, &channel_ids, &user_ids).await.map_err(sql_error)?;
        Ok(Response::new(ReadStatesReply { states }))
    }

    async fn view(&self, request: Request<ViewRequest>) -> Result<Response<ViewReply>, Status> {
        Caller::of(&request)?;
        let ViewRequest { user_id, channel_id, prev_channel_id, announce } = request.into_inner();
        let mut channels: Vec<String> = [&channel_id, &prev_channel_id].into_iter().filter(|id| !id.is_empty()).cloned().collect();
        channels.sort_unstable();
        channels.dedup();
        let viewed = store::mark_read(&self.pool, &user_id, &channels).await.map_err(sql_error)?;
        if announce && !channel_id.is_empty() {
            // Only clears a badge on other devices, which they read anew when they reconnect: not worth a flush of the log.
            let announcement = Announcement::new(user_subject(&user_id), vec![events::viewed(&user_id, &channel_id)]);
            self.outbox.bus().publish(announcement).await;
        }
        Ok(Response::new(ViewReply { viewed }))
    }
}
