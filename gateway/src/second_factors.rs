//! Whether somebody has the second factor that the settings may demand of everybody (reference: identity, section 2).

use crate::{clients::Clients, extract::RequestFacts};
use http::Method;
use moka::sync::Cache;
use muster_domain::config::Settings;
use muster_error::{AppError, ErrorId};
use muster_proto::{
    identity::{GetUserRequest, get_user_request::By},
    model,
};
use muster_runtime::Caller;
use std::time::Duration;
use tokio::sync::watch;

/// How long "has one" is believed without asking, if no invalidation comes.
const TTL: Duration = Duration::from_secs(30);
const REMEMBERED_MAX: u64 = 100_000;
const LDAP: &str = "ldap";

#[derive(Clone)]
pub struct SecondFactors {
    clients: Clients,
    /// Users of whom nothing more is demanded. That somebody lacks it is never remembered: activating counts at once.
    satisfied: Cache<String, ()>,
    bus_connected: watch::Receiver<bool>,
}

impl SecondFactors {
    pub fn new(clients: Clients, bus_connected: watch::Receiver<bool>) -> Self {
        Self { clients, satisfied: Cache::builder().max_capacity(REMEMBERED_MAX).time_to_live(TTL).build(), bus_connected }
    }

    /// 403 when the settings demand a second factor that the session's user lacks. OAuth applications and people who sign
    /// in by a service other than LDAP are exempt.
    pub async fn check(&self, settings: &Settings, session: &model::Session, facts: &RequestFacts) -> Result<(), AppError> {
        if !settings.enable_multifactor_authentication || !settings.enforce_multifactor_authentication || session.is_oauth {
            return Ok(());
        }
        let trusted = *self.bus_connected.borrow();
        if trusted && self.satisfied.contains_key(&session.user_id) {
            return Ok(());
        }
        let caller = Caller { request_id: facts.request_id.to_string(), ip: facts.client_ip.to_string(), ..Caller::default() };
        let request = GetUserRequest { by: Some(By::Id(session.user_id.clone())) };
        let user = self.clients.users().get(caller.call(request)).await?.into_inner();
        if !user.mfa_active && (user.auth_service.is_empty() || user.auth_service == LDAP) {
            return Err(ErrorId::MfaRequired.into());
        }
        if trusted {
            self.satisfied.insert(session.user_id.clone(), ());
        }
        Ok(())
    }

    /// The account changed.
    pub fn forget(&self, user_id: &str) {
        self.satisfied.invalidate(user_id);
    }

    pub fn forget_all(&self) {
        self.satisfied.invalidate_all();
    }
}

/// What somebody without the factor may still do: look at themselves and set it up.
pub fn is_exempt(method: &Method, path: &str) -> bool {
    let Some(rest) = path.strip_prefix("/api/v4/users/") else { return false };
    match rest.split('/').collect::<Vec<_>>().as_slice() {
        ["me"] => true,
        [_, "mfa"] => method == Method::PUT,
        [_, "mfa", "generate"] => method == Method::POST,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_is_exempt() {
        for (method, path, exempt) in [
            (Method::GET, "/api/v4/users/me", true),
            (Method::PUT, "/api/v4/users/me/mfa", true),
            (Method::POST, "/api/v4/users/abc/mfa/generate", true),
            (Method::GET, "/api/v4/users/abc", false),
            (Method::GET, "/api/v4/users/me/teams", false),
            (Method::POST, "/api/v4/users/me/mfa", false),
            (Method::GET, "/api/v4/users/me/mfa/generate", false),
            (Method::GET, "/users/me", false),
        ] {
            assert_eq!(is_exempt(&method, path), exempt, "{method} {path}");
        }
    }
}
