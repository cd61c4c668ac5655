//! Channels: creating and changing.

mod create;
mod events;
pub mod rules;
pub mod store;

use crate::{
    channel_members,
    effects::Effect,
    people::People,
    system_posts,
    writer::{Consequences, Writer, sql},
};
use muster_domain::{config::Settings, time::now_ms};
use muster_error::{AppError, ErrorId};
use muster_proto::{
    model::{Channel, Post},
    teams::{
        ChangeChannelRequest, ChannelDone, CreateChannelRequest, CreateDirectRequest, CreateGroupRequest, PatchChannelRequest,
        UpdateChannelRequest, channels_server,
    },
};
use muster_runtime::{Caller, ConfigFeed, postgres};
use sqlx::{Postgres, Transaction};
use std::sync::Arc;
use tonic::{Request, Response, Status};

pub struct Channels {
    pub writer: Writer,
    pub people: People,
    pub feed: ConfigFeed,
}

type Reply<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl channels_server::Channels for Channels {
    async fn create(&self, request: Request<CreateChannelRequest>) -> Reply<Channel> {
        let caller = Caller::of(&request)?;
        let CreateChannelRequest { channel, imported } = request.into_inner();
        let given = channel.unwrap_or_default();
        let channel = if imported { self.import(&caller, given).await? } else { self.create_in_team(&caller, given).await? };
        Ok(Response::new(channel))
    }

    async fn create_direct(&self, request: Request<CreateDirectRequest>) -> Reply<Channel> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.find_or_create_direct(&caller, &request.into_inner().user_ids).await?))
    }

    async fn create_group(&self, request: Request<CreateGroupRequest>) -> Reply<Channel> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.find_or_create_group(&caller, request.into_inner().user_ids).await?))
    }

    async fn update(&self, request: Request<UpdateChannelRequest>) -> Reply<Channel> {
        let caller = Caller::of(&request)?;
        let given = request.into_inner().channel.unwrap_or_default();
        let activity = (given.last_post_at, given.total_msg_count);
        let (mut tx, current) = self.lock(&given.id).await?;
        if channel_members::store::lock(&mut tx, &current.id, &caller.user_id).await.map_err(sql)?.is_none() {
            return Err(AppError::new(ErrorId::ChannelMemberNotFound).into());
        }
        let channel = rules::replace(&current, given, now_ms())?;
        // Only PATCH reports changes of header and purpose.
        let posts = if channel.display_name == current.display_name {
            Vec::new()
        } else {
            let editor = self.people.user(&caller, &caller.user_id).await?;
            vec![system_posts::display_name_changed(&channel.id, &editor, &current.display_name, &channel.display_name)]
        };
        self.save(&caller, tx, channel, activity, posts).await
    }

    async fn patch(&self, request: Request<PatchChannelRequest>) -> Reply<Channel> {
        let caller = Caller::of(&request)?;
        let patch = request.into_inner();
        let activity = (patch.last_post_at, patch.total_msg_count);
        let (mut tx, current) = self.lock(&patch.channel_id).await?;
        // Nothing but membership stands between a stranger and other people's direct and group channels.
        let needs_membership = !rules::is_of_team(&current);
        if needs_membership && channel_members::store::lock(&mut tx, &current.id, &caller.user_id).await.map_err(sql)?.is_none() {
            return Err(AppError::new(ErrorId::ChannelMemberNotFound).into());
        }
        let channel = rules::patch(&current, patch, now_ms())?;
        let mut posts = Vec::new();
        if rules::has_visible_change(&current, &channel) {
            let editor = self.people.user(&caller, &caller.user_id).await?;
            if channel.display_name != current.display_name {
                posts.push(system_posts::display_name_changed(&channel.id, &editor, &current.display_name, &channel.display_name));
            }
            if channel.header != current.header {
                posts.push(system_posts::header_changed(&channel.id, &editor, &current.header, &channel.header));
            }
            if channel.purpose != current.purpose {
                posts.push(system_posts::purpose_changed(&channel.id, &editor, &current.purpose, &channel.purpose));
            }
        }
        self.save(&caller, tx, channel, activity, posts).await
    }

    async fn convert(&self, request: Request<ChangeChannelRequest>) -> Reply<Channel> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let (tx, current) = self.lock(&request.channel_id).await?;
        rules::may_convert(&current)?;
        let actor = self.people.user(&caller, &caller.user_id).await?;
        let channel = Channel { r#type: "P".into(), update_at: now_ms(), ..current };
        let posts = vec![system_posts::converted(&channel.id, &actor)];
        self.save(&caller, tx, channel, (request.last_post_at, request.total_msg_count), posts).await
    }

    async fn archive(&self, request: Request<ChangeChannelRequest>) -> Reply<ChannelDone> {
        let caller = Caller::of(&request)?;
        let (mut tx, current) = self.lock(&request.into_inner().channel_id).await?;
        rules::may_archive(&current)?;
        let actor = self.people.user(&caller, &caller.user_id).await?;
        let now = now_ms();
        let channel = Channel { delete_at: now, update_at: now, ..current };
        store::update(&mut tx, &channel).await.map_err(sql)?;
        let mut consequences = Consequences::default();
        consequences.stale_channel(&channel.id);
        consequences.announce(events::archived(&channel));
        consequences.effect(Effect::system_post(system_posts::archived(&channel.id, &actor)));
        self.writer.commit(&caller, tx, consequences).await?;
        Ok(Response::new(ChannelDone {}))
    }

    async fn restore(&self, request: Request<ChangeChannelRequest>) -> Reply<Channel> {
        let caller = Caller::of(&request)?;
        let (mut tx, current) = self.lock(&request.into_inner().channel_id).await?;
        let channel = Channel { delete_at: 0, update_at: now_ms(), ..current };
        store::update(&mut tx, &channel).await.map_err(sql)?;
        let mut consequences = Consequences::default();
        consequences.stale_channel(&channel.id);
        self.writer.commit(&caller, tx, consequences).await?;
        Ok(Response::new(channel))
    }
}

