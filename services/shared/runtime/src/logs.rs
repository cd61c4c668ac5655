//! The newest log lines of this process, kept for `GET /logs`: one JSON object per line, as the original's log file.

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
const KEPT: usize = 10_000;

static RECENT: LazyLock<Recent> = LazyLock::new(|| Recent(Mutex::new(VecDeque::new())));

struct Recent(Mutex<VecDeque<String>>);

impl Recent {
    fn push(&self, line: String) {
        // A poisoned lock would mean a panic between two queue operations; the queue is still whole.
        let mut lines = self.0.lock().unwrap_or_else(|e| e.into_inner());
        if lines.len() == KEPT {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    fn page(&self, page: usize, per_page: usize) -> Vec<String> {
        let lines = self.0.lock().unwrap_or_else(|e| e.into_inner());
        if per_page == 0 {
            return lines.iter().cloned().collect();
        }
        let end = lines.len().saturating_sub(page.saturating_mul(per_page));
        let start = end.saturating_sub(per_page);
        lines.range(start..end).cloned().collect()
    }
}

/// A page of the newest lines: page 0 ends with the newest, each page is oldest first. `per_page` 0 = everything.
pub fn page(page: usize, per_page: usize) -> Vec<String> {
    RECENT.page(page, per_page)
}

/// The layer that keeps them.
pub struct RecentLines;

impl<S: Subscriber> Layer<S> for RecentLines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let meta = event.metadata();
        let mut fields = Fields(Map::new());
        event.record(&mut fields);
        let mut line = Map::new();
        line.insert("level".into(), meta.level().as_str().to_lowercase().into());
        line.insert("ts".into(), json!(muster_domain::time::now_ms() as f64 / 1000.0));
        line.insert("caller".into(), format!("{}:{}", meta.file().unwrap_or(meta.target()), meta.line().unwrap_or(0)).into());
        line.insert("msg".into(), fields.0.remove("message").unwrap_or_else(|| "".into()));
        line.append(&mut fields.0);
        RECENT.push(Value::Object(line).to_string());
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
    fn pages_count_from_the_newest_line() {
        let recent = Recent(Mutex::new(VecDeque::new()));
        for n in 0..5 {
            recent.push(n.to_string());
        }
        assert_eq!(recent.page(0, 2), ["3", "4"]);
        assert_eq!(recent.page(1, 2), ["1", "2"]);
        assert_eq!(recent.page(2, 2), ["0"]);
        assert!(recent.page(3, 2).is_empty());
        assert_eq!(recent.page(0, 0).len(), 5);
        for n in 0..KEPT {
            recent.push(n.to_string());
        }
        assert_eq!(recent.page(0, 0).len(), KEPT);
    }
}
