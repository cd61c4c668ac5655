//! An owner changes how they sign in (reference: identity, section 11).

use super::{AccountsService, BY_PASSWORD, SERVICES, signs_in_by};
use crate::{
    credentials::{self, Proof},
    passwords,
    sessions::{self, Which, token_hash},
    users,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use muster_domain::{
    ids::{new_code, new_id},
    time::now_ms,
};
use muster_error::{AppError, ErrorId};
use muster_events::invalidation::What;
use muster_proto::{
    identity::{SwitchSignInReply, SwitchSignInRequest},
    model::User,
};
use muster_runtime::{Caller, postgres::sql_error};
use serde_json::{Value, json};

const EMAIL: &str = "email";
const LDAP: &str = "ldap";
const SAML: &str = "saml";
/// What the service, or the page behind the link, is to do.
const ACTION: &str = "email_to_sso";
/// Kind of the code that proves, at the way back from a service, that the way began here.
const OAUTH_STATE: &str = "oauth";
/// Where somebody is sent whose way of signing in changed.
const CHANGED_LINK: &str = "/login?extra=signin_change";

/// OAuth services, and where their settings are.
const OAUTH_SETTINGS: &[(&str, &str)] = &[("gitlab", "GitLabSettings"), ("google", "GoogleSettings"), ("office365", "Office365Settings")];

fn is_sso(service: &str) -> bool {
    service != LDAP && SERVICES.contains(&service)
}

impl AccountsService {
    pub(super) async fn switch(&self, caller: &Caller, request: SwitchSignInRequest) -> Result<SwitchSignInReply, AppError> {
        let allowed = self.feed.get().settings.experimental_enable_authentication_transfer;
        let refused = |id: ErrorId| if allowed { Ok(()) } else { Err(AppError::new(id).status(403)) };
        match (request.current_service.as_str(), request.new_service.as_str()) {
            (EMAIL, service) if is_sso(service) => {
                refused(ErrorId::SwitchEmailToOauthNotAvailable)?;
                self.email_to_service(request).await
            }
            (service, EMAIL) if is_sso(service) => {
                refused(ErrorId::SwitchOauthToEmailNotAvailable)?;
                self.service_to_email(caller, request).await
            }
            (EMAIL, LDAP) => {
                refused(ErrorId::LoginSwitchEmailToLdapNotAvailable)?;
                self.proven(&request).await?;
                // Unlike the original, sessions live on when nothing changes.
                Err(ErrorId::LoginSwitchEmailToLdapNotAvailable.into())
            }
            (LDAP, EMAIL) => {
                refused(ErrorId::LoginSwitchLdapToEmailNotAvailable)?;
                if self.owner_of(&request.email).await?.auth_service != LDAP {
                    return Err(ErrorId::LoginSwitchNotLdap.into());
                }
                Err(ErrorId::LoginSwitchLdapToEmailNotAvailable.into())
            }
            _ => Err(AppError::body("switch_request")),
        }
    }

    async fn owner_of(&self, email: &str) -> Result<User, AppError> {
        Ok(users::by_email(&self.pool, email).await.map_err(sql_error)?.ok_or(ErrorId::UserNotFound)?)
    }

    /// The account of the address, when password and code are those of its owner.
    async fn proven(&self, request: &SwitchSignInRequest) -> Result<User, AppError> {
        let user = self.owner_of(&request.email).await?;
        let proof = Proof { password: request.password.clone(), code: Some(request.mfa_code.clone()) };
        credentials::sign_in(&self.pool, &self.bus, &self.passwords, user, proof, &self.feed.get().settings).await
    }

    async fn email_to_service(&self, request: SwitchSignInRequest) -> Result<SwitchSignInReply, AppError> {
        let user = self.proven(&request).await?;
        let snapshot = self.feed.get();
        let site_url = match snapshot.settings.site_url.trim_end_matches('/') {
            "" => request.site_url,
            site_url => site_url.to_owned(),
        };
        let service = request.new_service;
        if service == SAML {
            let follow_link = format!("{site_url}/login/sso/saml?action={ACTION}&email={}", escaped(&user.email));
            return Ok(SwitchSignInReply { follow_link, ..SwitchSignInReply::default() });
        }
        let provider = OAUTH_SETTINGS
            .iter()
            .find(|(name, _)| *name == service)
            .and_then(|(_, section)| snapshot.tree.get(section))
            .filter(|settings| settings["Enable"] == true)
            .ok_or(ErrorId::SsoUnsupported)?;
        let cookie = new_id();
        let token = new_code();
        let sql = "INSERT INTO codes (code_hash, kind, data, create_at) VALUES ($1, $2, $3, $4)";
        let data = json!({ "email": user.email, "action": ACTION, "cookie": token_hash(&cookie) }).to_string();
        let stored = sqlx::query(sql).bind(token_hash(&token)).bind(OAUTH_STATE).bind(data).bind(now_ms()).execute(&self.pool).await;
        stored.map_err(sql_error)?;
        let state = STANDARD.encode(json!({ "action": ACTION, "email": user.email, "token": token }).to_string());
        let back = format!("{site_url}/signup/{service}/complete");
        Ok(SwitchSignInReply { follow_link: authorization_link(provider, &back, &state), oauth_cookie: cookie })
    }

    async fn service_to_email(&self, caller: &Caller, request: SwitchSignInRequest) -> Result<SwitchSignInReply, AppError> {
        let user = self.owner_of(&request.email).await?;
        if user.id != caller.user_id {
            return Err(ErrorId::SwitchOauthToEmailContext.into());
        }
        passwords::check_policy(&request.new_password, &self.feed.get().settings)?;
        let hash = self.passwords.turn().await?.hash(request.new_password).await?;
        let mut tx = self.pool.begin().await.map_err(sql_error)?;
        if !credentials::set_password(&mut tx, &user.id, &hash, now_ms()).await.map_err(sql_error)? {
            return Err(ErrorId::UserNotFound.into());
        }
        let revoked = sessions::delete(&mut tx, &user.id, Which::All).await.map_err(sql_error)?;
        let end = self.revoker.record(&mut tx, &user.id, revoked).await?;
        self.mailer.record(&mut tx, &user.email, signs_in_by(BY_PASSWORD)).await?;
        tx.commit().await.map_err(sql_error)?;
        self.revoker.announce(end).await;
        self.bus.invalidate_now([What::UserId(user.id)]).await;
        self.mailer.wake().await;
        Ok(SwitchSignInReply { follow_link: CHANGED_LINK.to_owned(), ..SwitchSignInReply::default() })
    }
}

/// `AuthEndpoint?response_type=code&client_id=…&redirect_uri=…&state=…[&scope=…]`
fn authorization_link(provider: &Value, back: &str, state: &str) -> String {
    let text = |name: &str| provider[name].as_str().unwrap_or_default();
    let (endpoint, id, scope) = (text("AuthEndpoint"), text("Id"), text("Scope"));
    let mut link = format!("{endpoint}?response_type=code&client_id={id}&redirect_uri={}&state={}", escaped(back), escaped(state));
    if !scope.is_empty() {
        link.push_str("&scope=");
        link.push_str(&escaped(scope));
    }
    link
}

/// As in a query: everything but letters, digits and `-_.~` becomes `%XX`.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(byte as char);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_carry_everything_escaped() {
        let provider = json!({"AuthEndpoint": "https://git.example/oauth", "Id": "id", "Scope": "profile email"});
        assert_eq!(
            authorization_link(&provider, "https://chat.example/signup/gitlab/complete", "a+/="),
            "https://git.example/oauth?response_type=code&client_id=id&redirect_uri=https%3A%2F%2Fchat.example%2Fsignup%2Fgitlab%2F\
             complete&state=a%2B%2F%3D&scope=profile%20email"
        );
        assert!(!authorization_link(&json!({}), "x", "y").contains("scope"));
    }
}
