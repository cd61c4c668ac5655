//! What every command shares: the gateways in turn and the time limit.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::args::Common;
use crate::http::Connection;
use crate::target::{Target, resolve};

#[derive(Debug, Clone)]
pub struct Context {
    targets: Vec<Target>,
    pub limit: Duration,
}

impl Context {
    pub fn new(common: &Common) -> Result<Self> {
        let targets = resolve(&common.url, common.i_own_this_server)?;
        ensure!(!targets.is_empty(), "no --url given");
        Ok(Self { targets, limit: Duration::from_secs(common.timeout.into()) })
    }

    /// The gateway of the `n`-th worker: round robin.
    pub fn target(&self, n: usize) -> &Target {
        &self.targets[n % self.targets.len()]
    }

    pub fn connection(&self, n: usize) -> Connection {
        Connection::new(self.target(n), self.limit)
    }
}
