//! A WebSocket whose events are collected as they come.

use crate::DEADLINE;
use futures_util::{SinkExt, StreamExt, stream::SplitSink};
use serde_json::{Value, json};
use tokio::{net::TcpStream, sync::mpsc, task::JoinHandle};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Message, client::IntoClientRequest},
};

/// An event frame.
pub type Event = Value;

/// A connected WebSocket. Events and replies wait in order until asked for.
pub struct Socket {
    sink: SplitSink<WebSocketStream<MaybeTlsStream<TcpStream>>, Message>,
    frames: mpsc::Receiver<Incoming>,
    reader: JoinHandle<()>,
    pending: Vec<Value>,
    next_seq: i64,
}

enum Incoming {
    Frame(Value),
    Closed(Option<u16>),
}

impl Socket {
    /// Opens with a bearer token and waits for `hello`.
    pub async fn open(base: &str, token: &str) -> Self {
        let mut socket = Self::connect(base, Some(token)).await.expect("a WebSocket");
        let hello = socket.expect("hello").await;
        assert_eq!(hello["seq"], 0);
        socket
    }

    /// Opens without waiting; `Err` is the HTTP status of a refusal.
    pub async fn connect(base: &str, token: Option<&str>) -> Result<Self, u16> {
        Self::connect_with(base, |headers| {
            if let Some(token) = token {
                headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
            }
        })
        .await
    }

    /// Opens with headers of the test's own.
    pub async fn connect_with(base: &str, headers: impl FnOnce(&mut http::HeaderMap)) -> Result<Self, u16> {
        let url = format!("{}/api/v4/websocket", base.replace("http://", "ws://"));
        let mut request = url.into_client_request().expect("a request");
        headers(request.headers_mut());
        let (stream, _) = match tokio_tungstenite::connect_async(request).await {
            Ok(connected) => connected,
            Err(tokio_tungstenite::tungstenite::Error::Http(response)) => return Err(response.status().as_u16()),
            Err(_) => return Err(0),
        };
        let (sink, mut stream) = stream.split();
        let (sender, frames) = mpsc::channel(65_536);
        let reader = tokio::spawn(async move {
            let mut code = None;
            while let Some(Ok(message)) = stream.next().await {
                match message {
                    Message::Text(text) => {
                        let value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
                        if sender.send(Incoming::Frame(value)).await.is_err() {
                            return;
                        }
                    }
                    Message::Close(frame) => code = frame.map(|f| f.code.into()),
                    _ => {}
                }
            }
            let _ = sender.send(Incoming::Closed(code)).await;
        });
        Ok(Self { sink, frames, reader, pending: Vec::new(), next_seq: 1 })
    }

    /// The next event of this name; others stay for later. Panics at the deadline.
    pub async fn expect(&mut self, name: &str) -> Event {
        self.expect_where(name, |_| true).await
    }

    /// The next event of this name that the predicate takes.
    pub async fn expect_where(&mut self, name: &str, wanted: impl Fn(&Event) -> bool) -> Event {
        self.take(&format!("event {name}"), |v| v["event"] == name && wanted(v)).await
    }

    /// The events received before `marker` (an event that the test caused last), and the marker itself last. Whatever
    /// is not among them was not sent to this socket.
    pub async fn until(&mut self, marker: &str, wanted: impl Fn(&Event) -> bool) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            let frame = self.take(&format!("marker {marker}"), |v| v["event"].is_string()).await;
            let found = frame["event"] == marker && wanted(&frame);
            events.push(frame);
            if found {
                return events;
            }
        }
    }

    /// The next event or reply, whatever it is; `None` when the socket closed or nothing came for this long.
    pub async fn try_next(&mut self, patience: std::time::Duration) -> Option<Value> {
        if !self.pending.is_empty() {
            return Some(self.pending.remove(0));
        }
        match tokio::time::timeout(patience, self.frames.recv()).await {
            Ok(Some(Incoming::Frame(frame))) => Some(frame),
            _ => None,
        }
    }

    /// Sends an action and returns the reply to it.
    pub async fn action(&mut self, action: &str, data: Value) -> Value {
        let seq = self.next_seq;
        self.next_seq += 1;
        self.send(&json!({"seq": seq, "action": action, "data": data}).to_string()).await;
        self.take(&format!("reply to {action}"), |v| v["seq_reply"] == seq).await
    }

    pub async fn send(&mut self, text: &str) {
        let _ = self.sink.send(Message::text(text)).await;
    }

    /// As a binary frame.
    pub async fn send_binary(&mut self, text: &str) {
        let _ = self.sink.send(Message::binary(text.as_bytes().to_vec())).await;
    }

    /// Waits until the server closes; the close code, if it gave one.
    pub async fn closed(&mut self) -> Option<u16> {
        let end = tokio::time::Instant::now() + DEADLINE + DEADLINE;
        loop {
            match tokio::time::timeout_at(end, self.frames.recv()).await {
                Ok(Some(Incoming::Frame(frame))) => self.pending.push(frame),
                Ok(Some(Incoming::Closed(code))) => return code,
                Ok(None) => return None,
                Err(_) => panic!("the server did not close the WebSocket"),
            }
        }
    }

    pub async fn close(mut self) {
        let _ = self.sink.close().await;
        self.reader.abort();
    }

    /// Everything received so far and not taken.
    pub fn drain(&mut self) -> Vec<Value> {
        while let Ok(Incoming::Frame(frame)) = self.frames.try_recv() {
            self.pending.push(frame);
        }
        std::mem::take(&mut self.pending)
    }

    async fn take(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        if let Some(i) = self.pending.iter().position(&wanted) {
            return self.pending.remove(i);
        }
        let end = tokio::time::Instant::now() + DEADLINE;
        loop {
            match tokio::time::timeout_at(end, self.frames.recv()).await {
                Ok(Some(Incoming::Frame(frame))) if wanted(&frame) => return frame,
                Ok(Some(Incoming::Frame(frame))) => self.pending.push(frame),
                Ok(_) => panic!("closed while waiting for {what}; had {:?}", self.names()),
                Err(_) => panic!("not in time: {what}; had {:?}", self.names()),
            }
        }
    }

    fn names(&self) -> Vec<String> {
        self.pending.iter().map(|v| v["event"].as_str().unwrap_or("reply").to_owned()).collect()
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.reader.abort();
    }
}
