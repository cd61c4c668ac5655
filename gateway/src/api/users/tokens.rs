//! Personal access tokens. Their permissions are held by `system_user_access_token` and administrators; each operation
//! wants the owner, or `edit_other_users`, besides.

use crate::{
    api::ApiRoutes,
    error::{ApiError, ApiResult},
    extract::{Json, Page, Session, UserId, path_param},
    state::Gateway,
    wire::{ApiJson, StatusOk},
};
use axum::extract::{FromRequestParts, State};
use http::request::Parts;
use muster_domain::{ids::ID_LENGTH, permissions::Permission};
use muster_error::{AppError, ErrorId};
use muster_proto::{
    identity::{AccessTokenKey, CreateAccessTokenRequest, ListAccessTokensRequest, SearchAccessTokensRequest, SetAccessTokenActiveRequest},
    model::UserAccessToken,
};
use serde::Deserialize;

pub fn routes() -> ApiRoutes {
    ApiRoutes::new()
        .post("/users/{user_id}/tokens", create)
        .get("/users/{user_id}/tokens", list_of_user)
        .get("/users/tokens", list)
        .post("/users/tokens/revoke", revoke)
        .get("/users/tokens/{token_id}", get)
        .post("/users/tokens/disable", disable)
        .post("/users/tokens/enable", enable)
        .post("/users/tokens/search", search)
}

#[derive(Deserialize)]
struct TokenBody {
    description: Option<String>,
}

/// `create_user_access_token`; not for sessions of OAuth applications. The body is looked at first.
async fn create(
    State(gateway): State<Gateway>,
    session: Session,
    UserId(user_id): UserId,
    Json(body): Json<TokenBody>,
) -> ApiResult<ApiJson<UserAccessToken>> {
    let description = body.description.filter(|text| !text.is_empty()).ok_or_else(|| AppError::body("description"))?;
    if session.is_oauth {
        return Err(AppError::permissions("an OAuth session").into());
    }
    gateway.access.system(&session, Permission::CreateUserAccessToken)?;
    gateway.access.user(&session, &user_id)?;
    let request = CreateAccessTokenRequest { user_id, description };
    Ok(ApiJson(gateway.clients.access_tokens().create(session.call(request)).await?.into_inner()))
}

async fn fetch(gateway: &Gateway, session: &Session, request: ListAccessTokensRequest) -> ApiResult<ApiJson<Vec<UserAccessToken>>> {
    Ok(ApiJson(gateway.clients.access_tokens().list(session.call(request)).await?.into_inner().tokens))
}

/// `read_user_access_token`.
async fn list_of_user(
    State(gateway): State<Gateway>,
    session: Session,
    UserId(user_id): UserId,
    Page(page): Page,
) -> ApiResult<ApiJson<Vec<UserAccessToken>>> {
    gateway.access.system(&session, Permission::ReadUserAccessToken)?;
    gateway.access.user(&session, &user_id)?;
    fetch(&gateway, &session, ListAccessTokensRequest { user_id, offset: page.offset(), limit: page.limit() }).await
}

/// `manage_system`; everybody's.
async fn list(State(gateway): State<Gateway>, session: Session, Page(page): Page) -> ApiResult<ApiJson<Vec<UserAccessToken>>> {
    gateway.access.system(&session, Permission::ManageSystem)?;
    fetch(&gateway, &session, ListAccessTokensRequest { user_id: String::new(), offset: page.offset(), limit: page.limit() }).await
}

#[derive(Deserialize)]
struct SearchBody {
    term: Option<String>,
}

/// `manage_system`.
async fn search(
    State(gateway): State<Gateway>,
    session: Session,
    Json(body): Json<SearchBody>,
) -> ApiResult<ApiJson<Vec<UserAccessToken>>> {
    gateway.access.system(&session, Permission::ManageSystem)?;
    let term = body.term.filter(|term| !term.is_empty()).ok_or_else(|| AppError::body("term"))?;
    let found = gateway.clients.access_tokens().search(session.call(SearchAccessTokensRequest { term })).await?;
    Ok(ApiJson(found.into_inner().tokens))
}

/// The token, for who holds the permission and may act for its owner.
async fn find(gateway: &Gateway, session: &Session, token_id: String, permission: Permission) -> ApiResult<UserAccessToken> {
    gateway.access.system(session, permission)?;
    let token = gateway.clients.access_tokens().get(session.call(AccessTokenKey { token_id })).await?.into_inner();
    gateway.access.user(session, &token.user_id)?;
    Ok(token)
}

/// `read_user_access_token`.
async fn get(State(gateway): State<Gateway>, session: Session, TokenId(id): TokenId) -> ApiResult<ApiJson<UserAccessToken>> {
    Ok(ApiJson(find(&gateway, &session, id, Permission::ReadUserAccessToken).await?))
}

#[derive(Deserialize)]
struct KeyBody {
    token_id: Option<String>,
}

/// `revoke_user_access_token`; the token's session ends at once.
async fn revoke(State(gateway): State<Gateway>, session: Session, Json(body): Json<KeyBody>) -> ApiResult<StatusOk> {
    let token = find(&gateway, &session, body.token_id.unwrap_or_default(), Permission::RevokeUserAccessToken).await?;
    gateway.clients.access_tokens().revoke(session.call(AccessTokenKey { token_id: token.id })).await?;
    Ok(StatusOk)
}

/// `revoke_user_access_token`; the token's session ends at once.
async fn disable(State(gateway): State<Gateway>, session: Session, Json(body): Json<KeyBody>) -> ApiResult<StatusOk> {
    let token = find(&gateway, &session, body.token_id.unwrap_or_default(), Permission::RevokeUserAccessToken).await?;
    gateway.clients.access_tokens().set_active(session.call(SetAccessTokenActiveRequest { token_id: token.id, active: false })).await?;
    Ok(StatusOk)
}

/// `create_user_access_token`.
async fn enable(State(gateway): State<Gateway>, session: Session, Json(body): Json<KeyBody>) -> ApiResult<StatusOk> {
    let token = find(&gateway, &session, body.token_id.unwrap_or_default(), Permission::CreateUserAccessToken).await?;
    gateway.clients.access_tokens().set_active(session.call(SetAccessTokenActiveRequest { token_id: token.id, active: true })).await?;
    Ok(StatusOk)
}

/// `{token_id}`
struct TokenId(String);

impl FromRequestParts<Gateway> for TokenId {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Gateway) -> Result<Self, ApiError> {
        let id = path_param(parts, "token_id").await?;
        if !id.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(ErrorId::NotFound.into());
        }
        if id.len() == ID_LENGTH { Ok(Self(id)) } else { Err(AppError::url("token_id").into()) }
    }
}
