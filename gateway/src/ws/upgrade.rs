//! The WebSocket handshake (RFC 6455, section 4.2), down to the bare connection: what follows writes to it directly.

use axum::{
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header, request::Parts};
use hyper::upgrade::OnUpgrade;
use hyper_util::{rt::TokioIo, server::conn::auto};
use std::future::Future;
use tokio::net::TcpStream;
use tungstenite::handshake::derive_accept_key;

/// A request that asks for a WebSocket as it should.
pub struct Upgrade {
    accept: HeaderValue,
    on_upgrade: OnUpgrade,
}

impl<S: Send + Sync> FromRequestParts<S> for Upgrade {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        let key = asked(&parts.method, parts.version, &parts.headers).ok_or(StatusCode::BAD_REQUEST)?;
        let accept = HeaderValue::try_from(derive_accept_key(key.as_bytes())).map_err(|_| StatusCode::BAD_REQUEST)?;
        let on_upgrade = parts.extensions.remove::<OnUpgrade>().ok_or(StatusCode::BAD_REQUEST)?;
        Ok(Self { accept, on_upgrade })
    }
}

impl Upgrade {
    /// Answers 101; `serve` gets the connection and what the client has already sent on it.
    pub fn accept<F: Future<Output = ()> + Send + 'static>(self, serve: impl FnOnce(TcpStream, Bytes) -> F + Send + 'static) -> Response {
        let Self { accept, on_upgrade } = self;
        tokio::spawn(async move {
            let upgraded = match on_upgrade.await {
                Ok(upgraded) => upgraded,
                Err(error) => return tracing::debug!(%error, "a client left during the handshake"),
            };
            match auto::upgrade::downcast::<TokioIo<TcpStream>>(upgraded) {
                Ok(parts) => serve(parts.io.into_inner(), parts.read_buf).await,
                Err(_) => tracing::error!("a WebSocket on something that is no TCP connection"),
            }
        });
        let headers = [
            (header::CONNECTION, HeaderValue::from_static("upgrade")),
            (header::UPGRADE, HeaderValue::from_static("websocket")),
            (header::SEC_WEBSOCKET_ACCEPT, accept),
        ];
        (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
    }
}

/// The client's key, if the request is a handshake.
fn asked<'a>(method: &Method, version: Version, headers: &'a HeaderMap) -> Option<&'a HeaderValue> {
    let lists = |name: HeaderName, wanted: &str| {
        headers
            .get_all(name)
            .iter()
            .filter_map(|v| v.to_str().ok())
            .flat_map(|v| v.split(','))
            .any(|v| v.trim().eq_ignore_ascii_case(wanted))
    };
    let is_handshake = method == Method::GET
        && version == Version::HTTP_11
        && lists(header::CONNECTION, "upgrade")
        && lists(header::UPGRADE, "websocket")
        && headers.get(header::SEC_WEBSOCKET_VERSION).is_some_and(|v| v == "13");
    headers.get(header::SEC_WEBSOCKET_KEY).filter(|_| is_handshake)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handshake_has_all_its_headers() {
        let mut headers = HeaderMap::new();
        for (name, value) in
            [("connection", "keep-alive, Upgrade"), ("upgrade", "WebSocket"), ("sec-websocket-version", "13"), ("sec-websocket-key", "k")]
        {
            assert_eq!(asked(&Method::GET, Version::HTTP_11, &headers), None, "before {name}");
            headers.insert(name, HeaderValue::from_static(value));
        }
        assert_eq!(asked(&Method::GET, Version::HTTP_11, &headers), Some(&HeaderValue::from_static("k")));
        assert_eq!(asked(&Method::POST, Version::HTTP_11, &headers), None);
        headers.insert("sec-websocket-version", HeaderValue::from_static("8"));
        assert_eq!(asked(&Method::GET, Version::HTTP_11, &headers), None);
    }
}
