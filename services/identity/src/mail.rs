//! Mails that changes of accounts cause.
//!
//! **Convention.** A change that is worth a mail records it in its own transaction and wakes the senders after the commit:
//!
//! ```ignore
//! let mut tx = self.pool.begin().await?;
//! // … the change …
//! self.mailer.record(&mut tx, &user.email, Content::MfaChanged(MfaChanged { active: true })).await?;
//! tx.commit().await?;
//! self.mailer.wake().await;
//! ```
//!
//! The row commits with the change, so a crash loses no mail; jobs fetches it (`Mails.Take`), queues it and acknowledges
//! (`Mails.Acknowledge`). Forgetting the wake-up costs two seconds. Another kind of mail is one more content in
//! `proto/muster/jobs/v1/mail.proto` and one more arm in `services/jobs/src/mail/content.rs`.

mod store;

use muster_domain::{
    ids::new_id,
    time::{HOUR_MS, now_ms},
};
use muster_error::AppError;
use muster_events::{Bus, MAIL_WAKE};
use muster_proto::{
    identity::{AcknowledgeMailsReply, AcknowledgeMailsRequest, TakeMailsReply, TakeMailsRequest, mails_server::Mails},
    jobs::MailMessage,
};
use muster_runtime::{Caller, ConfigFeed, postgres::sql_error};
use sqlx::{PgConnection, PgPool};
use tonic::{Request, Response, Status};

pub(crate) use muster_proto::jobs::mail_message::{self, Content};
pub(crate) use store::forget_counts;

/// How long a fetched mail is nobody else's, ms: then whoever fetched it is lost.
const LEASE_MS: i64 = 10_000;
/// Most mails of one fetch.
const TAKE_MAX: i64 = 1_000;

/// Records mails in transactions, and wakes those who send them.
#[derive(Clone)]
pub(crate) struct Mailer {
    bus: Bus,
    feed: ConfigFeed,
}

impl Mailer {
    pub(crate) fn new(bus: Bus, feed: ConfigFeed) -> Self {
        Self { bus, feed }
    }

    /// Records a mail in the transaction of its cause. Nothing happens while `SendEmailNotifications` is off.
    pub(crate) async fn record(&self, tx: &mut PgConnection, to: &str, content: Content) -> Result<(), AppError> {
        if self.feed.get().settings.send_email_notifications {
            let mail = MailMessage { key: new_id(), to: to.to_owned(), content: Some(content) };
            store::insert(tx, &mail, now_ms()).await.map_err(sql_error)?;
        }
        Ok(())
    }

    /// Counts `mails` more against the `limit` of an hour; false (and not counted) when it is exceeded.
    pub(crate) async fn count(&self, tx: &mut PgConnection, subject: &str, mails: i64, limit: i64) -> Result<bool, AppError> {
        let counted = store::count(tx, subject, now_ms() / HOUR_MS, mails, limit).await.map_err(sql_error)?;
        if !counted {
            tracing::warn!(subject, mails, limit, "too many mails in an hour: no more are sent");
            metrics::counter!("muster_mails_limited_total").increment(1);
        }
        Ok(counted)
    }

    /// Call after the commit.
    pub(crate) async fn wake(&self) {
        // Whoever does not hear it looks by himself soon.
        self.bus.wake(MAIL_WAKE).await;
    }
}

/// The gRPC service that hands mails to jobs.
pub(crate) struct MailsService {
    pub(crate) pool: PgPool,
}

#[tonic::async_trait]
impl Mails for MailsService {
    async fn take(&self, request: Request<TakeMailsRequest>) -> Result<Response<TakeMailsReply>, Status> {
        Caller::of(&request)?;
        let limit = request.get_ref().limit.clamp(1, TAKE_MAX);
        let mails = store::take(&self.pool, now_ms(), LEASE_MS, limit).await?;
        Ok(Response::new(TakeMailsReply { mails }))
    }

    async fn acknowledge(&self, request: Request<AcknowledgeMailsRequest>) -> Result<Response<AcknowledgeMailsReply>, Status> {
        Caller::of(&request)?;
        store::delete(&self.pool, &request.get_ref().keys).await.map_err(sql_error)?;
        Ok(Response::new(AcknowledgeMailsReply {}))
    }
}