impl Channels {
    fn settings(&self) -> Arc<muster_runtime::settings::Snapshot> {
        self.feed.get()
    }

    /// A transaction with the channel's row locked against other changes.
    async fn lock(&self, id: &str) -> Result<(Transaction<'static, Postgres>, Channel), AppError> {
        let mut tx = self.writer.begin().await?;
        let channel = store::lock(&mut tx, id).await.map_err(sql)?.ok_or(AppError::new(ErrorId::ChannelNotFound))?;
        Ok((tx, channel))
    }

    /// Stores a changed channel, tells its members and writes the system posts. `activity` is shown in the event only.
    async fn save(
        &self,
        caller: &Caller,
        mut tx: Transaction<'static, Postgres>,
        channel: Channel,
        activity: (i64, i64),
        posts: Vec<Post>,
    ) -> Reply<Channel> {
        if let Err(error) = store::update(&mut tx, &channel).await {
            drop(tx);
            return Err(self.name_taken(error, &channel, ErrorId::ChannelRenameTaken, ErrorId::ChannelRenameTakenByArchived).await.into());
        }
        let mut consequences = Consequences::default();
        consequences.stale_channel(&channel.id);
        consequences.announce(events::updated(&channel, activity));
        consequences.effects.extend(posts.into_iter().map(Effect::system_post));
        self.writer.commit(caller, tx, consequences).await?;
        Ok(Response::new(channel))
    }

    /// The error of a statement that may have met a name in use: by an archived channel it has another id.
    async fn name_taken(&self, error: sqlx::Error, channel: &Channel, live: ErrorId, archived: ErrorId) -> AppError {
        if postgres::violated_constraint(&error) != Some("channels_team_name_key") {
            return sql(error);
        }
        match store::by_exact_name(&self.writer.pool, &channel.team_id, &channel.name).await {
            Ok(Some(holder)) if holder.delete_at > 0 => AppError::new(archived),
            Ok(_) => AppError::new(live),
            Err(error) => sql(error),
        }
    }
}

/// Channels a team may still get.
fn check_limit(existing: i64, settings: &Settings) -> Result<(), AppError> {
    if existing < settings.max_channels_per_team {
        return Ok(());
    }
    Err(AppError::new(ErrorId::ChannelLimit).param("MaxChannelsPerTeam", settings.max_channels_per_team))
}
