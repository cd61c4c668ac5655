//! What changed lately, so that a cached value can tell whether it still holds. A change costs nothing per cached value.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

/// Changes kept; values not looked at for longer than these are loaded again.
const CHANGES_MAX: usize = 8_192;
/// Users whose changes are taken over one by one; more, and the value is loaded again.
const USERS_MAX: usize = 32;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A user's profile or settings.
    User(String),
    /// One membership of a channel.
    Member { channel_id: String, user_id: String },
    /// A channel's structure, or all its memberships.
    Channel(String),
    /// Nobody knows what.
    Everything,
}

/// What a change means for a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Concern<'a> {
    None,
    /// What the value says of this user.
    User(&'a str),
    Whole,
}

/// How a value stands, as of an epoch.
#[derive(Debug, PartialEq, Eq)]
pub enum Freshness {
    Current(u64),
    /// Current but for these users.
    Users(u64, Vec<String>),
    Stale,
}

#[derive(Default)]
pub struct ChangeLog {
    /// Number of changes so far.
    epoch: AtomicU64,
    /// The newest ones; the last has number `epoch`.
    changes: Mutex<VecDeque<Change>>,
}

impl ChangeLog {
    /// To be read before a value is loaded.
    pub fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    pub fn note(&self, change: Change) {
        // A poisoned lock would mean a panic between two queue operations; the queue is still whole.
        let mut changes = self.changes.lock().unwrap_or_else(|e| e.into_inner());
        if changes.len() == CHANGES_MAX {
            changes.pop_front();
        }
        changes.push_back(change);
        self.epoch.fetch_add(1, Ordering::Release);
    }

    /// How a value stands that was current at `epoch`.
    pub fn freshness(&self, epoch: u64, concern: impl for<'a> Fn(&'a Change) -> Concern<'a>) -> Freshness {
        if self.epoch() == epoch {
            return Freshness::Current(epoch);
        }
        let changes = self.changes.lock().unwrap_or_else(|e| e.into_inner());
        let now = self.epoch();
        let missed = usize::try_from(now - epoch).unwrap_or(usize::MAX);
        if missed > changes.len() {
            return Freshness::Stale;
        }
        let mut users = BTreeSet::new();
        for change in changes.range(changes.len() - missed..) {
            match concern(change) {
                Concern::None => {}
                Concern::User(user) => {
                    users.insert(user);
                }
                Concern::Whole => return Freshness::Stale,
            }
        }
        match users.len() {
            0 => Freshness::Current(now),
            1..=USERS_MAX => Freshness::Users(now, users.into_iter().map(str::to_owned).collect()),
            _ => Freshness::Stale,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A value that holds bob.
    fn bob(change: &Change) -> Concern<'_> {
        match change {
            Change::User(user) if user == "bob" => Concern::User(user),
            Change::Everything => Concern::Whole,
            _ => Concern::None,
        }
    }

    #[test]
    fn only_changes_that_concern_a_value_touch_it() {
        let log = ChangeLog::default();
        let start = log.epoch();
        log.note(Change::User("ann".into()));
        assert_eq!(log.freshness(start, bob), Freshness::Current(1));
        log.note(Change::User("bob".into()));
        log.note(Change::User("bob".into()));
        assert_eq!(log.freshness(1, bob), Freshness::Users(3, vec!["bob".into()]));
        assert_eq!(log.freshness(log.epoch(), bob), Freshness::Current(3));
        log.note(Change::Everything);
        assert_eq!(log.freshness(3, bob), Freshness::Stale);
    }

    #[test]
    fn too_much_makes_stale() {
        let log = ChangeLog::default();
        let start = log.epoch();
        for n in 0..=USERS_MAX {
            log.note(Change::User(n.to_string()));
        }
        assert_eq!(log.freshness(start, any), Freshness::Stale);
        assert!(matches!(log.freshness(start + 1, any), Freshness::Users(..)));
        for _ in 0..CHANGES_MAX {
            log.note(Change::Channel("c".into()));
        }
        assert_eq!(log.freshness(start, bob), Freshness::Stale, "what was forgotten counts as changed");
    }

    fn any(change: &Change) -> Concern<'_> {
        if let Change::User(user) = change { Concern::User(user) } else { Concern::None }
    }
}
