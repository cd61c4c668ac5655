//! Ending sessions everywhere: the row, the copies in Redis and in every gateway, and what open sockets hear.

use crate::cache::Cache;
use muster_error::AppError;
use muster_events::{Announcement, Bus, Outbox, SessionsRevoked, invalidation::What, item, item::Kind, user_subject};
use muster_runtime::postgres::sql_error;
use sqlx::PgConnection;

/// A deleted session.
#[derive(Debug)]
pub(crate) struct Revoked {
    pub(crate) id: String,
    pub(crate) token_hash: String,
}

/// What is left to do after the commit.
#[must_use]
pub(crate) struct End {
    token_hashes: Vec<String>,
    announcements: Vec<Announcement>,
}

#[derive(Clone)]
pub(crate) struct Revoker {
    outbox: Outbox,
    cache: Cache,
}

impl Revoker {
    pub(crate) fn new(outbox: Outbox, cache: Cache) -> Self {
        Self { outbox, cache }
    }

    pub(crate) fn bus(&self) -> &Bus {
        self.outbox.bus()
    }

    /// Records the end of sessions of one user, in the transaction that deletes them.
    pub(crate) async fn record(&self, tx: &mut PgConnection, user_id: &str, revoked: Vec<Revoked>) -> Result<End, AppError> {
        if revoked.is_empty() {
            return Ok(End { token_hashes: Vec::new(), announcements: Vec::new() });
        }
        let (session_ids, token_hashes): (Vec<_>, Vec<_>) = revoked.into_iter().map(|r| (r.id, r.token_hash)).unzip();
        let kind = Kind::SessionsRevoked(SessionsRevoked { user_id: user_id.to_owned(), session_ids });
        let announcements = vec![Announcement::new(user_subject(user_id), vec![item(kind)])];
        self.outbox.record(tx, &announcements).await.map_err(sql_error)?;
        Ok(End { token_hashes, announcements })
    }

    /// Call after the commit.
    pub(crate) async fn announce(&self, end: End) {
        self.refresh(&end.token_hashes).await;
        self.outbox.publish(end.announcements).await;
    }

    /// Sessions changed: the next request with their token asks us.
    pub(crate) async fn refresh(&self, token_hashes: &[String]) {
        self.cache.forget_sessions(token_hashes).await;
        for hash in token_hashes {
            self.outbox.bus().invalidate(What::SessionTokenHash(hash.clone())).await;
        }
    }
}
