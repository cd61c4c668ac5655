//! Finding and listing channels.

mod store;

use crate::{channels, people::People, writer::sql};
use muster_domain::paging::PER_PAGE_MAX;
use muster_error::{AppError, ErrorId};
use muster_proto::{
    model::Channel,
    teams::{
        ChannelByNameRequest, ChannelList, ChannelStats, ChannelsByIdsRequest, ChannelsOfUserRequest, GetChannelRequest,
        ListChannelsRequest, SearchChannelsRequest, channel_directory_server,
    },
};
use muster_runtime::Caller;
use sqlx::PgPool;
use tonic::{Request, Response, Status};

pub struct ChannelDirectory {
    pub pool: PgPool,
    pub people: People,
}

type Reply<T> = Result<Response<T>, Status>;

fn reply(channels: sqlx::Result<Vec<Channel>>) -> Reply<ChannelList> {
    Ok(Response::new(ChannelList { channels: channels.map_err(sql)? }))
}

#[tonic::async_trait]
impl channel_directory_server::ChannelDirectory for ChannelDirectory {
    async fn get(&self, request: Request<GetChannelRequest>) -> Reply<Channel> {
        Caller::of(&request)?;
        let channel = channels::store::by_id(&self.pool, &request.into_inner().channel_id).await.map_err(sql)?;
        Ok(Response::new(channel.ok_or(AppError::new(ErrorId::ChannelNotFound))?))
    }

    async fn by_name(&self, request: Request<ChannelByNameRequest>) -> Reply<Channel> {
        Caller::of(&request)?;
        let request = request.into_inner();
        let channel = store::live_by_name(&self.pool, &request.team_id, &request.name).await.map_err(sql)?;
        Ok(Response::new(channel.ok_or(AppError::new(ErrorId::ChannelNameNotFound))?))
    }

    async fn open(&self, request: Request<ListChannelsRequest>) -> Reply<ChannelList> {
        Caller::of(&request)?;
        let request = request.into_inner();
        reply(store::open(&self.pool, &request.team_id, request.offset, request.limit).await)
    }

    async fn archived(&self, request: Request<ListChannelsRequest>) -> Reply<ChannelList> {
        Caller::of(&request)?;
        let request = request.into_inner();
        reply(store::archived(&self.pool, &request.team_id, request.offset, request.limit).await)
    }

    async fn by_ids(&self, request: Request<ChannelsByIdsRequest>) -> Reply<ChannelList> {
        Caller::of(&request)?;
        let request = request.into_inner();
        reply(store::open_by_ids(&self.pool, &request.team_id, &request.channel_ids).await)
    }

    async fn known(&self, request: Request<ChannelsByIdsRequest>) -> Reply<ChannelList> {
        Caller::of(&request)?;
        reply(store::by_ids(&self.pool, &request.into_inner().channel_ids).await)
    }

    async fn search(&self, request: Request<SearchChannelsRequest>) -> Reply<ChannelList> {
        Caller::of(&request)?;
        let request = request.into_inner();
        let limit = request.limit.clamp(0, PER_PAGE_MAX);
        reply(store::search(&self.pool, &request.team_id, &request.term, limit).await)
    }

    async fn of_user(&self, request: Request<ChannelsOfUserRequest>) -> Reply<ChannelList> {
        Caller::of(&request)?;
        let request = request.into_inner();
        reply(store::of_user(&self.pool, &request.user_id, &request.team_id).await)
    }

    async fn stats(&self, request: Request<GetChannelRequest>) -> Reply<ChannelStats> {
        let caller = Caller::of(&request)?;
        let id = request.into_inner().channel_id;
        let (members, inactive) = tokio::join!(store::count_members(&self.pool, &id), self.people.inactive_members(&caller, &id));
        Ok(Response::new(ChannelStats { member_count: (members.map_err(sql)? - inactive?).max(0) }))
    }
}
