//! A post on its way into the store.

use crate::calls::{Call, CallKind};
use muster_proto::model::{Channel, Post};
use std::sync::Arc;

/// Everything known of a post before it is written, so that writing asks nobody.
#[derive(Debug, Default)]
pub struct Draft {
    /// With its id; `create_at` 0 = the moment of writing.
    pub post: Post,
    pub key: Option<Key>,
    /// Structure of the channel; the team, type and names are used.
    pub channel: Arc<Channel>,
    /// What `posted` shows as the author's name.
    pub sender_name: String,
    /// Ids of the members it mentions, sorted, without repeats.
    pub mentions: Vec<String>,
    /// Raises the channel's `total_msg_count`.
    pub counts: bool,
    /// The author has read everything up to it.
    pub read_by_author: bool,
    /// The author's other devices are told so.
    pub announce_read: bool,
    /// One of its files is a picture.
    pub has_image: bool,
    /// Channel-wide mentions (`@here`, …) that were used where there are too many members for them.
    pub disabled_mentions: Vec<&'static str>,
    /// The limit that disabled them.
    pub mention_limit: i64,
    /// What other services have to do for it.
    pub calls: Vec<Call>,
    /// Trace context of the request ("" = none): the commit and the event belong to it.
    pub traceparent: String,
}

impl Draft {
    /// Its event goes out only when its files are bound: who hears of it asks for them at once.
    pub fn waits_for_files(&self) -> bool {
        self.calls.iter().any(|call| call.kind == CallKind::BindFiles)
    }
}

/// What makes a repetition recognisable.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The author, or "" for effects of other services.
    pub scope: String,
    /// `pending_post_id`, or the effect's id.
    pub name: String,
}
