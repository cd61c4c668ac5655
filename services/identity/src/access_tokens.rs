//! Personal access tokens.

mod store;

use crate::{
    audits::AuditLog,
    mail::{Content, Mailer, mail_message::AccessTokenCreated},
    sessions::{Revoker, Which, delete, token_hash},
    users,
};
use muster_domain::{
    ids::{new_id, new_token},
    text::fits_bytes,
};
use muster_error::{AppError, ErrorId};
use muster_proto::{
    identity::{
        AccessTokenDone, AccessTokenKey, AccessTokenList, CreateAccessTokenRequest, ListAccessTokensRequest, SearchAccessTokensRequest,
        SetAccessTokenActiveRequest, access_tokens_server::AccessTokens,
    },
    model::UserAccessToken,
};
use muster_runtime::{Caller, ConfigFeed, postgres::sql_error};
use sqlx::PgPool;
use tonic::{Request, Response, Status};

/// Bytes of a description.
const DESCRIPTION_MAX: usize = 255;

pub(crate) struct AccessTokensService {
    pub(crate) pool: PgPool,
    pub(crate) feed: ConfigFeed,
    pub(crate) revoker: Revoker,
    pub(crate) audit_log: AuditLog,
    pub(crate) mailer: Mailer,
}

#[tonic::async_trait]
impl AccessTokens for AccessTokensService {
    async fn create(&self, request: Request<CreateAccessTokenRequest>) -> Result<Response<UserAccessToken>, Status> {
        let caller = Caller::of(&request)?;
        self.audit_log.record(&caller, &caller.user_id, "").await;
        let token = self.create_token(request.into_inner()).await?;
        self.succeeded(&caller, &token.id).await;
        Ok(Response::new(token))
    }

    async fn get(&self, request: Request<AccessTokenKey>) -> Result<Response<UserAccessToken>, Status> {
        Caller::of(&request)?;
        let token = store::get(&self.pool, &request.get_ref().token_id).await.map_err(sql_error)?;
        Ok(Response::new(token.ok_or_else(|| AppError::new(ErrorId::AccessTokenNotFound))?))
    }

    async fn list(&self, request: Request<ListAccessTokensRequest>) -> Result<Response<AccessTokenList>, Status> {
        Caller::of(&request)?;
        let tokens = store::list(&self.pool, request.get_ref()).await.map_err(sql_error)?;
        Ok(Response::new(AccessTokenList { tokens }))
    }

    async fn search(&self, request: Request<SearchAccessTokensRequest>) -> Result<Response<AccessTokenList>, Status> {
        Caller::of(&request)?;
        let tokens = store::search(&self.pool, &request.get_ref().term).await.map_err(sql_error)?;
        Ok(Response::new(AccessTokenList { tokens }))
    }

    async fn revoke(&self, request: Request<AccessTokenKey>) -> Result<Response<AccessTokenDone>, Status> {
        let caller = Caller::of(&request)?;
        let token_id = &request.get_ref().token_id;
        self.audit_log.record(&caller, &caller.user_id, "").await;
        self.end(token_id, Ending::Revoked).await?;
        self.succeeded(&caller, token_id).await;
        Ok(Response::new(AccessTokenDone {}))
    }

    async fn set_active(&self, request: Request<SetAccessTokenActiveRequest>) -> Result<Response<AccessTokenDone>, Status> {
        let caller = Caller::of(&request)?;
        let SetAccessTokenActiveRequest { token_id, active } = request.into_inner();
        self.audit_log.record(&caller, &caller.user_id, "").await;
        if active {
            let known = store::set_active(&self.pool, &token_id, true).await.map_err(sql_error)?;
            known.ok_or_else(|| AppError::new(ErrorId::AccessTokenNotFound))?;
        } else {
            self.end(&token_id, Ending::Disabled).await?;
        }
        self.succeeded(&caller, &token_id).await;
        Ok(Response::new(AccessTokenDone {}))
    }
}

enum Ending {
    Revoked,
    Disabled,
}

impl AccessTokensService {
    async fn succeeded(&self, caller: &Caller, token_id: &str) {
        self.audit_log.record(caller, &caller.user_id, format!("success - token_id={token_id}")).await;
    }

    async fn create_token(&self, request: CreateAccessTokenRequest) -> Result<UserAccessToken, AppError> {
        if !self.feed.get().settings.enable_user_access_tokens {
            return Err(ErrorId::AccessTokensDisabled.into());
        }
        if request.description.is_empty() || !fits_bytes(&request.description, DESCRIPTION_MAX) {
            return Err(ErrorId::AccessTokenInvalidDescription.into());
        }
        let token = UserAccessToken {
            id: new_id(),
            token: new_token(),
            user_id: request.user_id,
            description: request.description,
            is_active: true,
        };
        let owner = users::by_id(&self.pool, &token.user_id).await.map_err(sql_error)?.ok_or(ErrorId::UserNotFound)?;
        let mut tx = self.pool.begin().await.map_err(sql_error)?;
        if !store::insert(&mut *tx, &token, &token_hash(&token.token)).await.map_err(sql_error)? {
            return Err(ErrorId::UserNotFound.into());
        }
        self.mailer.record(&mut tx, &owner.email, Content::AccessTokenCreated(AccessTokenCreated {})).await?;
        tx.commit().await.map_err(sql_error)?;
        self.mailer.wake().await;
        Ok(token)
    }

    /// The token stops working, and with it the session it opened.
    async fn end(&self, token_id: &str, ending: Ending) -> Result<(), AppError> {
        let mut tx = self.pool.begin().await.map_err(sql_error)?;
        let owner = match ending {
            Ending::Revoked => store::delete(&mut *tx, token_id).await,
            Ending::Disabled => store::set_active(&mut *tx, token_id, false).await,
        };
        let owner = owner.map_err(sql_error)?.ok_or(ErrorId::AccessTokenNotFound)?;
        let revoked = delete(&mut tx, &owner, Which::AccessToken(token_id)).await.map_err(sql_error)?;
        let end = self.revoker.record(&mut tx, &owner, revoked).await?;
        tx.commit().await.map_err(sql_error)?;
        self.revoker.announce(end).await;
        Ok(())
    }
}
