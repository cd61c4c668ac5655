//! Choosing a new password by a mailed link.

use super::{CodesService, PASSWORD_RESET, RECOVERY_MS, has_expired, may_mail, store};
use crate::{
    credentials,
    mail::{
        Content,
        mail_message::{PasswordChanged, PasswordReset},
    },
    passwords, users,
};
use muster_domain::{ids::CODE_LENGTH, time::now_ms};
use muster_error::{AppError, ErrorId};
use muster_events::invalidation::What;
use muster_proto::{identity::ResetPasswordRequest, model::User};
use muster_runtime::postgres::sql_error;
use serde::{Deserialize, Serialize};

/// What a code stands for. A password or an address set since then makes it worthless.
#[derive(Serialize, Deserialize)]
struct Reset {
    user_id: String,
    email: String,
    last_password_update: i64,
}

impl Reset {
    fn of(user: &User) -> Self {
        Self { user_id: user.id.clone(), email: user.email.clone(), last_password_update: user.last_password_update }
    }

    fn fits(&self, user: &User) -> bool {
        self.email == user.email && self.last_password_update == user.last_password_update
    }
}

impl CodesService {
    /// Whether there is such an account.
    pub(super) async fn mail_password_reset(&self, email: &str) -> Result<bool, AppError> {
        let Some(user) = users::by_email(&self.pool, &email.to_lowercase()).await.map_err(sql_error)? else {
            return Ok(false);
        };
        if !user.auth_service.is_empty() {
            return Err(ErrorId::PasswordResetSso.into());
        }
        let mut tx = self.pool.begin().await.map_err(sql_error)?;
        if may_mail(&self.mailer, &mut tx, PASSWORD_RESET, &user.id).await? {
            let data = serde_json::to_string(&Reset::of(&user)).map_err(AppError::internal)?;
            let code = store::create(&mut tx, PASSWORD_RESET, &data).await.map_err(sql_error)?;
            self.mailer.record(&mut tx, &user.email, Content::PasswordReset(PasswordReset { code })).await?;
        }
        tx.commit().await.map_err(sql_error)?;
        self.mailer.wake().await;
        Ok(true)
    }

    pub(super) async fn redeem_password_reset(&self, request: ResetPasswordRequest) -> Result<(), AppError> {
        let ResetPasswordRequest { code, new_password } = request;
        let snapshot = self.feed.get();
        // What is wrong with the code is told before what is wrong with the password.
        let reset = self.read_reset(&code).await?;
        passwords::check_policy(&new_password, &snapshot.settings)?;
        let hash = self.passwords.turn().await?.hash(new_password).await?;

        let mut tx = self.pool.begin().await.map_err(sql_error)?;
        // Hashing took a while: the code may have been used meanwhile.
        store::lock(&mut tx, &code).await.map_err(sql_error)?.ok_or(ErrorId::PasswordResetInvalidLink)?;
        let user = users::lock(&mut tx, &reset.user_id).await.map_err(sql_error)?.filter(|user| reset.fits(user));
        let user = user.ok_or(ErrorId::PasswordResetInvalidLink)?;
        if !user.auth_service.is_empty() {
            return Err(ErrorId::PasswordResetSsoRefused.into());
        }
        store::delete(&mut *tx, &code).await.map_err(sql_error)?;
        // After the last one also within a millisecond: other codes of the account must not fit any more.
        let now = now_ms().max(user.last_password_update + 1);
        credentials::set_password(&mut tx, &user.id, &hash, now).await.map_err(sql_error)?;
        self.mailer.record(&mut tx, &user.email, Content::PasswordChanged(PasswordChanged { by_reset: true })).await?;
        tx.commit().await.map_err(sql_error)?;
        self.bus.invalidate_now([What::UserId(user.id)]).await;
        self.mailer.wake().await;
        Ok(())
    }

    async fn read_reset(&self, code: &str) -> Result<Reset, AppError> {
        if code.len() != CODE_LENGTH {
            return Err(AppError::body("token"));
        }
        let mut tx = self.pool.begin().await.map_err(sql_error)?;
        let found = store::lock(&mut tx, code).await.map_err(sql_error)?.ok_or(ErrorId::PasswordResetInvalidLink)?;
        if found.kind != PASSWORD_RESET {
            return Err(ErrorId::PasswordResetBrokenToken.into());
        }
        if has_expired(found.create_at, RECOVERY_MS) {
            return Err(ErrorId::PasswordResetLinkExpired.into());
        }
        serde_json::from_str(&found.data).map_err(|e| AppError::new(ErrorId::PasswordResetInvalidLink).detail(e))
    }
}
