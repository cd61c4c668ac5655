//! How a change is written: rows, announcements and effects in one transaction, then everyone is told.

use crate::effects::{Effect, Effects};
use muster_error::{AppError, Result};
use muster_events::{Announcement, ChannelKey, Outbox, invalidation::What};
use muster_runtime::{Caller, postgres::sql_error};
use sqlx::{PgPool, Postgres, Transaction};

/// What follows from a change once it is committed, in order.
#[derive(Default)]
pub struct Consequences {
    pub announcements: Vec<Announcement>,
    pub stale: Vec<What>,
    pub effects: Vec<Effect>,
}

impl Consequences {
    pub fn announce(&mut self, announcement: Announcement) {
        self.announcements.push(announcement);
    }

    pub fn effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    pub fn stale_channel(&mut self, channel_id: &str) {
        self.stale.push(What::ChannelId(channel_id.to_owned()));
    }

    pub fn stale_team(&mut self, team_id: &str) {
        self.stale.push(What::TeamId(team_id.to_owned()));
    }

    /// `user_id` "" = every membership of the channel.
    pub fn stale_member(&mut self, channel_id: &str, user_id: &str) {
        self.stale.push(What::Member(ChannelKey { channel_id: channel_id.to_owned(), user_id: user_id.to_owned() }));
    }

    pub fn stale_team_member(&mut self, team_id: &str, user_id: &str) {
        self.stale.push(What::TeamMember(ChannelKey { channel_id: team_id.to_owned(), user_id: user_id.to_owned() }));
    }
}

#[derive(Clone)]
pub struct Writer {
    pub pool: PgPool,
    outbox: Outbox,
    effects: Effects,
}

impl Writer {
    pub fn new(pool: PgPool, outbox: Outbox, effects: Effects) -> Self {
        Self { pool, outbox, effects }
    }

    pub async fn begin(&self) -> Result<Transaction<'static, Postgres>> {
        self.pool.begin().await.map_err(sql_error)
    }

    /// Within a transaction that removes these teams and channels: nobody needs to hear any more who was in them.
    pub async fn drop_memberships(&self, tx: &mut Transaction<'static, Postgres>, group_ids: impl Iterator<Item = &str>) -> Result<()> {
        self.effects.drop_memberships(tx, group_ids).await.map_err(sql_error)
    }

    /// Commits, then drops stale caches, publishes events and waits a little for the effects to be applied. What could
    /// not be told now is told later, so a committed change is never reported as failed.
    pub async fn commit(&self, caller: &Caller, mut tx: Transaction<'static, Postgres>, consequences: Consequences) -> Result<()> {
        let Consequences { announcements, stale, effects } = consequences;
        self.outbox.record(&mut tx, &announcements).await.map_err(sql_error)?;
        self.effects.record(&mut tx, &effects).await.map_err(sql_error)?;
        tx.commit().await.map_err(sql_error)?;
        self.outbox.bus().invalidate_now(stale).await;
        self.outbox.publish(announcements).await;
        self.effects.deliver(caller, &effects).await;
        Ok(())
    }
}

/// For statements outside of a transaction: the same mapping as everywhere.
pub fn sql(error: sqlx::Error) -> AppError {
    sql_error(error)
}
