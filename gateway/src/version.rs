//! What `X-Version-Id` and `hello` say: clients react to its change.

use muster_runtime::ConfigFeed;
use std::{
    fmt::Write as _,
    sync::{Arc, RwLock},
};

/// The server version that clients are told.
pub const SERVER_VERSION: &str = "4.10.0";
/// No build number: as in the original's development builds.
const BUILD: &str = "";

/// `<version>.<build>.<md5 of the client configuration>.<licensed>`, kept for the configuration in force.
#[derive(Clone)]
pub struct Version {
    config: ConfigFeed,
    known: Arc<RwLock<(i64, Arc<str>)>>,
}

impl Version {
    pub fn new(config: ConfigFeed) -> Self {
        Self { config, known: Arc::new(RwLock::new((i64::MIN, "".into()))) }
    }

    pub fn id(&self) -> Arc<str> {
        let snapshot = self.config.get();
        if let Ok(known) = self.known.read()
            && known.0 == snapshot.version
        {
            return known.1.clone();
        }
        let id: Arc<str> = version_id(&snapshot).into();
        if let Ok(mut known) = self.known.write() {
            *known = (snapshot.version, id.clone());
        }
        id
    }
}

fn version_id(snapshot: &muster_runtime::settings::Snapshot) -> String {
    use md5::{Digest, Md5};
    // Every field a client sees comes from the tree and the public key: hashing those follows every change.
    let hash = Md5::digest(format!("{}{}{}", snapshot.tree, snapshot.asymmetric_signing_public_key, snapshot.diagnostic_id));
    let mut text = format!("{SERVER_VERSION}.{BUILD}.");
    for byte in hash {
        let _ = write!(text, "{byte:02x}");
    }
    text.push_str(".true");
    text
}
