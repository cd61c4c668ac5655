//! Permissions are decided here, once, by role tables held in memory and grants cached per (user, channel) and
//! (user, team). Grants are evicted by the invalidations that follow every change and live 30 s at most; refusals are
//! never taken from a cache; errors refuse.

use crate::{clients::Clients, error::ApiError, extract::Session};
use moka::sync::Cache;
use muster_domain::permissions::{Permission, PermissionSet};
use muster_error::AppError;
use muster_proto::{
    identity::ListRolesRequest,
    model,
    teams::{ChannelAccessRequest, TeamAccessRequest},
};
use muster_runtime::Caller;
use std::{
    collections::HashMap,
    sync::{
        Arc, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::watch;

const GRANT_TTL: Duration = Duration::from_secs(30);
const CHANNELS_MAX: u64 = 50_000;
const TEAMS_MAX: u64 = 10_000;

/// What one user is in one channel.
#[derive(Debug, Clone)]
pub struct ChannelGrant {
    /// Structure only: activity is the posts service's.
    pub channel: Arc<model::Channel>,
    pub member: bool,
    pub channel_roles: Arc<str>,
    pub team_roles: Arc<str>,
    permissions: PermissionSet,
}

impl ChannelGrant {
    pub fn allows(&self, permission: Permission) -> bool {
        self.permissions.contains(permission)
    }

    pub fn require(&self, permission: Permission) -> Result<(), ApiError> {
        if self.allows(permission) { Ok(()) } else { Err(AppError::permissions(permission.as_str()).into()) }
    }
}

/// What one user is in one team.
#[derive(Debug, Clone)]
pub struct TeamGrant {
    /// Unsanitised.
    pub team: Arc<model::Team>,
    pub member: bool,
    pub team_roles: Arc<str>,
    permissions: PermissionSet,
}

impl TeamGrant {
    pub fn allows(&self, permission: Permission) -> bool {
        self.permissions.contains(permission)
    }

    pub fn require(&self, permission: Permission) -> Result<(), ApiError> {
        if self.allows(permission) { Ok(()) } else { Err(AppError::permissions(permission.as_str()).into()) }
    }
}

/// Membership facts of one group's users.
struct Entry<G, M> {
    group: Arc<G>,
    members: papaya::HashMap<String, M>,
}

impl<G, M> Entry<G, M> {
    fn new(group: G) -> Self {
        Self { group: Arc::new(group), members: papaya::HashMap::new() }
    }
}

#[derive(Clone)]
struct ChannelFacts {
    member: bool,
    channel_roles: Arc<str>,
    team_roles: Arc<str>,
}

#[derive(Clone)]
struct TeamFacts {
    member: bool,
    team_roles: Arc<str>,
}

#[derive(Clone)]
pub struct Access {
    clients: Clients,
    roles: Arc<RwLock<Arc<RoleTable>>>,
    channels: Cache<String, Arc<Entry<model::Channel, ChannelFacts>>>,
    teams: Cache<String, Arc<Entry<model::Team, TeamFacts>>>,
    /// Moves with every eviction: an answer that was under way meanwhile is not stored.
    generation: Arc<AtomicU64>,
    bus_connected: watch::Receiver<bool>,
}

/// All roles, by name and id.
#[derive(Default)]
pub struct RoleTable {
    pub roles: Vec<model::Role>,
    permissions: HashMap<String, PermissionSet>,
}

impl RoleTable {
    fn new(roles: Vec<model::Role>) -> Self {
        let permissions =
            roles.iter().map(|r| (r.name.clone(), PermissionSet::from_names(r.permissions.iter().map(String::as_str)))).collect();
        Self { roles, permissions }
    }

    /// The union of the permissions of space-separated roles.
    pub fn permissions_of(&self, roles: &str) -> PermissionSet {
        roles.split_whitespace().filter_map(|name| self.permissions.get(name)).fold(PermissionSet::default(), |all, set| all.union(*set))
    }
}

impl Access {
    pub fn new(clients: Clients, bus_connected: watch::Receiver<bool>) -> Self {
        Self {
            clients,
            roles: Arc::default(),
            channels: Cache::builder().max_capacity(CHANNELS_MAX).time_to_live(GRANT_TTL).build(),
            teams: Cache::builder().max_capacity(TEAMS_MAX).time_to_live(GRANT_TTL).build(),
            generation: Arc::default(),
            bus_connected,
        }
    }

    /// Reads the role table again; keeps the old one when identity cannot be asked.
    pub async fn reload_roles(&self) -> Result<(), AppError> {
        let reply = self.clients.roles().list_all(Caller::system("gateway").call(ListRolesRequest {})).await?;
        if let Ok(mut table) = self.roles.write() {
            *table = Arc::new(RoleTable::new(reply.into_inner().roles));
        }
        Ok(())
    }

    pub fn roles(&self) -> Arc<RoleTable> {
        self.roles.read().map(|table| table.clone()).unwrap_or_default()
    }

    /// What the session's system roles give.
    pub fn system_permissions(&self, session: &Session) -> PermissionSet {
        self.roles().permissions_of(&session.roles)
    }

    pub fn is_allowed(&self, session: &Session, permission: Permission) -> bool {
        self.system_permissions(session).contains(permission)
    }

    /// 403 unless the system roles hold the permission.
    pub fn system(&self, session: &Session, permission: Permission) -> Result<(), ApiError> {
        if self.is_allowed(session, permission) { Ok(()) } else { Err(AppError::permissions(permission.as_str()).into()) }
    }

    /// "User" permission: oneself, or `edit_other_users`.
    pub fn user(&self, session: &Session, user_id: &str) -> Result<(), ApiError> {
        if session.user_id == user_id { Ok(()) } else { self.system(session, Permission::EditOtherUsers) }
    }

    /// Team scope: the membership's roles, then the system roles. `None` for an unknown team.
    pub async fn team_grant(&self, session: &Session, team_id: &str) -> Result<Option<TeamGrant>, ApiError> {
        if let Some(grant) = self.cached_team(session, team_id) {
            return Ok(Some(grant));
        }
        self.fetch_team(session, team_id).await
    }

    /// The grant, or 403 when it lacks the permission (an unknown team is refused too).
    pub async fn team(&self, session: &Session, team_id: &str, permission: Permission) -> Result<TeamGrant, ApiError> {
        if let Some(grant) = self.cached_team(session, team_id)
            && grant.allows(permission)
        {
            return Ok(grant);
        }
        match self.fetch_team(session, team_id).await? {
            Some(grant) if grant.allows(permission) => Ok(grant),
            _ => Err(AppError::permissions(permission.as_str()).into()),
        }
    }

    /// Channel scope: the channel membership's roles (none in an archived channel), then team scope of the channel's
    /// team, then the system roles. `None` for an unknown channel.
    pub async fn channel_grant(&self, session: &Session, channel_id: &str) -> Result<Option<ChannelGrant>, ApiError> {
        if let Some(grant) = self.cached_channel(session, channel_id) {
            return Ok(Some(grant));
        }
        self.fetch_channel(session, channel_id).await
    }

    /// The grant, or 403 when it lacks the permission (an unknown channel is refused to everyone).
    pub async fn channel(&self, session: &Session, channel_id: &str, permission: Permission) -> Result<ChannelGrant, ApiError> {
        if let Some(grant) = self.cached_channel(session, channel_id)
            && grant.allows(permission)
        {
            return Ok(grant);
        }
        match self.fetch_channel(session, channel_id).await? {
            Some(grant) if grant.allows(permission) => Ok(grant),
            _ => Err(AppError::permissions(permission.as_str()).into()),
        }
    }

    fn trusted(&self) -> bool {
        *self.bus_connected.borrow()
    }

    fn cached_channel(&self, session: &Session, channel_id: &str) -> Option<ChannelGrant> {
        if !self.trusted() {
            return None;
        }
        let entry = self.channels.get(channel_id)?;
        let facts = entry.members.pin().get(session.user_id.as_str())?.clone();
        Some(self.channel_grant_of(session, entry.group.clone(), facts))
    }

    fn channel_grant_of(&self, session: &Session, channel: Arc<model::Channel>, facts: ChannelFacts) -> ChannelGrant {
        let table = self.roles();
        let mut permissions = table.permissions_of(&session.roles).union(table.permissions_of(&facts.team_roles));
        if channel.delete_at == 0 {
            permissions = permissions.union(table.permissions_of(&facts.channel_roles));
        }
        ChannelGrant { channel, member: facts.member, channel_roles: facts.channel_roles, team_roles: facts.team_roles, permissions }
    }

    async fn fetch_channel(&self, session: &Session, channel_id: &str) -> Result<Option<ChannelGrant>, ApiError> {
        let before = self.generation.load(Ordering::Acquire);
        let request = ChannelAccessRequest { user_id: session.user_id.clone(), channel_id: channel_id.to_owned() };
        let reply = self.clients.access().channel(session.call(request)).await?.into_inner();
        let Some(channel) = reply.channel.filter(|_| reply.found) else { return Ok(None) };
        let facts = ChannelFacts { member: reply.member, channel_roles: reply.channel_roles.into(), team_roles: reply.team_roles.into() };
        if !self.trusted() || self.generation.load(Ordering::Acquire) != before {
            return Ok(Some(self.channel_grant_of(session, Arc::new(channel), facts)));
        }
        let entry = self.channels.get_with(channel_id.to_owned(), || Arc::new(Entry::new(channel)));
        let members = entry.members.pin();
        members.insert(session.user_id.clone(), facts.clone());
        // An eviction between the check and the insertion has not seen it.
        if self.generation.load(Ordering::Acquire) != before {
            self.channels.invalidate(channel_id);
        }
        Ok(Some(self.channel_grant_of(session, entry.group.clone(), facts)))
    }

    fn cached_team(&self, session: &Session, team_id: &str) -> Option<TeamGrant> {
        if !self.trusted() {
            return None;
        }
        let entry = self.teams.get(team_id)?;
        let facts = entry.members.pin().get(session.user_id.as_str())?.clone();
        Some(self.team_grant_of(session, entry.group.clone(), facts))
    }

    fn team_grant_of(&self, session: &Session, team: Arc<model::Team>, facts: TeamFacts) -> TeamGrant {
        let table = self.roles();
        let permissions = table.permissions_of(&session.roles).union(table.permissions_of(&facts.team_roles));
        TeamGrant { team, member: facts.member, team_roles: facts.team_roles, permissions }
    }

    async fn fetch_team(&self, session: &Session, team_id: &str) -> Result<Option<TeamGrant>, ApiError> {
        let before = self.generation.load(Ordering::Acquire);
        let request = TeamAccessRequest { user_id: session.user_id.clone(), team_id: team_id.to_owned() };
        let reply = self.clients.access().team(session.call(request)).await?.into_inner();
        let Some(team) = reply.team.filter(|_| reply.found) else { return Ok(None) };
        let facts = TeamFacts { member: reply.member, team_roles: reply.team_roles.into() };
        if !self.trusted() || self.generation.load(Ordering::Acquire) != before {
            return Ok(Some(self.team_grant_of(session, Arc::new(team), facts)));
        }
        let entry = self.teams.get_with(team_id.to_owned(), || Arc::new(Entry::new(team)));
        let members = entry.members.pin();
        members.insert(session.user_id.clone(), facts.clone());
        // An eviction between the check and the insertion has not seen it.
        if self.generation.load(Ordering::Acquire) != before {
            self.teams.invalidate(team_id);
        }
        Ok(Some(self.team_grant_of(session, entry.group.clone(), facts)))
    }

    fn evicting(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    /// A channel's structure changed.
    pub fn forget_channel(&self, channel_id: &str) {
        self.evicting();
        self.channels.invalidate(channel_id);
    }

    /// A team's structure changed.
    pub fn forget_team(&self, team_id: &str) {
        self.evicting();
        self.teams.invalidate(team_id);
    }

    /// A channel membership changed; "" = all of the channel's.
    pub fn forget_member(&self, channel_id: &str, user_id: &str) {
        self.evicting();
        if user_id.is_empty() {
            self.channels.invalidate(channel_id);
        } else if let Some(entry) = self.channels.get(channel_id) {
            entry.members.pin().remove(user_id);
        }
    }

    /// A team membership changed: it also counts in each of the team's channels.
    pub fn forget_team_member(&self, team_id: &str, user_id: &str) {
        self.evicting();
        if let Some(entry) = self.teams.get(team_id) {
            entry.members.pin().remove(user_id);
        }
        for (_, entry) in self.channels.iter().filter(|(_, entry)| entry.group.team_id == team_id) {
            entry.members.pin().remove(user_id);
        }
    }

    pub fn forget_all(&self) {
        self.evicting();
        self.channels.invalidate_all();
        self.teams.invalidate_all();
    }
}
