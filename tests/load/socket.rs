//! A WebSocket that costs the generator as little as can be: one buffer for all sockets of a thread, one read per wake-up,
//! no JSON parser where the ends of a frame tell all. What is measured is the server, on the same machine.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::future::poll_fn;
use std::io::Cursor;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::Poll;

use serde::Deserialize;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use crate::args::Auth;
use crate::target::Target;

/// Bytes read at once.
const BUFFER: usize = 64 * 1024;
/// Longest answer to a handshake, bytes.
const HEAD_MAX: usize = 16 * 1024;

thread_local! {
    static SHARED: RefCell<Vec<u8>> = RefCell::new(vec![0; BUFFER]);
}

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
        Self::from_ends(text).unwrap_or_else(|| serde_json::from_str(text).unwrap_or_default())
    }

    /// Events begin with their name and end with their number, on every server known.
    fn from_ends(text: &'a str) -> Option<Self> {
        let event = text.strip_prefix(r#"{"event":""#)?;
        let event = &event[..event.find(['"', '\\'])?];
        let seq = text.trim_end().strip_suffix('}')?;
        let digits = seq.len() - seq.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        let (before, seq) = seq.split_at(seq.len() - digits);
        let seq = before.ends_with(r#","seq":"#).then(|| seq.parse().ok())??;
        Some(Self { event: Cow::Borrowed(event), seq: Some(seq) })
    }
}

/// An open connection.
pub struct Socket {
    stream: TcpStream,
    /// The beginning of a frame that has not arrived whole.
    part: Vec<u8>,
}

/// Opens a socket and returns it after `hello`, which must be the first event and carry seq 0.
pub async fn open(target: &Target, token: &str, auth: Auth) -> Result<Socket, Trouble> {
    let stream = TcpStream::connect(target.address).await.map_err(|_| Trouble::Connect)?;
    stream.set_nodelay(true).map_err(|_| Trouble::Connect)?;
    let mut socket = Socket { stream, part: Vec::new() };
    socket.shake_hands(&target.host, (auth == Auth::Bearer).then_some(token)).await.map_err(Trouble::Handshake)?;
    if auth == Auth::Challenge {
        let challenge = json!({ "seq": 1, "action": "authentication_challenge", "data": { "token": token } });
        socket.send(OpCode::Data(Data::Text), challenge.to_string().as_bytes()).await.map_err(|_| Trouble::ClosedBeforeHello)?;
    }
    let mut first = None;
    let end = socket.listen(|text| match Frame::read(text) {
        Frame { event, .. } if event.is_empty() => ControlFlow::Continue(()),
        Frame { event, seq } => {
            first = Some((event.into_owned(), seq));
            ControlFlow::Break(())
        }
    });
    end.await.map_err(|_| Trouble::ClosedBeforeHello)?;
    match first {
        Some((event, Some(0))) if event == "hello" => Ok(socket),
        first => Err(Trouble::Handshake(format!("first event was {first:?}"))),
    }
}

fn handshake(host: &str, key: &str, token: Option<&str>) -> String {
    let mut request = format!(
        "GET /api/v4/websocket HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
    );
    if let Some(token) = token {
        request.push_str(&format!("Authorization: Bearer {token}\r\n"));
    }
    request + "\r\n"
}

/// Whether the head of an answer accepts the key.
fn accepts(head: &str, key: &str) -> Result<(), String> {
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap_or_default();
    if status.split(' ').nth(1) != Some("101") {
        return Err(status.to_owned());
    }
    let accepted = lines
        .filter_map(|line| line.split_once(':'))
        .any(|(name, value)| name.eq_ignore_ascii_case("sec-websocket-accept") && value.trim() == derive_accept_key(key.as_bytes()));
    if accepted { Ok(()) } else { Err("answered with another key".to_owned()) }
}

impl Socket {
    async fn shake_hands(&mut self, host: &str, token: Option<&str>) -> Result<(), String> {
        let key = generate_key();
        self.stream.write_all(handshake(host, &key, token).as_bytes()).await.map_err(|e| e.to_string())?;
        loop {
            if let Some(end) = self.part.windows(4).position(|w| w == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&self.part[..end]).into_owned();
                self.part.drain(..end + 4);
                return accepts(&head, &key);
            }
            if self.part.len() > HEAD_MAX {
                return Err("a head without end".to_owned());
            }
            self.read_more(|_| {}).await.map_err(|_| "closed".to_owned())?;
        }
    }

    /// Frames of clients are masked; a mask of zeros leaves them readable.
    async fn send(&mut self, opcode: OpCode, payload: &[u8]) -> std::io::Result<()> {
        let mut frame = Vec::with_capacity(payload.len() + 14);
        let header = FrameHeader { is_final: true, opcode, mask: Some([0; 4]), ..FrameHeader::default() };
        header.format(payload.len() as u64, &mut frame).map_err(std::io::Error::other)?;
        frame.extend_from_slice(payload);
        self.stream.write_all(&frame).await
    }

    /// Reads once, appending to `part` what `take` has not used up. `take` sees everything unread and may shorten it.
    async fn read_more(&mut self, mut take: impl FnMut(&mut &[u8])) -> Result<(), Trouble> {
        let Self { stream, part } = self;
        poll_fn(|context| {
            SHARED.with_borrow_mut(|shared| {
                let mut buffer = ReadBuf::new(shared);
                match Pin::new(&mut *stream).poll_read(context, &mut buffer) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {}
                    Poll::Ready(_) => return Poll::Ready(Err(Trouble::Closed)),
                }
                if part.is_empty() {
                    let mut unread = buffer.filled();
                    take(&mut unread);
                    part.extend_from_slice(unread);
                } else {
                    part.extend_from_slice(buffer.filled());
                    let mut unread = part.as_slice();
                    take(&mut unread);
                    let used = part.len() - unread.len();
                    part.drain(..used);
                }
                Poll::Ready(Ok(()))
            })
        })
        .await
    }

    /// Calls `heard` with every text until it says enough or the connection ends. Pings are answered.
    pub async fn listen(&mut self, mut heard: impl FnMut(&str) -> ControlFlow<()>) -> Result<(), Trouble> {
        let (mut enough, mut closed, mut pings) = (false, false, Vec::new());
        let mut take = |unread: &mut &[u8]| {
            while !enough
                && !closed
                && let Some((opcode, payload, rest)) = next_frame(unread)
            {
                *unread = rest;
                match opcode {
                    OpCode::Data(Data::Text) => enough = std::str::from_utf8(payload).is_ok_and(|text| heard(text).is_break()),
                    OpCode::Control(Control::Ping) => pings.push(payload.to_vec()),
                    OpCode::Control(Control::Close) => closed = true,
                    _ => {}
                }
            }
            (enough, closed, std::mem::take(&mut pings))
        };
        // What came together with the frame that was enough last time.
        let before = std::mem::take(&mut self.part);
        let mut unread = before.as_slice();
        let mut outcome = take(&mut unread);
        self.part = unread.to_vec();
        loop {
            for ping in outcome.2 {
                self.send(OpCode::Control(Control::Pong), &ping).await.map_err(|_| Trouble::Closed)?;
            }
            match (outcome.0, outcome.1) {
                (true, _) => return Ok(()),
                (_, true) => return Err(Trouble::Closed),
                _ => {}
            }
            let mut latest = (false, false, Vec::new());
            self.read_more(|unread| latest = take(unread)).await?;
            outcome = latest;
        }
    }
}

