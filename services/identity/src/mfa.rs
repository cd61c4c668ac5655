//! The second factor (reference: identity, section 8).

mod codes;
mod store;

use crate::{
    mail::{Content, mail_message::MfaChanged},
    users::{self, UsersService},
};
use muster_domain::time::now_ms;
use muster_error::{AppError, ErrorId};
use muster_proto::{
    identity::{
        ActivateMfaRequest, DeactivateMfaRequest, GenerateMfaReply, GenerateMfaRequest, MfaRequiredReply, MfaRequiredRequest,
        mfa_server::Mfa,
    },
    model::User,
};
use muster_runtime::{Caller, postgres::sql_error};
use tonic::{Request, Response, Status};

pub(crate) use codes::{is_code, second_of};
pub(crate) use store::use_code;

/// Whose accounts may have a second factor besides those with a password.
const LDAP: &str = "ldap";

pub(crate) struct MfaService {
    pub(crate) users: UsersService,
}

#[tonic::async_trait]
impl Mfa for MfaService {
    async fn generate(&self, request: Request<GenerateMfaRequest>) -> Result<Response<GenerateMfaReply>, Status> {
        Caller::of(&request)?;
        Ok(Response::new(self.new_secret(&request.get_ref().user_id).await?))
    }

    async fn activate(&self, request: Request<ActivateMfaRequest>) -> Result<Response<User>, Status> {
        let caller = Caller::of(&request)?;
        let ActivateMfaRequest { user_id, code } = request.into_inner();
        self.audited(&caller, self.set_active(&user_id, Some(&code))).await
    }

    async fn deactivate(&self, request: Request<DeactivateMfaRequest>) -> Result<Response<User>, Status> {
        let caller = Caller::of(&request)?;
        let DeactivateMfaRequest { user_id } = request.into_inner();
        self.audited(&caller, self.set_active(&user_id, None)).await
    }

    async fn required(&self, request: Request<MfaRequiredRequest>) -> Result<Response<MfaRequiredReply>, Status> {
        Caller::of(&request)?;
        let snapshot = self.users.feed.get();
        let settings = &snapshot.settings;
        if !settings.enable_multifactor_authentication {
            return Ok(Response::new(MfaRequiredReply { required: false }));
        }
        let (by_username, by_email) = (settings.enable_sign_in_with_username, settings.enable_sign_in_with_email);
        let found = users::for_login(&self.users.pool, &request.get_ref().login_id, by_username, by_email).await.map_err(sql_error)?;
        Ok(Response::new(MfaRequiredReply { required: matches!(found.as_slice(), [user] if user.mfa_active) }))
    }
}

impl MfaService {
    async fn audited(&self, caller: &Caller, change: impl Future<Output = Result<User, AppError>>) -> Result<Response<User>, Status> {
        self.users.audit_log.record(caller, &caller.user_id, "attempt").await;
        let user = change.await?;
        self.users.audit_log.record(caller, &caller.user_id, "success - mfa updated").await;
        Ok(Response::new(user))
    }

    async fn new_secret(&self, user_id: &str) -> Result<GenerateMfaReply, AppError> {
        let snapshot = self.users.feed.get();
        if !snapshot.settings.enable_multifactor_authentication {
            return Err(ErrorId::MfaQrNotAvailable.into());
        }
        let user = users::by_id(&self.users.pool, user_id).await.map_err(sql_error)?.ok_or(ErrorId::UserNotFound)?;
        let secret = codes::new_secret();
        let qr_code = codes::picture(&secret, &snapshot.settings.site_name, &user.email)?.into();
        if !store::keep_pending(&self.users.pool, user_id, &secret).await.map_err(sql_error)? {
            return Err(ErrorId::UserNotFound.into());
        }
        Ok(GenerateMfaReply { secret, qr_code })
    }

    /// With a code of the pending secret: on. Without: off.
    async fn set_active(&self, user_id: &str, code: Option<&str>) -> Result<User, AppError> {
        if !self.users.feed.get().settings.enable_multifactor_authentication {
            return Err(ErrorId::MfaUpdateNotAvailable.into());
        }
        let (mut tx, mut user) = self.users.begin_change(user_id).await?;
        match code {
            Some(code) => {
                if !user.auth_service.is_empty() && user.auth_service != LDAP {
                    return Err(ErrorId::MfaEmailAndLdapOnly.into());
                }
                let secret = store::pending(&mut tx, user_id).await.map_err(sql_error)?.ok_or(ErrorId::UserNotFound)?;
                let second = codes::second_of(&secret, code, now_ms()).ok_or(ErrorId::MfaActivateBadCode)?;
                store::activate(&mut tx, user_id, second).await.map_err(sql_error)?;
            }
            None => store::deactivate(&mut tx, user_id).await.map_err(sql_error)?,
        }
        user.mfa_active = code.is_some();
        let mail = Content::MfaChanged(MfaChanged { active: user.mfa_active });
        self.users.mailer.record(&mut tx, &user.email, mail).await?;
        let user = self.users.finish_change(tx, user).await?;
        self.users.mailer.wake().await;
        Ok(user)
    }
}
