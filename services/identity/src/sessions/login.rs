//! Logging in: the checks in the order of the reference (identity, section 3).

use super::{SessionsService, Which, authenticate::token_hash, delete, store};
use crate::{
    credentials::{self, Proof},
    users,
};
use muster_domain::{
    config::Settings,
    ids::{new_id, new_token},
    text::cut_bytes,
    time::{DAY_MS, now_ms},
    useragent,
};
use muster_error::{AppError, ErrorId};
use muster_proto::{
    identity::{LoginReply, LoginRequest},
    model::{Session, User},
};
use muster_runtime::{Caller, postgres::sql_error};
use std::collections::BTreeMap;

/// Bytes of a device id.
pub(super) const DEVICE_ID_MAX: usize = 512;
/// Longest login id that can exist, bytes.
const LOGIN_ID_MAX: usize = 128;
/// Bytes of a User-Agent that are looked at.
const USER_AGENT_MAX: usize = 1_000;
const LDAP: &str = "ldap";

pub(super) fn mobile_lifetime(settings: &Settings) -> i64 {
    settings.session_length_mobile_in_days.saturating_mul(DAY_MS)
}

/// How long a new session lasts, ms.
fn lifetime(settings: &Settings, device_id: &str) -> i64 {
    if device_id.is_empty() { settings.session_length_web_in_days.saturating_mul(DAY_MS) } else { mobile_lifetime(settings) }
}

/// What a session remembers of the client.
fn client_props(user_agent: &str) -> BTreeMap<String, String> {
    let client = useragent::client(cut_bytes(user_agent, USER_AGENT_MAX));
    [("platform", client.platform.to_owned()), ("os", client.os), ("browser", client.browser)].map(|(k, v)| (k.to_owned(), v)).into()
}

impl SessionsService {
    pub(super) async fn log_in(&self, caller: &Caller, request: LoginRequest) -> Result<LoginReply, AppError> {
        // The trail of a login carries no session: the caller may have one of somebody else.
        let caller = Caller { session_id: String::new(), ..caller.clone() };
        let (by_id, login_id) = (request.id.clone(), request.login_id.clone());
        self.audit_log.record(&caller, &by_id, format!("attempt - login_id={login_id}")).await;
        let user = match self.authenticate_user(&request).await {
            Ok(user) => user,
            Err(error) => {
                self.audit_log.record(&caller, &by_id, format!("failure - login_id={login_id}")).await;
                return Err(error);
            }
        };
        self.audit_log.record(&caller, &user.id, "authenticated").await;
        let (session, token) = self.open_session(&user, &request).await?;
        self.audit_log.record(&caller, &user.id, "success").await;
        Ok(LoginReply { user: Some(user), session: Some(session), token })
    }

    async fn authenticate_user(&self, request: &LoginRequest) -> Result<User, AppError> {
        let snapshot = self.feed.get();
        let settings = &snapshot.settings;
        if request.password.is_empty() {
            return Err(ErrorId::LoginBlankPassword.into());
        }
        if request.device_id.len() > DEVICE_ID_MAX {
            return Err(AppError::body("device_id"));
        }
        let user = self.find_user(request, settings).await?;
        if user.auth_service == LDAP {
            return Err(ErrorId::LoginLdapNotAvailable.into());
        }
        if !user.auth_service.is_empty() {
            return Err(AppError::new(ErrorId::LoginUseAuthService).param("AuthService", user.auth_service.to_uppercase()));
        }
        let proof = Proof { password: request.password.clone(), code: Some(request.mfa_token.clone()) };
        credentials::sign_in(&self.pool, self.revoker.bus(), &self.passwords, user, proof, settings).await
    }

    async fn find_user(&self, request: &LoginRequest, settings: &Settings) -> Result<User, AppError> {
        let unknown = || AppError::new(ErrorId::LoginUnknown);
        if !request.id.is_empty() {
            return users::by_id(&self.pool, &request.id).await.map_err(sql_error)?.ok_or_else(unknown);
        }
        let by_username = settings.enable_sign_in_with_username && !request.ldap_only;
        let by_email = settings.enable_sign_in_with_email && !request.ldap_only;
        if request.login_id.is_empty() || request.login_id.len() > LOGIN_ID_MAX {
            return Err(unknown());
        }
        let mut found = users::for_login(&self.pool, &request.login_id, by_username, by_email).await.map_err(sql_error)?;
        match found.len() {
            0 => Err(unknown()),
            1 => Ok(found.remove(0)),
            _ => Err(ErrorId::LoginAmbiguous.into()),
        }
    }

    async fn open_session(&self, user: &User, request: &LoginRequest) -> Result<(Session, String), AppError> {
        let token = new_token();
        let now = now_ms();
        let session = Session {
            id: new_id(),
            create_at: now,
            expires_at: now + lifetime(&self.feed.get().settings, &request.device_id),
            last_activity_at: now,
            user_id: user.id.clone(),
            device_id: request.device_id.clone(),
            roles: user.roles.clone(),
            props: client_props(&request.user_agent),
            ..Session::default()
        };
        let mut tx = self.pool.begin().await.map_err(sql_error)?;
        // Read again under a lock: roles given, or an account closed, meanwhile must not be missed by the new session.
        let (roles, active) = users::lock_for_session(&mut tx, &user.id).await.map_err(sql_error)?.ok_or(ErrorId::LoginUnknown)?;
        if !active {
            return Err(ErrorId::LoginInactive.into());
        }
        let session = Session { roles, ..session };
        let revoked = if request.device_id.is_empty() {
            Vec::new()
        } else {
            let which = Which::Device { device_id: &request.device_id, keep: "" };
            delete(&mut tx, &user.id, which).await.map_err(sql_error)?
        };
        let end = self.revoker.record(&mut tx, &user.id, revoked).await?;
        store::insert(&mut tx, &session, &token_hash(&token), "").await.map_err(sql_error)?;
        tx.commit().await.map_err(sql_error)?;
        self.revoker.announce(end).await;
        Ok((session, token))
    }
}
