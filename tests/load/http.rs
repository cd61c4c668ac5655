//! One keep-alive HTTP/1.1 connection. No pool, no redirects, no decoding: the generator shares its cores with the server it measures.

use std::fmt;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderValue, Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_util::task::AbortOnDropHandle;

use crate::target::Target;

/// A request as the operations build it.
#[derive(Debug, Clone)]
pub struct Call {
    pub method: Method,
    pub path: String,
    /// JSON, or empty for none.
    pub body: Bytes,
    /// The status that counts as success.
    pub expect: u16,
}

impl Call {
    pub fn get(path: String) -> Self {
        Self { method: Method::GET, path, body: Bytes::new(), expect: 200 }
    }

    pub fn post(path: String, body: &serde_json::Value, expect: u16) -> Self {
        Self { method: Method::POST, path, body: Bytes::from(body.to_string()), expect }
    }

    pub fn put(path: String, body: &serde_json::Value) -> Self {
        Self { method: Method::PUT, path, body: Bytes::from(body.to_string()), expect: 200 }
    }
}

/// What came back; `body` is empty when the caller asked only for the status.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Why no answer came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    Connect,
    Broken,
    Timeout,
    BadRequest,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "cannot connect",
            Self::Broken => "connection broken",
            Self::Timeout => "timeout",
            Self::BadRequest => "request could not be built",
        })
    }
}

impl std::error::Error for Failure {}

/// A connection that is opened when first needed and again after a failure.
pub struct Connection {
    target: Target,
    limit: Duration,
    open: Option<Open>,
}

struct Open {
    sender: SendRequest<Full<Bytes>>,
    _driver: AbortOnDropHandle<()>,
}

impl Connection {
    /// `limit` bounds each request, the connecting included.
    pub fn new(target: &Target, limit: Duration) -> Self {
        Self { target: target.clone(), limit, open: None }
    }

    /// Sends and reads the whole body, keeping it.
    pub async fn fetch(&mut self, call: &Call, token: Option<&str>) -> Result<Answer, Failure> {
        self.bounded(call, token, true).await
    }

    /// Sends, throws the body away and returns the status: for the hot operations.
    pub async fn status(&mut self, call: &Call, token: Option<&str>) -> Result<u16, Failure> {
        Ok(self.bounded(call, token, false).await?.status)
    }

    async fn bounded(&mut self, call: &Call, token: Option<&str>, keep: bool) -> Result<Answer, Failure> {
        let outcome = match tokio::time::timeout(self.limit, self.exchange(call, token, keep)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Failure::Timeout),
        };
        if outcome.is_err() {
            // Whatever is left on the wire belongs to the failed exchange.
            self.open = None;
        }
        outcome
    }

    async fn exchange(&mut self, call: &Call, token: Option<&str>, keep: bool) -> Result<Answer, Failure> {
        let request = self.request(call, token)?;
        let response = self.ready().await?.send_request(request).await.map_err(|_| Failure::Broken)?;
        let (head, mut body) = response.into_parts();
        let mut kept = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| Failure::Broken)?;
            if let (true, Some(data)) = (keep, frame.data_ref()) {
                kept.extend_from_slice(data);
            }
        }
        Ok(Answer { status: head.status.as_u16(), headers: head.headers, body: kept.freeze() })
    }

    fn request(&self, call: &Call, token: Option<&str>) -> Result<Request<Full<Bytes>>, Failure> {
        let mut builder = Request::builder().method(&call.method).uri(call.path.as_str()).header(HOST, self.target.host.as_str());
        if let Some(token) = token {
            builder = builder.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        if !call.body.is_empty() {
            builder = builder.header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        builder.body(Full::new(call.body.clone())).map_err(|_| Failure::BadRequest)
    }

    /// The sender of a live connection; a server may have closed an idle one, which is no error of the request to come.
    async fn ready(&mut self) -> Result<&mut SendRequest<Full<Bytes>>, Failure> {
        let alive = match &mut self.open {
            Some(open) => open.sender.ready().await.is_ok(),
            None => false,
        };
        if !alive {
            self.open = None;
        }
        match &mut self.open {
            Some(open) => Ok(&mut open.sender),
            slot => Ok(&mut slot.insert(connect(&self.target).await?).sender),
        }
    }
}

async fn connect(target: &Target) -> Result<Open, Failure> {
    let stream = TcpStream::connect(target.address).await.map_err(|_| Failure::Connect)?;
    stream.set_nodelay(true).map_err(|_| Failure::Connect)?;
    let (sender, driver) = handshake(TokioIo::new(stream)).await.map_err(|_| Failure::Connect)?;
    let driver = AbortOnDropHandle::new(tokio::spawn(async move {
        // A broken connection shows as the failure of the request on it.
        let _ = driver.await;
    }));
    Ok(Open { sender, _driver: driver })
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// Serves `answers`, one connection each, reading a head before each.
    async fn canned(answers: Vec<&'static str>) -> Target {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let address = listener.local_addr().expect("address");
        tokio::spawn(async move {
            for answer in answers {
                let Ok((mut stream, _)) = listener.accept().await else { return };
                let mut head = [0; 2048];
                let _ = stream.read(&mut head).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Target { host: address.to_string(), address }
    }

    #[tokio::test]
    async fn reads_a_chunked_body_and_the_status() {
        let target = canned(vec!["HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"]).await;
        let answer = Connection::new(&target, Duration::from_secs(5)).fetch(&Call::get("/x".into()), None).await.expect("answer");
        assert_eq!((answer.status, &answer.body[..]), (201, &b"abcde"[..]));
    }

    #[tokio::test]
    async fn opens_a_new_connection_after_the_server_closed_the_old_one() {
        let ok = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        let target = canned(vec![ok, ok]).await;
        let mut connection = Connection::new(&target, Duration::from_secs(5));
        for _ in 0..2 {
            assert_eq!(connection.status(&Call::get("/x".into()), Some("t")).await, Ok(200));
        }
    }

    #[tokio::test]
    async fn silence_is_a_timeout_and_nobody_there_is_a_connect_failure() {
        let target = canned(vec!["HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"]).await;
        let outcome = Connection::new(&target, Duration::from_millis(200)).status(&Call::get("/x".into()), None).await;
        assert!(matches!(outcome, Err(Failure::Timeout | Failure::Broken)), "{outcome:?}");
        let gone = TcpListener::bind("127.0.0.1:0").await.expect("bind").local_addr().expect("address");
        let target = Target { host: gone.to_string(), address: gone };
        assert_eq!(Connection::new(&target, Duration::from_secs(5)).status(&Call::get("/x".into()), None).await, Err(Failure::Connect));
    }
}
