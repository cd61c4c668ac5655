//! Mailed one-time codes: resetting a password, proving an address, joining a team (reference: identity, section 8).
//!
//! A code is a secret: its hash is stored, it works once and for a while, and it never shows in logs or audits.

mod invitations;
mod password_reset;
mod store;
mod verification;

use crate::{
    audits::AuditLog,
    mail::{self, Mailer},
    passwords::Passwords,
};
use muster_domain::time::{HOUR_MS, now_ms};
use muster_error::AppError;
use muster_events::Bus;
use muster_proto::identity::{
    ClaimInvitationReply, ClaimInvitationRequest, CodeDone, InviteRequest, ResetPasswordRequest, SendPasswordResetRequest,
    SendVerificationRequest, VerifyEmailRequest, codes_server::Codes,
};
use muster_runtime::{Caller, ConfigFeed, postgres::sql_error};
use sqlx::{PgConnection, PgPool};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

pub(crate) use invitations::redeem;
pub(crate) use verification::new_verification;

/// Kinds of codes, as stored.
const PASSWORD_RESET: &str = "password_recovery";
const VERIFICATION: &str = "verify_email";
const INVITATION: &str = "team_invitation";

/// How long codes of passwords and addresses hold.
const RECOVERY_MS: i64 = HOUR_MS;
/// How long a mailed invitation holds.
const INVITATION_MS: i64 = 48 * HOUR_MS;

/// Codes one account is mailed within an hour, per kind; more requests are answered alike and mail nothing.
const CODES_PER_HOUR: i64 = 10;
/// Invitations one user mails within an hour.
const INVITATIONS_PER_HOUR: i64 = 200;

const EXPIRE_EVERY: Duration = Duration::from_secs(600);

pub(crate) struct CodesService {
    pub(crate) pool: PgPool,
    pub(crate) bus: Bus,
    pub(crate) feed: ConfigFeed,
    pub(crate) passwords: Passwords,
    pub(crate) mailer: Mailer,
    pub(crate) audit_log: AuditLog,
}

#[tonic::async_trait]
impl Codes for CodesService {
    async fn send_password_reset(&self, request: Request<SendPasswordResetRequest>) -> Result<Response<CodeDone>, Status> {
        let caller = Caller::of(&request)?;
        let email = request.into_inner().email;
        if self.mail_password_reset(&email).await? {
            self.audit_log.record(&caller, &caller.user_id, format!("sent={email}")).await;
        }
        Ok(Response::new(CodeDone {}))
    }

    async fn reset_password(&self, request: Request<ResetPasswordRequest>) -> Result<Response<CodeDone>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let shown = shown(&request.code).to_owned();
        self.audit_log.record(&caller, "", format!("attempt - token={shown}")).await;
        let outcome = self.redeem_password_reset(request).await;
        let how = if outcome.is_ok() { "success" } else { "fail" };
        self.audit_log.record(&caller, "", format!("{how} - token={shown}")).await;
        outcome?;
        Ok(Response::new(CodeDone {}))
    }

    async fn send_verification(&self, request: Request<SendVerificationRequest>) -> Result<Response<CodeDone>, Status> {
        Caller::of(&request)?;
        self.mail_verification(&request.get_ref().login_id).await?;
        Ok(Response::new(CodeDone {}))
    }

    async fn verify_email(&self, request: Request<VerifyEmailRequest>) -> Result<Response<CodeDone>, Status> {
        let caller = Caller::of(&request)?;
        let user_id = self.redeem_verification(&request.get_ref().code).await?;
        self.audit_log.record(&caller, &user_id, "Email Verified").await;
        Ok(Response::new(CodeDone {}))
    }

    async fn invite(&self, request: Request<InviteRequest>) -> Result<Response<CodeDone>, Status> {
        let caller = Caller::of(&request)?;
        self.mail_invitations(&caller, request.into_inner()).await?;
        Ok(Response::new(CodeDone {}))
    }

    async fn claim_invitation(&self, request: Request<ClaimInvitationRequest>) -> Result<Response<ClaimInvitationReply>, Status> {
        Caller::of(&request)?;
        let team_id = invitations::claim(&self.pool, request.get_ref()).await?;
        Ok(Response::new(ClaimInvitationReply { team_id }))
    }

    async fn end_invitation(&self, request: Request<ClaimInvitationRequest>) -> Result<Response<CodeDone>, Status> {
        Caller::of(&request)?;
        invitations::end(&self.pool, request.get_ref()).await?;
        Ok(Response::new(CodeDone {}))
    }
}

/// What an audit may show of a code: enough to tell two attempts apart, too little to use.
fn shown(code: &str) -> &str {
    muster_domain::text::cut_bytes(code, 5)
}

fn has_expired(create_at: i64, lifetime: i64) -> bool {
    now_ms() - create_at > lifetime
}

/// Whether this account may be mailed one more code of this kind.
async fn may_mail(mailer: &Mailer, tx: &mut PgConnection, kind: &str, user_id: &str) -> Result<bool, AppError> {
    mailer.count(tx, &format!("{kind}/{user_id}"), 1, CODES_PER_HOUR).await
}

/// Deletes what has run out; any replica may, as often as it likes.
pub(crate) fn expire_in_background(pool: PgPool, stop: CancellationToken) {
    tokio::spawn(async move {
        let mut every = tokio::time::interval(EXPIRE_EVERY);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = every.tick() => {}
            }
            let now = now_ms();
            let swept = async {
                store::delete_older(&pool, now - INVITATION_MS).await.map_err(sql_error)?;
                mail::forget_counts(&pool, now / HOUR_MS - 1).await.map_err(sql_error)
            };
            if let Err(error) = swept.await {
                tracing::warn!(%error, "deleting expired codes failed");
            }
        }
    });
}
