//! Our end of one WebSocket. Whoever delivers an event writes it straight into the kernel's buffer: a client that keeps up
//! costs one system call per delivery and no switch of tasks. What does not fit waits here until the connection's task
//! finds room. The protocol (masks, fragments, pings, the closing handshake) is tungstenite's.

use super::fanout::Encoded;
use bytes::Bytes;
use muster_runtime::telemetry;
use std::{
    collections::VecDeque,
    io::{self, ErrorKind, Read, Write},
    sync::{Arc, Mutex, MutexGuard},
};
use tokio::{net::TcpStream, sync::Notify};
use tungstenite::{
    Error, Message, Utf8Bytes,
    protocol::{
        CloseFrame, Role, WebSocketConfig, WebSocketContext,
        frame::{
            FrameHeader,
            coding::{Data, OpCode},
        },
    },
};

/// A client's frame may have this many bytes; a longer one ends the connection.
const FRAME_MAX: usize = 8_192;
/// Frames that may wait for one connection; a reader further behind is cut off and resyncs.
pub const QUEUE: usize = 256;
/// From this many waiting frames on, droppable events are left out.
const CONGESTED: usize = 128;
/// Bytes gathered for one write.
const WRITE_CHUNK: usize = 16 * 1_024;
/// What an idle connection keeps for reading, bytes. Clients send little.
const READ_BUFFER: usize = 256;
/// Frames an idle queue keeps room for.
const WAITING_KEPT: usize = 8;

/// What is sent.
#[derive(Debug)]
pub enum Out {
    Event(Arc<Encoded>),
    /// A reply to an action, already JSON.
    Reply(String),
    Ping,
    /// Says why and ends the connection.
    Close(u16),
}

/// What became of something to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queued {
    /// The first thing waiting since the last flush: somebody has to flush.
    First,
    /// Somebody will flush anyway.
    Another,
    /// The reader is too far behind.
    Full,
}

/// What a flush achieved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flushed {
    All,
    /// The connection's task goes on as soon as there is room.
    Blocked,
    /// The connection is over.
    Ended,
}

pub struct Socket {
    stream: TcpStream,
    side: Mutex<Side>,
    blocked: Notify,
}

struct Side {
    protocol: WebSocketContext,
    /// Number of the next event.
    seq: i64,
    waiting: VecDeque<Out>,
    /// What is left of frames of which a part is written. Nothing else may be written before.
    rest: Vec<u8>,
    /// There was no room: the connection's task is about to wait for it.
    is_blocked: bool,
    /// Somebody will flush.
    is_flagged: bool,
}

