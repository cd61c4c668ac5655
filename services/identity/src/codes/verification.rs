//! Proving an address by a mailed link.

use super::{CodesService, RECOVERY_MS, VERIFICATION, has_expired, may_mail, store};
use crate::{
    mail::{Content, mail_message::VerifyEmail},
    users,
};
use muster_domain::{ids::CODE_LENGTH, time::now_ms};
use muster_error::{AppError, ErrorId};
use muster_events::invalidation::What;
use muster_proto::model::User;
use muster_runtime::postgres::sql_error;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

/// Longest login id that can exist, bytes.
const LOGIN_ID_MAX: usize = 128;

/// What a code proves: that this user receives what is mailed to this address.
#[derive(Serialize, Deserialize)]
struct Proof {
    user_id: String,
    email: String,
}

/// A code that proves the address which the user has now.
pub(crate) async fn new_verification(tx: &mut PgConnection, user: &User) -> Result<String, AppError> {
    let proof = Proof { user_id: user.id.clone(), email: user.email.clone() };
    let data = serde_json::to_string(&proof).map_err(AppError::internal)?;
    store::create(tx, VERIFICATION, &data).await.map_err(sql_error)
}

impl CodesService {
    pub(super) async fn mail_verification(&self, login_id: &str) -> Result<(), AppError> {
        if login_id.len() > LOGIN_ID_MAX {
            return Ok(());
        }
        let mut found = users::for_login(&self.pool, &login_id.to_lowercase(), true, true).await.map_err(sql_error)?;
        let Some(user) = found.pop().filter(|user| found.is_empty() && user.delete_at == 0) else { return Ok(()) };
        let mut tx = self.pool.begin().await.map_err(sql_error)?;
        if may_mail(&self.mailer, &mut tx, VERIFICATION, &user.id).await? {
            let code = new_verification(&mut tx, &user).await?;
            self.mailer.record(&mut tx, &user.email, Content::VerifyEmail(VerifyEmail { code, after_change: false })).await?;
        }
        tx.commit().await.map_err(sql_error)?;
        self.mailer.wake().await;
        Ok(())
    }

    /// The user whose address is proven.
    pub(super) async fn redeem_verification(&self, code: &str) -> Result<String, AppError> {
        if code.len() != CODE_LENGTH {
            return Err(AppError::body("token"));
        }
        let bad_link = || AppError::new(ErrorId::VerifyEmailBadLink);
        let mut tx = self.pool.begin().await.map_err(sql_error)?;
        let found = store::lock(&mut tx, code).await.map_err(sql_error)?.ok_or_else(bad_link)?;
        if found.kind != VERIFICATION || has_expired(found.create_at, RECOVERY_MS) {
            return Err(bad_link());
        }
        let proof: Proof = serde_json::from_str(&found.data).map_err(|e| bad_link().detail(e))?;
        store::delete(&mut *tx, code).await.map_err(sql_error)?;
        if !users::set_verified(&mut tx, &proof.user_id, &proof.email, now_ms()).await.map_err(sql_error)? {
            // The address was changed since: this one may be anybody's now.
            return Err(bad_link());
        }
        tx.commit().await.map_err(sql_error)?;
        self.bus.invalidate_now([What::UserId(proof.user_id.clone())]).await;
        Ok(proof.user_id)
    }
}
