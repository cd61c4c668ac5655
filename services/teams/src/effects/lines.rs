//! One delivery per key in this process: those who wait need no connection, and mostly find their effects delivered
//! by whoever went before.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

type Line = Arc<AsyncMutex<()>>;

#[derive(Clone, Default)]
pub struct Lines(Arc<Mutex<HashMap<String, Line>>>);

/// The turn of one delivery; dropping it lets the next one in.
pub struct Turn {
    lines: Lines,
    key: String,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Lines {
    fn map(&self) -> MutexGuard<'_, HashMap<String, Line>> {
        // A panic between two operations of the map leaves it whole.
        self.0.lock().unwrap_or_else(|e| e.into_inner())
    }

    pub async fn turn(&self, key: &str) -> Turn {
        let line = self.map().entry(key.to_owned()).or_default().clone();
        Turn { lines: self.clone(), key: key.to_owned(), guard: Some(line.lock_owned().await) }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.guard = None;
        let mut map = self.lines.map();
        // The map's own reference is the last one: nobody waits.
        if map.get(&self.key).is_some_and(|line| Arc::strong_count(line) == 1) {
            map.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_key_has_one_turn_at_a_time_and_leaves_nothing_behind() {
        let lines = Lines::default();
        let first = lines.turn("a").await;
        let other = lines.turn("b").await;
        let mut second = Box::pin(lines.turn("a"));
        assert!(futures_util::poll!(&mut second).is_pending());
        drop(first);
        drop(second.await);
        drop(other);
        assert!(lines.map().is_empty());
    }
}
