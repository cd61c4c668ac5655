//! Tag `preferences`.

use super::ApiRoutes;
use crate::{
    error::{ApiError, ApiResult},
    extract::{Json, Session, UserId, path_param},
    state::Gateway,
    wire::{ApiJson, StatusOk},
};
use axum::extract::{FromRequestParts, State};
use http::request::Parts;
use muster_domain::preferences::is_path_name;
use muster_error::{AppError, ErrorId};
use muster_proto::{
    identity::{ListPreferencesRequest, SavePreferencesRequest},
    model::Preference,
};

/// Rows one request may save or delete.
const ROWS_MAX: usize = 5_000;

pub fn routes() -> ApiRoutes {
    ApiRoutes::new()
        .get("/users/{user_id}/preferences", list)
        .put("/users/{user_id}/preferences", save)
        .post("/users/{user_id}/preferences/delete", delete)
        .get("/users/{user_id}/preferences/{category}", list_category)
        .get("/users/{user_id}/preferences/{category}/name/{preference_name}", get)
}

async fn fetch(gateway: &Gateway, session: &Session, user_id: String, category: String, name: String) -> ApiResult<Vec<Preference>> {
    // Oneself, or `edit_other_users`, for every read.
    gateway.access.user(session, &user_id)?;
    let request = ListPreferencesRequest { user_id, category, name };
    Ok(gateway.clients.preferences().list(session.call(request)).await?.into_inner().preferences)
}

/// Oneself, or `edit_other_users`: everything.
async fn list(State(gateway): State<Gateway>, session: Session, UserId(user_id): UserId) -> ApiResult<ApiJson<Vec<Preference>>> {
    Ok(ApiJson(fetch(&gateway, &session, user_id, String::new(), String::new()).await?))
}

/// 404 when there is nothing in the category.
async fn list_category(
    State(gateway): State<Gateway>,
    session: Session,
    UserId(user_id): UserId,
    Category(category): Category,
) -> ApiResult<ApiJson<Vec<Preference>>> {
    let found = fetch(&gateway, &session, user_id, category, String::new()).await?;
    if found.is_empty() { Err(ErrorId::PreferenceCategoryEmpty.into()) } else { Ok(ApiJson(found)) }
}

/// 400 when it does not exist.
async fn get(
    State(gateway): State<Gateway>,
    session: Session,
    UserId(user_id): UserId,
    Category(category): Category,
    Name(name): Name,
) -> ApiResult<ApiJson<Preference>> {
    let found = fetch(&gateway, &session, user_id, category, name).await?;
    found.into_iter().next().map(ApiJson).ok_or_else(|| ErrorId::PreferenceNotFound.into())
}

/// Oneself, or `edit_other_users`; every row must be the user's. All or nothing.
async fn save(
    State(gateway): State<Gateway>,
    session: Session,
    UserId(user_id): UserId,
    preferences: ApiResult<Json<Vec<Preference>>>,
) -> ApiResult<StatusOk> {
    let request = change(&gateway, &session, user_id, preferences)?;
    gateway.clients.preferences().save(session.call(request)).await?;
    Ok(StatusOk)
}

/// As saving; rows that do not exist are no error.
async fn delete(
    State(gateway): State<Gateway>,
    session: Session,
    UserId(user_id): UserId,
    preferences: ApiResult<Json<Vec<Preference>>>,
) -> ApiResult<StatusOk> {
    let request = change(&gateway, &session, user_id, preferences)?;
    gateway.clients.preferences().delete(session.call(request)).await?;
    Ok(StatusOk)
}

/// Who may not is told so, whatever the body.
fn change(
    gateway: &Gateway,
    session: &Session,
    user_id: String,
    body: ApiResult<Json<Vec<Preference>>>,
) -> ApiResult<SavePreferencesRequest> {
    gateway.access.user(session, &user_id)?;
    let Json(preferences) = body?;
    if preferences.len() > ROWS_MAX {
        return Err(AppError::body("preferences").into());
    }
    Ok(SavePreferencesRequest { user_id, preferences })
}

/// Another alphabet is no route; a form no category or name can have in a path is 400.
async fn name_in_path(parts: &mut Parts, param: &str) -> Result<String, ApiError> {
    let text = path_param(parts, param).await?;
    if !text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return Err(ErrorId::NotFound.into());
    }
    if is_path_name(&text) { Ok(text) } else { Err(AppError::url(param).into()) }
}

/// `{category}`
struct Category(String);

impl FromRequestParts<Gateway> for Category {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Gateway) -> Result<Self, ApiError> {
        name_in_path(parts, "category").await.map(Self)
    }
}

/// `{preference_name}`
struct Name(String);

impl FromRequestParts<Gateway> for Name {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Gateway) -> Result<Self, ApiError> {
        name_in_path(parts, "preference_name").await.map(Self)
    }
}
