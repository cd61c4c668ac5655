//! Mail: a durable queue, sent by any replica over SMTP, or written to the data directory when there is no server.
//!
//! Mails reach the queue by `Mail.Enqueue`, or are fetched from identity ([`fetch`]), whose changes cause most of them.

mod content;
mod fetch;
mod html;
mod message;
mod posts;
mod rules;
mod store;
mod transport;
mod worker;

pub use store::{delete_ended, insert};
pub use worker::{Worker, work};

use message::Sender;
use muster_domain::{config::Settings, time::now_ms};
use muster_error::{AppError, ErrorId};
use muster_events::{Bus, MAIL_WAKE};
use muster_proto::jobs::{EnqueueMailsReply, EnqueueMailsRequest, TestMailReply, TestMailRequest, mail_server};
use muster_runtime::{Caller, postgres::sql_error};
use sqlx::PgPool;
use tonic::{Request, Response, Status};
use transport::Smtp;

/// Bytes of a key.
const KEY_MAX: usize = 100;

/// The gRPC service.
pub struct Mail {
    pool: PgPool,
    bus: Bus,
}

impl Mail {
    pub fn new(pool: PgPool, bus: Bus) -> Self {
        Self { pool, bus }
    }
}

#[tonic::async_trait]
impl mail_server::Mail for Mail {
    async fn enqueue(&self, request: Request<EnqueueMailsRequest>) -> Result<Response<EnqueueMailsReply>, Status> {
        Caller::of(&request)?;
        let mails = request.into_inner().mails;
        if mails.iter().any(|mail| mail.key.is_empty() || mail.key.len() > KEY_MAX) {
            return Err(AppError::body("key").into());
        }
        store::insert(&self.pool, &mails, now_ms()).await.map_err(sql_error)?;
        // A worker that does not hear it finds the mails at its next look.
        self.bus.wake(MAIL_WAKE).await;
        Ok(Response::new(EnqueueMailsReply {}))
    }

    async fn test(&self, request: Request<TestMailRequest>) -> Result<Response<TestMailReply>, Status> {
        Caller::of(&request)?;
        let TestMailRequest { to, config } = request.into_inner();
        let tree = serde_json::from_slice(&config).map_err(|e| AppError::body("config").detail(e))?;
        let settings = Settings::from_tree(&tree);
        let failed = |reason: String| AppError::new(ErrorId::TestEmailFailed).detail(reason);
        let mail = content::test(&content::Site::of(&settings));
        let message = Sender::of(&settings).message("test", &to, &mail).map_err(failed)?;
        Smtp::of(&settings).connect().map_err(failed)?.send(message).await.map_err(|e| failed(e.reason))?;
        Ok(Response::new(TestMailReply {}))
    }
}
