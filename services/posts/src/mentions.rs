//! Finding whom a post mentions, from an index per channel held in this process. The index is loaded from teams and
//! identity once, and again when an invalidation concerns it.

mod index;
mod log;
mod rules;

pub use index::ChannelIndex;
pub use rules::{Mentions, Subject, Thread, in_direct_channel};

use log::{Change, ChangeLog, Freshness};
use moka::future::Cache;
use muster_error::AppError;
use muster_events::{Bus, ChannelKey, invalidation::What};
use muster_proto::{
    identity::{GetStatusesRequest, Mentionable, MentionablesRequest, statuses_client::StatusesClient, users_client::UsersClient},
    model::Channel,
    teams::{AudienceRequest, ChannelMembersByIdsRequest, access_client::AccessClient, channel_members_client::ChannelMembersClient},
};
use muster_runtime::{Caller, Peer, peers::MESSAGE_MAX};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};
use tokio_util::sync::CancellationToken;

/// Members held in all indexes together (about 500 bytes each).
const MEMBERS_MAX: u64 = 500_000;
/// User ids of one question to identity.
const PEOPLE_CHUNK: usize = 1_000;
/// How often a value that went stale while it was loaded is loaded again.
const RELOADS_MAX: usize = 3;

/// The indexes of this process.
#[derive(Clone)]
pub struct Directory {
    indexes: Cache<String, Arc<ChannelIndex>>,
    log: Arc<ChangeLog>,
    identity: Peer,
    teams: Peer,
}

impl Directory {
    /// Listens to invalidations until the token is cancelled.
    pub async fn start(bus: &Bus, identity: Peer, teams: Peer, stop: CancellationToken) -> Result<Self, AppError> {
        let indexes = Cache::builder()
            .max_capacity(MEMBERS_MAX)
            .weigher(|_, index: &Arc<ChannelIndex>| u32::try_from(index.members().len()).unwrap_or(u32::MAX).saturating_add(1))
            .build();
        let directory = Self { indexes, log: Arc::default(), identity, teams };
        let (mut invalidations, log) = (bus.invalidations().await?, directory.log.clone());
        tokio::spawn(async move {
            loop {
                let what = tokio::select! {
                    () = stop.cancelled() => return,
                    what = invalidations.next() => what,
                };
                match what {
                    Some(what) => change_of(what).into_iter().for_each(|change| log.note(change)),
                    None => return,
                }
            }
        });
        Ok(directory)
    }

    /// A membership this process learnt of by other means than an invalidation, which may still be under way.
    pub fn member_changed(&self, channel_id: &str, user_id: &str) {
        self.log.note(Change::Member { channel_id: channel_id.to_owned(), user_id: user_id.to_owned() });
    }

    /// The index of a channel; empty for an unknown one.
    pub async fn index(&self, caller: &Caller, channel_id: &str) -> Result<Arc<ChannelIndex>, AppError> {
        for _ in 0..RELOADS_MAX {
            let index = match self.indexes.get(channel_id).await {
                Some(index) => index,
                None => self
                    .indexes
                    .try_get_with(channel_id.to_owned(), self.load(caller, channel_id))
                    .await
                    .map_err(|error: Arc<AppError>| (*error).clone())?,
            };
            if self.is_current(caller, &index).await? {
                return Ok(index);
            }
            self.indexes.invalidate(channel_id).await;
        }
        // Changing faster than it loads: this value is as new as can be.
        self.load(caller, channel_id).await
    }

    /// Whether the index holds, after taking over what changed of single users.
    async fn is_current(&self, caller: &Caller, index: &ChannelIndex) -> Result<bool, AppError> {
        let standing = |index: &ChannelIndex| self.log.freshness(index.epoch(), |change| index.concern(change));
        let mut freshness = standing(index);
        let mut _turn = None;
        if matches!(freshness, Freshness::Users(..)) {
            _turn = Some(index.refreshing.lock().await);
            freshness = standing(index);
        }
        match freshness {
            Freshness::Stale => Ok(false),
            Freshness::Current(epoch) => {
                index.holds_at(epoch);
                Ok(true)
            }
            Freshness::Users(epoch, users) => {
                let now = self.members_among(caller, &index.channel.id, users).await?;
                Ok(index.refresh(epoch, now))
            }
        }
    }

