//! Teams: creating, finding, changing.

mod events;
mod removal;
pub mod rules;
pub mod store;

use crate::{
    channels,
    people::People,
    team_members::join::{Joining, join},
    writer::{Consequences, Writer, sql},
};
use muster_domain::{channels::DEFAULT_CHANNELS, ids, time::now_ms};
use muster_error::{AppError, ErrorId};
use muster_proto::{
    model::{Channel, Team},
    teams::{
        CreateTeamRequest, GetTeamRequest, IconChangedRequest, ListTeamsRequest, PatchTeamRequest, SearchTeamsRequest, TeamCounts,
        TeamCountsRequest, TeamDone, TeamExistsReply, TeamExistsRequest, TeamIdRequest, TeamJoin, TeamList, TeamStats, TeamsByIdsRequest,
        TeamsOfUserRequest, UpdateTeamRequest, get_team_request::By, teams_server,
    },
};
use muster_runtime::{Caller, ConfigFeed, postgres};
use tonic::{Request, Response, Status};

pub struct Teams {
    pub writer: Writer,
    pub people: People,
    pub feed: ConfigFeed,
}

type Reply<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl teams_server::Teams for Teams {
    async fn create(&self, request: Request<CreateTeamRequest>) -> Reply<Team> {
        let caller = Caller::of(&request)?;
        let team = request.into_inner().team.unwrap_or_default();
        let creator = self.people.user(&caller, &caller.user_id).await?;
        let snapshot = self.feed.get();
        let settings = &snapshot.settings;
        rules::may_create(&creator.email, &settings.restrict_creation_to_domains)?;
        let team = rules::new_team(team, &creator.email, now_ms())?;

        let mut tx = self.writer.begin().await?;
        store::insert(&mut tx, &team).await.map_err(|e| match postgres::violated_constraint(&e) {
            Some("teams_name_key") => AppError::new(ErrorId::TeamNameTaken),
            _ => sql(e),
        })?;
        for (name, display_name) in DEFAULT_CHANNELS {
            let channel = Channel {
                id: ids::new_id(),
                create_at: team.create_at,
                update_at: team.create_at,
                extra_update_at: team.create_at,
                team_id: team.id.clone(),
                r#type: "O".into(),
                name: (*name).to_owned(),
                display_name: (*display_name).to_owned(),
                ..Channel::default()
            };
            channels::store::insert(&mut tx, &channel).await.map_err(sql)?;
        }
        let mut consequences = Consequences::default();
        let joining = Joining { team: &team, how: TeamJoin::Invite, adder: None, settings, inactive: 0 };
        join(&mut tx, &joining, &[&creator], &mut consequences).await?;
        self.writer.commit(&caller, tx, consequences).await?;
        Ok(Response::new(team))
    }

    async fn get(&self, request: Request<GetTeamRequest>) -> Reply<Team> {
        Caller::of(&request)?;
        let pool = &self.writer.pool;
        let (found, missing) = match request.into_inner().by {
            Some(By::Id(id)) => (store::by_id(pool, &id).await, ErrorId::TeamNotFound),
            Some(By::Name(name)) => (store::by_name(pool, &name).await, ErrorId::TeamNameNotFound),
            Some(By::InviteId(id)) if id.is_empty() => (Ok(None), ErrorId::TeamInviteNotFound),
            Some(By::InviteId(id)) => (store::by_invite_id(pool, &id).await, ErrorId::TeamInviteNotFound),
            None => (Ok(None), ErrorId::TeamNotFound),
        };
        Ok(Response::new(found.map_err(sql)?.ok_or(AppError::new(missing))?))
    }

    async fn exists(&self, request: Request<TeamExistsRequest>) -> Reply<TeamExistsReply> {
        Caller::of(&request)?;
        let found = store::by_name(&self.writer.pool, &request.into_inner().name).await.map_err(sql)?;
        Ok(Response::new(TeamExistsReply { exists: found.is_some() }))
    }

    async fn list(&self, request: Request<ListTeamsRequest>) -> Reply<TeamList> {
        Caller::of(&request)?;
        let request = request.into_inner();
        let teams = store::list(&self.writer.pool, request.open_only, request.offset, request.limit).await.map_err(sql)?;
        Ok(Response::new(TeamList { teams }))
    }

    async fn search(&self, request: Request<SearchTeamsRequest>) -> Reply<TeamList> {
        Caller::of(&request)?;
        let request = request.into_inner();
        let teams = store::search(&self.writer.pool, &request.term, request.open_only).await.map_err(sql)?;
        Ok(Response::new(TeamList { teams }))
    }

    async fn of_user(&self, request: Request<TeamsOfUserRequest>) -> Reply<TeamList> {
        Caller::of(&request)?;
        let teams = store::of_user(&self.writer.pool, &request.into_inner().user_id).await.map_err(sql)?;
        Ok(Response::new(TeamList { teams }))
    }

    async fn by_ids(&self, request: Request<TeamsByIdsRequest>) -> Reply<TeamList> {
        Caller::of(&request)?;
        let teams = store::by_ids(&self.writer.pool, &request.into_inner().team_ids).await.map_err(sql)?;
        Ok(Response::new(TeamList { teams }))
    }

    async fn update(&self, request: Request<UpdateTeamRequest>) -> Reply<Team> {
        let caller = Caller::of(&request)?;
        let given = request.into_inner().team.unwrap_or_default();
        let id = given.id.clone();
        self.change(&caller, &id, 1, |current| rules::replace(current, given)).await
    }

    async fn patch(&self, request: Request<PatchTeamRequest>) -> Reply<Team> {
        let caller = Caller::of(&request)?;
        let patch = request.into_inner();
        let id = patch.team_id.clone();
        // Clients get this event twice, as from the original.
        self.change(&caller, &id, 2, |current| rules::patch(current, patch)).await
    }

    async fn delete(&self, request: Request<TeamIdRequest>) -> Reply<TeamDone> {
        let caller = Caller::of(&request)?;
        let id = request.into_inner().team_id;
        let mut tx = self.writer.begin().await?;
        let mut team = store::lock(&mut tx, &id).await.map_err(sql)?.ok_or(AppError::new(ErrorId::TeamNotFound))?;
        let mut consequences = Consequences::default();
        let now = now_ms();
        team.delete_at = now;
        team.update_at = now;
        store::update(&mut tx, &team).await.map_err(sql)?;
        consequences.stale_team(&team.id);
        consequences.announce(events::deleted(&team));
        self.writer.commit(&caller, tx, consequences).await?;
        Ok(Response::new(TeamDone {}))
    }

    async fn delete_forever(&self, request: Request<TeamIdRequest>) -> Reply<TeamDone> {
        let caller = Caller::of(&request)?;
        self.remove_everything(&caller, &request.into_inner().team_id).await?;
        Ok(Response::new(TeamDone {}))
    }

    async fn icon_changed(&self, request: Request<IconChangedRequest>) -> Reply<Team> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let change = |team: Team| {
            let at = if request.removed { 0 } else { now_ms() };
            Ok(Team { last_team_icon_update: at, ..team })
        };
        self.change(&caller, &request.team_id, 1, change).await
    }

    async fn stats(&self, request: Request<TeamIdRequest>) -> Reply<TeamStats> {
        let caller = Caller::of(&request)?;
        let id = request.into_inner().team_id;
        let (total, inactive) = tokio::join!(store::count_members(&self.writer.pool, &id), self.people.inactive_members(&caller, &id));
        let total_member_count = total.map_err(sql)?;
        Ok(Response::new(TeamStats { total_member_count, active_member_count: (total_member_count - inactive?).max(0) }))
    }

    async fn counts(&self, request: Request<TeamCountsRequest>) -> Reply<TeamCounts> {
        Caller::of(&request)?;
        Ok(Response::new(store::counts(&self.writer.pool, &request.into_inner().team_id).await.map_err(sql)?))
    }
}

impl Teams {
    /// Applies a change under a lock and tells everyone, `times` over.
    async fn change(
        &self,
        caller: &Caller,
        id: &str,
        times: usize,
        change: impl FnOnce(Team) -> Result<Team, AppError> + Send,
    ) -> Reply<Team> {
        let mut tx = self.writer.begin().await?;
        let current = store::lock(&mut tx, id).await.map_err(sql)?.ok_or(AppError::new(ErrorId::TeamNotFound))?;
        let mut team = change(current)?;
        team.update_at = now_ms();
        store::update(&mut tx, &team).await.map_err(sql)?;
        let mut consequences = Consequences::default();
        consequences.stale_team(&team.id);
        for _ in 0..times {
            consequences.announce(events::updated(&team));
        }
        self.writer.commit(caller, tx, consequences).await?;
        Ok(Response::new(rules::with_invite_id(team)))
    }
}
