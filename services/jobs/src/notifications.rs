//! From posts that concern people to mails and pushes: fetched from posts, decided by what each recipient wants, put into the
//! queues in one transaction, then acknowledged. A repetition finds the same keys.

mod batches;
mod people;
mod rules;
mod store;

use crate::{
    mail,
    push::{self, Push},
};
use muster_domain::time::now_ms;
use muster_error::AppError;
use muster_events::{Bus, MAIL_WAKE, NOTIFICATIONS_WAKE, PUSH_WAKE};
use muster_proto::{
    jobs::{
        MailMessage,
        mail_message::{Content, PostNotice},
    },
    model::{Channel, Post, User},
    posts::{AcknowledgeNotificationsRequest, Notification, TakeNotificationsRequest, notifications_client::NotificationsClient},
};
use muster_runtime::{Caller, ConfigFeed, Peer, peers::MESSAGE_MAX, postgres::sql_error, settings::Snapshot};
use people::People;
use sqlx::PgPool;
use std::time::Duration;
use store::Batched;
use tokio_util::sync::CancellationToken;

/// How often a worker looks without being woken.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Notifications of one fetch.
const BATCH: i64 = 100;

/// What the worker is made of.
#[derive(Clone)]
pub struct Worker {
    pub pool: PgPool,
    pub bus: Bus,
    pub feed: ConfigFeed,
    pub identity: Peer,
    pub teams: Peer,
    pub posts: Peer,
}

/// Works until the token is cancelled.
pub fn work(worker: Worker, stop: CancellationToken) {
    tokio::spawn(run(worker, stop));
}

async fn run(worker: Worker, stop: CancellationToken) {
    let mut every = tokio::time::interval(LOOK_EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut wakes = worker.bus.wakes(NOTIFICATIONS_WAKE).await;
    loop {
        let ticked = tokio::select! {
            () = stop.cancelled() => return,
            _ = every.tick() => true,
            () = wakes.next() => false,
        };
        if worker.feed.get().version < 0 {
            continue;
        }
        // While posts is away, what it has waits there.
        if let Err(error) = worker.fetch(&stop).await {
            tracing::debug!(%error, "notifications could not be fetched; they wait in posts");
        }
        if ticked && let Err(error) = batches::send_due(&worker).await {
            tracing::warn!(%error, "collected notices could not be sent yet");
        }
    }
}

impl Worker {
    async fn fetch(&self, stop: &CancellationToken) -> Result<(), AppError> {
        let caller = Caller::system("jobs");
        let mut client = NotificationsClient::new(self.posts.channel()).max_decoding_message_size(MESSAGE_MAX);
        while !stop.is_cancelled() {
            let taken = client.take(caller.call(TakeNotificationsRequest { limit: BATCH })).await?.into_inner().notifications;
            if taken.is_empty() {
                return Ok(());
            }
            self.queue(&caller, &taken).await?;
            let ids = taken.into_iter().map(|notification| notification.id).collect();
            client.acknowledge(caller.call(AcknowledgeNotificationsRequest { ids })).await?;
        }
        Ok(())
    }

    /// Decides, and puts what is to be sent into the queues.
    async fn queue(&self, caller: &Caller, notifications: &[Notification]) -> Result<(), AppError> {
        let snapshot = self.feed.get();
        let mut people = People::of(self, caller, notifications, snapshot.settings.pushes_posts()).await?;
        let mut out = Outcome::default();
        for notification in notifications {
            let (Some(post), Some(channel)) = (&notification.post, &notification.channel) else { continue };
            people.load_members(caller, channel, notification).await?;
            for user_id in &notification.mentioned {
                self.mail(caller, &snapshot, &mut people, (notification, post, channel), user_id, &mut out).await?;
                push_to(&snapshot, &people, (notification, post, channel), user_id, true, &mut out);
            }
            for user_id in &notification.listeners {
                push_to(&snapshot, &people, (notification, post, channel), user_id, false, &mut out);
            }
        }
        let now = now_ms();
        let mut tx = self.pool.begin().await.map_err(sql_error)?;
        mail::insert(&mut *tx, &out.mails, now).await.map_err(sql_error)?;
        push::insert(&mut tx, &out.pushes, now).await.map_err(sql_error)?;
        store::collect(&mut *tx, &out.batched, now).await.map_err(sql_error)?;
        tx.commit().await.map_err(sql_error)?;
        if !out.mails.is_empty() {
            self.bus.wake(MAIL_WAKE).await;
        }
        if !out.pushes.is_empty() {
            self.bus.wake(PUSH_WAKE).await;
        }
        Ok(())
    }

    async fn mail(
        &self,
        caller: &Caller,
        snapshot: &Snapshot,
        people: &mut People,
        (notification, post, channel): (&Notification, &Post, &Channel),
        user_id: &str,
        out: &mut Outcome,
    ) -> Result<(), AppError> {
        let settings = &snapshot.settings;
        let Some((user, member)) = people.recipient(user_id, &channel.id) else { return Ok(()) };
        let wanted = rules::wants_mail(user, member, people.status(user_id), &post.r#type, settings.require_email_verification);
        if !wanted || !settings.mails_posts() {
            return Ok(());
        }
        let to = user.email.clone();
        let team = people.team_for(caller, channel, user_id).await?;
        let notice = PostNotice {
            channel_type: channel.r#type.clone(),
            channel_name: channel.display_name.clone(),
            team_name: team.name,
            team_display_name: team.display_name,
            post_id: post.id.clone(),
            sender_name: notification.sender_name.clone(),
            message: post.message.clone(),
            create_at: post.create_at,
            full: settings.email_notification_contents_type != "generic",
            name_channel: settings.use_channel_in_email_notifications,
            files: i64::try_from(post.file_ids.len()).unwrap_or_default(),
        };
        if settings.enable_email_batching {
            let interval = people.email_interval(caller, user_id).await?;
            if let Some(pause) = rules::batch_pause_ms(interval.as_deref(), settings.email_batching_interval) {
                let (user_id, channel_id) = (user_id.to_owned(), channel.id.clone());
                out.batched.push(Batched { user_id, recipient: to, channel_id, notice, due_at: now_ms() + pause });
                return Ok(());
            }
        }
        out.mails.push(MailMessage { key: format!("{}/{user_id}", post.id), to, content: Some(Content::PostNotice(notice)) });
        Ok(())
    }
}

/// What goes into the queues.
#[derive(Default)]
struct Outcome {
    mails: Vec<MailMessage>,
    pushes: Vec<(String, Push)>,
    batched: Vec<Batched>,
}

fn push_to(
    snapshot: &Snapshot,
    people: &People,
    (notification, post, channel): (&Notification, &Post, &Channel),
    user_id: &str,
    mentioned: bool,
    out: &mut Outcome,
) {
    if !snapshot.settings.pushes_posts() {
        return;
    }
    let Some((user, member)) = people.recipient(user_id, &channel.id) else { return };
    if !rules::wants_push(user, member, people.status(user_id), post, mentioned) {
        return;
    }
    for device in people.devices(user_id) {
        let push = rules::push(snapshot, notification, post, channel, mentioned, device);
        out.pushes.push((format!("{}/{}", post.id, device.session_id), push));
    }
}

/// Used by [`people`]: who counts at all.
fn is_active(user: &User) -> bool {
    user.delete_at == 0
}
