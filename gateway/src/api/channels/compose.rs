//! Channels and members as clients know them: structure and membership from teams, activity and read state from posts.

pub use crate::activity::Activity;
use crate::{error::ApiResult, extract::Session, state::Gateway};
use muster_proto::{
    model::{Channel, ChannelMember},
    posts::{ReadState, ReadStatesRequest},
};
use std::collections::HashMap;

impl Activity {
    /// The channel with this activity.
    pub fn on(self, channel: Channel) -> Channel {
        Channel { last_post_at: self.last_post_at, total_msg_count: self.total_msg_count, ..channel }
    }
}

/// The activity of one channel; none yet is 0.
pub async fn activity(gateway: &Gateway, channel_id: &str) -> ApiResult<Activity> {
    let known = gateway.activities.of(vec![channel_id.to_owned()]).await?;
    Ok(known.get(channel_id).copied().unwrap_or_default())
}

/// One channel with its activity.
pub async fn channel(gateway: &Gateway, channel: Channel) -> ApiResult<Channel> {
    Ok(activity(gateway, &channel.id).await?.on(channel))
}

/// Channels with their activity, in the same order, by one call.
pub async fn channels(gateway: &Gateway, channels: Vec<Channel>) -> ApiResult<Vec<Channel>> {
    let known = gateway.activities.of(channels.iter().map(|c| c.id.clone()).collect()).await?;
    Ok(channels.into_iter().map(|c| known.get(c.id.as_str()).copied().unwrap_or_default().on(c)).collect())
}

/// Read states of one user in many channels or of many users in one.
pub async fn read_states(
    gateway: &Gateway,
    session: &Session,
    channel_ids: Vec<String>,
    user_ids: Vec<String>,
) -> ApiResult<Vec<ReadState>> {
    if channel_ids.is_empty() || user_ids.is_empty() {
        return Ok(Vec::new());
    }
    let request = ReadStatesRequest { channel_ids, user_ids };
    Ok(gateway.clients.activity().read_states(session.call(request)).await?.into_inner().states)
}

/// One membership with its read state.
pub async fn member(gateway: &Gateway, session: &Session, member: ChannelMember) -> ApiResult<ChannelMember> {
    Ok(members(gateway, session, vec![member.clone()]).await?.pop().unwrap_or(member))
}

/// Memberships (of one user, or in one channel) with their read states, in the same order.
pub async fn members(gateway: &Gateway, session: &Session, members: Vec<ChannelMember>) -> ApiResult<Vec<ChannelMember>> {
    let distinct = |ids: Vec<&str>| ids.into_iter().collect::<std::collections::BTreeSet<_>>().into_iter().map(str::to_owned).collect();
    let channel_ids = distinct(members.iter().map(|m| m.channel_id.as_str()).collect());
    let user_ids = distinct(members.iter().map(|m| m.user_id.as_str()).collect());
    let states = read_states(gateway, session, channel_ids, user_ids).await?;
    Ok(join(members, states))
}

fn join(members: Vec<ChannelMember>, states: Vec<ReadState>) -> Vec<ChannelMember> {
    let states: HashMap<(&str, &str), &ReadState> = states.iter().map(|s| ((s.channel_id.as_str(), s.user_id.as_str()), s)).collect();
    members
        .into_iter()
        .map(|member| match states.get(&(member.channel_id.as_str(), member.user_id.as_str())) {
            Some(state) => ChannelMember {
                last_viewed_at: state.last_viewed_at,
                msg_count: state.msg_count,
                mention_count: state.mention_count,
                ..member
            },
            None => member,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_find_their_members() {
        let member = |user: &str| ChannelMember { channel_id: "c".into(), user_id: user.into(), ..ChannelMember::default() };
        let state = ReadState { channel_id: "c".into(), user_id: "b".into(), msg_count: 3, mention_count: 1, ..ReadState::default() };
        let joined = join(vec![member("a"), member("b")], vec![state]);
        assert_eq!(joined.iter().map(|m| (m.msg_count, m.mention_count)).collect::<Vec<_>>(), [(0, 0), (3, 1)]);
    }
}
