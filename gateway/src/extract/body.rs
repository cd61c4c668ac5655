//! JSON bodies.

use crate::error::ApiError;
use axum::extract::{FromRequest, Request};
use muster_error::{AppError, ErrorId};
use serde::de::DeserializeOwned;

/// A JSON body. Whatever the content type says; unreadable JSON, or JSON of another shape, is 400.
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let bytes = axum::body::Bytes::from_request(request, state).await.map_err(|rejection| {
            let id =
                if rejection.status() == http::StatusCode::PAYLOAD_TOO_LARGE { ErrorId::BodyTooLarge } else { ErrorId::InvalidBodyParam };
            ApiError(AppError::new(id).param("Name", "body"))
        })?;
        serde_json::from_slice(&bytes).map(Json).map_err(|e| ApiError(AppError::body("body").detail(e)))
    }
}
