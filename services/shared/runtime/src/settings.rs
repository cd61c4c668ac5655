//! The product configuration as every process sees it: the newest snapshot, swapped whole on a change.

use muster_domain::config::Settings;
use serde_json::Value;
use std::sync::Arc;
use tokio::sync::watch;

/// One version of the configuration.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// The typed view for hot paths.
    pub settings: Settings,
    /// The whole tree, secrets included.
    pub tree: Value,
    pub version: i64,
    /// Base64 DER, P-256.
    pub asymmetric_signing_public_key: String,
    pub diagnostic_id: String,
}

/// Reads the newest snapshot. Cheap to clone and to read.
#[derive(Clone)]
pub struct ConfigFeed(watch::Receiver<Arc<Snapshot>>);

/// The writing end: the process's configuration task.
pub struct ConfigSource(watch::Sender<Arc<Snapshot>>);

/// A feed that begins with `first` (the built-in defaults with the environment's overrides).
pub fn feed(first: Snapshot) -> (ConfigSource, ConfigFeed) {
    let (tx, rx) = watch::channel(Arc::new(first));
    (ConfigSource(tx), ConfigFeed(rx))
}

impl ConfigFeed {
    pub fn get(&self) -> Arc<Snapshot> {
        self.0.borrow().clone()
    }

    /// Waits for the next change; false when there will be none.
    pub async fn changed(&mut self) -> bool {
        self.0.changed().await.is_ok()
    }
}

impl ConfigSource {
    pub fn set(&self, snapshot: Snapshot) {
        self.0.send_replace(Arc::new(snapshot));
    }
}