/// The first frame, if it is whole, and what follows it. Servers neither mask nor, here, fragment.
fn next_frame(bytes: &[u8]) -> Option<(OpCode, &[u8], &[u8])> {
    let mut cursor = Cursor::new(bytes);
    let (header, length) = FrameHeader::parse(&mut cursor).ok()??;
    let (start, length) = (usize::try_from(cursor.position()).ok()?, usize::try_from(length).ok()?);
    let payload = bytes.get(start..start.checked_add(length)?)?;
    Some((header.opcode, payload, &bytes[start + length..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_give_event_and_seq_and_replies_give_neither() {
        for text in [
            r#"{"event":"posted","data":{"post":"{\"seq\":7}"},"broadcast":{"omit_users":null},"seq":12}"#,
            r#"{"seq":12,"data":{},"event":"posted"}"#,
        ] {
            let frame = Frame::read(text);
            assert_eq!((frame.event.as_ref(), frame.seq), ("posted", Some(12)), "{text}");
        }
        let reply = Frame::read(r#"{"status":"OK","seq_reply":1}"#);
        assert_eq!((reply.event.as_ref(), reply.seq), ("", None));
        assert_eq!(Frame::read("no json").seq, None);
    }

    #[test]
    fn the_token_is_in_the_handshake_only_for_bearer() {
        assert!(handshake("localhost:1", "k", Some("abc")).contains("\r\nAuthorization: Bearer abc\r\n\r\n"));
        assert!(!handshake("localhost:1", "k", None).contains("Authorization"));
    }

    #[test]
    fn only_the_own_key_is_accepted() {
        let head = |key: &str| format!("HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: {}", derive_accept_key(key.as_bytes()));
        assert_eq!(accepts(&head("k"), "k"), Ok(()));
        assert!(accepts(&head("other"), "k").is_err());
        assert_eq!(accepts("HTTP/1.1 401 Unauthorized", "k"), Err("HTTP/1.1 401 Unauthorized".into()));
    }

    #[test]
    fn frames_are_taken_when_they_are_whole() {
        let mut bytes = Vec::new();
        for text in ["one", "two"] {
            let header = FrameHeader { opcode: OpCode::Data(Data::Text), ..FrameHeader::default() };
            header.format(3, &mut bytes).expect("header");
            bytes.extend_from_slice(text.as_bytes());
        }
        let (opcode, payload, rest) = next_frame(&bytes).expect("a frame");
        assert_eq!((opcode, payload), (OpCode::Data(Data::Text), b"one".as_slice()));
        assert!(next_frame(&rest[..rest.len() - 1]).is_none());
        assert_eq!(next_frame(rest).expect("a frame").1, b"two");
    }
}
