//! Pieces of announcements that teams and channels share.

use muster_events::{Audience, Broadcast, Frame, Item, MembershipChange, audience, item, item::Kind};
use muster_proto::json;
use serde::Serialize;

/// The user is from now on, or no longer, in the team.
pub fn team_membership(team_id: &str, user_id: &str, joined: bool) -> Item {
    let change = MembershipChange { user_id: user_id.to_owned(), team_id: team_id.to_owned(), channel_id: String::new(), joined };
    item(Kind::Membership(change))
}

/// The user is from now on, or no longer, in the channel.
pub fn channel_membership(channel_id: &str, user_id: &str, joined: bool) -> Item {
    let change = MembershipChange { user_id: user_id.to_owned(), team_id: String::new(), channel_id: channel_id.to_owned(), joined };
    item(Kind::Membership(change))
}

/// A frame that reads as one to the channel, delivered to one of its members only.
pub fn channel_frame_for_user<T: Serialize>(event: &str, data: &T, channel_id: &str, user_id: &str) -> Item {
    channel_frame(event, data, channel_id, audience::user(user_id))
}

/// A frame to the channel that these members get elsewhere, which the frame does not show.
pub fn channel_frame_without<T: Serialize>(event: &str, data: &T, channel_id: &str, users: Vec<String>) -> Item {
    channel_frame(event, data, channel_id, Audience { omit_users: users, ..audience::channel(channel_id) })
}

fn channel_frame<T: Serialize>(event: &str, data: &T, channel_id: &str, to: Audience) -> Item {
    let broadcast = Broadcast { channel_id: channel_id.to_owned(), ..Broadcast::default() };
    // Structs of strings always encode.
    let data = json::to_vec(data).unwrap_or_else(|_| b"{}".to_vec()).into();
    item(Kind::Frame(Frame { event: event.to_owned(), data, broadcast: Some(broadcast), audience: Some(to) }))
}

/// An entity as event data carry it: JSON in a string.
pub fn nested<T: Serialize>(entity: &T) -> String {
    json::to_string(entity).unwrap_or_else(|_| "{}".to_owned())
}
