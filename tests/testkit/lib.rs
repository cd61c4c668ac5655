//! Tests speak HTTP, WebSocket and SQL to the real thing: this kit starts PostgreSQL, Redis and NATS on free ports,
//! Muster processes on top of them, and gives tests people who act.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::missing_panics_doc)]
// Starting engines and processes is blocking work with deadlines, on threads of its own.
#![allow(clippy::disallowed_methods)]

mod background;
mod client;
mod cluster;
mod engines;
pub mod files;
mod people;
pub mod pictures;
mod push;
mod smtp;
pub mod website;
mod ws;

pub use client::{Answer, Client};
pub use cluster::{Cluster, Options};
pub use engines::{Engines, free_port};
pub use people::{Person, unique};
pub use push::PushProxy;
pub use smtp::{Received, Security, Smtp};
pub use ws::{Event, Socket};

use std::time::Duration;

/// Longest anything that must happen may take.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// Repeats `check` until it gives a value; panics with `what` at the deadline.
pub async fn eventually<T, F, Fut>(what: &str, mut check: F) -> T
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Option<T>>,
{
    let end = tokio::time::Instant::now() + DEADLINE;
    loop {
        if let Some(value) = check().await {
            return value;
        }
        assert!(tokio::time::Instant::now() < end, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The keys of a JSON object, sorted.
pub fn keys(value: &serde_json::Value) -> Vec<String> {
    let mut keys: Vec<String> = value.as_object().map(|o| o.keys().cloned().collect()).unwrap_or_default();
    keys.sort();
    keys
}

/// A recorded sample: `tests/golden/<name>.json`.
pub fn golden(name: &str) -> serde_json::Value {
    let path = format!("{}/golden/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(&path).unwrap_or_else(|e| panic!("{path}: {e}"))).expect("golden JSON")
}
