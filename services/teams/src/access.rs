//! What permission checks and event routing ask: one or two indexed queries each.

mod store;

use crate::writer::sql;
use muster_proto::teams::{
    AudienceReply, AudienceRequest, ChannelAccess, ChannelAccessRequest, ChannelList, MembershipsReply, MembershipsRequest,
    OpenChannelsByNameRequest, TeamAccess, TeamAccessRequest, TeamMembersAmongReply, TeamMembersAmongRequest, access_server,
};
use muster_runtime::Caller;
use sqlx::PgPool;
use tonic::{Request, Response, Status};

pub struct Access {
    pub pool: PgPool,
}

#[tonic::async_trait]
impl access_server::Access for Access {
    async fn channel(&self, request: Request<ChannelAccessRequest>) -> Result<Response<ChannelAccess>, Status> {
        Caller::of(&request)?;
        let request = request.into_inner();
        Ok(Response::new(store::channel(&self.pool, &request.user_id, &request.channel_id).await.map_err(sql)?))
    }

    async fn team(&self, request: Request<TeamAccessRequest>) -> Result<Response<TeamAccess>, Status> {
        Caller::of(&request)?;
        let request = request.into_inner();
        Ok(Response::new(store::team(&self.pool, &request.user_id, &request.team_id).await.map_err(sql)?))
    }

    async fn memberships(&self, request: Request<MembershipsRequest>) -> Result<Response<MembershipsReply>, Status> {
        Caller::of(&request)?;
        Ok(Response::new(store::memberships(&self.pool, &request.into_inner().user_id).await.map_err(sql)?))
    }

    async fn audience(&self, request: Request<AudienceRequest>) -> Result<Response<AudienceReply>, Status> {
        Caller::of(&request)?;
        Ok(Response::new(store::audience(&self.pool, &request.into_inner().channel_id).await.map_err(sql)?))
    }

    async fn team_members_among(&self, request: Request<TeamMembersAmongRequest>) -> Result<Response<TeamMembersAmongReply>, Status> {
        Caller::of(&request)?;
        let request = request.into_inner();
        let user_ids = store::team_members_among(&self.pool, &request.team_id, &request.user_ids).await.map_err(sql)?;
        Ok(Response::new(TeamMembersAmongReply { user_ids }))
    }

    async fn open_channels_by_name(&self, request: Request<OpenChannelsByNameRequest>) -> Result<Response<ChannelList>, Status> {
        Caller::of(&request)?;
        let request = request.into_inner();
        let channels = store::open_channels_by_name(&self.pool, &request.team_id, &request.names).await.map_err(sql)?;
        Ok(Response::new(ChannelList { channels }))
    }
}
