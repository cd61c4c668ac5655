//! Joining, being added, leaving, being removed.

use super::{ChannelMembers, events, store};
use crate::{
    channels::{self, rules},
    effects::{Effect, Group, fact},
    system_posts, team_members,
    writer::{Consequences, sql},
};
use muster_domain::time::now_ms;
use muster_error::{AppError, ErrorId, Result};
use muster_proto::{
    model::{Channel, ChannelMember, User},
    teams::{AddChannelMembersRequest, ChannelMemberKey},
};
use muster_runtime::Caller;
use std::collections::HashMap;

const MEMBER_ROLES: &str = "channel_user";

impl ChannelMembers {
    /// Adds users of the channel's team; all or none. Answers in the order asked.
    pub(super) async fn add_users(&self, caller: &Caller, request: AddChannelMembersRequest) -> Result<Vec<ChannelMember>> {
        let channel = self.channel(&request.channel_id).await?;
        rules::may_join(&channel)?;
        let before = store::by_ids(&self.writer.pool, &channel.id, &request.user_ids).await.map_err(sql)?;
        if before.len() == request.user_ids.len() {
            return Ok(in_order(&request.user_ids, before));
        }
        let asked = request.user_ids.iter().map(String::as_str);
        let users = self.people.users(caller, asked.clone().chain([caller.user_id.as_str()])).await?;
        if asked.clone().any(|id| !users.contains_key(id)) {
            return Err(AppError::new(ErrorId::UserNotFound));
        }

        let mut tx = self.writer.begin().await?;
        // Memberships of the team before the channel, the order in which leaving a team takes them.
        let ids: Vec<&str> = asked.collect();
        let in_team = team_members::store::share(&mut tx, &channel.team_id, &ids).await.map_err(sql)?;
        let in_team: HashMap<&str, i64> = in_team.iter().map(|m| (m.user_id.as_str(), m.delete_at)).collect();
        for id in &ids {
            match in_team.get(id) {
                None => return Err(AppError::new(ErrorId::TeamMemberNotFound)),
                Some(0) => {}
                Some(_) => return Err(AppError::new(ErrorId::ChannelJoinLeftTeam)),
            }
        }
        let locked = channels::store::lock(&mut tx, &channel.id).await.map_err(sql)?.ok_or(AppError::new(ErrorId::ChannelNotFound))?;
        rules::may_join(&locked)?;
        let now = now_ms();
        let rows = ids.iter().map(|id| (channel.id.as_str(), *id, MEMBER_ROLES));
        let added = store::insert_many(&mut tx, rows, now).await.map_err(sql)?;
        let members = store::in_transaction(&mut tx, &channel.id, &request.user_ids).await.map_err(sql)?;
        if !added.is_empty() {
            channels::store::touch_members(&mut tx, &[&channel.id], now).await.map_err(sql)?;
        }
        // The newcomers in the order asked, so that their posts appear in it.
        let newcomers: Vec<&User> =
            ids.iter().filter(|id| added.iter().any(|(_, user)| user == *id)).filter_map(|id| users.get(*id)).collect();
        let consequences = self.joined(caller, &channel, &newcomers, users.get(&caller.user_id), &request);
        self.writer.commit(caller, tx, consequences).await?;
        Ok(in_order(&request.user_ids, members))
    }

    fn joined(
        &self,
        caller: &Caller,
        channel: &Channel,
        newcomers: &[&User],
        adder: Option<&User>,
        request: &AddChannelMembersRequest,
    ) -> Consequences {
        let mut consequences = Consequences::default();
        if newcomers.is_empty() {
            return consequences;
        }
        for user in newcomers {
            consequences.stale_member(&channel.id, &user.id);
            consequences.announcements.extend(events::joined(channel, &user.id));
        }
        let facts = newcomers.iter().map(|user| fact(Group::Channel, &channel.id, &user.id, true)).collect();
        consequences.effect(Effect::memberships(&channel.id, facts));
        if request.silent {
            return consequences;
        }
        for user in newcomers {
            let post = match adder.filter(|adder| adder.id != user.id) {
                Some(adder) => system_posts::added_to_channel(&channel.id, adder, user, &request.post_root_id),
                None => system_posts::joined_channel(&channel.id, user),
            };
            consequences.effect(Effect::system_post(post));
        }
        // Whoever adds has seen the channel; so has who joins by himself.
        if !caller.is_system() {
            consequences.effect(Effect::mark_read(&channel.id, &caller.user_id));
            if self.feed.get().settings.enable_channel_viewed_messages {
                consequences.announce(events::viewed(&channel.id, &caller.user_id));
            }
        }
        consequences
    }

    /// Ends a membership; someone who is no member stays none, quietly.
    pub(super) async fn remove_user(&self, caller: &Caller, key: ChannelMemberKey) -> Result<()> {
        let user = self.people.user(caller, &key.user_id).await?;
        let mut tx = self.writer.begin().await?;
        let channel = channels::store::lock(&mut tx, &key.channel_id).await.map_err(sql)?.ok_or(AppError::new(ErrorId::ChannelNotFound))?;
        rules::may_leave(&channel)?;
        if !store::delete(&mut tx, &channel.id, &user.id).await.map_err(sql)? {
            return Ok(());
        }
        channels::store::touch_members(&mut tx, &[&channel.id], now_ms()).await.map_err(sql)?;
        let mut consequences = Consequences::default();
        consequences.stale_member(&channel.id, &user.id);
        consequences.announcements.extend(events::left(&channel.id, &user.id, &caller.user_id));
        consequences.effect(Effect::memberships(&channel.id, vec![fact(Group::Channel, &channel.id, &user.id, false)]));
        let post = if caller.user_id == user.id {
            system_posts::left_channel(&channel.id, &user)
        } else {
            system_posts::removed_from_channel(&channel.id, &caller.user_id, &user)
        };
        consequences.effect(Effect::system_post(post));
        consequences.effect(Effect::forget_read_state(&channel.id, &user.id));
        self.writer.commit(caller, tx, consequences).await
    }

    async fn channel(&self, id: &str) -> Result<Channel> {
        channels::store::by_id(&self.writer.pool, id).await.map_err(sql)?.ok_or(AppError::new(ErrorId::ChannelNotFound))
    }
}

fn in_order(ids: &[String], members: Vec<ChannelMember>) -> Vec<ChannelMember> {
    let mut by_id: HashMap<String, ChannelMember> = members.into_iter().map(|m| (m.user_id.clone(), m)).collect();
    ids.iter().filter_map(|id| by_id.remove(id)).collect()
}
