//! One WebSocket: authentication, reading actions, writing events, staying alive.

use super::{
    actions::{self, Action, Outcome},
    hub::{Connection, is_admin},
    socket::{Flushed, Out, Socket},
    upgrade::Upgrade,
};
use crate::{
    edge,
    error::ApiError,
    extract::{MaybeSession, RequestFacts, Session, from_json},
    second_factors,
    state::Gateway,
};
use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use muster_domain::time::now_ms;
use muster_events::{Broadcast, Frame};
use muster_proto::{identity::ConnectionRequest, model, sessions::is_access_token};
use muster_runtime::Caller;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tungstenite::Message;

/// An unauthenticated connection lives this long.
const AUTHENTICATION_TIME: Duration = Duration::from_secs(5);
const PING_EVERY: Duration = Duration::from_secs(60);
/// Without a pong for this long the connection is dropped.
const PONG_WAIT: Duration = Duration::from_secs(100);
/// A client that reads nothing for this long while something waits for it is dropped.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// WebSocket close code "try again later".
const CLOSE_TRY_AGAIN: u16 = 1013;

pub fn router(gateway: Gateway) -> Router {
    Router::new()
        .route("/websocket", axum::routing::get(upgrade))
        .route_layer(axum::middleware::from_fn_with_state(gateway.clone(), edge::operation))
        .with_state(gateway)
}

async fn upgrade(
    State(gateway): State<Gateway>,
    session: MaybeSession,
    facts: RequestFacts,
    headers: HeaderMap,
    upgrade: Result<Upgrade, StatusCode>,
) -> Result<Response, ApiError> {
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(status) => return Ok(status.into_response()),
    };
    if !origin_allowed(&headers, &gateway.settings().settings.allow_cors_from) {
        return Ok(StatusCode::FORBIDDEN.into_response());
    }
    Ok(upgrade.accept(move |stream, sent| run(gateway, stream, sent, session.0, facts)))
}

/// No `Origin`, or the host's own; with `AllowCorsFrom` exactly the listed ones.
fn origin_allowed(headers: &HeaderMap, allow_cors_from: &str) -> bool {
    let origin = headers.get(header::ORIGIN).and_then(|v| v.to_str().ok());
    if allow_cors_from.is_empty() {
        let Some(origin) = origin else { return true };
        let host = headers.get(header::HOST).and_then(|v| v.to_str().ok()).unwrap_or_default();
        return origin.split_once("://").is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(host));
    }
    allow_cors_from == "*" || origin.is_some_and(|o| allow_cors_from.split_whitespace().any(|a| a == o))
}

/// An authenticated connection as its own task sees it.
pub struct Live {
    pub connection: Arc<Connection>,
    pub caller: Caller,
    session: Arc<model::Session>,
    token: Arc<str>,
}

async fn run(gateway: Gateway, stream: TcpStream, sent: Bytes, session: Option<Session>, facts: RequestFacts) {
    let socket = Arc::new(Socket::new(stream, &sent));
    drop(sent);
    let mut live = None;
    if let Some(session) = session {
        match go_live(&gateway, session.session, session.token, &socket, &facts).await {
            Some(l) => live = Some(l),
            None => {
                socket.send(Out::Close(CLOSE_TRY_AGAIN));
                return;
            }
        }
    }
    let kill = live.as_ref().map(|l| l.connection.kill.clone()).unwrap_or_default();
    let mut task = Task { gateway: &gateway, facts: &facts, socket: &socket, live, kill, last_pong: Instant::now() };
    task.serve().await;
    socket.finish();
    if let Some(live) = task.live.take() {
        gateway.hub.detach(&live.connection);
        disconnected(&gateway, &live).await;
    }
}

struct Task<'a> {
    gateway: &'a Gateway,
    facts: &'a RequestFacts,
    socket: &'a Arc<Socket>,
    live: Option<Live>,
    kill: CancellationToken,
    last_pong: Instant,
}

