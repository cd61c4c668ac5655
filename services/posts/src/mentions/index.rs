//! The members of one channel, ready to be found in messages.

use super::log::{Change, Concern};
use muster_domain::mentions::{KeywordIndex, Mentionable};
use muster_proto::{identity, model::Channel};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::{
        Arc, RwLock, RwLockReadGuard,
        atomic::{AtomicU64, Ordering},
    },
};

/// Numbers that stand for nobody any more before the index is built anew.
const HOLES_MAX: usize = 1_000;

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

/// A channel's index: its structure, and members that are kept current.
pub struct ChannelIndex {
    pub channel: Arc<Channel>,
    members: RwLock<Members>,
    /// Held by whoever takes over changes, so that it happens once.
    pub(super) refreshing: tokio::sync::Mutex<()>,
    current_at: AtomicU64,
}

/// Members by number. A number is never used again, so that what was found stays true while others change.
#[derive(Default)]
pub struct Members {
    pub keywords: KeywordIndex,
    slots: Vec<Option<Member>>,
    numbers: HashMap<String, u32>,
    /// Deactivated members: not mentioned, but a change of theirs may make them so.
    inactive: HashSet<String>,
    /// Numbers of those who want a push for every post.
    listeners: BTreeSet<u32>,
}

impl ChannelIndex {
    /// `epoch` was read from the change log before anything was loaded.
    pub fn new(epoch: u64, channel: Channel, people: Vec<identity::Mentionable>) -> Self {
        let mut members = Members::default();
        people.into_iter().for_each(|person| members.put(person));
        Self {
            channel: Arc::new(channel),
            members: RwLock::new(members),
            refreshing: tokio::sync::Mutex::default(),
            current_at: AtomicU64::new(epoch),
        }
    }

    pub fn members(&self) -> RwLockReadGuard<'_, Members> {
        // Poisoned only by a panic between two map operations; the worst is a member found twice.
        self.members.read().unwrap_or_else(|e| e.into_inner())
    }

    /// Takes over what is now true of these users: `None` = no member. False when it should rather be built anew.
    pub fn refresh(&self, epoch: u64, users: Vec<(String, Option<identity::Mentionable>)>) -> bool {
        let mut members = self.members.write().unwrap_or_else(|e| e.into_inner());
        for (user_id, person) in users {
            members.remove(&user_id);
            if let Some(person) = person {
                members.put(person);
            }
        }
        self.holds_at(epoch);
        members.slots.len() - members.len() <= HOLES_MAX
    }

    pub fn epoch(&self) -> u64 {
        self.current_at.load(Ordering::Relaxed)
    }

    /// It was found to hold at this epoch.
    pub fn holds_at(&self, epoch: u64) {
        self.current_at.fetch_max(epoch, Ordering::Relaxed);
    }

    /// What a change means for it. Of people it does not hold, a change of profile means nothing.
    pub fn concern<'a>(&self, change: &'a Change) -> Concern<'a> {
        match change {
            Change::User(user) if self.members().knows(user) => Concern::User(user),
            Change::Member { channel_id, user_id } if *channel_id == self.channel.id => Concern::User(user_id),
            Change::Channel(channel) if *channel == self.channel.id => Concern::Whole,
            Change::Everything => Concern::Whole,
            _ => Concern::None,
        }
    }
}

impl Members {
    fn put(&mut self, person: identity::Mentionable) {
        if person.delete_at > 0 {
            self.inactive.insert(person.user_id);
            return;
        }
        let number = self.slots.len() as u32;
        let notify = |key: &str| person.notify_props.get(key).map(String::as_str).unwrap_or_default();
        let mentionable = Mentionable {
            username: &person.username,
            first_name: &person.first_name,
            mention_keys: notify("mention_keys"),
            by_first_name: notify("first_name") == "true",
            by_channel: notify("channel") == "true",
        };
        self.keywords.insert(number, mentionable);
        if notify("push") == "all" {
            self.listeners.insert(number);
        }
        self.numbers.insert(person.user_id.clone(), number);
        self.slots.push(Some(Member {
            comments: comments(&person.notify_props),
            automatic_reply: automatic_reply(&person.notify_props),
            user_id: person.user_id,
            username: person.username,
        }));
    }

