//! Mailed invitations to a team.

use super::{CodesService, INVITATION, INVITATION_MS, INVITATIONS_PER_HOUR, has_expired, store};
use crate::{
    mail::{Content, mail_message},
    users,
};
use muster_domain::{ids::CODE_LENGTH, users::is_email_in_domains};
use muster_error::{AppError, ErrorId};
use muster_proto::{
    identity::{ClaimInvitationRequest, InviteRequest},
    model::User,
};
use muster_runtime::{Caller, postgres::sql_error};
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgPool};

/// Addresses of one request.
const ADDRESSES_MAX: usize = 100;
/// Bytes of an address, as of an account's.
const ADDRESS_MAX: usize = 128;

/// What a mailed invitation stands for.
#[derive(Serialize, Deserialize)]
pub(crate) struct Invitation {
    pub(crate) team_id: String,
    pub(crate) email: String,
}

impl CodesService {
    pub(super) async fn mail_invitations(&self, caller: &Caller, request: InviteRequest) -> Result<(), AppError> {
        let InviteRequest { team_id, team_name, team_display_name, mut emails } = request;
        emails.iter_mut().for_each(|email| *email = email.trim().to_lowercase());
        emails.sort();
        emails.dedup();
        let unfit = emails.iter().any(|email| email.is_empty() || email.len() > ADDRESS_MAX || email.contains('\0'));
        if emails.is_empty() || emails.len() > ADDRESSES_MAX || unfit {
            return Err(AppError::body("user_email"));
        }
        let snapshot = self.feed.get();
        let domains = &snapshot.settings.restrict_creation_to_domains;
        let refused: Vec<&str> = emails.iter().map(String::as_str).filter(|email| !is_email_in_domains(email, domains)).collect();
        if !refused.is_empty() {
            return Err(AppError::new(ErrorId::TeamInviteInvalidEmail).param("Addresses", refused.join(", ")));
        }
        let inviter = users::by_id(&self.pool, &caller.user_id).await.map_err(sql_error)?.ok_or(ErrorId::UserNotFound)?;
        let mut tx = self.pool.begin().await.map_err(sql_error)?;
        if !self.mailer.count(&mut tx, &format!("{INVITATION}/{}", inviter.id), emails.len() as i64, INVITATIONS_PER_HOUR).await? {
            return Err(ErrorId::TooManyMails.into());
        }
        for email in emails {
            let invitation = Invitation { team_id: team_id.clone(), email: email.clone() };
            let data = serde_json::to_string(&invitation).map_err(AppError::internal)?;
            let content = mail_message::Invitation {
                code: store::create(&mut tx, INVITATION, &data).await.map_err(sql_error)?,
                sender_name: display_name(&inviter),
                team_name: team_name.clone(),
                team_display_name: team_display_name.clone(),
            };
            self.mailer.record(&mut tx, &email, Content::Invitation(content)).await?;
        }
        tx.commit().await.map_err(sql_error)?;
        self.mailer.wake().await;
        Ok(())
    }
}

/// The full name, else the username.
fn display_name(user: &User) -> String {
    match format!("{} {}", user.first_name, user.last_name).trim() {
        "" => user.username.clone(),
        name => name.to_owned(),
    }
}

/// The invitation of a code that `user_id` ("" = somebody who has no account yet) may use.
async fn read(tx: &mut PgConnection, code: &str, user_id: &str) -> Result<Invitation, AppError> {
    let invalid = || AppError::new(ErrorId::SignupLinkInvalid);
    if code.len() != CODE_LENGTH {
        return Err(invalid());
    }
    let found = store::lock(tx, code).await.map_err(sql_error)?.ok_or_else(invalid)?;
    if found.kind != INVITATION || !(found.claimed_by.is_empty() || found.claimed_by == user_id) {
        return Err(invalid());
    }
    if has_expired(found.create_at, INVITATION_MS) {
        return Err(ErrorId::SignupLinkExpired.into());
    }
    serde_json::from_str(&found.data).map_err(|e| invalid().detail(e))
}

/// Uses an invitation up for a sign-up; it survives when the transaction does not.
pub(crate) async fn redeem(tx: &mut PgConnection, code: &str) -> Result<Invitation, AppError> {
    let invitation = read(tx, code, "").await?;
    store::delete(tx, code).await.map_err(sql_error)?;
    Ok(invitation)
}

/// Keeps an invitation for one user while he joins. Joining is another service's: what happens in between must
/// neither use the invitation up in vain nor let in two.
pub(super) async fn claim(pool: &PgPool, request: &ClaimInvitationRequest) -> Result<String, AppError> {
    let mut tx = pool.begin().await.map_err(sql_error)?;
    let invitation = read(&mut tx, &request.code, &request.user_id).await?;
    store::claim(&mut tx, &request.code, &request.user_id).await.map_err(sql_error)?;
    tx.commit().await.map_err(sql_error)?;
    Ok(invitation.team_id)
}

pub(super) async fn end(pool: &PgPool, request: &ClaimInvitationRequest) -> Result<(), AppError> {
    store::delete_claimed(pool, &request.code, &request.user_id).await.map_err(sql_error)
}
