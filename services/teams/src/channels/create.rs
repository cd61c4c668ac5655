//! Making channels of each type.

use super::{Channels, check_limit, events, rules, store};
use crate::{
    channel_members,
    effects::{Effect, Group, fact},
    system_posts, teams,
    writer::{Consequences, sql},
};
use muster_domain::{
    channels::{direct_name, group_display_name},
    time::now_ms,
};
use muster_error::{AppError, ErrorId, Result};
use muster_proto::model::Channel;
use muster_runtime::Caller;
use sqlx::{Postgres, Transaction};
use std::collections::BTreeSet;

const CREATOR_ROLES: &str = "channel_user channel_admin";
const MEMBER_ROLES: &str = "channel_user";

impl Channels {
    /// An open or private channel with the caller as its administrator.
    pub(super) async fn create_in_team(&self, caller: &Caller, given: Channel) -> Result<Channel> {
        let channel = rules::new_channel(given, &caller.user_id, now_ms())?;
        let creator = self.people.user(caller, &caller.user_id).await?;
        let mut tx = self.insert(&channel).await?;
        let member = (channel.id.as_str(), creator.id.as_str(), CREATOR_ROLES);
        channel_members::store::insert_many(&mut tx, [member].into_iter(), channel.create_at).await.map_err(sql)?;

        let mut consequences = Consequences::default();
        consequences.stale_member(&channel.id, &creator.id);
        consequences.announce(events::created(&channel));
        consequences.effect(Effect::memberships(&channel.id, vec![fact(Group::Channel, &channel.id, &creator.id, true)]));
        consequences.effect(Effect::system_post(system_posts::joined_channel(&channel.id, &creator)));
        self.writer.commit(caller, tx, consequences).await?;
        Ok(channel)
    }

    /// A channel of an import: nobody made it, nobody is in it yet.
    pub(super) async fn import(&self, caller: &Caller, given: Channel) -> Result<Channel> {
        let channel = rules::new_channel(given, "", now_ms())?;
        let tx = self.insert(&channel).await?;
        self.writer.commit(caller, tx, Consequences::default()).await?;
        Ok(channel)
    }

    /// The transaction in which the team has the new channel, within its limit.
    async fn insert(&self, channel: &Channel) -> Result<Transaction<'static, Postgres>> {
        let mut tx = self.writer.begin().await?;
        // Creations in one team queue here, so that the limit holds.
        teams::store::lock(&mut tx, &channel.team_id).await.map_err(sql)?.ok_or(AppError::new(ErrorId::TeamNotFound))?;
        check_limit(store::count_of_team(&mut tx, &channel.team_id).await.map_err(sql)?, &self.settings().settings)?;
        if let Err(error) = store::insert(&mut tx, channel).await {
            drop(tx);
            return Err(self.name_taken(error, channel, ErrorId::ChannelNameTaken, ErrorId::ChannelNameTakenByArchived).await);
        }
        Ok(tx)
    }

    /// `user_ids`: exactly two, perhaps the same.
    pub(super) async fn find_or_create_direct(&self, caller: &Caller, user_ids: &[String]) -> Result<Channel> {
        let [one, other] = user_ids else { return Err(AppError::body("user_ids")) };
        let name = direct_name(one, other);
        if let Some(existing) = store::by_exact_name(&self.writer.pool, "", &name).await.map_err(sql)? {
            return Ok(existing);
        }
        let users = self.people.users(caller, [one.as_str(), other.as_str()]).await?;
        if !(users.contains_key(one) && users.contains_key(other)) {
            return Err(AppError::new(ErrorId::DirectChannelInvalidUser));
        }
        let members: Vec<&str> = BTreeSet::from([one.as_str(), other.as_str()]).into_iter().collect();
        let channel = rules::conversation("D", name, String::new(), now_ms());
        self.insert_conversation(caller, channel, &members, |channel, user| events::direct_added(channel, user, other)).await
    }

    pub(super) async fn find_or_create_group(&self, caller: &Caller, user_ids: Vec<String>) -> Result<Channel> {
        let mut ids: BTreeSet<String> = user_ids.into_iter().collect();
        ids.insert(caller.user_id.clone());
        rules::check_group_size(ids.len())?;
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let name = rules::group_name(&ids);
        if let Some(existing) = store::by_exact_name(&self.writer.pool, "", &name).await.map_err(sql)? {
            return Ok(existing);
        }
        let users = self.people.users(caller, ids.iter().copied()).await?;
        if users.len() < ids.len() {
            return Err(AppError::new(ErrorId::GroupChannelBadUser));
        }
        let usernames: Vec<&str> = users.values().map(|u| u.username.as_str()).collect();
        let channel = rules::conversation("G", name, group_display_name(&usernames), now_ms());
        self.insert_conversation(caller, channel, &ids, |channel, user| events::group_added(channel, user, &ids)).await
    }

    /// Stores a direct or group channel; when another request was faster, answers that one's.
    async fn insert_conversation(
        &self,
        caller: &Caller,
        channel: Channel,
        members: &[&str],
        announce: impl Fn(&Channel, &str) -> muster_events::Announcement,
    ) -> Result<Channel> {
        let mut tx = self.writer.begin().await?;
        if !store::insert_unless_named(&mut tx, &channel).await.map_err(sql)? {
            drop(tx);
            let existing = store::by_exact_name(&self.writer.pool, "", &channel.name).await.map_err(sql)?;
            return existing.ok_or(AppError::new(ErrorId::ChannelNotFound));
        }
        let rows = members.iter().map(|user| (channel.id.as_str(), *user, MEMBER_ROLES));
        channel_members::store::insert_many(&mut tx, rows, channel.create_at).await.map_err(sql)?;
        let mut consequences = Consequences::default();
        for user in members {
            consequences.stale_member(&channel.id, user);
            consequences.announce(announce(&channel, user));
        }
        let facts = members.iter().map(|user| fact(Group::Channel, &channel.id, user, true)).collect();
        consequences.effect(Effect::memberships(&channel.id, facts));
        self.writer.commit(caller, tx, consequences).await?;
        Ok(channel)
    }
}
