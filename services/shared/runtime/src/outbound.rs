//! Requests to addresses that users wrote: link previews, message buttons, webhooks. Whoever controls a name must not
//! reach what only this machine can: addresses are judged after resolution, those that pass are the ones connected to,
//! and every redirect is judged anew.

mod guard;

pub use guard::Guard;

use crate::ConfigFeed;
use bytes::{Bytes, BytesMut};
use guard::GuardedResolver;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use reqwest::{Client, Url, redirect::Policy};
use std::{fmt, sync::Arc, time::Duration};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Redirects followed.
const REDIRECTS_MAX: usize = 5;
const USER_AGENT: &str = "Mozilla/5.0 (compatible; Muster)";

/// Why there is no answer. Never told to the user in detail: it would describe the network behind the server.
#[derive(Debug)]
pub enum OutboundError {
    /// No http or https URL with a host.
    BadUrl,
    /// The address is internal and not listed in `AllowedUntrustedInternalConnections`.
    Refused(String),
    TooManyRedirects,
    /// More bytes than allowed.
    TooLarge,
    Timeout,
    Unreachable(String),
}

impl fmt::Display for OutboundError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadUrl => f.write_str("no address that can be asked"),
            Self::Refused(host) => write!(f, "{host} is internal and not allowed"),
            Self::TooManyRedirects => f.write_str("too many redirects"),
            Self::TooLarge => f.write_str("the answer is too large"),
            Self::Timeout => f.write_str("no answer in time"),
            Self::Unreachable(why) => write!(f, "unreachable: {why}"),
        }
    }
}

impl std::error::Error for OutboundError {}

/// What is sent.
#[derive(Debug, Clone)]
pub struct OutboundRequest {
    pub method: Method,
    pub url: String,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// For everything: redirects and the body of the answer too.
    pub timeout: Duration,
    /// Bytes of the answer's body.
    pub body_max: usize,
    /// Whether a longer body is cut there instead of being an error.
    pub cut: bool,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct OutboundAnswer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// Where it came from, after redirects.
    pub url: String,
}

/// Sends them. Cheap to clone.
#[derive(Clone)]
pub struct Outbound {
    feed: ConfigFeed,
    /// With certificates checked, and without (`EnableInsecureOutgoingConnections`).
    checked: Client,
    unchecked: Client,
}

impl Outbound {
    /// Fails when the TLS back end cannot be set up.
    pub fn new(feed: ConfigFeed) -> Result<Self, crate::config::ConfigError> {
        let client = |insecure: bool| {
            Client::builder()
                .no_proxy()
                .redirect(Policy::none())
                .connect_timeout(CONNECT_TIMEOUT)
                .user_agent(USER_AGENT)
                // A kept connection would outlive the judgement of its address.
                .pool_max_idle_per_host(0)
                .danger_accept_invalid_certs(insecure)
                .dns_resolver(Arc::new(GuardedResolver(feed.clone())))
                .build()
                .map_err(|e| crate::config::ConfigError(format!("outgoing connections: {e}")))
        };
        Ok(Self { checked: client(false)?, unchecked: client(true)?, feed })
    }

    pub async fn send(&self, request: OutboundRequest) -> Result<OutboundAnswer, OutboundError> {
        let timeout = request.timeout;
        tokio::time::timeout(timeout, self.follow(request)).await.map_err(|_| OutboundError::Timeout)?
    }

    async fn follow(&self, request: OutboundRequest) -> Result<OutboundAnswer, OutboundError> {
        let OutboundRequest { mut method, url, headers, mut body, body_max, cut, .. } = request;
        let settings = self.feed.get();
        let guard = Guard::new(&settings.settings.allowed_untrusted_internal_connections);
        let client = if settings.settings.enable_insecure_outgoing_connections { &self.unchecked } else { &self.checked };
        let mut url = Url::parse(&url).map_err(|_| OutboundError::BadUrl)?;
        for _ in 0..=REDIRECTS_MAX {
            judge(&guard, &url)?;
            let mut sent = client.request(method.clone(), url.clone()).headers(headers.clone());
            if method != Method::GET {
                sent = sent.body(body.clone());
            }
            let answer = sent.send().await.map_err(|error| failure(&error))?;
            let Some(target) = redirection(answer.status(), answer.headers(), &url) else {
                let (status, headers) = (answer.status(), answer.headers().clone());
                return Ok(OutboundAnswer { status, headers, body: limited(answer, body_max, cut).await?, url: url.into() });
            };
            url = target?;
            if matches!(answer.status(), StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND | StatusCode::SEE_OTHER) {
                (method, body) = (Method::GET, Bytes::new());
            }
        }
        Err(OutboundError::TooManyRedirects)
    }
}

/// A literal address needs no resolution, so the resolver never sees it.
fn judge(guard: &Guard, url: &Url) -> Result<(), OutboundError> {
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or(OutboundError::BadUrl)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(OutboundError::BadUrl);
    }
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse() {
        Ok(address) if !guard.allows(host, address) => Err(OutboundError::Refused(host.to_owned())),
        _ => Ok(()),
    }
}

/// Where the answer sends us, if it does.
fn redirection(status: StatusCode, headers: &HeaderMap, from: &Url) -> Option<Result<Url, OutboundError>> {
    if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let target = headers.get(header::LOCATION).and_then(|value: &HeaderValue| value.to_str().ok())?;
    Some(from.join(target).map_err(|_| OutboundError::BadUrl))
}

async fn limited(mut answer: reqwest::Response, most: usize, cut: bool) -> Result<Bytes, OutboundError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| failure(&error))? {
        if body.len() + chunk.len() > most {
            if !cut {
                return Err(OutboundError::TooLarge);
            }
            body.extend_from_slice(&chunk[..most - body.len()]);
            break;
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn failure(error: &reqwest::Error) -> OutboundError {
    if error.is_timeout() {
        return OutboundError::Timeout;
    }
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    OutboundError::Unreachable(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literal_addresses_and_schemes_are_judged() {
        let judged = |allowed: &str, url: &str| judge(&Guard::new(allowed), &Url::parse(url).expect("a URL")).is_ok();
        for refused in
            ["http://127.0.0.1/", "http://[::1]:80/", "http://0x7f.1/", "http://2130706433/", "http://[::ffff:10.0.0.1]/", "ftp://8.8.8.8/"]
        {
            assert!(!judged("", refused), "{refused}");
        }
        assert!(judged("", "http://8.8.8.8/") && judged("", "https://example.com/"));
        assert!(judged("127.0.0.1", "http://127.0.0.1:80/") && judged("127.0.0.0/8", "http://127.0.0.1/"));
        assert!(judged("::1/128", "http://[::1]/"));
    }

    #[test]
    fn redirections_are_relative_to_their_page() {
        let to = |status: u16, location: Option<&str>| {
            let headers = location.map(|l| (header::LOCATION, HeaderValue::from_str(l).expect("a header"))).into_iter().collect();
            let from = Url::parse("https://a.example/x/y").expect("a URL");
            redirection(StatusCode::from_u16(status).expect("a status"), &headers, &from).map(|url| url.map(String::from).ok())
        };
        assert_eq!(to(302, Some("z")), Some(Some("https://a.example/x/z".into())));
        assert_eq!(to(308, Some("http://127.0.0.1/")), Some(Some("http://127.0.0.1/".into())));
        assert_eq!((to(200, Some("z")), to(302, None), to(304, Some("z"))), (None, None, None));
    }
}
