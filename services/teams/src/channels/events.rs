//! What is announced about channels.

use crate::events::{channel_frame_for_user, channel_membership, nested};
use muster_events::{Announcement, audience, channel_subject, frame, team_subject, user_subject};
use muster_proto::model::Channel;
use serde::Serialize;

#[derive(Serialize)]
struct Created<'a> {
    channel_id: &'a str,
    team_id: &'a str,
}

#[derive(Serialize)]
struct Updated {
    channel: String,
}

#[derive(Serialize)]
struct Archived<'a> {
    channel_id: &'a str,
}

#[derive(Serialize)]
struct DirectAdded<'a> {
    teammate_id: &'a str,
}

#[derive(Serialize)]
struct GroupAdded {
    teammate_ids: String,
}

/// To the creator only, who is a member from now on.
pub fn created(channel: &Channel) -> Announcement {
    let user = channel.creator_id.as_str();
    let data = Created { channel_id: &channel.id, team_id: &channel.team_id };
    let items = vec![channel_membership(&channel.id, user, true), frame("channel_created", &data, audience::user(user))];
    Announcement::new(user_subject(user), items)
}

/// `activity`: last_post_at (ms) and total_msg_count, which are posts' but belong into what clients see.
pub fn updated(channel: &Channel, activity: (i64, i64)) -> Announcement {
    let shown = Channel { last_post_at: activity.0, total_msg_count: activity.1, ..channel.clone() };
    let data = Updated { channel: nested(&shown) };
    Announcement::new(channel_subject(&channel.id), vec![frame("channel_updated", &data, audience::channel(&channel.id))])
}

/// To the whole team, for private channels too.
pub fn archived(channel: &Channel) -> Announcement {
    let data = Archived { channel_id: &channel.id };
    Announcement::new(team_subject(&channel.team_id), vec![frame("channel_deleted", &data, audience::team(&channel.team_id))])
}

/// To one of the two; both get the second id of the request as teammate.
pub fn direct_added(channel: &Channel, user: &str, teammate_id: &str) -> Announcement {
    to_new_member(channel, user, "direct_added", &DirectAdded { teammate_id })
}

/// To one member; `members` sorted.
pub fn group_added(channel: &Channel, user: &str, members: &[&str]) -> Announcement {
    to_new_member(channel, user, "group_added", &GroupAdded { teammate_ids: nested(&members) })
}

fn to_new_member<T: Serialize>(channel: &Channel, user: &str, event: &str, data: &T) -> Announcement {
    let items = vec![channel_membership(&channel.id, user, true), channel_frame_for_user(event, data, &channel.id, user)];
    Announcement::new(user_subject(user), items)
}
