//! Telling jobs whom a post concerns, so that it can mail and push. The posting path only adds one row to its statement, for
//! posts that concern somebody (`calls`, kind `notify`); jobs fetches it, and what it needs to know beyond is read then.

mod store;

use crate::{calls::Call, draft::Draft, mentions::Directory};
use muster_domain::{config::Settings, system_posts::SYSTEM_PREFIX, time::now_ms};
use muster_error::AppError;
use muster_events::{Bus, NOTIFICATIONS_WAKE};
use muster_proto::posts::{
    AcknowledgeNotificationsReply, AcknowledgeNotificationsRequest, Notification, PostMentions, TakeNotificationsReply,
    TakeNotificationsRequest, notifications_server,
};
use muster_runtime::{Caller, ConfigFeed, postgres::sql_error};
use sqlx::PgPool;
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

/// How long a fetched notification is nobody else's, ms.
const LEASE_MS: i64 = 30_000;
/// Most notifications of one fetch.
const TAKE_MAX: i64 = 200;
/// Wake-ups of one process are at least this far apart: a burst of posts is fetched together.
const WAKE_EVERY: Duration = Duration::from_millis(20);

/// What is recorded with a post; nothing when nobody is to be told. `listened_to`: some member wants a push for each post.
pub fn call(draft: &Draft, channel_wide: bool, listened_to: bool, settings: &Settings) -> Option<Call> {
    let by_user = !draft.post.r#type.starts_with(SYSTEM_PREFIX);
    let pushes = settings.pushes_posts() && by_user;
    let mentions = !draft.mentions.is_empty() && (settings.mails_posts() || pushes);
    let listened_to = listened_to && pushes;
    (mentions || listened_to).then(|| {
        Call::notify(&PostMentions {
            post_id: draft.post.id.clone(),
            channel_id: draft.post.channel_id.clone(),
            user_ids: draft.mentions.clone(),
            channel_wide,
            sender_name: draft.sender_name.clone(),
            listened_to,
        })
    })
}

/// Wakes jobs after a commit, without a message per post.
#[derive(Clone)]
pub struct Waker(Arc<Notify>);

impl Waker {
    pub fn start(bus: Bus, stop: CancellationToken) -> Self {
        let notify = Arc::new(Notify::new());
        let waiting = notify.clone();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = waiting.notified() => {}
                }
                // Whoever does not hear it looks by himself soon.
                bus.wake(NOTIFICATIONS_WAKE).await;
                tokio::time::sleep(WAKE_EVERY).await;
            }
        });
        Self(notify)
    }

    pub fn wake(&self) {
        self.0.notify_one();
    }
}

/// The gRPC service that hands notifications to jobs.
pub struct Notifications {
    pub pool: PgPool,
    pub directory: Directory,
    pub feed: ConfigFeed,
}

#[tonic::async_trait]
impl notifications_server::Notifications for Notifications {
    async fn take(&self, request: Request<TakeNotificationsRequest>) -> Result<Response<TakeNotificationsReply>, Status> {
        let caller = Caller::of(&request)?;
        let limit = request.get_ref().limit.clamp(1, TAKE_MAX);
        let taken = store::take(&self.pool, now_ms(), LEASE_MS, limit).await?;
        Ok(Response::new(TakeNotificationsReply { notifications: self.completed(&caller, taken).await? }))
    }

    async fn acknowledge(
        &self,
        request: Request<AcknowledgeNotificationsRequest>,
    ) -> Result<Response<AcknowledgeNotificationsReply>, Status> {
        Caller::of(&request)?;
        store::delete(&self.pool, &request.get_ref().ids).await.map_err(sql_error)?;
        Ok(Response::new(AcknowledgeNotificationsReply {}))
    }
}

impl Notifications {
    async fn completed(&self, caller: &Caller, taken: Vec<(String, PostMentions)>) -> Result<Vec<Notification>, AppError> {
        let ids: Vec<&str> = taken.iter().map(|(_, mentions)| mentions.post_id.as_str()).collect();
        let mut posts = store::posts(&self.pool, &ids).await.map_err(sql_error)?;
        let (mut notifications, mut gone) = (Vec::with_capacity(taken.len()), Vec::new());
        for (id, mentions) in taken {
            // Deleted meanwhile: there is nothing to tell any more.
            let Some(post) = posts.remove(&mentions.post_id) else {
                gone.push(id);
                continue;
            };
            let index = self.directory.index(caller, &mentions.channel_id).await?;
            let listeners = if mentions.listened_to { index.members().listeners() } else { Vec::new() };
            let listeners = listeners.into_iter().filter(|user| *user != post.user_id && !mentions.user_ids.contains(user)).collect();
            notifications.push(Notification {
                id,
                channel: Some((*index.channel).clone()),
                sender_name: mentions.sender_name,
                channel_wide: mentions.channel_wide,
                mentioned: mentions.user_ids,
                listeners,
                post: Some(post),
                ..Notification::default()
            });
        }
        store::delete(&self.pool, &gone).await.map_err(sql_error)?;
        if self.feed.get().settings.pushes_posts() {
            self.count_unread(&mut notifications).await?;
        }
        Ok(notifications)
    }

    async fn count_unread(&self, notifications: &mut [Notification]) -> Result<(), AppError> {
        let users: BTreeSet<&str> = notifications.iter().flat_map(|n| n.mentioned.iter().chain(&n.listeners)).map(String::as_str).collect();
        let users: Vec<&str> = users.into_iter().collect();
        let counts = store::unread_mentions(&self.pool, &users).await.map_err(sql_error)?;
        for notification in notifications {
            let concerned = notification.mentioned.iter().chain(&notification.listeners);
            notification.unread_mentions = concerned.filter_map(|user| Some((user.clone(), *counts.get(user)?))).collect();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_posts_that_concern_somebody_are_recorded() {
        let on = Settings {
            send_email_notifications: true,
            smtp_server: "mail".into(),
            send_push_notifications: true,
            push_notification_server: "http://push".into(),
            ..Settings::default()
        };
        let off = Settings { send_email_notifications: false, send_push_notifications: false, ..Settings::default() };
        let mail_only = Settings { send_push_notifications: false, ..on.clone() };
        let no_server = Settings { smtp_server: String::new(), ..mail_only.clone() };
        let quiet = Draft::default();
        let loud = Draft { mentions: vec!["u".into()], ..Draft::default() };
        let recorded = |draft: &Draft, listened_to: bool, settings: &Settings| call(draft, false, listened_to, settings).is_some();
        assert!(!recorded(&quiet, false, &on) && recorded(&quiet, true, &on) && recorded(&loud, false, &on));
        assert!(!recorded(&quiet, true, &mail_only) && recorded(&loud, false, &mail_only));
        assert!(!recorded(&loud, true, &off) && !recorded(&loud, true, &no_server));
    }
}
