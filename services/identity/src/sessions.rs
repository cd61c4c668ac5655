//! Logging in, and what a token stands for.

mod authenticate;
mod login;
mod revocation;
mod store;

use crate::{audits::AuditLog, cache::Cache, passwords::Passwords};
use muster_domain::time::now_ms;
use muster_error::{AppError, ErrorId};
use muster_proto::{
    identity::{
        AttachDeviceRequest, AuthenticateRequest, ListSessionsRequest, LoginReply, LoginRequest, LogoutRequest, RevokeAllRequest,
        RevokeReply, RevokeSessionRequest, SessionList, TouchSessionRequest, sessions_server::Sessions,
    },
    model::Session,
    sessions::touch_every,
};
use muster_runtime::{Caller, ConfigFeed, postgres::sql_error};
use sqlx::PgPool;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

pub(crate) use authenticate::token_hash;
pub(crate) use revocation::{Revoked, Revoker};
pub(crate) use store::{Which, delete, set_roles};

/// How often sessions that have run out are deleted.
const EXPIRE_EVERY: Duration = Duration::from_secs(600);

pub(crate) struct SessionsService {
    pub(crate) pool: PgPool,
    pub(crate) feed: ConfigFeed,
    pub(crate) cache: Cache,
    pub(crate) passwords: Passwords,
    pub(crate) revoker: Revoker,
    pub(crate) audit_log: AuditLog,
}

#[tonic::async_trait]
impl Sessions for SessionsService {
    async fn login(&self, request: Request<LoginRequest>) -> Result<Response<LoginReply>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.log_in(&caller, request.into_inner()).await?))
    }

    async fn authenticate(&self, request: Request<AuthenticateRequest>) -> Result<Response<Session>, Status> {
        Caller::of(&request)?;
        Ok(Response::new(self.session_of(&request.get_ref().token).await?))
    }

    async fn list(&self, request: Request<ListSessionsRequest>) -> Result<Response<SessionList>, Status> {
        Caller::of(&request)?;
        let sessions = store::list(&self.pool, &request.get_ref().user_id, now_ms()).await.map_err(sql_error)?;
        Ok(Response::new(SessionList { sessions }))
    }

    async fn logout(&self, request: Request<LogoutRequest>) -> Result<Response<RevokeReply>, Status> {
        let caller = Caller::of(&request)?;
        if !caller.session_id.is_empty() {
            self.revoke_where(&caller.user_id, Which::Id(&caller.session_id)).await?;
            self.audit_log.record(&caller, &caller.user_id, "").await;
        }
        Ok(Response::new(RevokeReply {}))
    }

    async fn revoke(&self, request: Request<RevokeSessionRequest>) -> Result<Response<RevokeReply>, Status> {
        Caller::of(&request)?;
        let RevokeSessionRequest { user_id, session_id } = request.into_inner();
        if session_id.is_empty() {
            return Err(AppError::body("session_id").into());
        }
        if self.revoke_where(&user_id, Which::Id(&session_id)).await? == 0 {
            return Err(AppError::new(ErrorId::SessionNotFound).into());
        }
        Ok(Response::new(RevokeReply {}))
    }

    async fn revoke_all(&self, request: Request<RevokeAllRequest>) -> Result<Response<RevokeReply>, Status> {
        Caller::of(&request)?;
        self.revoke_where(&request.get_ref().user_id, Which::All).await?;
        Ok(Response::new(RevokeReply {}))
    }

    async fn attach_device(&self, request: Request<AttachDeviceRequest>) -> Result<Response<Session>, Status> {
        let caller = Caller::of(&request)?;
        let session = self.attach(request.get_ref()).await?;
        self.audit_log.record(&caller, &caller.user_id, "").await;
        Ok(Response::new(session))
    }

    async fn touch(&self, request: Request<TouchSessionRequest>) -> Result<Response<RevokeReply>, Status> {
        Caller::of(&request)?;
        let timeout = self.feed.get().settings.session_idle_timeout_in_minutes;
        let moved = store::touch(&self.pool, &request.get_ref().session_id, now_ms(), touch_every(timeout)).await.map_err(sql_error)?;
        // Where idle sessions end, copies must not look idle.
        if timeout > 0
            && let Some(token_hash) = moved
        {
            self.cache.forget_sessions(&[token_hash]).await;
        }
        Ok(Response::new(RevokeReply {}))
    }
}

impl SessionsService {
    /// How many sessions ended.
    async fn revoke_where(&self, user_id: &str, which: Which<'_>) -> Result<usize, AppError> {
        let mut tx = self.pool.begin().await.map_err(sql_error)?;
        let revoked = delete(&mut tx, user_id, which).await.map_err(sql_error)?;
        let count = revoked.len();
        let end = self.revoker.record(&mut tx, user_id, revoked).await?;
        tx.commit().await.map_err(sql_error)?;
        self.revoker.announce(end).await;
        Ok(count)
    }

    /// Makes the session that of a device: others of the device end, the lifetime is that of mobile sessions.
    async fn attach(&self, request: &AttachDeviceRequest) -> Result<Session, AppError> {
        if request.device_id.is_empty() || request.device_id.len() > login::DEVICE_ID_MAX {
            return Err(AppError::body("device_id"));
        }
        let lifetime = login::mobile_lifetime(&self.feed.get().settings);
        let mut tx = self.pool.begin().await.map_err(sql_error)?;
        let attached = store::attach_device(&mut tx, &request.session_id, &request.device_id, lifetime).await.map_err(sql_error)?;
        let (session, token_hash) = attached.ok_or(ErrorId::SessionExpired)?;
        let which = Which::Device { device_id: &request.device_id, keep: &session.id };
        let revoked = delete(&mut tx, &session.user_id, which).await.map_err(sql_error)?;
        let end = self.revoker.record(&mut tx, &session.user_id, revoked).await?;
        tx.commit().await.map_err(sql_error)?;
        self.revoker.announce(end).await;
        self.revoker.refresh(&[token_hash]).await;
        Ok(session)
    }
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
            if let Err(error) = store::delete_expired(&pool, now_ms()).await {
                tracing::warn!(%error, "deleting expired sessions failed");
            }
        }
    });
}
