//! What changed lately, so that a cached value can tell whether it still holds. A change costs nothing per cached value.

use std::{
    collections::VecDeque,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

/// Changes kept; values not looked at for longer than these are loaded again.
const CHANGES_MAX: usize = 8_192;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A user's profile or settings.
    User(String),
    /// A channel or its memberships.
    Channel(String),
    /// Nobody knows what.
    Everything,
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

    /// The present epoch if no change since `epoch` concerns the value; `None` = load it again.
    pub fn still_current(&self, epoch: u64, concerns: impl Fn(&Change) -> bool) -> Option<u64> {
        if self.epoch() == epoch {
            return Some(epoch);
        }
        let changes = self.changes.lock().unwrap_or_else(|e| e.into_inner());
        let now = self.epoch();
        let missed = usize::try_from(now - epoch).unwrap_or(usize::MAX);
        if missed > changes.len() {
            return None;
        }
        let touched = changes.range(changes.len() - missed..).any(|c| *c == Change::Everything || concerns(c));
        (!touched).then_some(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_changes_that_concern_a_value_end_it() {
        let log = ChangeLog::default();
        let bob = |c: &Change| *c == Change::User("bob".into());
        let start = log.epoch();
        log.note(Change::User("ann".into()));
        let later = log.still_current(start, bob).expect("ann is not bob");
        log.note(Change::User("bob".into()));
        assert_eq!(log.still_current(later, bob), None);
        let after = log.epoch();
        assert_eq!(log.still_current(after, bob), Some(after));
        log.note(Change::Everything);
        assert_eq!(log.still_current(after, |_| false), None);
    }

    #[test]
    fn what_was_forgotten_counts_as_changed() {
        let log = ChangeLog::default();
        let start = log.epoch();
        for _ in 0..=CHANGES_MAX {
            log.note(Change::Channel("c".into()));
        }
        assert_eq!(log.still_current(start, |_| false), None);
    }
}
