//! Building announcements.

use muster_proto::event::{Audience, Batch, Broadcast, Frame, Item, audience::Scope, item::Kind};
use serde::Serialize;
use std::sync::OnceLock;

/// The process's way to tell the current trace context ("" = none).
static TRACEPARENT: OnceLock<fn() -> String> = OnceLock::new();

/// From now on announcements carry the trace context that `current` gives (W3C `traceparent`).
pub fn trace_with(current: fn() -> String) {
    let _ = TRACEPARENT.set(current);
}

/// A batch and the subject it goes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Announcement {
    pub subject: String,
    pub batch: Batch,
}

impl Announcement {
    /// `items` are delivered in order. The id makes a repetition recognisable.
    pub fn new(subject: String, items: Vec<Item>) -> Self {
        let (id, create_at) = (muster_domain::ids::new_id(), muster_domain::time::now_ms());
        let traceparent = TRACEPARENT.get().map(|current| current()).unwrap_or_default();
        Self { subject, batch: Batch { id, items, traceparent, create_at } }
    }

    /// Part of another trace than the current one.
    #[must_use]
    pub fn traced(mut self, traceparent: String) -> Self {
        self.batch.traceparent = traceparent;
        self
    }
}

/// Who gets a frame.
pub mod audience {
    use super::Audience;
    pub use muster_proto::event::audience::Scope;

    pub fn user(id: &str) -> Audience {
        Audience { scope: Some(Scope::UserId(id.to_owned())), ..Audience::default() }
    }

    pub fn channel(id: &str) -> Audience {
        Audience { scope: Some(Scope::ChannelId(id.to_owned())), ..Audience::default() }
    }

    pub fn team(id: &str) -> Audience {
        Audience { scope: Some(Scope::TeamId(id.to_owned())), ..Audience::default() }
    }

    pub fn everyone() -> Audience {
        Audience { scope: Some(Scope::Everyone(true)), ..Audience::default() }
    }
}

/// An event for `audience`, whose `broadcast` shows that audience; use the struct itself where the two differ.
pub fn frame<T: Serialize>(event: &str, data: &T, audience: Audience) -> Item {
    let mut broadcast = Broadcast { omit_users: audience.omit_users.clone(), ..Broadcast::default() };
    match &audience.scope {
        Some(Scope::UserId(id)) => broadcast.user_id = id.clone(),
        Some(Scope::ChannelId(id)) => broadcast.channel_id = id.clone(),
        Some(Scope::TeamId(id)) => broadcast.team_id = id.clone(),
        Some(Scope::Everyone(_)) | None => {}
    }
    // Event data are structs and maps of plain values: they always encode.
    let data = muster_proto::json::to_vec(data).unwrap_or_else(|_| b"{}".to_vec()).into();
    item(Kind::Frame(Frame { event: event.to_owned(), data, broadcast: Some(broadcast), audience: Some(audience) }))
}

pub fn item(kind: Kind) -> Item {
    Item { kind: Some(kind) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broadcast_shows_the_audience() {
        let Some(Kind::Frame(f)) = frame("typing", &serde_json::json!({"a": 1}), audience::channel("c")).kind else {
            panic!("a frame");
        };
        assert_eq!(f.broadcast.expect("broadcast").channel_id, "c");
        assert_eq!(&f.data[..], br#"{"a":1}"#);
    }
}
