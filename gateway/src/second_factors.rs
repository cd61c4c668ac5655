//! Whether somebody has the second factor that the settings may demand of everybody (reference: identity, section 2).

use crate::{extract::RequestFacts, state::Gateway};
use http::Method;
use muster_error::{AppError, ErrorId};
use muster_proto::model::{self, User};
use muster_runtime::Caller;

const LDAP: &str = "ldap";

/// 403 when the settings demand a second factor that the session's user lacks. OAuth applications and people who sign in by
/// a service other than LDAP are exempt.
pub async fn check(gateway: &Gateway, session: &model::Session, facts: &RequestFacts) -> Result<(), AppError> {
    let snapshot = gateway.settings();
    let settings = &snapshot.settings;
    if !settings.enable_multifactor_authentication || !settings.enforce_multifactor_authentication || session.is_oauth {
        return Ok(());
    }
    let caller = Caller { request_id: facts.request_id.to_string(), ip: facts.client_ip.to_string(), ..Caller::default() };
    let people = &gateway.people;
    // Nobody is refused by what is remembered: activating counts at once.
    if satisfies(&people.get(&caller, &session.user_id).await?.user) || satisfies(&people.get_anew(&caller, &session.user_id).await?.user) {
        return Ok(());
    }
    Err(ErrorId::MfaRequired.into())
}

fn satisfies(user: &User) -> bool {
    user.mfa_active || !(user.auth_service.is_empty() || user.auth_service == LDAP)
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
