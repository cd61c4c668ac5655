//! How one process reaches a service: over TCP, or bound directly to the service in the same process. The generated
//! clients are the same for both: `UsersClient::new(peer.channel())`.

use crate::{config::ConfigError, telemetry};
use http::{Request, Response};
use hyper_util::rt::TokioIo;
use std::{
    fmt,
    future::Future,
    io,
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::net::TcpStream;
use tonic::{
    Status,
    body::Body,
    service::Routes,
    transport::{Channel, Endpoint},
};
use tower::Service;

/// Longest a call may take unless it sets its own `grpc-timeout`.
pub const CALL_DEADLINE: Duration = Duration::from_secs(15);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// HTTP/2 connections to a service: two, so that one restart does not stall everything.
const CONNECTIONS_MIN: usize = 2;
/// Bytes of one stream on their way, and of all streams of a connection: a slow reader of a file holds up to the first and must
/// never hold up the others.
pub(crate) const STREAM_WINDOW: u32 = 512 * 1024;
pub(crate) const CONNECTION_WINDOW: u32 = i32::MAX as u32;
/// Largest message either side accepts, bytes.
pub const MESSAGE_MAX: usize = 32 * 1024 * 1024;

/// A service as seen from this process. Clones share the connections.
#[derive(Clone)]
pub struct Peer(Arc<Inner>);

enum Inner {
    Tcp {
        channels: Vec<Channel>,
        next: AtomicUsize,
        secret: http::HeaderValue,
    },
    /// Filled when the service starts; services of one process know each other in a circle.
    InProcess(OnceLock<Routes>),
}

impl Peer {
    /// Connects lazily to the given `host:port` addresses. A connection that breaks is made again to the next address
    /// that answers; a name may resolve to several.
    pub fn tcp(addresses: Vec<String>, secret: &str) -> Result<Self, ConfigError> {
        let secret = http::HeaderValue::try_from(format!("Bearer {secret}"))
            .map_err(|_| ConfigError("MUSTER_CLUSTER_SECRET must be visible ASCII".into()))?;
        let addresses: Arc<[String]> = addresses.into();
        let channels = (0..addresses.len().max(CONNECTIONS_MIN)).map(|first| connect_lazily(addresses.clone(), first)).collect();
        Ok(Self(Arc::new(Inner::Tcp { channels, next: AtomicUsize::new(0), secret })))
    }

    /// A service that will be bound in this process with [`Peer::bind`].
    pub fn in_process() -> Self {
        Self(Arc::new(Inner::InProcess(OnceLock::new())))
    }

    /// Binds an in-process peer to its service. Calls made before fail with `Unavailable`.
    pub fn bind(&self, routes: Routes) {
        if let Inner::InProcess(slot) = &*self.0 {
            let _ = slot.set(routes.prepare());
        }
    }

    /// What the generated clients are made of.
    pub fn channel(&self) -> RpcChannel {
        RpcChannel(self.clone())
    }
}

fn connect_lazily(addresses: Arc<[String]>, first: usize) -> Channel {
    let turn = Arc::new(AtomicUsize::new(first));
    let connector = tower::service_fn(move |_| {
        let (addresses, turn) = (addresses.clone(), turn.clone());
        async move {
            let mut last = io::Error::new(io::ErrorKind::NotFound, "no address");
            for _ in 0..addresses.len() {
                let address = &addresses[turn.fetch_add(1, Ordering::Relaxed) % addresses.len()];
                match tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(address.as_str())).await {
                    Ok(Ok(stream)) => {
                        stream.set_nodelay(true)?;
                        return Ok(TokioIo::new(stream));
                    }
                    Ok(Err(error)) => last = error,
                    Err(_) => last = io::ErrorKind::TimedOut.into(),
                }
            }
            Err(last)
        }
    });
    // The address is the connector's business; the authority only fills the HTTP/2 header.
    Endpoint::from_static("http://muster")
        .http2_keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(5))
        .keep_alive_while_idle(true)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .connect_with_connector_lazy(connector)
}

/// The transport of generated clients. Adds the cluster secret, the trace context and a deadline.
#[derive(Clone)]
pub struct RpcChannel(Peer);

type ResponseFuture = Pin<Box<dyn Future<Output = Result<Response<Body>, Status>> + Send>>;

impl Service<Request<Body>> for RpcChannel {
    type Response = Response<Body>;
    type Error = Status;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> ResponseFuture {
        telemetry::inject(request.headers_mut());
        let deadline = own_deadline(request.headers()).unwrap_or(CALL_DEADLINE);
        match &*self.0.0 {
            Inner::InProcess(slot) => {
                let Some(mut routes) = slot.get().cloned() else {
                    return Box::pin(async { Err(Status::unavailable("the service has not started")) });
                };
                let call = routes.call(request);
                Box::pin(async move {
                    match tokio::time::timeout(deadline, call).await {
                        Ok(Ok(response)) => Ok(response),
                        Ok(Err(error)) => Err(Status::internal(error.to_string())),
                        Err(_) => Err(Status::deadline_exceeded("no answer in time")),
                    }
                })
            }
            Inner::Tcp { channels, next, secret } => {
                request.headers_mut().insert(http::header::AUTHORIZATION, secret.clone());
                let mut channel = channels[next.fetch_add(1, Ordering::Relaxed) % channels.len()].clone();
                Box::pin(async move {
                    let answer = async {
                        std::future::poll_fn(|cx| channel.poll_ready(cx)).await?;
                        channel.call(request).await
                    };
                    match tokio::time::timeout(deadline, answer).await {
                        Ok(Ok(response)) => Ok(response),
                        Ok(Err(error)) => Err(Status::unavailable(chain(&error))),
                        Err(_) => Err(Status::deadline_exceeded("no answer in time")),
                    }
                })
            }
        }
    }
}

/// What `Request::set_timeout` asked for: digits and a unit.
fn own_deadline(headers: &http::HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let count: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(count.checked_mul(3600)?)),
        "M" => Some(Duration::from_secs(count.checked_mul(60)?)),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        source = inner.source();
    }
    text
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &*self.0 {
            Inner::Tcp { .. } => "Peer::Tcp",
            Inner::InProcess(_) => "Peer::InProcess",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_may_set_its_own_deadline() {
        for (seconds, expected) in [(1, 1), (3600, 3600), (86_400, 86_400)] {
            let mut request = tonic::Request::new(());
            request.set_timeout(Duration::from_secs(seconds));
            let headers = request.metadata().clone().into_headers();
            assert_eq!(own_deadline(&headers), Some(Duration::from_secs(expected)));
        }
        assert_eq!(own_deadline(&http::HeaderMap::new()), None);
        for odd in ["", "S", "5", "5x", "-1S", "é"] {
            let headers = [(http::HeaderName::from_static("grpc-timeout"), http::HeaderValue::from_str(odd).expect("header"))];
            assert_eq!(own_deadline(&headers.into_iter().collect()), None, "{odd}");
        }
    }
}