impl Socket {
    /// `sent`: what the client has sent with the handshake.
    pub fn new(stream: TcpStream, sent: &Bytes) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0)
            .max_message_size(Some(FRAME_MAX))
            .max_frame_size(Some(FRAME_MAX));
        let protocol = WebSocketContext::from_partially_read(sent.to_vec(), Role::Server, Some(config));
        let side = Side { protocol, seq: 0, waiting: VecDeque::new(), rest: Vec::new(), is_blocked: false, is_flagged: false };
        Self { stream, side: Mutex::new(side), blocked: Notify::new() }
    }

    fn side(&self) -> MutexGuard<'_, Side> {
        self.side.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Puts something in line; [`Socket::flush`] sends it.
    pub fn push(&self, out: Out) -> Queued {
        let mut side = self.side();
        if side.waiting.len() >= CONGESTED && matches!(&out, Out::Event(event) if event.is_droppable()) {
            return Queued::Another;
        }
        if side.waiting.len() >= QUEUE {
            return Queued::Full;
        }
        side.waiting.push_back(out);
        if std::mem::replace(&mut side.is_flagged, true) { Queued::Another } else { Queued::First }
    }

    /// Writes what waits, as far as there is room.
    pub fn flush(&self) -> Flushed {
        let mut side = self.side();
        side.is_flagged = false;
        if side.is_blocked {
            return Flushed::Blocked;
        }
        let flushed = side.write(&self.stream);
        if flushed == Flushed::Blocked {
            side.is_blocked = true;
            self.blocked.notify_one();
        }
        flushed
    }

    /// Sends at once, as far as there is room. False when the connection is over or the reader too far behind.
    pub fn send(&self, out: Out) -> bool {
        self.push(out) != Queued::Full && self.flush() != Flushed::Ended
    }

    /// Returns once a flush found no room.
    pub async fn blocked(&self) {
        self.blocked.notified().await;
    }

    /// Waits for room and writes on. [`Flushed::Blocked`] = something was written, more waits.
    pub async fn write_on(&self) -> Flushed {
        if self.stream.writable().await.is_err() {
            return Flushed::Ended;
        }
        let mut side = self.side();
        let flushed = side.write(&self.stream);
        side.is_blocked = flushed == Flushed::Blocked;
        flushed
    }

    /// Returns once [`Socket::read`] may have something.
    pub async fn readable(&self) -> io::Result<()> {
        self.stream.readable().await
    }

    /// The next message that has arrived whole; pings are answered on the way. An error ends the connection.
    pub fn read(&self) -> Result<Option<Message>, Error> {
        let mut side = self.side();
        // An answer to a ping must not get into the middle of a frame.
        if side.is_blocked {
            return Ok(None);
        }
        match side.protocol.read(&mut Direct(&self.stream)) {
            Ok(message) => Ok(Some(message)),
            Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sends what the protocol still has to say (the answer to a closing handshake), as far as there is room.
    pub fn finish(&self) {
        let mut side = self.side();
        if side.rest.is_empty() {
            let _ = side.protocol.flush(&mut Direct(&self.stream));
        }
    }
}

impl Side {
    fn write(&mut self, stream: &TcpStream) -> Flushed {
        loop {
            if !self.rest.is_empty() {
                match write_some(stream, &self.rest) {
                    Ok(count) if count == self.rest.len() => self.rest = Vec::new(),
                    Ok(count) => drop(self.rest.drain(..count)),
                    Err(outcome) => return outcome,
                }
                continue;
            }
            if let Err(error) = self.protocol.flush(&mut Direct(stream)) {
                return failed(&error);
            }
            let next = match self.waiting.front() {
                None => {
                    // A queue that once held a burst would stay that large for an idle connection.
                    self.waiting.shrink_to(WAITING_KEPT);
                    return Flushed::All;
                }
                Some(Out::Event(_) | Out::Reply(_)) => None,
                Some(Out::Ping | Out::Close(_)) => self.waiting.pop_front(),
            };
            let sent = match next {
                Some(Out::Close(code)) => {
                    let frame = CloseFrame { code: code.into(), reason: Utf8Bytes::from_static("") };
                    let _ = self.protocol.close(&mut Direct(stream), Some(frame));
                    return Flushed::Ended;
                }
                Some(_) => self.protocol.write(&mut Direct(stream), Message::Ping(Bytes::new())),
                None => {
                    self.write_texts(stream);
                    Ok(())
                }
            };
            if let Err(error) = sent {
                return failed(&error);
            }
        }
    }

    /// Writes a chunk of waiting texts; what finds no room is left in `rest`.
    fn write_texts(&mut self, stream: &TcpStream) {
        let mut chunk = Vec::with_capacity(2_048);
        // Kept until the write: a trace ends when the frame has left.
        let mut traced = Vec::new();
        while chunk.len() < WRITE_CHUNK {
            match self.waiting.pop_front() {
                Some(Out::Event(event)) => {
                    text_header(&mut chunk, event.length(self.seq));
                    event.write(self.seq, &mut chunk);
                    self.seq += 1;
                    if telemetry::tracing_on() && !event.traceparent.is_empty() {
                        traced.push(telemetry::span_from("WebSocket write", &event.traceparent));
                    }
                }
                Some(Out::Reply(text)) => {
                    text_header(&mut chunk, text.len());
                    chunk.extend_from_slice(text.as_bytes());
                }
                Some(other) => {
                    self.waiting.push_front(other);
                    break;
                }
                None => break,
            }
        }
        match write_some(stream, &chunk) {
            Ok(count) if count == chunk.len() => {}
            Ok(count) => self.rest = chunk.split_off(count),
            // The next attempt meets the same error.
            Err(_) => self.rest = chunk,
        }
    }
}

fn write_some(stream: &TcpStream, bytes: &[u8]) -> Result<usize, Flushed> {
    match stream.try_write(bytes) {
        Ok(0) => Err(Flushed::Ended),
        Ok(count) => Ok(count),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Err(Flushed::Blocked),
        Err(_) => Err(Flushed::Ended),
    }
}

fn failed(error: &Error) -> Flushed {
    match error {
        Error::Io(error) if error.kind() == ErrorKind::WouldBlock => Flushed::Blocked,
        _ => Flushed::Ended,
    }
}

/// The header of a text frame whose payload has this many bytes.
fn text_header(out: &mut Vec<u8>, length: usize) {
    let header = FrameHeader { is_final: true, opcode: OpCode::Data(Data::Text), mask: None, ..FrameHeader::default() };
    // Writing to a vector cannot fail.
    let _ = header.format(length as u64, out);
}

/// The connection as the protocol reads and writes it, never waiting.
struct Direct<'a>(&'a TcpStream);

impl Read for Direct<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buffer)
    }
}

impl Write for Direct<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
