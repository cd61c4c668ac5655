//! The channels a user has in a team, as this gateway last saw them, already written as JSON up to what moves when
//! somebody posts. A list is true while none of the changes that passed on the bus named its user or one of its channels;
//! it lives 30 s at most, and while the bus is away no list is trusted.

use crate::{activity::Activity, clients::Clients, error::ApiResult, extract::Session};
use moka::sync::Cache;
use muster_error::AppError;
use muster_proto::{model::Channel, teams::ChannelsOfUserRequest};
use std::{
    hash::{BuildHasher, RandomState},
    io::Write as _,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::watch;

const TTL: Duration = Duration::from_secs(30);
/// All lists together, in channels.
const CHANNELS_MAX: u64 = 200_000;
/// Counters of changes; ids share them, which at worst reads a list again for nothing.
const COUNTERS: usize = 4_096;
/// What stands in a channel's JSON where the moving numbers come.
const STILL: &str = r#""last_post_at":0,"total_msg_count":0"#;

/// One channel of a list.
pub struct Listed {
    pub id: String,
    /// ms
    pub update_at: i64,
    json: String,
    /// Where in `json` the moving numbers begin.
    moving: usize,
}

impl Listed {
    fn new(channel: Channel) -> Result<Self, AppError> {
        let still = Channel { last_post_at: 0, total_msg_count: 0, ..channel };
        let json = String::from_utf8(muster_proto::json::to_vec(&still).map_err(AppError::internal)?).map_err(AppError::internal)?;
        // A text within the channel cannot hold it: there quotes are escaped.
        let moving = json.find(STILL).ok_or_else(|| AppError::internal("a channel without activity"))?;
        Ok(Self { id: still.id, update_at: still.update_at, json, moving })
    }

    fn write(&self, activity: Activity, out: &mut Vec<u8>) {
        let Activity { last_post_at, total_msg_count } = activity;
        let json = self.json.as_bytes();
        out.extend_from_slice(&json[..self.moving]);
        let _ = write!(out, r#""last_post_at":{last_post_at},"total_msg_count":{total_msg_count}"#);
        out.extend_from_slice(&json[self.moving + STILL.len()..]);
    }
}

/// A user's channels of a team, in the order of the answer.
pub struct List {
    pub channels: Vec<Listed>,
    stamp: u64,
}

impl List {
    /// The list as a JSON array.
    pub fn json(&self, activity: impl Fn(&Listed) -> Activity) -> Vec<u8> {
        let length: usize = self.channels.iter().map(|c| c.json.len() + 30).sum();
        let mut out = Vec::with_capacity(length + 2);
        out.push(b'[');
        for (i, channel) in self.channels.iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            channel.write(activity(channel), &mut out);
        }
        out.push(b']');
        out
    }
}

type Key = (String, String);

#[derive(Clone)]
pub struct ChannelLists(Arc<Inner>);

struct Inner {
    lists: Cache<Key, Arc<List>>,
    clients: Clients,
    changes: Changes,
    bus_connected: watch::Receiver<bool>,
}

impl ChannelLists {
    pub fn new(clients: Clients, bus_connected: watch::Receiver<bool>) -> Self {
        let lists = Cache::builder()
            .weigher(|_, list: &Arc<List>| u32::try_from(list.channels.len()).unwrap_or(u32::MAX).saturating_add(1))
            .max_capacity(CHANNELS_MAX)
            .time_to_live(TTL)
            .build();
        Self(Arc::new(Inner { lists, clients, changes: Changes::new(), bus_connected }))
    }

    /// Live channels of the team and all direct and group ones, by display name.
    pub async fn of(&self, session: &Session, user_id: &str, team_id: &str) -> ApiResult<Arc<List>> {
        let Inner { lists, clients, changes, bus_connected } = &*self.0;
        let trusted = *bus_connected.borrow();
        let key = (user_id.to_owned(), team_id.to_owned());
        if trusted
            && let Some(list) = lists.get(&key)
            && list.stamp == changes.stamp(user_id, list.channels.iter().map(|c| c.id.as_str()))
        {
            return Ok(list);
        }
        let before = changes.total();
        let request = ChannelsOfUserRequest { user_id: user_id.to_owned(), team_id: team_id.to_owned() };
        let channels = clients.channel_directory().of_user(session.call(request)).await?.into_inner().channels;
        let stamp = changes.stamp(user_id, channels.iter().map(|c| c.id.as_str()));
        let channels = channels.into_iter().map(Listed::new).collect::<Result<_, _>>()?;
        let list = Arc::new(List { channels, stamp });
        // A change that passed while we asked may be newer than the answer.
        if trusted && changes.total() == before {
            lists.insert(key, list.clone());
        }
        Ok(list)
    }

    /// A membership changed. It also shows in the channel.
    pub fn forget_member(&self, channel_id: &str, user_id: &str) {
        self.0.changes.note(channel_id);
        self.0.changes.note(user_id);
    }

    pub fn forget_channel(&self, channel_id: &str) {
        self.0.changes.note(channel_id);
    }

    pub fn forget_user(&self, user_id: &str) {
        self.0.changes.note(user_id);
    }

    pub fn forget_all(&self) {
        self.0.changes.note_everything();
    }
}

/// Counts changes by what they name. Counters only grow: two equal sums mean that none of their parts moved.
struct Changes {
    counters: Vec<AtomicU64>,
    everything: AtomicU64,
    total: AtomicU64,
    hasher: RandomState,
}

impl Changes {
    fn new() -> Self {
        let counters = (0..COUNTERS).map(|_| AtomicU64::new(0)).collect();
        Self { counters, everything: AtomicU64::new(0), total: AtomicU64::new(0), hasher: RandomState::new() }
    }

    fn counter(&self, id: &str) -> &AtomicU64 {
        &self.counters[self.hasher.hash_one(id) as usize % COUNTERS]
    }

    fn note(&self, id: &str) {
        self.counter(id).fetch_add(1, Ordering::AcqRel);
        self.total.fetch_add(1, Ordering::AcqRel);
    }

    fn note_everything(&self) {
        self.everything.fetch_add(1, Ordering::AcqRel);
        self.total.fetch_add(1, Ordering::AcqRel);
    }

    fn total(&self) -> u64 {
        self.total.load(Ordering::Acquire)
    }

    fn stamp<'a>(&self, user_id: &str, channel_ids: impl Iterator<Item = &'a str>) -> u64 {
        let of = |id: &str| self.counter(id).load(Ordering::Acquire);
        self.everything.load(Ordering::Acquire) + of(user_id) + channel_ids.map(of).sum::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_moving_numbers_take_their_place() {
        let channel = Channel { id: "c".into(), header: STILL.into(), last_post_at: 7, total_msg_count: 7, ..Channel::default() };
        let listed = Listed::new(channel.clone()).expect("listed");
        let list = List { channels: vec![listed], stamp: 0 };
        let moved = Channel { last_post_at: 12, total_msg_count: 3, ..channel };
        let expected = muster_proto::json::to_vec(&vec![moved]).expect("json");
        assert_eq!(list.json(|_| Activity { last_post_at: 12, total_msg_count: 3 }), expected);
    }

    #[test]
    fn a_change_of_any_part_changes_the_stamp() {
        let changes = Changes::new();
        let stamp = || changes.stamp("u", ["a", "b"].into_iter());
        let mut before = stamp();
        for change in [|c: &Changes| c.note("u"), |c: &Changes| c.note("b"), |c: &Changes| c.note_everything()] {
            change(&changes);
            assert_ne!(stamp(), before);
            before = stamp();
        }
    }
}
