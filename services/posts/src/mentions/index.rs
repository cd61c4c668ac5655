//! The members of one channel, ready to be found in messages.

use super::log::Change;
use muster_domain::mentions::{KeywordIndex, Mentionable};
use muster_proto::{identity, model::Channel};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// When replies in a thread mention somebody who did not write them (`notify_props.comments`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comments {
    Never,
    /// Replies to one's own root posts.
    Root,
    /// Replies in any thread one took part in.
    Any,
}

#[derive(Debug)]
pub struct Member {
    pub user_id: String,
    pub username: String,
    pub comments: Comments,
    /// What answers direct messages in this user's name.
    pub automatic_reply: Option<String>,
}

#[derive(Debug)]
pub struct ChannelIndex {
    pub channel: Arc<Channel>,
    /// Active members; their position is their number in `keywords`.
    pub members: Vec<Member>,
    pub keywords: KeywordIndex,
    numbers: HashMap<String, u32>,
    /// Deactivated members: not mentioned, but a change of theirs may make them so.
    inactive: HashSet<String>,
    seen_at: AtomicU64,
}

impl ChannelIndex {
    /// `epoch` was read from the change log before anything was loaded.
    pub fn new(epoch: u64, channel: Channel, people: Vec<identity::Mentionable>) -> Self {
        let mut index = Self {
            channel: Arc::new(channel),
            members: Vec::with_capacity(people.len()),
            keywords: KeywordIndex::default(),
            numbers: HashMap::with_capacity(people.len()),
            inactive: HashSet::new(),
            seen_at: AtomicU64::new(epoch),
        };
        for person in people {
            if person.delete_at == 0 {
                index.add(person);
            } else {
                index.inactive.insert(person.user_id);
            }
        }
        index
    }

    fn add(&mut self, person: identity::Mentionable) {
        let number = self.members.len() as u32;
        let notify = |key: &str| person.notify_props.get(key).map(String::as_str).unwrap_or_default();
        let mentionable = Mentionable {
            username: &person.username,
            first_name: &person.first_name,
            mention_keys: notify("mention_keys"),
            by_first_name: notify("first_name") == "true",
            by_channel: notify("channel") == "true",
        };
        self.keywords.insert(number, mentionable);
        self.numbers.insert(person.user_id.clone(), number);
        self.members.push(Member {
            comments: comments(&person.notify_props),
            automatic_reply: automatic_reply(&person.notify_props),
            user_id: person.user_id,
            username: person.username,
        });
    }

    pub fn number(&self, user_id: &str) -> Option<u32> {
        self.numbers.get(user_id).copied()
    }

    pub fn member(&self, user_id: &str) -> Option<&Member> {
        self.members.get(self.number(user_id)? as usize)
    }

    pub fn user_id(&self, number: u32) -> Option<&str> {
        self.members.get(number as usize).map(|m| m.user_id.as_str())
    }

    pub fn epoch(&self) -> u64 {
        self.seen_at.load(Ordering::Relaxed)
    }

    /// It was found to hold at this epoch.
    pub fn holds_at(&self, epoch: u64) {
        self.seen_at.fetch_max(epoch, Ordering::Relaxed);
    }

    /// Whether a change makes it stale. Of people it does not hold, none can: a new member changes the channel.
    pub fn is_concerned_by(&self, change: &Change) -> bool {
        match change {
            Change::User(user) => self.numbers.contains_key(user) || self.inactive.contains(user),
            Change::Channel(channel) => *channel == self.channel.id,
            Change::Everything => true,
        }
    }
}

fn comments(notify_props: &BTreeMap<String, String>) -> Comments {
    match notify_props.get("comments").map(String::as_str) {
        Some("root") => Comments::Root,
        Some("any") => Comments::Any,
        _ => Comments::Never,
    }
}

fn automatic_reply(notify_props: &BTreeMap<String, String>) -> Option<String> {
    let active = notify_props.get("auto_responder_active").is_some_and(|v| v == "true");
    notify_props.get("auto_responder_message").filter(|message| active && !message.is_empty()).cloned()
}
