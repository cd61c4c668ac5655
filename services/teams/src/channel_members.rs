//! Channel memberships.

mod changes;
mod events;
pub mod store;

use crate::{
    people::People,
    writer::{Consequences, Writer, sql},
};
use muster_domain::channels::{NotifyFault, update_notify_props};
use muster_domain::time::now_ms;
use muster_error::{AppError, ErrorId};
use muster_proto::{
    model::ChannelMember,
    teams::{
        AddChannelMembersRequest, ChannelMemberDone, ChannelMemberKey, ChannelMemberList, ChannelMembersByIdsRequest,
        ChannelMembershipsOfUserRequest, ListChannelMembersRequest, SetChannelMemberRolesRequest, SetNotifyPropsRequest,
        TeamChannelMemberList, channel_members_server,
    },
};
use muster_runtime::{Caller, ConfigFeed};
use tonic::{Request, Response, Status};

pub struct ChannelMembers {
    pub writer: Writer,
    pub people: People,
    pub feed: ConfigFeed,
}

type Reply<T> = Result<Response<T>, Status>;

fn reply(members: sqlx::Result<Vec<ChannelMember>>) -> Reply<ChannelMemberList> {
    Ok(Response::new(ChannelMemberList { members: members.map_err(sql)? }))
}

#[tonic::async_trait]
impl channel_members_server::ChannelMembers for ChannelMembers {
    async fn add(&self, request: Request<AddChannelMembersRequest>) -> Reply<ChannelMemberList> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(ChannelMemberList { members: self.add_users(&caller, request.into_inner()).await? }))
    }

    async fn list(&self, request: Request<ListChannelMembersRequest>) -> Reply<ChannelMemberList> {
        Caller::of(&request)?;
        let request = request.into_inner();
        reply(store::list(&self.writer.pool, &request.channel_id, request.offset, request.limit).await)
    }

    async fn get(&self, request: Request<ChannelMemberKey>) -> Reply<ChannelMember> {
        Caller::of(&request)?;
        let key = request.into_inner();
        let member = store::get(&self.writer.pool, &key.channel_id, &key.user_id).await.map_err(sql)?;
        Ok(Response::new(member.ok_or(AppError::new(ErrorId::ChannelMemberNotFound))?))
    }

    async fn by_ids(&self, request: Request<ChannelMembersByIdsRequest>) -> Reply<ChannelMemberList> {
        Caller::of(&request)?;
        let request = request.into_inner();
        reply(store::by_ids(&self.writer.pool, &request.channel_id, &request.user_ids).await)
    }

    async fn of_user(&self, request: Request<ChannelMembershipsOfUserRequest>) -> Reply<ChannelMemberList> {
        Caller::of(&request)?;
        let request = request.into_inner();
        reply(store::of_user(&self.writer.pool, &request.user_id, &request.team_id).await)
    }

    async fn by_team(&self, request: Request<ChannelMembershipsOfUserRequest>) -> Reply<TeamChannelMemberList> {
        Caller::of(&request)?;
        let members = store::by_team(&self.writer.pool, &request.into_inner().user_id).await.map_err(sql)?;
        Ok(Response::new(TeamChannelMemberList { members }))
    }

    async fn remove(&self, request: Request<ChannelMemberKey>) -> Reply<ChannelMemberDone> {
        let caller = Caller::of(&request)?;
        self.remove_user(&caller, request.into_inner()).await?;
        Ok(Response::new(ChannelMemberDone {}))
    }

    async fn set_roles(&self, request: Request<SetChannelMemberRolesRequest>) -> Reply<ChannelMember> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        self.people.check_roles(&caller, &request.roles).await?;
        let mut tx = self.writer.begin().await?;
        let member = store::set_roles(&mut tx, &request.channel_id, &request.user_id, &request.roles, now_ms())
            .await
            .map_err(sql)?
            .ok_or(AppError::new(ErrorId::ChannelMemberNotFound))?;
        let mut consequences = Consequences::default();
        consequences.stale_member(&member.channel_id, &member.user_id);
        self.writer.commit(&caller, tx, consequences).await?;
        Ok(Response::new(member))
    }

    async fn set_notify_props(&self, request: Request<SetNotifyPropsRequest>) -> Reply<ChannelMember> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let mut tx = self.writer.begin().await?;
        let mut member = store::lock(&mut tx, &request.channel_id, &request.user_id)
            .await
            .map_err(sql)?
            .ok_or(AppError::new(ErrorId::ChannelMemberNotFound))?;
        update_notify_props(&mut member.notify_props, &request.notify_props).map_err(notify_fault)?;
        member.last_update_at = now_ms();
        store::set_notify_props(&mut tx, &member).await.map_err(sql)?;
        let shown = ChannelMember {
            last_viewed_at: request.last_viewed_at,
            msg_count: request.msg_count,
            mention_count: request.mention_count,
            ..member.clone()
        };
        let mut consequences = Consequences::default();
        consequences.stale_member(&member.channel_id, &member.user_id);
        consequences.announce(events::updated(&shown));
        self.writer.commit(&caller, tx, consequences).await?;
        Ok(Response::new(member))
    }
}

fn notify_fault(fault: NotifyFault) -> AppError {
    AppError::new(match fault {
        NotifyFault::Desktop => ErrorId::ChannelMemberInvalidNotifyLevel,
        NotifyFault::MarkUnread => ErrorId::ChannelMemberInvalidUnreadLevel,
        NotifyFault::Push => ErrorId::ChannelMemberInvalidPushLevel,
        NotifyFault::Email => ErrorId::ChannelMemberInvalidEmailValue,
    })
}
