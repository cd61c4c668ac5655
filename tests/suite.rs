//! All tests that speak to a running cluster, in one binary: one build, one set of engines.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod architecture;
mod cluster;
mod parity;
#[path = "api/ping.rs"]
mod ping;
mod ws;
