//! What the edge learned about a request before any handler ran.

use axum::extract::FromRequestParts;
use http::{HeaderMap, request::Parts};
use std::{convert::Infallible, net::SocketAddr, sync::Arc};

/// Facts of one request; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct RequestFacts {
    pub request_id: Arc<str>,
    /// First entry of `X-Forwarded-For`, else `X-Real-IP`, else the peer.
    pub client_ip: Arc<str>,
    /// The path as sent: the action of audits.
    pub path: Arc<str>,
    pub https: bool,
}

impl RequestFacts {
    pub fn read(headers: &HeaderMap, path: &str, peer: Option<SocketAddr>) -> Self {
        let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).map(str::trim).filter(|v| !v.is_empty());
        let client_ip = header("x-forwarded-for")
            .and_then(|list| list.split(',').next())
            .map(str::trim)
            .or_else(|| header("x-real-ip"))
            .map(str::to_owned)
            .or_else(|| peer.map(|p| p.ip().to_string()))
            .unwrap_or_default();
        Self {
            request_id: muster_domain::ids::new_token().into(),
            client_ip: client_ip.into(),
            path: path.into(),
            https: header("x-forwarded-proto").is_some_and(|p| p.eq_ignore_ascii_case("https")),
        }
    }

    /// `scheme://host` of this request, as clients reach us.
    pub fn site_url(&self, headers: &HeaderMap) -> String {
        let host = headers.get(http::header::HOST).and_then(|v| v.to_str().ok()).unwrap_or("localhost");
        format!("{}://{host}", if self.https { "https" } else { "http" })
    }
}

impl<S: Sync> FromRequestParts<S> for RequestFacts {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}