    fn remove(&mut self, user_id: &str) {
        self.inactive.remove(user_id);
        let number = self.numbers.remove(user_id);
        if let Some(number) = number {
            self.listeners.remove(&number);
        }
        if let Some(number) = number
            && let Some(slot) = self.slots.get_mut(number as usize)
        {
            *slot = None;
        }
    }

    fn knows(&self, user_id: &str) -> bool {
        self.numbers.contains_key(user_id) || self.inactive.contains(user_id)
    }

    /// Whether somebody wants a push for every post.
    pub fn are_listening(&self) -> bool {
        !self.listeners.is_empty()
    }

    /// Who wants a push for every post.
    pub fn listeners(&self) -> Vec<String> {
        self.listeners.iter().filter_map(|n| self.user_id(*n)).map(str::to_owned).collect()
    }

    /// Active members.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Member> {
        self.slots.iter().flatten()
    }

    /// An active member.
    pub fn get(&self, user_id: &str) -> Option<&Member> {
        self.slots.get(*self.numbers.get(user_id)? as usize)?.as_ref()
    }

    /// Whom a number stands for; nobody once he is no member.
    pub fn user_id(&self, number: u32) -> Option<&str> {
        self.slots.get(number as usize)?.as_ref().map(|m| m.user_id.as_str())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn person(name: &str, delete_at: i64) -> identity::Mentionable {
        identity::Mentionable { user_id: format!("id_{name}"), username: name.into(), delete_at, ..identity::Mentionable::default() }
    }

    fn found(index: &ChannelIndex, message: &str) -> Vec<String> {
        let members = index.members();
        let found = members.keywords.find(message);
        found.users.iter().filter_map(|n| members.user_id(*n)).map(str::to_owned).collect()
    }

    #[test]
    fn changes_of_single_members_are_taken_over() {
        let channel = Channel { id: "c".into(), ..Channel::default() };
        let index = ChannelIndex::new(0, channel, vec![person("ann", 0), person("bob", 0), person("old", 1)]);
        assert_eq!(found(&index, "@ann @bob @old"), ["id_ann", "id_bob"]);
        let changes = vec![
            ("id_ann".to_owned(), None),
            ("id_bob".to_owned(), Some(identity::Mentionable { username: "rob".into(), ..person("bob", 0) })),
            ("id_new".to_owned(), Some(person("new", 0))),
            ("id_old".to_owned(), Some(person("old", 0))),
        ];
        assert!(index.refresh(7, changes));
        assert_eq!(found(&index, "@ann @bob @rob @new @old"), ["id_bob", "id_new", "id_old"]);
        assert_eq!((index.members().len(), index.epoch()), (3, 7));
    }

    #[test]
    fn which_changes_concern_it() {
        let index = ChannelIndex::new(0, Channel { id: "c".into(), ..Channel::default() }, vec![person("ann", 0), person("old", 1)]);
        let member = |channel: &str| Change::Member { channel_id: channel.into(), user_id: "id_x".into() };
        for (change, concern) in [
            (Change::User("id_ann".into()), Concern::User("id_ann")),
            (Change::User("id_old".into()), Concern::User("id_old")),
            (Change::User("id_x".into()), Concern::None),
            (member("c"), Concern::User("id_x")),
            (member("d"), Concern::None),
            (Change::Channel("c".into()), Concern::Whole),
            (Change::Channel("d".into()), Concern::None),
            (Change::Everything, Concern::Whole),
        ] {
            assert_eq!(index.concern(&change), concern, "{change:?}");
        }
    }
}
