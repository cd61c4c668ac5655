//! Who is behind a call between processes. Services refuse calls without one.

use muster_error::{AppError, ErrorId};
use tonic::{Request, metadata::MetadataValue};

const METADATA_KEY: &str = "muster-caller";

/// The person (or the part of Muster) on whose behalf a call is made, and the request it belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Caller {
    /// "" for anonymous requests such as sign-up; `system:<role>` for work of our own.
    pub user_id: String,
    pub session_id: String,
    /// System roles of the session, space-separated.
    pub roles: String,
    pub request_id: String,
    /// The client's address.
    pub ip: String,
    /// The request path as sent: the `action` of audits.
    pub path: String,
}

impl Caller {
    /// Work that no client asked for.
    pub fn system(role: &str) -> Self {
        Self { user_id: format!("system:{role}"), ..Self::default() }
    }

    pub fn is_system(&self) -> bool {
        self.user_id.starts_with("system:")
    }

    /// A gRPC request carrying this caller.
    pub fn call<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        let text = [&self.user_id, &self.session_id, &self.roles, &self.request_id, &self.ip, &self.path].map(String::as_str).join("|");
        // The parts come from ids, role names and a parsed URL: visible ASCII. Anything else is a caller we do not let pass.
        if let Ok(value) = MetadataValue::try_from(text) {
            request.metadata_mut().insert(METADATA_KEY, value);
        }
        request
    }

    /// The caller of an incoming call.
    pub fn of<T>(request: &Request<T>) -> Result<Self, AppError> {
        let text = request
            .metadata()
            .get(METADATA_KEY)
            .and_then(|v| v.to_str().ok())
            .ok_or_else(|| AppError::new(ErrorId::Unauthenticated).status(500).detail("call without a caller"))?;
        let mut parts = text.splitn(6, '|').map(str::to_owned);
        let mut next = || parts.next().unwrap_or_default();
        Ok(Self { user_id: next(), session_id: next(), roles: next(), request_id: next(), ip: next(), path: next() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn travels_in_metadata() {
        let caller = Caller { user_id: "u".into(), roles: "a b".into(), path: "/x|y".into(), ..Caller::default() };
        assert_eq!(Caller::of(&caller.call(())).expect("caller"), caller);
        assert!(Caller::of(&Request::new(())).is_err());
    }
}
