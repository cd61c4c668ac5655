//! Leaving a team or being removed: all its channels are left too.

use super::{events, store};
use crate::{
    channel_members, channels,
    effects::{Effect, Group, fact},
    system_posts, teams,
    writer::{Consequences, sql},
};
use muster_domain::{channels::TOWN_SQUARE, time::now_ms};
use muster_error::{AppError, ErrorId, Result};
use muster_proto::model::User;
use sqlx::PgConnection;

pub struct Leaving<'a> {
    pub team_id: &'a str,
    pub user: &'a User,
    pub by_himself: bool,
    /// `ExperimentalEnableDefaultChannelLeaveJoinMessages`.
    pub announce_in_default: bool,
}

/// Ends the membership. 400 for someone who never was a member; nothing happens for someone who left before.
pub async fn leave(conn: &mut PgConnection, leaving: &Leaving<'_>, consequences: &mut Consequences) -> Result<()> {
    let (team_id, user) = (leaving.team_id, leaving.user);
    let now = now_ms();
    // Team, membership, channels: everyone who takes several of these locks takes them in this order.
    teams::store::lock_members(conn, team_id).await.map_err(sql)?;
    match store::lock(conn, team_id, &[&user.id]).await.map_err(sql)?.first() {
        None => return Err(AppError::new(ErrorId::TeamMemberMissing)),
        Some(member) if member.delete_at > 0 => return Ok(()),
        Some(_) => store::end(conn, team_id, &user.id, now).await.map_err(sql)?,
    }
    teams::store::add_to_member_count(conn, team_id, -1).await.map_err(sql)?;
    let left = channel_members::store::delete_of_team(conn, team_id, &user.id).await.map_err(sql)?;
    let ids: Vec<&str> = left.iter().map(String::as_str).collect();
    channels::store::touch_members(conn, &ids, now).await.map_err(sql)?;
    let town_square = channels::store::by_names(conn, team_id, &[TOWN_SQUARE]).await.map_err(sql)?.pop();

    consequences.stale_team_member(team_id, &user.id);
    for channel_id in &left {
        consequences.stale_member(channel_id, &user.id);
    }
    for announcement in events::left(team_id, &left, &user.id) {
        consequences.announce(announcement);
    }
    let facts = left.iter().map(|id| fact(Group::Channel, id, &user.id, false)).chain([fact(Group::Team, team_id, &user.id, false)]);
    consequences.effect(Effect::memberships(team_id, facts.collect()));
    consequences.effect(Effect::forget_team_preferences(team_id, &user.id));
    if let Some(channel) = town_square.filter(|_| leaving.announce_in_default) {
        let post = if leaving.by_himself {
            system_posts::left_team(&channel.id, user)
        } else {
            system_posts::removed_from_team(&channel.id, user)
        };
        consequences.effect(Effect::system_post(post));
    }
    for channel_id in &left {
        consequences.effect(Effect::forget_read_state(channel_id, &user.id));
    }
    Ok(())
}
