//! Sending: every replica claims what is due. A mail whose worker dies is sent by another one after the lease: once too
//! often rather than never.

use super::{
    content::{self, Site},
    fetch,
    message::Sender,
    rules::{ATTEMPTS_MAX, retry_after},
    store::{self, Claimed, DROPPED, FAILED, SENT},
    transport::{Directory, SendError, Server, Smtp},
};
use futures_util::StreamExt;
use muster_domain::time::{MINUTE_MS, now_ms};
use muster_error::AppError;
use muster_events::{Bus, MAIL_WAKE};
use muster_proto::jobs::MailMessage;
use muster_runtime::{ConfigFeed, Peer, postgres::sql_error};
use prost::Message as _;
use rand::RngExt;
use sqlx::PgPool;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often a worker looks without being woken: retries come due, and wake-ups are lost in a crash.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Mails of one claim, and how many are on their way at once.
const CLAIM: i64 = 8;
const AT_ONCE: usize = 4;
/// How long a claim holds, ms: longer than all its mails may take.
const LEASE_MS: i64 = MINUTE_MS;

pub struct Worker {
    pub pool: PgPool,
    pub bus: Bus,
    pub feed: ConfigFeed,
    pub identity: Peer,
    /// Where mails go without a server.
    pub directory: std::path::PathBuf,
}

/// Works until the token is cancelled, then ends after the mails on their way.
pub fn work(worker: Worker, stop: CancellationToken) {
    tokio::spawn(run(worker, stop));
}

async fn run(worker: Worker, stop: CancellationToken) {
    let mut every = tokio::time::interval(LOOK_EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut wakes = worker.bus.wakes(MAIL_WAKE).await;
    let mut way = Way { directory: Directory::new(worker.directory.clone()), last: None };
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = every.tick() => {}
            () = wakes.next() => {}
        }
        // The shipped defaults are not the settings of this site.
        if worker.feed.get().version < 0 {
            continue;
        }
        // While identity is away, what is queued can still be sent.
        if let Err(error) = fetch::fetch(&worker.pool, &worker.identity).await {
            tracing::debug!(%error, "mails could not be fetched; they wait in identity");
        }
        if let Err(error) = worker.send_due(&mut way, &stop).await {
            tracing::warn!(%error, "sending mails failed");
        }
    }
}

/// How mails leave, kept while the settings are the same.
struct Way {
    directory: Directory,
    last: Option<(Smtp, Result<Option<Server>, String>)>,
}

impl Way {
    /// The server; `None` means the directory.
    fn by(&mut self, smtp: Smtp) -> Result<Option<Server>, String> {
        if let Some((known, server)) = &self.last
            && *known == smtp
        {
            return server.clone();
        }
        let server = if smtp.is_set_up() {
            smtp.connect().map(Some)
        } else {
            let path = self.directory.path();
            tracing::info!(path = %path.display(), "no mail server is set up (EmailSettings.SMTPServer): mails are written to files");
            Ok(None)
        };
        self.last = Some((smtp, server.clone()));
        server
    }
}

impl Worker {
    async fn send_due(&self, way: &mut Way, stop: &CancellationToken) -> Result<(), AppError> {
        let snapshot = self.feed.get();
        let settings = &snapshot.settings;
        let server = way.by(Smtp::of(settings));
        let (sender, site) = (Sender::of(settings), Site::of(settings));
        let lost = store::give_up_lost(&self.pool, now_ms()).await.map_err(sql_error)?;
        if lost > 0 {
            tracing::error!(mails = lost, "mails whose workers were lost too often are given up");
        }
        while !stop.is_cancelled() {
            let claimed = store::claim(&self.pool, now_ms(), LEASE_MS, CLAIM).await.map_err(sql_error)?;
            if claimed.is_empty() {
                return Ok(());
            }
            let sends = claimed.into_iter().map(|claimed| {
                let (server, directory) = (&server, &way.directory);
                let (sender, site) = (&sender, &site);
                async move {
                    if !settings.send_email_notifications {
                        return self.written(store::finish(&self.pool, &claimed.key, DROPPED, "", now_ms()).await);
                    }
                    let sent = send(&claimed, server, directory, sender, site).await;
                    self.written(self.conclude(&claimed, sent).await);
                }
            });
            futures_util::stream::iter(sends).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
        }
        Ok(())
    }

    async fn conclude(&self, claimed: &Claimed, sent: Result<(), SendError>) -> sqlx::Result<()> {
        let (key, attempts) = (&claimed.key, claimed.attempts);
        let Err(SendError { reason, is_final }) = sent else {
            metrics::counter!("muster_mails_sent_total").increment(1);
            return store::finish(&self.pool, key, SENT, "", now_ms()).await;
        };
        if is_final || attempts >= ATTEMPTS_MAX {
            metrics::counter!("muster_mails_failed_total").increment(1);
            tracing::error!(key, attempts, reason, "a mail is given up");
            return store::finish(&self.pool, key, FAILED, &reason, now_ms()).await;
        }
        tracing::warn!(key, attempts, reason, "a mail could not be sent; it will be tried again");
        let jitter = rand::rng().random();
        store::postpone(&self.pool, key, &reason, now_ms() + retry_after(attempts, jitter)).await
    }

    /// A mail whose outcome cannot be stored comes up again after its lease.
    fn written(&self, outcome: sqlx::Result<()>) {
        if let Err(error) = outcome {
            tracing::warn!(%error, "what became of a mail could not be stored");
        }
    }
}

async fn send(
    claimed: &Claimed,
    server: &Result<Option<Server>, String>,
    directory: &Directory,
    sender: &Sender,
    site: &Site,
) -> Result<(), SendError> {
    let mail = MailMessage::decode(claimed.body.as_slice()).map_err(SendError::never)?;
    // Written by a newer replica during an upgrade: that one knows what to say.
    let content = mail.content.ok_or_else(|| SendError::later("unknown content"))?;
    let message = sender.message(&claimed.key, &mail.to, &content::of(content, &mail.to, site)).map_err(SendError::never)?;
    match server {
        Ok(Some(server)) => server.send(message).await,
        Ok(None) => directory.write(&claimed.key, &message).await,
        Err(reason) => Err(SendError::later(reason)),
    }
}
