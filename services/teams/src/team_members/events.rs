//! What is announced about team memberships.

use crate::events::{channel_membership, nested, team_frame_for_user, team_frame_without, team_membership};
use muster_events::{Announcement, audience, channel_subject, frame, team_subject, user_subject};
use muster_proto::model::{Channel, TeamMember};
use serde::Serialize;

#[derive(Serialize)]
struct Membership<'a> {
    team_id: &'a str,
    user_id: &'a str,
}

#[derive(Serialize)]
struct MemberData {
    member: String,
}

/// To the newcomer: he is in the team and its default channels, and is told so.
pub fn joined(team_id: &str, channels: &[Channel], user_id: &str, times: usize) -> Announcement {
    let mut items = vec![team_membership(team_id, user_id, true)];
    items.extend(channels.iter().map(|c| channel_membership(&c.id, user_id, true)));
    let Announcement { subject, mut batch } = added_again(team_id, user_id, times);
    items.append(&mut batch.items);
    Announcement::new(subject, items)
}

/// To someone who was a member already.
pub fn added_again(team_id: &str, user_id: &str, times: usize) -> Announcement {
    let data = Membership { team_id, user_id };
    let items = (0..times).map(|_| frame("added_to_team", &data, audience::user(user_id))).collect();
    Announcement::new(user_subject(user_id), items)
}

/// The leaver hears it on his own subject, since what arrives on two subjects knows no order; then he is out of everything.
pub fn left(team_id: &str, channel_ids: &[String], user_id: &str) -> Vec<Announcement> {
    let data = Membership { team_id, user_id };
    let gone = || team_membership(team_id, user_id, false);
    let mut own = vec![team_frame_for_user("leave_team", &data, team_id, user_id), gone()];
    own.extend(channel_ids.iter().map(|id| channel_membership(id, user_id, false)));
    let others = vec![team_frame_without("leave_team", &data, team_id, user_id), gone()];
    let mut announcements = vec![Announcement::new(user_subject(user_id), own), Announcement::new(team_subject(team_id), others)];
    for id in channel_ids {
        announcements.push(Announcement::new(channel_subject(id), vec![channel_membership(id, user_id, false)]));
    }
    announcements
}

pub fn roles_updated(member: &TeamMember) -> Announcement {
    let data = MemberData { member: nested(member) };
    Announcement::new(user_subject(&member.user_id), vec![frame("memberrole_updated", &data, audience::user(&member.user_id))])
}
