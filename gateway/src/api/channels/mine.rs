//! A user's channels and memberships of a team, and what is unread in one channel.

use super::compose;
use crate::{
    api::ApiRoutes,
    channel_lists::Listed,
    error::ApiResult,
    extract::{ChannelId, IfNoneMatch, Session, TeamId, UserId},
    state::Gateway,
    version::SERVER_VERSION,
    wire::{ApiJson, NotModifiedOr, RawJson},
};
use axum::extract::State;
use muster_domain::{channels::NOTIFY_MARK_UNREAD, permissions::Permission};
use muster_error::ErrorId;
use muster_proto::{
    model::ChannelMember,
    teams::{ChannelMemberKey, ChannelMembershipsOfUserRequest},
};
use serde::Serialize;

pub fn routes() -> ApiRoutes {
    ApiRoutes::new()
        .get("/users/{user_id}/teams/{team_id}/channels/members", memberships)
        .get("/users/{user_id}/teams/{team_id}/channels", channels)
        .get("/users/{user_id}/channels/{channel_id}/unread", unread)
}

/// "User" permission and `view_team`: live channels of the team and all direct and group ones, by display name. Answers
/// `Vec<Channel>`.
async fn channels(
    State(gateway): State<Gateway>,
    session: Session,
    UserId(user_id): UserId,
    TeamId(team_id): TeamId,
    if_none_match: IfNoneMatch,
) -> ApiResult<NotModifiedOr<RawJson>> {
    gateway.access.user(&session, &user_id)?;
    gateway.access.team(&session, &team_id, Permission::ViewTeam).await?;
    let list = gateway.channel_lists.of(&session, &user_id, &team_id).await?;
    if list.channels.is_empty() {
        return Err(ErrorId::ChannelsNotFoundForUser.into());
    }
    let known = gateway.activities.of(list.channels.iter().map(|c| c.id.clone()).collect()).await?;
    let activity = |channel: &Listed| known.get(channel.id.as_str()).copied().unwrap_or_default();
    let moved = list.channels.iter().map(|c| (c.id.as_str(), c.update_at.max(activity(c).last_post_at)));
    let etag = etag(moved);
    Ok(NotModifiedOr::new(if_none_match.as_deref(), etag, || RawJson(list.json(activity).into())))
}

/// Version, id and time (ms) of the channel that moved last, and how many there are.
fn etag<'a>(channels: impl ExactSizeIterator<Item = (&'a str, i64)>) -> String {
    let count = channels.len();
    let (id, time) = channels.max_by_key(|(_, moved)| *moved).unwrap_or(("0", 0));
    format!("{SERVER_VERSION}.{id}.{time}.0.{count}")
}

/// Oneself with `view_team`, or `manage_system`.
async fn memberships(
    State(gateway): State<Gateway>,
    session: Session,
    UserId(user_id): UserId,
    TeamId(team_id): TeamId,
) -> ApiResult<ApiJson<Vec<ChannelMember>>> {
    gateway.access.team(&session, &team_id, Permission::ViewTeam).await?;
    if session.user_id != user_id {
        gateway.access.system(&session, Permission::ManageSystem)?;
    }
    let request = ChannelMembershipsOfUserRequest { user_id, team_id };
    let members = gateway.clients.channel_members().of_user(session.call(request)).await?.into_inner().members;
    Ok(ApiJson(compose::members(&gateway, &session, members).await?))
}

#[derive(Serialize)]
struct ChannelUnread {
    team_id: String,
    channel_id: String,
    msg_count: i64,
    mention_count: i64,
}

/// "User" permission and `read_channel`; 404 when the user is not in it or it is archived.
async fn unread(
    State(gateway): State<Gateway>,
    session: Session,
    UserId(user_id): UserId,
    ChannelId(channel_id): ChannelId,
) -> ApiResult<ApiJson<ChannelUnread>> {
    gateway.access.user(&session, &user_id)?;
    let grant = gateway.access.channel(&session, &channel_id, Permission::ReadChannel).await?;
    if grant.channel.delete_at > 0 {
        return Err(ErrorId::ChannelMemberNotFound.into());
    }
    let mut members = gateway.clients.channel_members();
    let key = ChannelMemberKey { channel_id: channel_id.clone(), user_id: user_id.clone() };
    let (member, states) =
        tokio::join!(members.get(session.call(key)), compose::read_states(&gateway, &session, vec![channel_id.clone()], vec![user_id]));
    let (member, state) = (member?.into_inner(), states?.into_iter().next().unwrap_or_default());
    let muted = member.notify_props.get(NOTIFY_MARK_UNREAD).is_some_and(|level| level == "mention");
    let msg_count = if muted { 0 } else { (state.total_msg_count - state.msg_count).max(0) };
    Ok(ApiJson(ChannelUnread { team_id: grant.channel.team_id.clone(), channel_id, msg_count, mention_count: state.mention_count }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_etag_names_the_newest_channel() {
        assert_eq!(etag([("a", 5), ("b", 9)].into_iter()), "4.10.0.b.9.0.2");
    }
}
