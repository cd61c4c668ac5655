//! What handlers reach.

use crate::{
    access::Access, activity::Activities, channel_lists::ChannelLists, clients::Clients, limiter::Limiter, people::People,
    presence::Presence, sessions::Sessions, version::Version, ws::Hub,
};
use muster_events::Bus;
use muster_runtime::ConfigFeed;
use std::{
    ops::Deref,
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
};

/// The gateway's parts; cheap to clone.
#[derive(Clone)]
pub struct Gateway(Arc<Parts>);

pub struct Parts {
    pub clients: Clients,
    pub sessions: Sessions,
    pub access: Access,
    pub people: People,
    pub channel_lists: ChannelLists,
    pub activities: Activities,
    pub presence: Presence,
    pub config: ConfigFeed,
    pub version: Version,
    pub hub: Hub,
    pub bus: Bus,
    pub limiter: Limiter,
    /// Whether an account is known to exist: accounts never go back to none.
    pub accounts_exist: AtomicBool,
    /// The web client's files.
    pub client_dir: PathBuf,
}

impl Gateway {
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// The settings in force now.
    pub fn settings(&self) -> Arc<muster_runtime::settings::Snapshot> {
        self.config.get()
    }
}

impl Deref for Gateway {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
