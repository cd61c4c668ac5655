//! A WebSocket that costs little: small buffers, no copy of what is not looked at.

use std::borrow::Cow;
use std::fmt;

use futures_util::{SinkExt, StreamExt};
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request};
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::args::Auth;
use crate::target::Target;

/// Read and write buffer of one socket, in bytes: 2,000 sockets cost 16 MB instead of 512.
const BUFFER: usize = 4096;

pub type Socket = WebSocketStream<TcpStream>;

/// Why a socket did not open or ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    Connect,
    Handshake(String),
    ClosedBeforeHello,
    Closed,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect => f.write_str("socket: cannot connect"),
            Self::Handshake(why) => write!(f, "socket: handshake {why}"),
            Self::ClosedBeforeHello => f.write_str("socket: closed before hello"),
            Self::Closed => f.write_str("socket: closed"),
        }
    }
}

/// The parts of a frame that are looked at.
#[derive(Deserialize, Debug, Default)]
#[serde(default)]
pub struct Frame<'a> {
    #[serde(borrow)]
    pub event: Cow<'a, str>,
    pub seq: Option<u64>,
}

impl<'a> Frame<'a> {
    /// A frame that is no JSON object reads as one without an event.
    pub fn read(text: &'a str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }
}

/// Opens a socket and returns it after `hello`, which must be the first event and carry seq 0.
pub async fn open(target: &Target, token: &str, auth: Auth) -> Result<Socket, Trouble> {
    let stream = TcpStream::connect(target.address).await.map_err(|_| Trouble::Connect)?;
    stream.set_nodelay(true).map_err(|_| Trouble::Connect)?;
    let request = handshake(target, (auth == Auth::Bearer).then_some(token)).map_err(Trouble::Handshake)?;
    let config = WebSocketConfig::default().read_buffer_size(BUFFER).write_buffer_size(0);
    let (mut socket, _) = client_async_with_config(request, stream, Some(config)).await.map_err(|e| Trouble::Handshake(e.to_string()))?;
    if auth == Auth::Challenge {
        let challenge = json!({ "seq": 1, "action": "authentication_challenge", "data": { "token": token } });
        socket.send(Message::text(challenge.to_string())).await.map_err(|_| Trouble::ClosedBeforeHello)?;
    }
    loop {
        let text = next_text(&mut socket).await.map_err(|_| Trouble::ClosedBeforeHello)?;
        let frame = Frame::read(text.as_str());
        match (frame.event.as_ref(), frame.seq) {
            ("hello", Some(0)) => return Ok(socket),
            ("", _) => {}
            (event, seq) => return Err(Trouble::Handshake(format!("first event was {event} with seq {seq:?}"))),
        }
    }
}

fn handshake(target: &Target, bearer: Option<&str>) -> Result<Request<()>, String> {
    let mut request = format!("ws://{}/api/v4/websocket", target.host).into_client_request().map_err(|e| e.to_string())?;
    if let Some(token) = bearer {
        let value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|e| e.to_string())?;
        request.headers_mut().insert(AUTHORIZATION, value);
    }
    Ok(request)
}

/// The next text frame. Pings are answered by the library while reading.
pub async fn next_text(socket: &mut Socket) -> Result<tokio_tungstenite::tungstenite::Utf8Bytes, Trouble> {
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => return Ok(text),
            Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(Trouble::Closed),
            Some(Ok(_)) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_give_event_and_seq_and_replies_give_neither() {
        let frame = Frame::read(r#"{"event":"posted","data":{"post":"{\"seq\":7}"},"broadcast":{"omit_users":null},"seq":12}"#);
        assert_eq!((frame.event.as_ref(), frame.seq), ("posted", Some(12)));
        let reply = Frame::read(r#"{"status":"OK","seq_reply":1}"#);
        assert_eq!((reply.event.as_ref(), reply.seq), ("", None));
        assert_eq!(Frame::read("no json").seq, None);
    }

    #[test]
    fn the_token_is_in_the_handshake_only_for_bearer() {
        let target = Target { host: "localhost:1".into(), address: ([127, 0, 0, 1], 1).into() };
        assert_eq!(handshake(&target, Some("abc")).expect("request").headers()[AUTHORIZATION], "Bearer abc");
        assert!(!handshake(&target, None).expect("request").headers().contains_key(AUTHORIZATION));
    }
}
