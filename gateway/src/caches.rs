//! Keeps this gateway's caches true: applies every invalidation that passes on the bus.

use crate::{access::Access, sessions::Sessions};
use muster_events::{Invalidations, invalidation::What};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Roles are read again this often, should an event have been missed.
const ROLES_EVERY: Duration = Duration::from_secs(30);

/// Runs until the token is cancelled.
pub async fn keep_true(mut invalidations: Invalidations, sessions: Sessions, access: Access, stop: CancellationToken) {
    let mut roles = tokio::time::interval(ROLES_EVERY);
    loop {
        let what = tokio::select! {
            () = stop.cancelled() => return,
            _ = roles.tick() => What::RoleName(String::new()),
            what = invalidations.next() => match what {
                Some(what) => what,
                None => return,
            },
        };
        match what {
            What::SessionTokenHash(hash) => sessions.forget(&hash),
            What::RoleName(_) => reload_roles(&access).await,
            What::Member(key) => access.forget_member(&key.channel_id, &key.user_id),
            What::TeamMember(key) => access.forget_team_member(&key.channel_id, &key.user_id),
            What::ChannelId(id) => access.forget_channel(&id),
            What::TeamId(id) => access.forget_team(&id),
            What::Everything(_) => {
                sessions.forget_all();
                access.forget_all();
                reload_roles(&access).await;
            }
            // The configuration feed listens for itself; profiles are not cached here.
            What::Config(_) | What::UserId(_) => {}
        }
    }
}

async fn reload_roles(access: &Access) {
    if let Err(error) = access.reload_roles().await {
        tracing::warn!(%error, "reading the roles failed; the known ones stay in force");
    }
}
