//! All tests that speak to a running cluster, in one binary: one build, one set of engines.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod architecture;
mod cluster;
#[path = "api/config.rs"]
mod config;
#[path = "api/jobs.rs"]
mod jobs;
#[path = "api/license.rs"]
mod license;
#[path = "api/logs.rs"]
mod logs;
#[path = "api/nodes.rs"]
mod nodes;
mod parity;
#[path = "api/ping.rs"]
mod ping;
#[path = "api/roles.rs"]
mod roles;
#[path = "api/system.rs"]
mod system;
mod ws;
