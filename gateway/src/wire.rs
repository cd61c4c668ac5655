//! Answers: the shapes that are no entity, and how bodies are written.

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use muster_error::AppError;
use serde::Serialize;

use crate::error::ApiError;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// 200 with an entity as JSON.
pub struct ApiJson<T>(pub T);

/// 201 with an entity as JSON.
pub struct Created<T>(pub T);

/// JSON that a service has already written.
pub struct RawJson(pub Bytes);

/// 200 `{"status":"OK"}`.
pub struct StatusOk;

/// An answer that nobody may keep.
pub struct NoCache<T>(pub T);

/// 304, or a body with its ETag.
pub enum NotModifiedOr<T> {
    NotModified(String),
    Modified { etag: String, body: T },
}

impl<T: Serialize> IntoResponse for ApiJson<T> {
    fn into_response(self) -> Response {
        json(StatusCode::OK, &self.0)
    }
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        json(StatusCode::CREATED, &self.0)
    }
}

impl IntoResponse for RawJson {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, JSON)], self.0).into_response()
    }
}

impl IntoResponse for StatusOk {
    fn into_response(self) -> Response {
        RawJson(Bytes::from_static(br#"{"status":"OK"}"#)).into_response()
    }
}

impl<T: IntoResponse> IntoResponse for NoCache<T> {
    fn into_response(self) -> Response {
        ([(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store, must-revalidate"))], self.0).into_response()
    }
}

impl<T: IntoResponse> IntoResponse for NotModifiedOr<T> {
    fn into_response(self) -> Response {
        let (mut response, etag) = match self {
            Self::NotModified(etag) => (StatusCode::NOT_MODIFIED.into_response(), etag),
            Self::Modified { etag, body } => (body.into_response(), etag),
        };
        if let Ok(value) = HeaderValue::try_from(etag) {
            response.headers_mut().insert(header::ETAG, value);
        }
        response
    }
}

impl<T> NotModifiedOr<T> {
    /// 304 when the client already has this version, else the body.
    pub fn new(if_none_match: Option<&str>, etag: String, body: impl FnOnce() -> T) -> Self {
        if if_none_match == Some(etag.as_str()) { Self::NotModified(etag) } else { Self::Modified { body: body(), etag } }
    }
}

/// An entity as answers carry it.
pub fn json_bytes<T: Serialize>(body: &T) -> Result<Bytes, ApiError> {
    muster_proto::json::to_vec(body).map(Bytes::from).map_err(|error| AppError::internal(error).into())
}

fn json<T: Serialize>(status: StatusCode, body: &T) -> Response {
    match json_bytes(body) {
        Ok(bytes) => (status, [(header::CONTENT_TYPE, JSON)], bytes).into_response(),
        Err(error) => error.into_response(),
    }
}
