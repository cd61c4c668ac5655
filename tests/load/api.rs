//! Calls whose answer matters: for preparing a server, not for measuring it.

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::context::Context;
use crate::http::{Answer, Call, Connection};
use crate::state::Person;

/// The one field wanted of most answers.
#[derive(Deserialize)]
pub struct Id {
    pub id: String,
}

/// An API client of one person, for calls whose answer is read.
pub struct Api {
    connection: Connection,
    pub token: String,
}

impl Api {
    /// `n` chooses the gateway; a blank token means nobody is logged in.
    pub fn new(context: &Context, n: usize, token: &str) -> Self {
        Self { connection: context.connection(n), token: token.to_owned() }
    }

    /// Sends and returns whatever came.
    pub async fn send(&mut self, call: &Call) -> Result<Answer> {
        let token = (!self.token.is_empty()).then_some(self.token.as_str());
        self.connection.fetch(call, token).await.with_context(|| format!("{} {}", call.method, call.path))
    }

    /// Sends and insists on success.
    pub async fn demand(&mut self, call: &Call) -> Result<Answer> {
        let answer = self.send(call).await?;
        if answer.status != call.expect {
            bail!("{} {}: status {}: {}", call.method, call.path, answer.status, String::from_utf8_lossy(&answer.body));
        }
        Ok(answer)
    }

    /// Sends, insists on success and decodes.
    pub async fn read<T: DeserializeOwned>(&mut self, call: &Call) -> Result<T> {
        let answer = self.demand(call).await?;
        serde_json::from_slice(&answer.body).with_context(|| format!("unexpected answer to {} {}", call.method, call.path))
    }

    /// Logs in and returns the session. None when name or password is wrong or nobody has that name.
    pub async fn login(&mut self, name: &str, password: &str) -> Result<Option<Person>> {
        let call = Call::post("/api/v4/users/login".into(), &json!({ "login_id": name, "password": password }), 200);
        let answer = self.send(&call).await?;
        match answer.status {
            200 => {
                let token = answer.headers.get("token").and_then(|t| t.to_str().ok()).context("the login answer has no Token header")?;
                let user: Id = serde_json::from_slice(&answer.body)?;
                Ok(Some(Person { id: user.id, username: name.to_owned(), token: token.to_owned() }))
            }
            400 | 401 => Ok(None),
            status => bail!("login of {name}: status {status}: {}", String::from_utf8_lossy(&answer.body)),
        }
    }
}
