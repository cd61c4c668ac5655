//! How a refusal leaves the gateway. Handlers return [`ApiError`]; the edge (see `edge.rs`) writes its JSON, because
//! only there the request id and the client's language are known.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use muster_error::{AppError, ErrorId};

/// The one rejection of handlers and extractors.
#[derive(Debug, Clone)]
pub struct ApiError(pub AppError);

pub type ApiResult<T> = Result<T, ApiError>;

impl From<AppError> for ApiError {
    fn from(error: AppError) -> Self {
        Self(error)
    }
}

impl From<ErrorId> for ApiError {
    fn from(id: ErrorId) -> Self {
        Self(id.into())
    }
}

/// A service's refusal passes through as it is; a transport failure becomes 503 or 504.
impl From<tonic::Status> for ApiError {
    fn from(status: tonic::Status) -> Self {
        Self(status.into())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}
