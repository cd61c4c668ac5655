//! What is announced about channel memberships.

use crate::events::{channel_frame_for_user, channel_frame_without, channel_membership, nested};
use muster_events::{Announcement, audience, channel_subject, frame, user_subject};
use muster_proto::model::{Channel, ChannelMember};
use serde::Serialize;

#[derive(Serialize)]
struct Added<'a> {
    team_id: &'a str,
    user_id: &'a str,
}

#[derive(Serialize)]
struct Removed<'a> {
    remover_id: &'a str,
    user_id: &'a str,
}

#[derive(Serialize)]
struct RemovedYou<'a> {
    channel_id: &'a str,
    remover_id: &'a str,
}

#[derive(Serialize)]
struct Viewed<'a> {
    channel_id: &'a str,
}

#[derive(Serialize)]
struct MemberData {
    #[serde(rename = "channelMember")]
    channel_member: String,
}

/// The newcomer hears it on his own subject, since his gateways only now begin to listen to the channel's.
pub fn joined(channel: &Channel, user_id: &str) -> [Announcement; 2] {
    let data = Added { team_id: &channel.team_id, user_id };
    let own = vec![channel_membership(&channel.id, user_id, true), channel_frame_for_user("user_added", &data, &channel.id, user_id)];
    let others = vec![channel_frame_without("user_added", &data, &channel.id, user_id)];
    [Announcement::new(user_subject(user_id), own), Announcement::new(channel_subject(&channel.id), others)]
}

/// Those who remain get one form, the one who is gone the other.
pub fn left(channel_id: &str, user_id: &str, remover_id: &str) -> [Announcement; 2] {
    let others = frame("user_removed", &Removed { remover_id, user_id }, audience::channel(channel_id));
    let own = frame("user_removed", &RemovedYou { channel_id, remover_id }, audience::user(user_id));
    let gone = || channel_membership(channel_id, user_id, false);
    [Announcement::new(channel_subject(channel_id), vec![gone(), others]), Announcement::new(user_subject(user_id), vec![gone(), own])]
}

/// To the other clients of someone who has just read the channel by joining it or adding to it.
pub fn viewed(channel_id: &str, user_id: &str) -> Announcement {
    Announcement::new(user_subject(user_id), vec![frame("channel_viewed", &Viewed { channel_id }, audience::user(user_id))])
}

pub fn updated(member: &ChannelMember) -> Announcement {
    let data = MemberData { channel_member: nested(member) };
    Announcement::new(user_subject(&member.user_id), vec![frame("channel_member_updated", &data, audience::user(&member.user_id))])
}
