//! Creating an account, exactly one of which is the first.

use super::{
    UsersService, events,
    rules::{self, Signup},
    store,
};
use crate::{
    codes,
    mail::{Content, mail_message::Welcome},
    passwords, preferences,
};
use muster_domain::{
    config::Settings,
    roles::{SYSTEM_ADMIN, SYSTEM_USER},
    time::now_ms,
};
use muster_error::{AppError, ErrorId};
use muster_events::invalidation::What;
use muster_proto::{
    identity::{CreateUserReply, CreateUserRequest},
    model::{Preference, User},
};
use muster_runtime::postgres::sql_error;

impl UsersService {
    pub(super) async fn create_user(&self, request: CreateUserRequest) -> Result<CreateUserReply, AppError> {
        let snapshot = self.feed.get();
        let settings = &snapshot.settings;
        let submitted = request.user.ok_or_else(|| AppError::body("user"))?;
        let signup = match (request.by_admin, request.invited || !request.invite_token.is_empty()) {
            (true, _) => Signup::Admin,
            (false, true) => Signup::Invited,
            (false, false) => Signup::Open,
        };
        let first = !store::any(&self.pool).await.map_err(sql_error)?;
        rules::check_signup(signup, first, settings)?;
        if !submitted.id.is_empty() {
            return Err(ErrorId::UserSaveExisting.into());
        }
        passwords::check_policy(&request.password, settings)?;
        let mut user = rules::fresh(submitted, settings, now_ms());
        if !request.by_admin {
            user.email_verified = false;
        }
        if request.invite_token.is_empty() {
            check(&user, settings)?;
        }
        // Refusals come before the costly part.
        let password_hash = self.passwords.turn().await?.hash(request.password).await?;

        let mut tx = self.pool.begin().await.map_err(sql_error)?;
        let mut team_id = String::new();
        if !request.invite_token.is_empty() {
            let invitation = codes::redeem(&mut tx, &request.invite_token).await?;
            user.email = invitation.email.to_lowercase();
            user.email_verified = true;
            team_id = invitation.team_id;
            check(&user, settings)?;
        }
        let first = first && store::lock_first(&mut tx).await.map_err(sql_error)?;
        rules::check_signup(signup, first, settings)?;
        user.roles = if first { format!("{SYSTEM_ADMIN} {SYSTEM_USER}") } else { SYSTEM_USER.to_owned() };
        store::insert(&mut tx, &user, &password_hash).await.map_err(store::taken_on_save)?;
        preferences::save(&mut tx, &[tutorial_begins(&user.id)]).await.map_err(sql_error)?;
        if request.invite_token.is_empty() {
            // An invitation proved the address, and greeted.
            let code = if user.email_verified { String::new() } else { codes::new_verification(&mut tx, &user).await? };
            self.mailer.record(&mut tx, &user.email, Content::Welcome(Welcome { code })).await?;
        }
        let announcements = vec![events::new_user(&user.id)];
        self.outbox.record(&mut tx, &announcements).await.map_err(sql_error)?;
        tx.commit().await.map_err(sql_error)?;
        self.outbox.bus().invalidate(What::UserId(user.id.clone())).await;
        self.outbox.publish(announcements).await;
        self.mailer.wake().await;
        Ok(CreateUserReply { user: Some(user), team_id })
    }
}

fn check(user: &User, settings: &Settings) -> Result<(), AppError> {
    rules::check(user)?;
    rules::check_domain(&user.email, settings)
}

fn tutorial_begins(user_id: &str) -> Preference {
    Preference { user_id: user_id.to_owned(), category: "tutorial_step".to_owned(), name: user_id.to_owned(), value: "0".to_owned() }
}
