//! A small HTTP client whose answers are easy to assert on.

use http::HeaderMap;
use serde_json::Value;
use std::time::Duration;

/// A client of one gateway, with a token or without.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    pub base: String,
    pub token: Option<String>,
}

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Answer {
    pub request: String,
    pub status: u16,
    pub headers: HeaderMap,
    pub bytes: bytes::Bytes,
    /// The body as JSON; null when it is none.
    pub body: Value,
}

impl Answer {
    /// The JSON body, when the status is this one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.request, String::from_utf8_lossy(&self.bytes));
        self.body
    }

    /// Checks the standard error body: status and id.
    #[track_caller]
    pub fn refused(self, status: u16, id: &str) {
        assert_eq!((self.status, self.body["id"].as_str().unwrap_or_default()), (status, id), "{}: {}", self.request, self.body);
        assert_eq!(self.body["status_code"], status);
        assert_eq!(self.body["request_id"].as_str(), self.header("x-request-id"), "the request id is in the body and the header");
        assert_eq!(self.body["detailed_error"], "", "{}", self.request);
        assert!(self.body["message"].as_str().is_some_and(|m| !m.is_empty()));
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|v| v.to_str().ok())
    }
}

impl Client {
    pub fn new(base: &str) -> Self {
        // Tests run in one process; whoever comes first installs the provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(30))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("HTTP client");
        Self { http, base: base.to_owned(), token: None }
    }

    #[must_use]
    pub fn with_token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    /// A request to `/api/v4<path>` that the test may shape further; see [`Client::send`].
    pub fn request(&self, method: http::Method, path: &str) -> reqwest::RequestBuilder {
        let url = if path.starts_with("/api/") || path.starts_with("/!") {
            format!("{}{}", self.base, path.trim_start_matches("/!"))
        } else {
            format!("{}/api/v4{path}", self.base)
        };
        let request = self.http.request(method, url);
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let request = request.build().expect("a request");
        let name = format!("{} {}", request.method(), request.url());
        let response = self.http.execute(request).await.unwrap_or_else(|e| panic!("{name}: {e:?}"));
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await.unwrap_or_else(|e| panic!("{name}: {e:?}"));
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { request: name, status, headers, bytes, body }
    }

    /// Like [`Client::send`], but a broken connection is `None`: for tests that kill processes.
    pub async fn try_send(&self, request: reqwest::RequestBuilder) -> Option<Answer> {
        let request = request.build().expect("a request");
        let name = format!("{} {}", request.method(), request.url());
        let response = self.http.execute(request).await.ok()?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await.ok()?;
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Some(Answer { request: name, status, headers, bytes, body })
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(http::Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(http::Method::POST, path).json(&body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(http::Method::PUT, path).json(&body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(http::Method::DELETE, path)).await
    }

    /// A body as it is, with a content type.
    pub async fn raw(&self, method: http::Method, path: &str, content_type: &str, body: impl Into<reqwest::Body>) -> Answer {
        self.send(self.request(method, path).header("content-type", content_type).body(body)).await
    }
}
