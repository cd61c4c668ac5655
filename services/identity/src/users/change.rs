//! Changing an account: read under a lock, merge, check, write, announce.

use super::{UsersService, events, rules, store};
use crate::{
    codes,
    mail::{
        Content,
        mail_message::{Deactivated, EmailChanged, UsernameChanged, VerifyEmail},
    },
    memberships, roles,
    sessions::{self, Which},
};
use muster_domain::{
    config::Settings,
    roles::{is_valid_roles, parse_roles},
    statuses::Status,
    time::now_ms,
};
use muster_error::{AppError, ErrorId};
use muster_events::{Announcement, invalidation::What};
use muster_proto::model::User;
use muster_runtime::postgres::sql_error;
use sqlx::{PgConnection, Postgres, Transaction};

fn not_found() -> AppError {
    AppError::new(ErrorId::UserNotFound)
}

impl UsersService {
    /// Applies PUT or PATCH.
    pub(super) async fn change(&self, user_id: &str, merge: impl FnOnce(&User) -> User) -> Result<User, AppError> {
        let snapshot = self.feed.get();
        let settings = &snapshot.settings;
        let mut tx = self.pool.begin().await.map_err(sql_error)?;
        let old = store::lock(&mut tx, user_id).await.map_err(sql_error)?.ok_or_else(not_found)?;
        let mut user = rules::tidied(&old, merge(&old));
        rules::check(&user)?;
        if user.email != old.email {
            rules::check_domain(&user.email, settings)?;
        }
        user.update_at = after(&old);
        store::update(&mut tx, &user).await.map_err(store::taken_on_update)?;
        if user.username != old.username {
            memberships::rename(&mut tx, &user.id, &user.username).await?;
        }
        self.record_mails(&mut tx, &old, &user, settings).await?;
        let announcements = vec![events::user_updated(&user, settings)];
        self.outbox.record(&mut tx, &announcements).await.map_err(sql_error)?;
        tx.commit().await.map_err(sql_error)?;
        self.announce(&user.id, announcements).await;
        self.mailer.wake().await;
        match rules::auto_responder_turned(&old, &user) {
            Some(true) => self.live.set(&user.id, Status::Ooo).await.map(drop)?,
            Some(false) => self.live.set(&user.id, Status::Online).await.map(drop)?,
            None => {}
        }
        Ok(user)
    }

    /// The old address hears that it is no more the account's; the new one is to be proven where that is required.
    async fn record_mails(&self, tx: &mut PgConnection, old: &User, user: &User, settings: &Settings) -> Result<(), AppError> {
        if user.email != old.email {
            let changed = EmailChanged { new_email: user.email.clone() };
            self.mailer.record(tx, &old.email, Content::EmailChanged(changed)).await?;
            if settings.require_email_verification {
                let code = codes::new_verification(tx, user).await?;
                self.mailer.record(tx, &user.email, Content::VerifyEmail(VerifyEmail { code, after_change: true })).await?;
            }
        }
        if user.username != old.username {
            let changed = UsernameChanged { new_username: user.username.clone() };
            self.mailer.record(tx, &user.email, Content::UsernameChanged(changed)).await?;
        }
        Ok(())
    }

    /// Gives system roles; open sessions have them at once.
    pub(super) async fn change_roles(&self, user_id: &str, new_roles: &str) -> Result<User, AppError> {
        if !is_valid_roles(new_roles) {
            return Err(AppError::body("roles"));
        }
        let names: Vec<&str> = parse_roles(new_roles).collect();
        if !roles::all_exist(&self.pool, &names).await? {
            return Err(AppError::new(ErrorId::RoleDoesNotExist).detail(new_roles));
        }
        let mut tx = self.pool.begin().await.map_err(sql_error)?;
        let mut user = store::lock(&mut tx, user_id).await.map_err(sql_error)?.ok_or_else(not_found)?;
        user.roles = new_roles.to_owned();
        user.update_at = after(&user);
        store::set_roles(&mut tx, &user).await.map_err(sql_error)?;
        let token_hashes = sessions::set_roles(&mut tx, user_id, new_roles).await.map_err(sql_error)?;
        let announcements = vec![events::roles_changed(&user)];
        self.outbox.record(&mut tx, &announcements).await.map_err(sql_error)?;
        tx.commit().await.map_err(sql_error)?;
        self.revoker.refresh(&token_hashes).await;
        self.announce(user_id, announcements).await;
        Ok(user)
    }

