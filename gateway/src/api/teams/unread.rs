//! Unread messages and mentions by team.

use crate::{
    api::{ApiRoutes, channels::compose},
    error::ApiResult,
    extract::{Params, Session, TeamId, UserId},
    state::Gateway,
    wire::ApiJson,
};
use axum::extract::State;
use muster_domain::{channels::NOTIFY_MARK_UNREAD, permissions::Permission};
use muster_proto::{
    posts::ReadState,
    teams::{ChannelMembershipsOfUserRequest, TeamChannelMember},
};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

pub fn routes() -> ApiRoutes {
    ApiRoutes::new().get("/users/{user_id}/teams/unread", all).get("/users/{user_id}/teams/{team_id}/unread", one)
}

#[derive(Debug, Serialize, Default, PartialEq)]
struct TeamUnread {
    team_id: String,
    msg_count: i64,
    mention_count: i64,
}

/// "User" permission and `view_team`.
async fn one(
    State(gateway): State<Gateway>,
    session: Session,
    UserId(user_id): UserId,
    TeamId(team_id): TeamId,
) -> ApiResult<ApiJson<TeamUnread>> {
    gateway.access.user(&session, &user_id)?;
    gateway.access.team(&session, &team_id, Permission::ViewTeam).await?;
    let mut members = memberships(&gateway, &session, &user_id).await?;
    members.retain(|m| m.team_id == team_id);
    let sums = unread(&gateway, &session, &user_id, members).await?;
    Ok(ApiJson(sums.into_iter().next().unwrap_or(TeamUnread { team_id, ..TeamUnread::default() })))
}

/// Oneself, or `manage_system`. With `exclude_team` direct and group channels appear under the team "".
async fn all(
    State(gateway): State<Gateway>,
    session: Session,
    UserId(user_id): UserId,
    params: Params,
) -> ApiResult<ApiJson<Vec<TeamUnread>>> {
    if session.user_id != user_id {
        gateway.access.system(&session, Permission::ManageSystem)?;
    }
    let excluded = params.get("exclude_team");
    let mut members = memberships(&gateway, &session, &user_id).await?;
    members.retain(|m| if excluded.is_empty() { !m.team_id.is_empty() } else { m.team_id != excluded });
    Ok(ApiJson(unread(&gateway, &session, &user_id, members).await?))
}

async fn memberships(gateway: &Gateway, session: &Session, user_id: &str) -> ApiResult<Vec<TeamChannelMember>> {
    let request = ChannelMembershipsOfUserRequest { user_id: user_id.to_owned(), team_id: String::new() };
    Ok(gateway.clients.channel_members().by_team(session.call(request)).await?.into_inner().members)
}

async fn unread(gateway: &Gateway, session: &Session, user_id: &str, members: Vec<TeamChannelMember>) -> ApiResult<Vec<TeamUnread>> {
    let channels = members.iter().filter_map(|m| m.member.as_ref()).map(|m| m.channel_id.clone()).collect();
    let states = compose::read_states(gateway, session, channels, vec![user_id.to_owned()]).await?;
    Ok(sum(&members, &states))
}

/// One row per team. A channel that marks unread on mentions only counts no messages.
fn sum(members: &[TeamChannelMember], states: &[ReadState]) -> Vec<TeamUnread> {
    let states: HashMap<&str, &ReadState> = states.iter().map(|s| (s.channel_id.as_str(), s)).collect();
    let mut teams: BTreeMap<&str, TeamUnread> = BTreeMap::new();
    for TeamChannelMember { team_id, member } in members {
        let sums = teams.entry(team_id).or_insert_with(|| TeamUnread { team_id: team_id.clone(), ..TeamUnread::default() });
        let Some(member) = member else { continue };
        let Some(state) = states.get(member.channel_id.as_str()) else { continue };
        sums.mention_count += state.mention_count;
        if member.notify_props.get(NOTIFY_MARK_UNREAD).is_none_or(|level| level != "mention") {
            sums.msg_count += (state.total_msg_count - state.msg_count).max(0);
        }
    }
    teams.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_proto::model::ChannelMember;

    #[test]
    fn muted_channels_count_mentions_only() {
        let member = |team: &str, channel: &str, level: &str| TeamChannelMember {
            team_id: team.into(),
            member: Some(ChannelMember {
                channel_id: channel.into(),
                notify_props: BTreeMap::from([("mark_unread".into(), level.into())]),
                ..ChannelMember::default()
            }),
        };
        let state = |channel: &str, total, read, mentions| ReadState {
            channel_id: channel.into(),
            total_msg_count: total,
            msg_count: read,
            mention_count: mentions,
            ..ReadState::default()
        };
        let sums = sum(
            &[member("t", "a", "all"), member("t", "b", "mention"), member("s", "c", "all")],
            &[state("a", 5, 2, 1), state("b", 9, 0, 2), state("c", 1, 4, 0)],
        );
        let row = |team: &str, msg_count, mention_count| TeamUnread { team_id: team.into(), msg_count, mention_count };
        assert_eq!(sums, [row("s", 0, 0), row("t", 3, 3)]);
    }
}
