//! Team memberships.

pub mod events;
pub mod join;
mod leave;
pub mod store;

use crate::{
    people::People,
    teams,
    writer::{Consequences, Writer, sql},
};
use join::{Joining, join};
use muster_error::{AppError, ErrorId};
use muster_proto::{
    model::{TeamMember, User},
    teams::{
        AddTeamMembersRequest, ListTeamMembersRequest, SetTeamMemberRolesRequest, TeamJoin, TeamMemberDone, TeamMemberKey, TeamMemberList,
        TeamMembersByIdsRequest, TeamMembershipsOfUserRequest, team_members_server,
    },
};
use muster_runtime::{Caller, ConfigFeed};
use tonic::{Request, Response, Status};

pub struct TeamMembers {
    pub writer: Writer,
    pub people: People,
    pub feed: ConfigFeed,
}

type Reply<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl team_members_server::TeamMembers for TeamMembers {
    async fn add(&self, request: Request<AddTeamMembersRequest>) -> Reply<TeamMemberList> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let how = request.how();
        let team =
            teams::store::by_id(&self.writer.pool, &request.team_id).await.map_err(sql)?.ok_or(AppError::new(ErrorId::TeamNotFound))?;
        let asked = request.user_ids.iter().map(String::as_str);
        let known = self.people.users(&caller, asked.chain([caller.user_id.as_str()])).await?;
        // Up to the first unknown user.
        let users: Vec<&User> = request.user_ids.iter().map_while(|id| known.get(id)).collect();
        let unknown = (users.len() < request.user_ids.len()).then(|| AppError::new(ErrorId::UserNotFound));

        let snapshot = self.feed.get();
        let inactive = self.inactive_if_nearly_full(&caller, &team.id, users.len(), snapshot.settings.max_users_per_team).await?;
        let joining = Joining { team: &team, how, adder: known.get(&caller.user_id), settings: &snapshot.settings, inactive };
        let mut tx = self.writer.begin().await?;
        let mut consequences = Consequences::default();
        let joined = join(&mut tx, &joining, &users, &mut consequences).await?;
        self.writer.commit(&caller, tx, consequences).await?;
        match joined.refused.or(unknown) {
            Some(error) => Err(error.into()),
            None => Ok(Response::new(TeamMemberList { members: joined.members })),
        }
    }

    async fn list(&self, request: Request<ListTeamMembersRequest>) -> Reply<TeamMemberList> {
        Caller::of(&request)?;
        let request = request.into_inner();
        let members = store::list(&self.writer.pool, &request.team_id, request.offset, request.limit).await.map_err(sql)?;
        Ok(Response::new(TeamMemberList { members }))
    }

    async fn get(&self, request: Request<TeamMemberKey>) -> Reply<TeamMember> {
        Caller::of(&request)?;
        let key = request.into_inner();
        let member = store::get(&self.writer.pool, &key.team_id, &key.user_id).await.map_err(sql)?;
        Ok(Response::new(member.ok_or(AppError::new(ErrorId::TeamMemberNotFound))?))
    }

    async fn by_ids(&self, request: Request<TeamMembersByIdsRequest>) -> Reply<TeamMemberList> {
        Caller::of(&request)?;
        let request = request.into_inner();
        let members = store::by_ids(&self.writer.pool, &request.team_id, &request.user_ids).await.map_err(sql)?;
        Ok(Response::new(TeamMemberList { members }))
    }

    async fn of_user(&self, request: Request<TeamMembershipsOfUserRequest>) -> Reply<TeamMemberList> {
        Caller::of(&request)?;
        let members = store::of_user(&self.writer.pool, &request.into_inner().user_id).await.map_err(sql)?;
        Ok(Response::new(TeamMemberList { members }))
    }

    async fn remove(&self, request: Request<TeamMemberKey>) -> Reply<TeamMemberDone> {
        let caller = Caller::of(&request)?;
        let key = request.into_inner();
        let user = self.people.user(&caller, &key.user_id).await?;
        let announce_in_default = self.feed.get().settings.experimental_enable_default_channel_leave_join_messages;
        let mut tx = self.writer.begin().await?;
        let mut consequences = Consequences::default();
        let leaving = leave::Leaving { team_id: &key.team_id, user: &user, by_himself: caller.user_id == user.id, announce_in_default };
        leave::leave(&mut tx, &leaving, &mut consequences).await?;
        self.writer.commit(&caller, tx, consequences).await?;
        Ok(Response::new(TeamMemberDone {}))
    }

    async fn set_roles(&self, request: Request<SetTeamMemberRolesRequest>) -> Reply<TeamMember> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        self.people.check_roles(&caller, &request.roles).await?;
        let mut tx = self.writer.begin().await?;
        let member = store::set_roles(&mut tx, &request.team_id, &request.user_id, &request.roles)
            .await
            .map_err(sql)?
            .ok_or(AppError::new(ErrorId::TeamRolesNotAMember))?;
        let mut consequences = Consequences::default();
        consequences.stale_team_member(&member.team_id, &member.user_id);
        consequences.announce(events::roles_updated(&member));
        self.writer.commit(&caller, tx, consequences).await?;
        Ok(Response::new(member))
    }
}

impl TeamMembers {
    /// Members whose accounts are deactivated do not take a place; only worth asking when places are short.
    async fn inactive_if_nearly_full(&self, caller: &Caller, team_id: &str, newcomers: usize, max: i64) -> Result<i64, AppError> {
        let members = teams::store::count_members(&self.writer.pool, team_id).await.map_err(sql)?;
        if members + newcomers as i64 <= max {
            return Ok(0);
        }
        self.people.inactive_members(caller, team_id).await
    }
}

/// Whether system posts name the one who added.
pub const fn names_the_adder(how: TeamJoin) -> bool {
    matches!(how, TeamJoin::Batch)
}