impl Task<'_> {
    /// Returns when the connection is over.
    async fn serve(&mut self) {
        let opened = tokio::time::Instant::now();
        let mut ping = tokio::time::interval_at(opened + PING_EVERY, PING_EVERY);
        loop {
            // Boxed: an action's future is large, and most of the time there is none.
            if !Box::pin(self.read_all()).await {
                return;
            }
            let kill = self.kill.clone();
            tokio::select! {
                biased;
                () = kill.cancelled() => return,
                () = tokio::time::sleep_until(opened + AUTHENTICATION_TIME), if self.live.is_none() => return,
                () = self.socket.blocked() => {
                    tokio::select! {
                        () = kill.cancelled() => return,
                        all = write_on(self.socket) => if !all { return },
                    }
                }
                ready = self.socket.readable() => if ready.is_err() { return },
                _ = ping.tick() => {
                    if self.last_pong.elapsed() > PONG_WAIT || self.is_over() || !self.socket.send(Out::Ping) {
                        return;
                    }
                }
            }
        }
    }

    /// Whether the session has run out.
    fn is_over(&self) -> bool {
        self.live.as_ref().is_some_and(|live| live.session.expires_at > 0 && live.session.expires_at < now_ms())
    }

    /// While the bus is away, nobody tells that a session ended: then each action asks. `Some` instead of the action.
    async fn refusal(&self, live: &Live, action: &Action) -> Option<Outcome> {
        if live.connection.revoked.load(Ordering::Relaxed) {
            return Some(Outcome::Reply(actions::unauthenticated(action.seq)));
        }
        if *self.gateway.bus.connected().borrow() {
            return None;
        }
        match self.gateway.sessions.find_anew(&live.token, self.facts).await {
            Ok(Some(_)) => None,
            Ok(None) => Some(Outcome::Drop),
            Err(error) => Some(Outcome::Reply(actions::fail(action.seq, &error))),
        }
    }

    /// Acts on every message that has arrived. False ends the connection.
    async fn read_all(&mut self) -> bool {
        loop {
            match self.socket.read() {
                Ok(None) => return true,
                Ok(Some(message)) => {
                    if !self.read(message).await {
                        return false;
                    }
                }
                Err(_) => return false,
            }
        }
    }

    /// False ends the connection.
    async fn read(&mut self, message: Message) -> bool {
        let bytes = match &message {
            Message::Text(text) => text.as_bytes(),
            Message::Binary(bytes) => bytes,
            Message::Pong(_) => {
                self.last_pong = Instant::now();
                return true;
            }
            Message::Ping(_) => return true,
            Message::Close(_) | Message::Frame(_) => return false,
        };
        let Ok(action) = from_json::<Action>(bytes) else { return false };
        let outcome = match &self.live {
            None => actions::before_authentication(&action),
            Some(live) => match self.refusal(live, &action).await {
                Some(refusal) => refusal,
                None => {
                    self.gateway.sessions.touch(&live.session, &live.caller).await;
                    actions::perform(self.gateway, live, &action).await
                }
            },
        };
        match outcome {
            Outcome::Silence => true,
            Outcome::Drop => false,
            Outcome::Reply(text) => self.socket.send(Out::Reply(text)),
            Outcome::Authenticate(token) => {
                let Ok(Some(session)) = self.gateway.sessions.find(&token, self.facts).await else { return false };
                match go_live(self.gateway, session, token.into(), self.socket, self.facts).await {
                    Some(live) => {
                        self.kill = live.connection.kill.clone();
                        self.live = Some(live);
                        self.socket.send(Out::Reply(actions::ok(action.seq)))
                    }
                    None => false,
                }
            }
        }
    }
}

/// Registers an authenticated connection; its `hello` is queued. `None` when the cluster cannot serve it now, or the
/// session may not listen.
async fn go_live(
    gateway: &Gateway,
    session: Arc<model::Session>,
    token: Arc<str>,
    socket: &Arc<Socket>,
    facts: &RequestFacts,
) -> Option<Live> {
    if let Err(error) = second_factors::check(gateway, &session, facts).await {
        tracing::debug!(%error, "a connection was refused");
        return None;
    }
    let connection = Arc::new(Connection {
        id: muster_domain::ids::new_id(),
        user_id: session.user_id.clone(),
        session_id: session.id.clone(),
        socket: socket.clone(),
        kill: CancellationToken::new(),
        revoked: AtomicBool::new(false),
        admin: AtomicBool::new(is_admin(&session.roles)),
        by_access_token: is_access_token(&session),
        deaf: AtomicBool::new(false),
    });
    let hello = Frame {
        event: "hello".into(),
        data: serde_json::json!({ "server_version": &*gateway.version.id() }).to_string().into(),
        broadcast: Some(Broadcast { user_id: session.user_id.clone(), ..Broadcast::default() }),
        audience: None,
    };
    if let Err(error) = gateway.hub.attach(connection.clone(), hello).await {
        tracing::warn!(%error, "a connection could not be attached");
        return None;
    }
    // What happened to the session before we listened to its user was not heard here.
    let session = match gateway.sessions.find_anew(&token, facts).await {
        Ok(Some(session)) if session.id == connection.session_id => session,
        _ => {
            gateway.hub.detach(&connection);
            return None;
        }
    };
    connection.admin.store(is_admin(&session.roles), Ordering::Relaxed);
    let caller = Caller {
        user_id: session.user_id.clone(),
        session_id: session.id.clone(),
        roles: session.roles.clone(),
        request_id: facts.request_id.to_string(),
        ip: facts.client_ip.to_string(),
        path: facts.path.to_string(),
    };
    gateway.sessions.touch(&session, &caller).await;
    let live = Live { connection, caller, session, token };
    let request = presence(&live);
    if let Err(status) = gateway.clients.statuses().connected(live.caller.call(request)).await {
        tracing::warn!(%status, "announcing presence failed; the next renewal repeats it");
    }
    Some(live)
}

async fn disconnected(gateway: &Gateway, live: &Live) {
    let request = presence(live);
    if let Err(status) = gateway.clients.statuses().disconnected(live.caller.call(request)).await {
        tracing::warn!(%status, "announcing absence failed; the presence expires by itself");
    }
}

fn presence(live: &Live) -> ConnectionRequest {
    ConnectionRequest {
        user_id: live.connection.user_id.clone(),
        connection_id: live.connection.id.clone(),
        session_id: live.connection.session_id.clone(),
    }
}

/// Writes what waits as room comes. False when the connection is over, or the client reads nothing.
async fn write_on(socket: &Socket) -> bool {
    loop {
        match tokio::time::timeout(WRITE_TIMEOUT, socket.write_on()).await {
            Ok(Flushed::All) => return true,
            Ok(Flushed::Blocked) => {}
            Ok(Flushed::Ended) | Err(_) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn origins() {
        let with = |origin: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static("chat.example:8065"));
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
            }
            headers
        };
        assert!(origin_allowed(&with(None), ""));
        assert!(origin_allowed(&with(Some("http://chat.example:8065")), ""));
        assert!(!origin_allowed(&with(Some("http://evil.example")), ""));
        assert!(origin_allowed(&with(Some("http://evil.example")), "*"));
        assert!(origin_allowed(&with(Some("http://a.example")), "http://b.example http://a.example"));
        assert!(!origin_allowed(&with(None), "http://a.example"));
    }
}
