//! `AppError` between processes: JSON in the details of a gRPC status. A status without it is a transport failure.

use crate::{AppError, ErrorId};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::LazyLock};
use tonic::{Code, Status};

#[derive(Serialize, Deserialize)]
struct Wire {
    id: String,
    status: u16,
    detail: String,
    params: BTreeMap<String, String>,
}

static BY_WIRE: LazyLock<BTreeMap<&'static str, ErrorId>> = LazyLock::new(|| ErrorId::ALL.iter().map(|id| (id.wire(), *id)).collect());

impl ErrorId {
    /// The id that clients know as `wire`.
    pub fn from_wire(wire: &str) -> Option<Self> {
        BY_WIRE.get(wire).copied()
    }
}

impl From<AppError> for Status {
    fn from(error: AppError) -> Self {
        let code = match error.status {
            400 | 413 => Code::InvalidArgument,
            401 => Code::Unauthenticated,
            403 => Code::PermissionDenied,
            404 => Code::NotFound,
            429 => Code::ResourceExhausted,
            501 => Code::Unimplemented,
            503 => Code::Unavailable,
            504 => Code::DeadlineExceeded,
            _ => Code::Internal,
        };
        let message = error.to_string();
        let wire = Wire { id: error.id.wire().into(), status: error.status, detail: error.detail, params: error.params };
        // A struct of strings always encodes.
        let details = serde_json::to_vec(&wire).unwrap_or_default();
        Status::with_details(code, message, details.into())
    }
}

impl From<Status> for AppError {
    fn from(status: Status) -> Self {
        if let Ok(wire) = serde_json::from_slice::<Wire>(status.details())
            && let Some(id) = ErrorId::from_wire(&wire.id)
        {
            return AppError { id, status: wire.status, detail: wire.detail, params: wire.params };
        }
        let id = match status.code() {
            Code::DeadlineExceeded | Code::Cancelled => ErrorId::Timeout,
            Code::Unavailable => ErrorId::Unavailable,
            Code::ResourceExhausted => ErrorId::Busy,
            // A service without an operation, or one that does not trust us: never the client's 401.
            Code::Unimplemented => ErrorId::NotImplemented,
            _ => ErrorId::Internal,
        };
        AppError::new(id).detail(format_args!("{:?}: {}", status.code(), status.message()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survives_the_wire() {
        let error = AppError::body("user_id").detail("why").param("X", 1);
        assert_eq!(AppError::from(Status::from(error.clone())), error);
    }

    #[test]
    fn transport_failures_are_ours_not_the_clients() {
        assert_eq!(AppError::from(Status::unavailable("x")).status, 503);
        assert_eq!(AppError::from(Status::deadline_exceeded("x")).status, 504);
        assert_eq!(AppError::from(Status::unauthenticated("x")).status, 500);
    }

    #[test]
    fn wire_ids_are_unique() {
        assert_eq!(BY_WIRE.len(), ErrorId::ALL.len());
    }
}