    /// Closes an account (all its sessions end) or opens it again.
    pub(super) async fn change_active(&self, user_id: &str, active: bool) -> Result<User, AppError> {
        let snapshot = self.feed.get();
        let mut tx = self.pool.begin().await.map_err(sql_error)?;
        let mut user = store::lock(&mut tx, user_id).await.map_err(sql_error)?.ok_or_else(not_found)?;
        let was_active = user.delete_at == 0;
        user.update_at = after(&user);
        user.delete_at = if active { 0 } else { user.update_at };
        store::set_deleted(&mut tx, &user).await.map_err(sql_error)?;
        let revoked = if active { Vec::new() } else { sessions::delete(&mut tx, user_id, Which::All).await.map_err(sql_error)? };
        let end = self.revoker.record(&mut tx, user_id, revoked).await?;
        let announcements = vec![events::user_updated(&user, &snapshot.settings)];
        self.outbox.record(&mut tx, &announcements).await.map_err(sql_error)?;
        if !active && was_active {
            self.mailer.record(&mut tx, &user.email, Content::Deactivated(Deactivated {})).await?;
        }
        tx.commit().await.map_err(sql_error)?;
        self.revoker.announce(end).await;
        self.mailer.wake().await;
        if !active {
            self.live.went_offline(user_id).await?;
        }
        self.announce(user_id, announcements).await;
        Ok(user)
    }

    pub(super) async fn change_picture(&self, user_id: &str) -> Result<User, AppError> {
        let snapshot = self.feed.get();
        let mut tx = self.pool.begin().await.map_err(sql_error)?;
        let mut user = store::lock(&mut tx, user_id).await.map_err(sql_error)?.ok_or_else(not_found)?;
        user.update_at = after(&user);
        user.last_picture_update = user.update_at;
        store::set_picture(&mut tx, &user).await.map_err(sql_error)?;
        let announcements = vec![events::picture_updated(&user, &snapshot.settings)];
        self.outbox.record(&mut tx, &announcements).await.map_err(sql_error)?;
        tx.commit().await.map_err(sql_error)?;
        self.announce(user_id, announcements).await;
        Ok(user)
    }

    /// An account locked for a change of what other modules keep of it; the new `update_at` is set.
    pub(crate) async fn begin_change(&self, user_id: &str) -> Result<(Transaction<'static, Postgres>, User), AppError> {
        let mut tx = self.pool.begin().await.map_err(sql_error)?;
        let mut user = store::lock(&mut tx, user_id).await.map_err(sql_error)?.ok_or_else(not_found)?;
        user.update_at = after(&user);
        Ok((tx, user))
    }

    /// Stores the flags of such a change, commits and announces it.
    pub(crate) async fn finish_change(&self, mut tx: Transaction<'static, Postgres>, user: User) -> Result<User, AppError> {
        store::set_flags(&mut tx, &user).await.map_err(sql_error)?;
        let announcements = vec![events::user_updated(&user, &self.feed.get().settings)];
        self.outbox.record(&mut tx, &announcements).await.map_err(sql_error)?;
        tx.commit().await.map_err(sql_error)?;
        self.announce(&user.id, announcements).await;
        Ok(user)
    }

    async fn announce(&self, user_id: &str, announcements: Vec<Announcement>) {
        self.outbox.bus().invalidate_now([What::UserId(user_id.to_owned())]).await;
        self.outbox.publish(announcements).await;
    }
}

/// Now, but after the last change: `update_at` is a version.
fn after(user: &User) -> i64 {
    now_ms().max(user.update_at + 1)
}
