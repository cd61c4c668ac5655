//! How an account signs in: its password, or a service.

mod switching;

use crate::{
    audits::AuditLog,
    credentials::{self, Proof},
    mail::{
        Content, Mailer,
        mail_message::{PasswordChanged, SignInMethodChanged},
    },
    passwords::{self, Passwords},
    sessions::Revoker,
    users,
};
use muster_domain::time::now_ms;
use muster_error::{AppError, ErrorId};
use muster_events::{Bus, invalidation::What};
use muster_proto::identity::{
    AccountDone, SetAuthReply, SetAuthRequest, SetPasswordRequest, SwitchSignInReply, SwitchSignInRequest, accounts_server::Accounts,
};
use muster_runtime::{
    Caller, ConfigFeed,
    postgres::{sql_error, violated_constraint},
};
use sqlx::PgPool;
use tonic::{Request, Response, Status};

/// Services an account can sign in with.
const SERVICES: &[&str] = &["ldap", "saml", "gitlab", "google", "office365"];
/// How mails name signing in by password.
const BY_PASSWORD: &str = "email and password";
/// Bytes.
const AUTH_DATA_MAX: usize = 128;

pub(crate) struct AccountsService {
    pub(crate) pool: PgPool,
    pub(crate) bus: Bus,
    pub(crate) feed: ConfigFeed,
    pub(crate) passwords: Passwords,
    pub(crate) revoker: Revoker,
    pub(crate) audit_log: AuditLog,
    pub(crate) mailer: Mailer,
}

#[tonic::async_trait]
impl Accounts for AccountsService {
    async fn set_password(&self, request: Request<SetPasswordRequest>) -> Result<Response<AccountDone>, Status> {
        let caller = Caller::of(&request)?;
        self.audit_log.record(&caller, &caller.user_id, "attempted").await;
        let outcome = self.change_password(&caller, request.into_inner()).await;
        let info = if outcome.is_ok() { "completed" } else { "failed" };
        self.audit_log.record(&caller, &caller.user_id, info).await;
        outcome?;
        Ok(Response::new(AccountDone {}))
    }

    async fn set_auth(&self, request: Request<SetAuthRequest>) -> Result<Response<SetAuthReply>, Status> {
        let caller = Caller::of(&request)?;
        let user_id = request.get_ref().user_id.clone();
        let reply = self.change_auth(request.into_inner()).await?;
        let info = format!("updated user auth to service={} session_user={}", reply.auth_service, caller.user_id);
        self.audit_log.record(&caller, &user_id, info).await;
        Ok(Response::new(reply))
    }

    async fn switch_sign_in(&self, request: Request<SwitchSignInRequest>) -> Result<Response<SwitchSignInReply>, Status> {
        let caller = Caller::of(&request)?;
        let reply = self.switch(&caller, request.into_inner()).await?;
        self.audit_log.record(&caller, &caller.user_id, "success").await;
        Ok(Response::new(reply))
    }
}

impl AccountsService {
    async fn change_password(&self, caller: &Caller, request: SetPasswordRequest) -> Result<(), AppError> {
        let snapshot = self.feed.get();
        let settings = &snapshot.settings;
        let user = users::by_id(&self.pool, &request.user_id).await.map_err(sql_error)?.ok_or(ErrorId::UserNotFound)?;
        let turn = if caller.user_id == user.id {
            if !user.auth_service.is_empty() {
                return Err(ErrorId::PasswordUpdateOauth.into());
            }
            let proof = Proof { password: request.current_password, code: None };
            let checked = credentials::check(&self.pool, &self.bus, &self.passwords, &user.id, proof, settings).await;
            // Whoever has a session is told that the password is wrong, not that the session is.
            let wrong = |error: AppError| if error.id == ErrorId::LoginInvalidPassword { ErrorId::PasswordIncorrect.into() } else { error };
            let turn = checked.map_err(wrong)?;
            passwords::check_policy(&request.new_password, settings)?;
            turn
        } else {
            passwords::check_policy(&request.new_password, settings)?;
            self.passwords.turn().await?
        };
        let hash = turn.hash(request.new_password).await?;
        let mail = Content::PasswordChanged(PasswordChanged { by_reset: false });
        self.store_password(&user.id, &user.email, &hash, mail).await
    }

    async fn store_password(&self, user_id: &str, email: &str, hash: &str, mail: Content) -> Result<(), AppError> {
        let mut tx = self.pool.begin().await.map_err(sql_error)?;
        if !credentials::set_password(&mut tx, user_id, hash, now_ms()).await.map_err(sql_error)? {
            return Err(ErrorId::UserNotFound.into());
        }
        self.mailer.record(&mut tx, email, mail).await?;
        tx.commit().await.map_err(sql_error)?;
        self.bus.invalidate_now([What::UserId(user_id.to_owned())]).await;
        self.mailer.wake().await;
        Ok(())
    }

    async fn change_auth(&self, request: SetAuthRequest) -> Result<SetAuthReply, AppError> {
        let SetAuthRequest { user_id, auth_service, auth_data, password } = request;
        let user = users::by_id(&self.pool, &user_id).await.map_err(sql_error)?;
        let email = user.map(|user| user.email).unwrap_or_default();
        if auth_service.is_empty() || auth_data.is_empty() {
            passwords::check_policy(&password, &self.feed.get().settings)?;
            let hash = self.passwords.turn().await?.hash(password).await?;
            self.store_password(&user_id, &email, &hash, signs_in_by(BY_PASSWORD)).await?;
            return Ok(SetAuthReply::default());
        }
        if !SERVICES.contains(&auth_service.as_str()) {
            return Err(AppError::body("auth_service"));
        }
        if auth_data.len() > AUTH_DATA_MAX {
            return Err(AppError::body("auth_data"));
        }
        let mut tx = self.pool.begin().await.map_err(sql_error)?;
        let changed = credentials::set_service(&mut tx, &user_id, &auth_service, &auth_data, now_ms()).await.map_err(|e| {
            match violated_constraint(&e) {
                // Another account signs in with it.
                Some("credentials_auth_data") => AppError::body("auth_data"),
                _ => sql_error(e),
            }
        })?;
        if !changed {
            return Err(ErrorId::UserNotFound.into());
        }
        self.mailer.record(&mut tx, &email, signs_in_by(&auth_service)).await?;
        tx.commit().await.map_err(sql_error)?;
        self.bus.invalidate_now([What::UserId(user_id)]).await;
        self.mailer.wake().await;
        Ok(SetAuthReply { auth_service, auth_data })
    }
}

fn signs_in_by(method: &str) -> Content {
    Content::SignInMethodChanged(SignInMethodChanged { method: method.to_owned() })
}
