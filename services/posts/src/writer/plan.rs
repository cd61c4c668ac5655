//! What one commit writes, gathered from its posts. Pure.

use crate::{draft::Draft, posts::events};
use muster_error::AppError;
use muster_events::{Announcement, Encoded, channel_subject};
use muster_proto::event::Item;
use std::collections::BTreeMap;

/// Rows in the order in which they are to be locked.
pub struct Plan<'a> {
    pub drafts: Vec<&'a Draft>,
    /// By channel id.
    pub activity: BTreeMap<&'a str, ActivityDelta<'a>>,
    /// By channel and user id.
    pub reads: BTreeMap<(&'a str, &'a str), ReadDelta>,
    /// Root id to the newest reply's time.
    pub roots: BTreeMap<&'a str, i64>,
    pub announcements: Vec<Encoded>,
    /// Tells whether a commit of unknown outcome went through.
    pub first_id: String,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub struct ActivityDelta<'a> {
    pub team_id: &'a str,
    pub last_post_at: i64,
    pub counted: i64,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub struct ReadDelta {
    /// The user posted: what came before is read.
    pub own: bool,
    /// Counted posts after the user's last own one.
    pub behind: i64,
    /// Time of the newest post up to the user's last own one; `i64::MAX` when nothing came after it. What came after in
    /// the same batch is not yet viewed.
    pub viewed_at: i64,
    /// Mentions (after the user's last own post, if any).
    pub mentions: i64,
}

impl<'a> Plan<'a> {
    pub fn of(drafts: impl Iterator<Item = &'a Draft>) -> Result<Self, AppError> {
        let drafts: Vec<&Draft> = drafts.collect();
        let mut activity: BTreeMap<&str, ActivityDelta> = BTreeMap::new();
        let mut reads: BTreeMap<(&str, &str), ReadDelta> = BTreeMap::new();
        let mut roots: BTreeMap<&str, i64> = BTreeMap::new();
        // In the order of first occurrence: one batch of frames per channel.
        let mut frames: Vec<(&str, Vec<Item>)> = Vec::new();
        for &draft in &drafts {
            let post = &draft.post;
            let channel = post.channel_id.as_str();
            let moved = activity.entry(channel).or_default();
            moved.team_id = &draft.channel.team_id;
            moved.last_post_at = moved.last_post_at.max(post.create_at);
            moved.counted += i64::from(draft.counts);
            if draft.read_by_author {
                let own = reads.entry((channel, &post.user_id)).or_default();
                // Until the end, `behind` holds how many were counted up to here.
                *own = ReadDelta { own: true, behind: moved.counted, viewed_at: moved.last_post_at, mentions: 0 };
            }
            for user in &draft.mentions {
                reads.entry((channel, user)).or_default().mentions += 1;
            }
            if !post.root_id.is_empty() {
                let newest = roots.entry(&post.root_id).or_default();
                *newest = (*newest).max(post.create_at);
            }
            let items = match frames.iter_mut().find(|(id, _)| *id == channel) {
                Some((_, items)) => items,
                None => {
                    frames.push((channel, Vec::with_capacity(4)));
                    let last = frames.len() - 1;
                    &mut frames[last].1
                }
            };
            events::posted(draft, items)?;
        }
        for ((channel, _), read) in &mut reads {
            if let Some(moved) = activity.get(channel).filter(|_| read.own) {
                read.behind = moved.counted - read.behind;
                if read.viewed_at == moved.last_post_at {
                    read.viewed_at = i64::MAX;
                }
            }
        }
        // Requests that share a batch share its event: the first of the channel stands for all.
        let trace = |channel: &str| drafts.iter().find(|d| d.post.channel_id == channel).map(|d| d.traceparent.clone()).unwrap_or_default();
        let announcements = frames
            .into_iter()
            .map(|(channel, items)| Announcement::new(channel_subject(channel), items).traced(trace(channel)).into())
            .collect();
        let first_id = drafts.first().map(|d| d.post.id.clone()).unwrap_or_default();
        Ok(Self { drafts, activity, reads, roots, announcements, first_id })
    }

    /// The trace the commit is shown in: that of its first post.
    pub fn traceparent(&self) -> &str {
        self.drafts.first().map(|d| d.traceparent.as_str()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_proto::model::Post;

    fn draft(author: &str, at: i64, mentions: &[&str]) -> Draft {
        Draft {
            post: Post { id: format!("p{at}"), create_at: at, user_id: author.into(), channel_id: "c".into(), ..Post::default() },
            mentions: mentions.iter().map(|m| (*m).to_owned()).collect(),
            counts: true,
            read_by_author: true,
            ..Draft::default()
        }
    }

    #[test]
    fn own_posts_clear_what_came_before_and_nothing_after() {
        let drafts = [draft("a", 1, &["b"]), draft("b", 2, &["a"]), draft("c", 3, &["b", "d"])];
        let plan = Plan::of(drafts.iter()).expect("plan");
        assert_eq!(plan.reads[&("c", "a")], ReadDelta { own: true, behind: 2, viewed_at: 1, mentions: 1 });
        assert_eq!(plan.reads[&("c", "b")], ReadDelta { own: true, behind: 1, viewed_at: 2, mentions: 1 });
        assert_eq!(plan.reads[&("c", "c")], ReadDelta { own: true, behind: 0, viewed_at: i64::MAX, mentions: 0 });
        assert_eq!(plan.reads[&("c", "d")], ReadDelta { mentions: 1, ..ReadDelta::default() });
        assert_eq!(plan.activity["c"], ActivityDelta { team_id: "", last_post_at: 3, counted: 3 });
        assert_eq!(plan.announcements.len(), 1, "one batch of frames per channel");
    }

    #[test]
    fn posts_that_do_not_count_move_the_channel_only() {
        let quiet = Draft { counts: false, read_by_author: false, ..draft("a", 9, &[]) };
        let plan = Plan::of([&quiet].into_iter()).expect("plan");
        assert_eq!(plan.activity["c"], ActivityDelta { team_id: "", last_post_at: 9, counted: 0 });
        assert!(plan.reads.is_empty());
    }
}
