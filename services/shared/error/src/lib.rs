//! The one error type of Muster, from the SQL statement that refused to the JSON a client reads.

mod catalogue;
mod config;
mod faults;
mod transport;

pub use catalogue::ErrorId;
use std::{collections::BTreeMap, fmt};

/// A refusal or failure. `detail` is for logs (and for clients only in developer mode); `params` fill the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppError {
    pub id: ErrorId,
    pub status: u16,
    pub detail: String,
    pub params: BTreeMap<String, String>,
}

pub type Result<T, E = AppError> = std::result::Result<T, E>;

impl AppError {
    pub fn new(id: ErrorId) -> Self {
        Self { id, status: id.status(), detail: String::new(), params: BTreeMap::new() }
    }

    /// What a log reader needs to know; never a secret.
    #[must_use]
    pub fn detail(mut self, detail: impl fmt::Display) -> Self {
        self.detail = detail.to_string();
        self
    }

    #[must_use]
    pub fn param(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.params.insert(name.to_owned(), value.to_string());
        self
    }

    /// For the few ids that come with more than one status.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// 400 for a field of the body.
    pub fn body(field: &str) -> Self {
        Self::new(ErrorId::InvalidBodyParam).param("Name", field)
    }

    /// 400 for a part of the URL.
    pub fn url(part: &str) -> Self {
        Self::new(ErrorId::InvalidUrlParam).param("Name", part)
    }

    /// 403; `permission` goes to the log.
    pub fn permissions(permission: &str) -> Self {
        Self::new(ErrorId::Permissions).detail(format_args!("permission={permission}"))
    }

    /// A failure of ours: logged where it is made, told to clients without detail.
    pub fn internal(source: impl fmt::Display) -> Self {
        Self::new(ErrorId::Internal).detail(source)
    }

    /// The English message with the params filled in.
    pub fn message(&self) -> String {
        let mut text = self.id.message().to_owned();
        for (name, value) in &self.params {
            text = text.replace(&format!("{{{{.{name}}}}}"), value);
        }
        text
    }
}

impl From<ErrorId> for AppError {
    fn from(id: ErrorId) -> Self {
        Self::new(id)
    }
}

impl fmt::Display for AppError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.id.wire(), self.status)?;
        if !self.detail.is_empty() {
            write!(f, ": {}", self.detail)?;
        }
        Ok(())
    }
}

impl std::error::Error for AppError {}
