//! What every Muster process is built from: settings, telemetry, gRPC, PostgreSQL, Redis, NATS, health, shutdown.

pub mod caller;
pub mod config;
pub mod gather;
pub mod grpc;
pub mod health;
pub mod logs;
pub mod nats;
pub mod outbound;
pub mod peers;
pub mod postgres;
pub mod redis;
pub mod settings;
pub mod shutdown;
pub mod telemetry;

pub use caller::Caller;
pub use config::ProcessConfig;
pub use peers::{Peer, RpcChannel};
pub use settings::ConfigFeed;
