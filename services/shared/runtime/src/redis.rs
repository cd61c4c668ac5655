//! Redis: sessions, statuses and other rebuildable state. Every caller must cope with its absence.

use crate::config::ConfigError;
use redis::{
    Client, ConnectionInfo, IntoConnectionInfo,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use std::time::Duration;

/// A connection that reconnects by itself and fails fast while Redis is away.
pub type Redis = ConnectionManager;

const RESPONSE_TIMEOUT: Duration = Duration::from_millis(500);

/// Does not wait for Redis: a process starts (and serves what it can) without it.
pub async fn connect(url: &str) -> Result<Redis, ConfigError> {
    let bad = |e: redis::RedisError| ConfigError(format!("MUSTER_REDIS_URL: {e}"));
    let info: ConnectionInfo = url.into_connection_info().map_err(bad)?;
    let tcp = redis::io::tcp::TcpSettings::default().set_nodelay(true);
    let client = Client::open(info.set_tcp_settings(tcp)).map_err(bad)?;
    let config = ConnectionManagerConfig::new()
        .set_response_timeout(Some(RESPONSE_TIMEOUT))
        .set_connection_timeout(Some(Duration::from_secs(1)))
        .set_number_of_retries(1);
    ConnectionManager::new_lazy_with_config(client, config).map_err(bad)
}

/// Whether Redis answers.
pub async fn alive(redis: &Redis) -> bool {
    redis::cmd("PING").query_async::<String>(&mut redis.clone()).await.is_ok()
}
