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

/// A frame that reads as one to the channel, delivered to one user only.
pub fn channel_frame_for_user<T: Serialize>(event: &str, data: &T, channel_id: &str, user_id: &str) -> Item {
    shown_as(event, data, to_channel(channel_id), audience::user(user_id))
}

/// A frame to the channel that one of its members gets elsewhere, which the frame does not show.
pub fn channel_frame_without<T: Serialize>(event: &str, data: &T, channel_id: &str, user_id: &str) -> Item {
    shown_as(event, data, to_channel(channel_id), without(audience::channel(channel_id), user_id))
}

/// A frame that reads as one to the team, delivered to one user only.
pub fn team_frame_for_user<T: Serialize>(event: &str, data: &T, team_id: &str, user_id: &str) -> Item {
    shown_as(event, data, to_team(team_id), audience::user(user_id))
}

/// A frame to the team that one of its members gets elsewhere, which the frame does not show.
pub fn team_frame_without<T: Serialize>(event: &str, data: &T, team_id: &str, user_id: &str) -> Item {
    shown_as(event, data, to_team(team_id), without(audience::team(team_id), user_id))
}

fn to_channel(channel_id: &str) -> Broadcast {
    Broadcast { channel_id: channel_id.to_owned(), ..Broadcast::default() }
}

fn to_team(team_id: &str) -> Broadcast {
    Broadcast { team_id: team_id.to_owned(), ..Broadcast::default() }
}

fn without(audience: Audience, user_id: &str) -> Audience {
    Audience { omit_users: vec![user_id.to_owned()], ..audience }
}

fn shown_as<T: Serialize>(event: &str, data: &T, broadcast: Broadcast, to: Audience) -> Item {
    // Structs of strings always encode.
    let data = json::to_vec(data).unwrap_or_else(|_| b"{}".to_vec()).into();
    item(Kind::Frame(Frame { event: event.to_owned(), data, broadcast: Some(broadcast), audience: Some(to) }))
}

/// An entity as event data carry it: JSON in a string.
pub fn nested<T: Serialize>(entity: &T) -> String {
    json::to_string(entity).unwrap_or_else(|_| "{}".to_owned())
}
