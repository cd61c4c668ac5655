//! What clients are told about the server: its configuration as they see it, and the version id that follows from it
//! (`X-Version-Id`, `hello`). Clients react to the id's change.

use bytes::Bytes;
use muster_domain::config::client::{Facts, VERSION, client_map};
use muster_runtime::{ConfigFeed, settings::Snapshot};
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Arc, RwLock},
};

/// The server version that clients are told.
pub const SERVER_VERSION: &str = VERSION;
/// No build number: as in the original's development builds.
const BUILD: &str = "";

/// Both, made once per version of the configuration.
#[derive(Clone)]
pub struct Version {
    config: ConfigFeed,
    known: Arc<RwLock<Arc<Known>>>,
}

/// What follows from one snapshot.
struct Known {
    snapshot: Option<Arc<Snapshot>>,
    id: Arc<str>,
    client_config: Bytes,
}

impl Version {
    pub fn new(config: ConfigFeed) -> Self {
        let known = Known { snapshot: None, id: "".into(), client_config: Bytes::new() };
        Self { config, known: Arc::new(RwLock::new(Arc::new(known))) }
    }

    /// `<version>.<build>.<md5 of the client configuration>.<licensed>`.
    pub fn id(&self) -> Arc<str> {
        self.known().id.clone()
    }

    /// The client configuration as JSON, for a server that has accounts.
    pub fn client_config(&self) -> Bytes {
        self.known().client_config.clone()
    }

    fn known(&self) -> Arc<Known> {
        let snapshot = self.config.get();
        if let Ok(known) = self.known.read()
            && known.snapshot.as_ref().is_some_and(|of| Arc::ptr_eq(of, &snapshot))
        {
            return known.clone();
        }
        let fresh = Arc::new(Known::of(snapshot));
        if let Ok(mut known) = self.known.write() {
            *known = fresh.clone();
        }
        fresh
    }
}

impl Known {
    fn of(snapshot: Arc<Snapshot>) -> Self {
        let client_config = json(&client_config_map(&snapshot, false));
        Self { id: version_id(&client_config).into(), snapshot: Some(snapshot), client_config }
    }
}

/// The client configuration of a snapshot. `no_accounts`: the next account becomes the administrator.
pub fn client_config_map(snapshot: &Snapshot, no_accounts: bool) -> BTreeMap<&'static str, String> {
    let facts = Facts {
        no_accounts,
        asymmetric_signing_public_key: snapshot.asymmetric_signing_public_key.clone(),
        diagnostic_id: snapshot.diagnostic_id.clone(),
    };
    client_map(&snapshot.tree, &facts)
}

fn json(map: &BTreeMap<&'static str, String>) -> Bytes {
    // A map of strings always encodes.
    muster_proto::json::to_vec(map).unwrap_or_default().into()
}

fn version_id(client_config: &[u8]) -> String {
    format!("{SERVER_VERSION}.{BUILD}.{}.true", md5_hex(client_config))
}

/// MD5 as hex digits: a fingerprint, not a protection.
pub fn md5_hex(bytes: &[u8]) -> String {
    use md5::{Digest, Md5};
    Md5::digest(bytes).iter().fold(String::with_capacity(32), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_domain::config::{Settings, defaults};

    #[test]
    fn the_id_follows_what_clients_see_and_nothing_else() {
        let snapshot = |pointer: &str, value: serde_json::Value| {
            let mut tree = defaults::shipped().clone();
            *tree.pointer_mut(pointer).expect("a setting") = value;
            Arc::new(Snapshot { settings: Settings::from_tree(&tree), tree, ..Snapshot::default() })
        };
        let shipped = Known::of(snapshot("/TeamSettings/SiteName", "Mattermost".into())).id;
        assert_eq!(Known::of(snapshot("/TeamSettings/MaxUsersPerTeam", 7.into())).id, shipped);
        assert_ne!(Known::of(snapshot("/TeamSettings/SiteName", "x".into())).id, shipped);
        let parts: Vec<&str> = shipped.rsplitn(3, '.').collect();
        assert_eq!((parts[0], parts[1].len(), parts[2]), ("true", 32, "4.10.0."));
    }
}
