//! What is announced about teams: to everyone on the server, without what only its administrators see.

use crate::events::nested;
use muster_events::{Announcement, audience, everyone_subject, frame};
use muster_proto::model::Team;
use serde::Serialize;

#[derive(Serialize)]
struct TeamData {
    team: String,
}

pub fn updated(team: &Team) -> Announcement {
    announce("update_team", team)
}

pub fn deleted(team: &Team) -> Announcement {
    announce("delete_team", team)
}

fn announce(event: &str, team: &Team) -> Announcement {
    let shown = super::rules::with_invite_id(Team { email: String::new(), allowed_domains: String::new(), ..team.clone() });
    Announcement::new(everyone_subject(), vec![frame(event, &TeamData { team: nested(&shown) }, audience::everyone())])
}
