//! What follows a post without holding it up: telling the author whom a mention did not reach, and answering in the name
//! of people who are away.

use crate::{
    compose::Composer,
    draft::Draft,
    posts::{events, rules},
    writer::Writer,
};
use muster_domain::{
    ids::new_id,
    system_posts::{SYSTEM_PREFIX, SystemPostType, mentioned_outside},
};
use muster_error::AppError;
use muster_events::{Announcement, Outbox, user_subject};
use muster_proto::{
    identity::{GetUsersRequest, users_client::UsersClient},
    model::{Channel, Post, User},
    teams::{TeamMembersAmongRequest, access_client::AccessClient},
};
use muster_runtime::Caller;
use serde_json::json;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Posts that may wait for their notices; beyond this there are none.
const QUEUE_MAX: usize = 1_024;
/// Names of one post that are looked up.
const NAMES_MAX: usize = 50;

struct Job {
    caller: Caller,
    post: Post,
    channel: Arc<Channel>,
    outside: Vec<String>,
}

/// The way into the task, which ends when the last clone is gone.
#[derive(Clone)]
pub struct Notices(mpsc::Sender<Job>);

impl Notices {
    pub fn start(composer: Composer, writer: Writer, outbox: Outbox) -> Self {
        let (sender, mut queue) = mpsc::channel::<Job>(QUEUE_MAX);
        tokio::spawn(async move {
            while let Some(job) = queue.recv().await {
                let told = async {
                    tell_outside(&composer, &outbox, &job).await?;
                    answer_for_the_absent(&composer, &writer, &job).await
                };
                if let Err(error) = told.await {
                    tracing::warn!(%error, post_id = job.post.id, "the notices of a post failed");
                }
            }
        });
        Self(sender)
    }

    /// Call after the post is written; `outside` are usernames nobody in the channel has.
    pub fn after(&self, caller: &Caller, post: &Post, channel: Arc<Channel>, outside: Vec<String>) {
        let direct = channel.r#type == "D";
        if post.r#type.starts_with(SYSTEM_PREFIX) || (outside.is_empty() && !direct) {
            return;
        }
        let job = Job { caller: caller.clone(), post: post.clone(), channel, outside };
        if self.0.try_send(job).is_err() {
            metrics::counter!("muster_posts_notices_dropped_total").increment(1);
        }
    }
}

/// Tells the author which people of the team a mention did not reach.
async fn tell_outside(composer: &Composer, outbox: &Outbox, job: &Job) -> Result<(), AppError> {
    if job.outside.is_empty() || job.channel.team_id.is_empty() {
        return Ok(());
    }
    let usernames = job.outside.iter().take(NAMES_MAX).cloned().collect();
    let mut users = UsersClient::new(composer.identity.channel());
    let named = users.get_many(job.caller.call(GetUsersRequest { ids: Vec::new(), usernames })).await?.into_inner().users;
    if named.is_empty() {
        return Ok(());
    }
    let request = TeamMembersAmongRequest { team_id: job.channel.team_id.clone(), user_ids: named.iter().map(|u| u.id.clone()).collect() };
    let members = AccessClient::new(composer.teams.channel()).team_members_among(job.caller.call(request)).await?.into_inner().user_ids;
    let index = composer.directory.index(&job.caller, &job.channel.id).await?;
    let mut unreached: Vec<(String, String)> = {
        let reached = index.members();
        let is_unreached = |u: &User| members.contains(&u.id) && reached.get(&u.id).is_none() && u.id != job.post.user_id;
        named.into_iter().filter(|u| u.delete_at == 0 && is_unreached(u)).map(|u| (u.username, u.id)).collect()
    };
    if unreached.is_empty() {
        return Ok(());
    }
    unreached.sort_unstable();
    let (usernames, user_ids): (Vec<String>, Vec<String>) = unreached.into_iter().unzip();
    let id = new_id();
    let notice = Post {
        create_at: job.post.create_at + 1,
        channel_id: job.post.channel_id.clone(),
        root_id: job.post.root_id.clone(),
        message: mentioned_outside(&usernames),
        props: json!({ "add_channel_member": { "post_id": id, "usernames": usernames, "user_ids": user_ids } }).to_string(),
        id,
        ..Post::default()
    };
    let item = events::ephemeral(&job.post.user_id, notice)?;
    outbox.bus().publish(Announcement::new(user_subject(&job.post.user_id), vec![item])).await;
    Ok(())
}

/// In a direct channel, somebody with an automatic reply answers with it.
async fn answer_for_the_absent(composer: &Composer, writer: &Writer, job: &Job) -> Result<(), AppError> {
    if job.channel.r#type != "D" {
        return Ok(());
    }
    let index = composer.directory.index(&job.caller, &job.channel.id).await?;
    let answering = index.members().iter().find(|m| m.user_id != job.post.user_id).and_then(|other| {
        let message = other.automatic_reply.clone()?;
        Some((other.user_id.clone(), other.username.clone(), message))
    });
    let Some((user_id, sender_name, message)) = answering else { return Ok(()) };
    rules::check_text(&message, "")?;
    let draft = Draft {
        post: Post {
            id: new_id(),
            user_id,
            channel_id: job.channel.id.clone(),
            hashtags: muster_domain::posts::hashtags(&message),
            message,
            r#type: SystemPostType::AutoResponder.as_str().into(),
            ..Post::default()
        },
        channel: job.channel.clone(),
        sender_name,
        mentions: vec![job.post.user_id.clone()],
        counts: true,
        ..Draft::default()
    };
    writer.write(draft).await?;
    Ok(())
}
