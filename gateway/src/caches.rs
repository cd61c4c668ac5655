//! Keeps this gateway's caches true: applies every invalidation that passes on the bus.

use crate::{access::Access, channel_lists::ChannelLists, people::People, sessions::Sessions};
use muster_events::{Invalidations, invalidation::What};
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Roles are read again this often, should an event have been missed.
const ROLES_EVERY: Duration = Duration::from_secs(30);
/// And this often while no event can come: a changed role counts within a second, whatever happens.
const ROLES_EVERY_UNTOLD: Duration = Duration::from_millis(500);

/// Longest that other invalidations wait for the roles.
const ROLES_WAIT: Duration = Duration::from_secs(2);

/// What this gateway remembers of other services. Each part bypasses itself while the bus is away, but the roles, which
/// every request needs: they are read again and again then.
pub struct Caches {
    pub sessions: Sessions,
    pub access: Access,
    pub people: People,
    pub channel_lists: ChannelLists,
}

impl Caches {
    /// Runs until the token is cancelled.
    pub async fn keep_true(self, mut invalidations: Invalidations, mut bus_connected: watch::Receiver<bool>, stop: CancellationToken) {
        loop {
            let connected = *bus_connected.borrow_and_update();
            let roles_are_old = tokio::time::sleep(if connected { ROLES_EVERY } else { ROLES_EVERY_UNTOLD });
            tokio::pin!(roles_are_old);
            // Only a change of the connection begins a new wait; invalidations must not put the roles off.
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = &mut roles_are_old => {
                        self.apply(What::RoleName(String::new())).await;
                        break;
                    }
                    changed = bus_connected.changed() => match changed {
                        Ok(()) => break,
                        Err(_) => return,
                    },
                    what = invalidations.next() => match what {
                        Some(what) => self.apply(what).await,
                        None => return,
                    },
                }
            }
        }
    }

    async fn apply(&self, what: What) {
        match what {
            What::SessionTokenHash(hash) => self.sessions.forget(&hash),
            What::RoleName(_) => self.reload_roles().await,
            What::Member(key) => {
                self.access.forget_member(&key.channel_id, &key.user_id);
                self.channel_lists.forget_member(&key.channel_id, &key.user_id);
            }
            What::TeamMember(key) => {
                self.access.forget_team_member(&key.channel_id, &key.user_id);
                self.channel_lists.forget_user(&key.user_id);
            }
            What::ChannelId(id) => {
                self.access.forget_channel(&id);
                self.channel_lists.forget_channel(&id);
            }
            What::TeamId(id) => self.access.forget_team(&id),
            What::UserId(id) => self.people.forget(&id),
            What::Everything(_) => {
                self.sessions.forget_all();
                self.access.forget_all();
                self.people.forget_all();
                self.channel_lists.forget_all();
                self.reload_roles().await;
            }
            // The configuration feed listens for itself.
            What::Config(_) => {}
        }
    }

    async fn reload_roles(&self) {
        match tokio::time::timeout(ROLES_WAIT, self.access.reload_roles()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "reading the roles failed; the known ones stay in force"),
            Err(_) => tracing::warn!("reading the roles takes too long; the known ones stay in force"),
        }
    }
}
