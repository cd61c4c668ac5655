//! Publishing and listening.

use crate::{Announcement, INVALIDATE, INVALIDATE_ALL, subjects::ASK};
use bytes::Bytes;
use futures_util::StreamExt;
use muster_error::{AppError, ErrorId};
use muster_proto::event::{Invalidation, invalidation::What};
use prost::Message;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// The connection to NATS as services and gateways use it.
#[derive(Clone)]
pub struct Bus {
    client: async_nats::Client,
    losses: watch::Receiver<u64>,
    connected: watch::Receiver<bool>,
}

/// Longest a round trip may take.
const CONFIRM_TIMEOUT: Duration = Duration::from_secs(2);

impl Bus {
    /// `losses` counts lost connections, `connected` tells whether one stands.
    pub fn new(client: async_nats::Client, losses: watch::Receiver<u64>, connected: watch::Receiver<bool>) -> Self {
        Self { client, losses, connected }
    }

    pub fn client(&self) -> &async_nats::Client {
        &self.client
    }

    pub fn losses(&self) -> watch::Receiver<u64> {
        self.losses.clone()
    }

    pub fn connected(&self) -> watch::Receiver<bool> {
        self.connected.clone()
    }

    /// Hands an announcement to the connection. For what may be lost without harm (typing); everything else goes
    /// through the outbox.
    pub async fn publish(&self, announcement: Announcement) {
        self.publish_bytes(announcement.subject, announcement.batch.encode_to_vec().into()).await;
    }

    pub(crate) async fn publish_bytes(&self, subject: String, payload: Bytes) {
        if let Err(error) = self.client.publish(subject, payload).await {
            tracing::warn!(%error, "publishing failed");
        }
    }

    /// Tells every process to drop what it cached. Returns once the message is on its way, not when it has arrived:
    /// another process may answer from the old value for as long as the message takes.
    pub async fn invalidate(&self, what: What) {
        let kind = match &what {
            What::SessionTokenHash(_) => "session",
            What::UserId(_) => "user",
            What::RoleName(_) => "role",
            What::Member(_) => "member",
            What::ChannelId(_) => "channel",
            What::TeamId(_) => "team",
            What::Config(_) => "config",
            What::Everything(_) => "everything",
            What::TeamMember(_) => "team_member",
        };
        let payload = Invalidation { what: Some(what) }.encode_to_vec();
        self.publish_bytes(format!("{INVALIDATE}.{kind}"), payload.into()).await;
    }

    /// Like [`Bus::invalidate`], and waits until the server has passed the message on: who then asks another process is very
    /// unlikely to meet the old value. Without a bus nobody trusts a cache, so nothing is waited for.
    pub async fn invalidate_now(&self, what: impl IntoIterator<Item = What>) {
        let mut any = false;
        for what in what {
            any = true;
            self.invalidate(what).await;
        }
        if any
            && *self.connected.borrow()
            && let Err(error) = self.confirm().await
        {
            tracing::warn!(%error, "an invalidation may arrive late");
        }
    }

    /// A round trip on this connection: everything published before has reached the server, every subscription made
    /// before is in force.
    pub async fn confirm(&self) -> Result<(), AppError> {
        let unavailable = |detail: String| AppError::new(ErrorId::Unavailable).detail(detail);
        let inbox = self.client.new_inbox();
        let mut replies = self.client.subscribe(inbox.clone()).await.map_err(|e| unavailable(e.to_string()))?;
        self.client.publish(inbox, Bytes::new()).await.map_err(|e| unavailable(e.to_string()))?;
        match tokio::time::timeout(CONFIRM_TIMEOUT, replies.next()).await {
            Ok(Some(_)) => Ok(()),
            _ => Err(unavailable("the bus did not answer".into())),
        }
    }

    /// Asks every process that answers this question; returns once `expected` have answered, or with what has come
    /// `within` the time.
    pub async fn ask_all(&self, question: &'static str, body: Bytes, expected: usize, within: Duration) -> Result<Vec<Bytes>, AppError> {
        let unavailable = |detail: String| AppError::new(ErrorId::Unavailable).detail(detail);
        let inbox = self.client.new_inbox();
        let mut replies = self.client.subscribe(inbox.clone()).await.map_err(|e| unavailable(e.to_string()))?;
        self.client.publish_with_reply(format!("{ASK}.{question}"), inbox, body).await.map_err(|e| unavailable(e.to_string()))?;
        let end = tokio::time::Instant::now() + within;
        let mut answers = Vec::with_capacity(expected);
        while answers.len() < expected {
            match tokio::time::timeout_at(end, replies.next()).await {
                // A message with a status comes from the server: nobody answers this question.
                Ok(Some(message)) if message.status.is_none() => answers.push(message.payload),
                _ => break,
            }
        }
        Ok(answers)
    }

    /// Answers a question of [`Bus::ask_all`] until the token is cancelled.
    pub async fn answer(&self, question: &'static str, stop: CancellationToken, answer: impl Fn(&[u8]) -> Vec<u8>) {
        let mut questions = match self.client.subscribe(format!("{ASK}.{question}")).await {
            Ok(questions) => questions,
            Err(error) => return tracing::error!(%error, question, "this process will not answer"),
        };
        loop {
            let asked = tokio::select! {
                () = stop.cancelled() => return,
                asked = questions.next() => asked,
            };
            let Some(asked) = asked else { return };
            if let Some(inbox) = asked.reply
                && let Err(error) = self.client.publish(inbox, answer(&asked.payload).into()).await
            {
                tracing::warn!(%error, question, "an answer could not be sent");
            }
        }
    }

    /// Listens to invalidations from now on.
    pub async fn invalidations(&self) -> Result<Invalidations, AppError> {
        let subscriber =
            self.client.subscribe(INVALIDATE_ALL).await.map_err(|e| AppError::new(ErrorId::Unavailable).detail(e.to_string()))?;
        Ok(Invalidations { subscriber, losses: self.losses.clone() })
    }
}

/// A stream of invalidations. When the connection was lost, some may have been missed: it then yields `Everything`.
pub struct Invalidations {
    subscriber: async_nats::Subscriber,
    losses: watch::Receiver<u64>,
}

impl Invalidations {
    /// `None` when the connection was closed for good.
    pub async fn next(&mut self) -> Option<What> {
        loop {
            tokio::select! {
                biased;
                Ok(()) = self.losses.changed() => return Some(What::Everything(true)),
                message = self.subscriber.next() => {
                    if let Ok(Invalidation { what: Some(what) }) = Invalidation::decode(message?.payload) {
                        return Some(what);
                    }
                    tracing::warn!("an invalidation that cannot be read");
                }
            }
        }
    }
}
