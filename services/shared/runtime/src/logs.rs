//! The newest log lines of this process, kept for `GET /logs`: one JSON object per line, as the original's log file.

use muster_domain::time::now_ms;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::{
    collections::VecDeque,
    fmt,
    sync::{LazyLock, Mutex},
};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{Layer, layer::Context};

/// Lines kept; older ones are dropped.
pub const KEPT: usize = 10_000;

static RECENT: LazyLock<Recent> = LazyLock::new(|| Recent(Mutex::new(VecDeque::new())));

struct Recent(Mutex<VecDeque<Line>>);

/// A line and when it was written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// ms
    pub at: i64,
    /// A JSON object.
    pub text: String,
}

impl Recent {
    fn push(&self, line: Line) {
        // A poisoned lock would mean a panic between two queue operations; the queue is still whole.
        let mut lines = self.0.lock().unwrap_or_else(|e| e.into_inner());
        if lines.len() == KEPT {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    fn newest(&self, count: usize, bytes: usize) -> Vec<Line> {
        let lines = self.0.lock().unwrap_or_else(|e| e.into_inner());
        let mut room = bytes;
        let mut newest: Vec<Line> = lines
            .iter()
            .rev()
            .take(count)
            .take_while(|line| {
                let fits = line.text.len() <= room;
                room = room.saturating_sub(line.text.len());
                fits
            })
            .cloned()
            .collect();
        newest.reverse();
        newest
    }
}

/// The newest `count` lines of this process, oldest first; fewer when they have more than `bytes` bytes.
pub fn newest(count: usize, bytes: usize) -> Vec<Line> {
    RECENT.newest(count, bytes)
}

/// The layer that keeps them.
pub struct RecentLines;

impl<S: Subscriber> Layer<S> for RecentLines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let (meta, at) = (event.metadata(), now_ms());
        let mut fields = Fields(Map::new());
        event.record(&mut fields);
        let mut line = Map::new();
        line.insert("level".into(), meta.level().as_str().to_lowercase().into());
        line.insert("ts".into(), json!(at as f64 / 1000.0));
        line.insert("caller".into(), format!("{}:{}", meta.file().unwrap_or(meta.target()), meta.line().unwrap_or(0)).into());
        line.insert("msg".into(), fields.0.remove("message").unwrap_or_else(|| "".into()));
        line.append(&mut fields.0);
        RECENT.push(Line { at, text: Value::Object(line).to_string() });
    }
}

struct Fields(Map<String, Value>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_lines_come_last_and_old_ones_are_dropped() {
        let recent = Recent(Mutex::new(VecDeque::new()));
        let texts = |lines: Vec<Line>| lines.into_iter().map(|line| line.text).collect::<Vec<_>>();
        for n in 0..KEPT + 5 {
            recent.push(Line { at: 0, text: (10_000 + n).to_string() });
        }
        assert_eq!(texts(recent.newest(2, 1000)), ["20003", "20004"]);
        assert_eq!(texts(recent.newest(2, 9)), ["20004"], "five bytes each");
        assert_eq!(recent.newest(usize::MAX, usize::MAX).len(), KEPT);
        assert!(recent.newest(0, 1000).is_empty());
    }
}
