//! What every command shares: the gateways in turn and the time limit.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use crate::args::Common;
use crate::http::{Call, Connection};
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

    /// The token of a new session.
    pub async fn log_in(&self, login: &str, password: &str) -> Result<String> {
        let body = json!({ "login_id": login, "password": password });
        let answer = self.connection(0).fetch(&Call::post("/api/v4/users/login".into(), &body, 200), None).await?;
        let token = answer.headers.get("token").and_then(|token| token.to_str().ok());
        Ok(token.context("the administrator cannot log in; see --admin-login")?.to_owned())
    }
}
