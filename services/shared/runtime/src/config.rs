//! Process settings from `MUSTER_*`; a secret may come from a file named by `MUSTER_*_FILE`.

use std::{env, fmt, fs, net::SocketAddr, path::PathBuf, str::FromStr, time::Duration};

/// A setting that cannot be used: which one and why, for the person who started the process.
#[derive(Debug)]
pub struct ConfigError(pub String);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}

/// What a process plays in the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Gateway,
    Identity,
    Teams,
    Posts,
    Files,
    Jobs,
    /// All of them in one process.
    All,
}

impl Role {
    pub const SERVICES: [Role; 5] = [Role::Identity, Role::Teams, Role::Posts, Role::Files, Role::Jobs];

    pub const fn name(self) -> &'static str {
        match self {
            Role::Gateway => "gateway",
            Role::Identity => "identity",
            Role::Teams => "teams",
            Role::Posts => "posts",
            Role::Files => "files",
            Role::Jobs => "jobs",
            Role::All => "all",
        }
    }
}

/// Everything a process needs to know before it can ask another one.
#[derive(Clone)]
pub struct ProcessConfig {
    pub role: Role,
    /// Unique per process start; shown in `/cluster/status`.
    pub node_id: String,
    pub database_url: String,
    pub redis_url: String,
    pub nats_url: String,
    /// Shared by all processes of a cluster; proves that a gRPC call comes from one of them.
    pub cluster_secret: String,
    pub http_addr: SocketAddr,
    pub grpc_addr: SocketAddr,
    pub management_addr: SocketAddr,
    /// Where others reach this process, for `/cluster/status`.
    pub advertise_addr: String,
    pub data_dir: PathBuf,
    pub client_dir: PathBuf,
    pub shutdown_grace: Duration,
    pub bcrypt_cost: u32,
    /// Connections per schema pool.
    pub database_connections: u32,
}

// The URLs and the secret stay out of logs.
impl fmt::Debug for ProcessConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessConfig").field("role", &self.role).field("node_id", &self.node_id).finish_non_exhaustive()
    }
}

/// Shortest accepted `MUSTER_CLUSTER_SECRET`.
const CLUSTER_SECRET_MIN: usize = 16;

impl ProcessConfig {
    pub fn from_env(role: Role) -> Result<Self, ConfigError> {
        let cluster_secret = required("MUSTER_CLUSTER_SECRET", "a secret shared by all processes, at least 16 characters")?;
        if cluster_secret.len() < CLUSTER_SECRET_MIN {
            return Err(ConfigError(format!("MUSTER_CLUSTER_SECRET must have at least {CLUSTER_SECRET_MIN} characters")));
        }
        let http_addr = parsed("MUSTER_HTTP_ADDR", "0.0.0.0:8065")?;
        let grpc_addr: SocketAddr = parsed("MUSTER_GRPC_ADDR", "0.0.0.0:9000")?;
        let hostname = hostname();
        let port = if matches!(role, Role::Gateway | Role::All) { SocketAddr::port(&http_addr) } else { grpc_addr.port() };
        Ok(Self {
            role,
            node_id: muster_domain::ids::new_id(),
            database_url: if role == Role::Gateway {
                String::new()
            } else {
                required("MUSTER_DATABASE_URL", "such as postgres://user:password@localhost:5432/muster")?
            },
            redis_url: required("MUSTER_REDIS_URL", "such as redis://localhost:6379")?,
            nats_url: required("MUSTER_NATS_URL", "such as nats://localhost:4222")?,
            cluster_secret,
            http_addr,
            grpc_addr,
            management_addr: parsed("MUSTER_MANAGEMENT_ADDR", "0.0.0.0:9100")?,
            advertise_addr: setting("MUSTER_ADVERTISE_ADDR")?.unwrap_or_else(|| format!("{hostname}:{port}")),
            data_dir: PathBuf::from(setting("MUSTER_DATA_DIR")?.unwrap_or_else(|| "./data".into())),
            client_dir: PathBuf::from(setting("MUSTER_CLIENT_DIR")?.unwrap_or_else(|| "./client".into())),
            shutdown_grace: Duration::from_secs(parsed("MUSTER_SHUTDOWN_GRACE_SECONDS", "20")?),
            bcrypt_cost: parsed("MUSTER_BCRYPT_COST", "10")?,
            database_connections: parsed("MUSTER_DATABASE_CONNECTIONS", "16")?,
        })
    }

    /// The database of one service: `MUSTER_<SERVICE>_DATABASE_URL`, else `MUSTER_DATABASE_URL`.
    pub fn database_url(&self, service: Role) -> Result<String, ConfigError> {
        Ok(setting(&format!("MUSTER_{}_DATABASE_URL", service.name().to_uppercase()))?.unwrap_or_else(|| self.database_url.clone()))
    }

    /// The `host:port` addresses of a service from `MUSTER_<SERVICE>_URL` (comma separated http URLs).
    pub fn peer_addresses(service: Role) -> Result<Vec<String>, ConfigError> {
        let name = format!("MUSTER_{}_URL", service.name().to_uppercase());
        let urls = required(&name, "the gRPC address of the service, such as http://127.0.0.1:9001 (several: comma separated)")?;
        urls.split(',')
            .map(str::trim)
            .filter(|u| !u.is_empty())
            .map(|url| {
                let address = url.trim_start_matches("http://").trim_end_matches('/');
                match address.rsplit_once(':') {
                    Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => Ok(address.to_owned()),
                    _ => Err(ConfigError(format!("{name}: '{url}' is not http://host:port"))),
                }
            })
            .collect()
    }
}

/// `MUSTER_X`, or the trimmed content of the file `MUSTER_X_FILE`; empty counts as unset.
pub fn setting(name: &str) -> Result<Option<String>, ConfigError> {
    if let Ok(path) = env::var(format!("{name}_FILE"))
        && !path.is_empty()
    {
        let text = fs::read_to_string(&path).map_err(|e| ConfigError(format!("{name}_FILE: cannot read {path}: {e}")))?;
        return Ok(Some(text.trim().to_owned()));
    }
    Ok(env::var(name).ok().filter(|v| !v.is_empty()))
}

fn required(name: &str, what: &str) -> Result<String, ConfigError> {
    setting(name)?.ok_or_else(|| ConfigError(format!("{name} is not set: {what}")))
}

fn parsed<T: FromStr>(name: &str, default: &str) -> Result<T, ConfigError>
where
    T::Err: fmt::Display,
{
    let text = setting(name)?.unwrap_or_else(|| default.to_owned());
    text.parse().map_err(|e| ConfigError(format!("{name}: '{text}': {e}")))
}

/// This machine's name.
pub fn hostname() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname").map(|h| h.trim().to_owned()).unwrap_or_else(|_| "localhost".into())
}
