//! The product configuration of this process: what the jobs service says, or the defaults until it can be asked.

use muster_domain::config::{Settings, defaults::shipped, environment};
use muster_events::{Bus, invalidation::What};
use muster_proto::jobs::{ConfigReply, GetConfigRequest, config_client::ConfigClient};
use muster_runtime::{
    Caller, Peer,
    config::{ConfigError, setting},
    peers::MESSAGE_MAX,
    settings::{self, ConfigFeed, ConfigSource, Snapshot},
};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Asked again this often, should an event have been missed.
const REFRESH: Duration = Duration::from_secs(30);
/// Until the jobs service answers for the first time.
const RETRY: Duration = Duration::from_millis(200);

/// A feed that begins with the shipped defaults under the environment.
pub fn feed() -> Result<(ConfigSource, ConfigFeed), ConfigError> {
    let mut tree = shipped().clone();
    environment::overlay(&mut tree, |name| setting(name).ok().flatten());
    Ok(settings::feed(Snapshot { settings: Settings::from_tree(&tree), tree, version: -1, ..Snapshot::default() }))
}

/// Keeps the feed current until the token is cancelled; tells `known` when it has been read for the first time.
pub async fn follow(source: ConfigSource, jobs: Peer, bus: Bus, known: impl Fn(), stop: CancellationToken) {
    let mut invalidations = match bus.invalidations().await {
        Ok(invalidations) => invalidations,
        Err(error) => {
            tracing::error!(%error, "configuration changes will be noticed late");
            return;
        }
    };
    let mut next = RETRY;
    loop {
        match fetch(&jobs).await {
            Ok(snapshot) => {
                source.set(snapshot);
                known();
                next = REFRESH;
            }
            Err(error) => tracing::debug!(%error, "the configuration cannot be read yet"),
        }
        let wake = tokio::time::sleep(next);
        tokio::pin!(wake);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = &mut wake => break,
                what = invalidations.next() => match what {
                    Some(What::Config(_) | What::Everything(_)) => break,
                    Some(_) => {}
                    None => return,
                },
            }
        }
    }
}

/// The configuration in force.
pub async fn fetch(jobs: &Peer) -> Result<Snapshot, muster_error::AppError> {
    let mut client = ConfigClient::new(jobs.channel()).max_decoding_message_size(MESSAGE_MAX);
    let reply: ConfigReply = client.get(Caller::system("configuration").call(GetConfigRequest {})).await?.into_inner();
    let tree: serde_json::Value = serde_json::from_slice(&reply.json).map_err(muster_error::AppError::internal)?;
    Ok(Snapshot {
        settings: Settings::from_tree(&tree),
        tree,
        version: reply.version,
        asymmetric_signing_public_key: reply.asymmetric_signing_public_key,
        diagnostic_id: reply.diagnostic_id,
    })
}