    /// Each of the users with what identity knows, if he is a member of the channel.
    async fn members_among(
        &self,
        caller: &Caller,
        channel_id: &str,
        users: Vec<String>,
    ) -> Result<Vec<(String, Option<Mentionable>)>, AppError> {
        let request = ChannelMembersByIdsRequest { channel_id: channel_id.to_owned(), user_ids: users.clone() };
        let mut client = ChannelMembersClient::new(self.teams.channel()).max_decoding_message_size(MESSAGE_MAX);
        let members = client.by_ids(caller.call(request)).await?.into_inner().members;
        let settings: HashMap<String, NotifyProps> = members.into_iter().map(|m| (m.user_id, m.notify_props)).collect();
        let mut people = Vec::new();
        if !settings.is_empty() {
            let request = MentionablesRequest { user_ids: settings.keys().cloned().collect() };
            people = UsersClient::new(self.identity.channel()).mentionables(caller.call(request)).await?.into_inner().users;
        }
        let mut people: HashMap<String, Mentionable> =
            people.into_iter().map(|p| (p.user_id.clone(), with_channel_push(p, &settings))).collect();
        Ok(users.into_iter().map(|id| (people.remove(&id), id)).map(|(person, id)| (id, person)).collect())
    }

    async fn load(&self, caller: &Caller, channel_id: &str) -> Result<Arc<ChannelIndex>, AppError> {
        let epoch = self.log.epoch();
        let audience = AccessClient::new(self.teams.channel())
            .max_decoding_message_size(MESSAGE_MAX)
            .audience(caller.call(AudienceRequest { channel_id: channel_id.to_owned() }))
            .await?
            .into_inner();
        let mut users = UsersClient::new(self.identity.channel()).max_decoding_message_size(MESSAGE_MAX);
        let mut people: Vec<Mentionable> = Vec::with_capacity(audience.members.len());
        for chunk in audience.members.chunks(PEOPLE_CHUNK) {
            let user_ids = chunk.iter().map(|m| m.user_id.clone()).collect();
            people.extend(users.mentionables(caller.call(MentionablesRequest { user_ids })).await?.into_inner().users);
        }
        let settings: HashMap<String, NotifyProps> = audience.members.into_iter().map(|m| (m.user_id, m.notify_props)).collect();
        let people = people.into_iter().map(|person| with_channel_push(person, &settings)).collect();
        let unknown = || Channel { id: channel_id.to_owned(), ..Channel::default() };
        Ok(Arc::new(ChannelIndex::new(epoch, audience.channel.unwrap_or_else(unknown), people)))
    }

    /// Those of the users who are online now.
    pub async fn online(&self, caller: &Caller, user_ids: Vec<String>) -> Result<Vec<String>, AppError> {
        if user_ids.is_empty() {
            return Ok(Vec::new());
        }
        let statuses = StatusesClient::new(self.identity.channel())
            .max_decoding_message_size(MESSAGE_MAX)
            .get(caller.call(GetStatusesRequest { user_ids }))
            .await?
            .into_inner()
            .statuses;
        Ok(statuses.into_iter().filter(|s| s.status == "online").map(|s| s.user_id).collect())
    }
}

type NotifyProps = BTreeMap<String, String>;

/// The person with `push` as it holds in the channel: what was set there goes before what was set for everywhere.
fn with_channel_push(mut person: Mentionable, settings: &HashMap<String, NotifyProps>) -> Mentionable {
    let of_channel = settings.get(&person.user_id).and_then(|props| props.get("push")).filter(|push| *push != "default");
    if let Some(push) = of_channel {
        person.notify_props.insert("push".to_owned(), push.clone());
    }
    person
}

fn change_of(what: What) -> Option<Change> {
    Some(match what {
        What::UserId(user) => Change::User(user),
        What::Member(ChannelKey { channel_id, user_id }) if channel_id.is_empty() => Change::User(user_id),
        What::Member(ChannelKey { channel_id, user_id }) if user_id.is_empty() => Change::Channel(channel_id),
        What::Member(ChannelKey { channel_id, user_id }) => Change::Member { channel_id, user_id },
        What::ChannelId(channel_id) => Change::Channel(channel_id),
        What::Everything(_) => Change::Everything,
        _ => return None,
    })
}
