//! A mail server that keeps what it receives: plain, with STARTTLS or TLS (a certificate nobody vouches for), and with or
//! without credentials.

use crate::{DEADLINE, background::Background};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, MutexGuard},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufStream},
    net::TcpStream,
    sync::Notify,
};
use tokio_rustls::{TlsAcceptor, rustls};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    None,
    StartTls,
    Tls,
}

/// A mail as it arrived, taken apart.
#[derive(Debug, Clone, Default)]
pub struct Received {
    /// Of the envelope.
    pub from: String,
    pub to: Vec<String>,
    /// The headers of the message, names in lower case, values decoded.
    pub headers: BTreeMap<String, String>,
    pub text: String,
    pub html: String,
    /// The whole message.
    pub raw: String,
    /// `user:password` it was sent with.
    pub credentials: Option<String>,
    pub encrypted: bool,
}

impl Received {
    /// From the bytes of a message.
    pub fn parse(raw: &str) -> Self {
        let (headers, body) = split(raw);
        let (mut text, mut html) = (String::new(), String::new());
        let boundary = headers.get("content-type").and_then(|t| t.split("boundary=\"").nth(1)?.split('"').next()).unwrap_or_default();
        for part in body.split(&format!("--{boundary}")) {
            let (part_headers, content) = split(part.trim_start_matches("\r\n"));
            let content = decoded(content, part_headers.get("content-transfer-encoding").map_or("", String::as_str));
            match part_headers.get("content-type").map_or("", String::as_str) {
                kind if kind.starts_with("text/plain") => text = content,
                kind if kind.starts_with("text/html") => html = content,
                _ => {}
            }
        }
        Self { headers, text, html, raw: raw.to_owned(), ..Self::default() }
    }

    pub fn subject(&self) -> &str {
        self.headers.get("subject").map_or("", String::as_str)
    }

    /// The value of a query parameter of a link in the text part, decoded.
    pub fn link_param(&self, name: &str) -> Option<String> {
        let at = [format!("?{name}="), format!("&{name}=")].iter().find_map(|p| self.text.find(p.as_str()).map(|i| i + p.len()))?;
        let value: String = self.text[at..].chars().take_while(|c| !"& \r\n".contains(*c)).collect();
        Some(percent_decoded(&value))
    }

    /// The one-time code of its link.
    #[track_caller]
    pub fn code(&self) -> String {
        let code = self.link_param("token").or_else(|| self.link_param("t"));
        code.unwrap_or_else(|| panic!("no code in {}", self.text))
    }
}

struct Shared {
    mails: Mutex<Vec<Received>>,
    arrived: Notify,
    credentials: Option<String>,
    security: Security,
    tls: TlsAcceptor,
}

/// The server; it is down when dropped.
pub struct Smtp {
    pub port: u16,
    shared: Arc<Shared>,
    _background: Background,
}

impl Smtp {
    pub fn start() -> Self {
        Self::start_with(0, Security::None, None)
    }

    /// `port` 0 = any free one; `credentials` are `user:password`.
    pub fn start_with(port: u16, security: Security, credentials: Option<&str>) -> Self {
        let shared = Arc::new(Shared {
            mails: Mutex::default(),
            arrived: Notify::new(),
            credentials: credentials.map(str::to_owned),
            security,
            tls: acceptor(),
        });
        let serving = shared.clone();
        let (port, background) = Background::listen(port, move |stream| serve(stream, serving.clone()));
        Self { port, shared, _background: background }
    }

    fn mails(&self) -> MutexGuard<'_, Vec<Received>> {
        self.shared.mails.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Everything received for an address.
    pub fn to(&self, address: &str) -> Vec<Received> {
        self.mails().iter().filter(|mail| mail.to.iter().any(|to| to == address)).cloned().collect()
    }

    /// The next mail to an address whose subject contains this; it is taken out.
    pub async fn expect(&self, address: &str, subject: &str) -> Received {
        let end = tokio::time::Instant::now() + DEADLINE * 2;
        loop {
            let arrived = self.shared.arrived.notified();
            {
                let mut mails = self.mails();
                if let Some(i) = mails.iter().position(|m| m.to.iter().any(|to| to == address) && m.subject().contains(subject)) {
                    return mails.remove(i);
                }
            }
            if tokio::time::timeout_at(end, arrived).await.is_err() {
                let had: Vec<_> = self.mails().iter().map(|m| (m.to.clone(), m.subject().to_owned())).collect();
                panic!("no mail '{subject}' to {address}; had {had:?}");
            }
        }
    }
}

fn acceptor() -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let key = rustls::pki_types::PrivateKeyDer::Pkcs8(signed.signing_key.serialize_der().into());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("TLS versions")
        .with_no_client_auth()
        .with_single_cert(vec![signed.cert.der().clone()], key)
        .expect("a TLS configuration");
    TlsAcceptor::from(Arc::new(config))
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let outcome = match shared.security {
        Security::Tls => match shared.tls.accept(stream).await {
            Ok(stream) => converse(&mut BufStream::new(stream), &shared, true, true).await.map(drop),
            Err(error) => Err(error),
        },
        Security::None => converse(&mut BufStream::new(stream), &shared, true, false).await.map(drop),
        Security::StartTls => {
            let mut plain = BufStream::new(stream);
            match converse(&mut plain, &shared, true, false).await {
                Ok(true) => match shared.tls.accept(plain.into_inner()).await {
                    Ok(stream) => converse(&mut BufStream::new(stream), &shared, false, true).await.map(drop),
                    Err(error) => Err(error),
                },
                other => other.map(drop),
            }
        }
    };
    // Clients close as they like.
    drop(outcome);
}

/// Speaks SMTP until the end, or until the client wants TLS (true).
async fn converse<S>(stream: &mut BufStream<S>, shared: &Shared, greet: bool, encrypted: bool) -> io::Result<bool>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    if greet {
        say(stream, "220 test").await?;
    }
    let mut mail = Received { encrypted, ..Received::default() };
    while let Some(line) = line(stream).await? {
        let upper = line.to_uppercase();
        let wants_login = shared.credentials.is_some() && mail.credentials.is_none();
        if upper.starts_with("EHLO") || upper.starts_with("HELO") {
            if shared.security == Security::StartTls && !encrypted {
                say(stream, "250-STARTTLS").await?;
            }
            if shared.credentials.is_some() {
                say(stream, "250-AUTH PLAIN LOGIN").await?;
            }
            say(stream, "250 8BITMIME").await?;
        } else if upper == "STARTTLS" {
            say(stream, "220 go on").await?;
            return Ok(true);
        } else if let Some(response) = line.strip_prefix("AUTH PLAIN ") {
            let decoded = BASE64.decode(response).unwrap_or_default();
            let parts: Vec<String> = decoded.split(|b| *b == 0).map(|p| String::from_utf8_lossy(p).into_owned()).collect();
            let given = parts.get(1..).map(|p| p.join(":"));
            if given == shared.credentials {
                mail.credentials = given;
                say(stream, "235 welcome").await?;
            } else {
                say(stream, "535 wrong credentials").await?;
            }
        } else if upper.starts_with("MAIL FROM:") {
            if wants_login {
                say(stream, "530 log in first").await?;
                continue;
            }
            mail.from = address(&line);
            mail.to.clear();
            say(stream, "250 ok").await?;
        } else if upper.starts_with("RCPT TO:") {
            let to = address(&line);
            if to.starts_with("refused") {
                say(stream, "550 no such mailbox").await?;
                continue;
            }
            mail.to.push(to);
            say(stream, "250 ok").await?;
        } else if upper == "DATA" {
            say(stream, "354 go on").await?;
            let mut raw = String::new();
            while let Some(text) = self::line(stream).await?.filter(|text| text != ".") {
                raw.push_str(text.strip_prefix('.').unwrap_or(&text));
                raw.push_str("\r\n");
            }
            let envelope = mail.clone();
            let received =
                Received { from: envelope.from, to: envelope.to, credentials: envelope.credentials, encrypted, ..Received::parse(&raw) };
            shared.mails.lock().unwrap_or_else(|e| e.into_inner()).push(received);
            shared.arrived.notify_waiters();
            say(stream, "250 kept").await?;
        } else if upper == "QUIT" {
            say(stream, "221 bye").await?;
            return Ok(false);
        } else {
            say(stream, "250 ok").await?;
        }
    }
    Ok(false)
}

async fn say<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut BufStream<S>, text: &str) -> io::Result<()> {
    stream.write_all(format!("{text}\r\n").as_bytes()).await?;
    stream.flush().await
}

async fn line<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut BufStream<S>) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    if stream.read_until(b'\n', &mut bytes).await? == 0 {
        return Ok(None);
    }
    Ok(Some(String::from_utf8_lossy(&bytes).trim_end_matches(['\r', '\n']).to_owned()))
}

fn address(line: &str) -> String {
    line.split('<').nth(1).and_then(|rest| rest.split('>').next()).unwrap_or_default().to_owned()
}

fn split(raw: &str) -> (BTreeMap<String, String>, &str) {
    let (head, body) = raw.split_once("\r\n\r\n").unwrap_or((raw, ""));
    let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    let headers = unfolded
        .split("\r\n")
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), words_decoded(value.trim())))
        .collect();
    (headers, body)
}

fn decoded(content: &str, encoding: &str) -> String {
    match encoding {
        "base64" => {
            let joined: String = content.split_whitespace().collect();
            String::from_utf8_lossy(&BASE64.decode(joined).expect("base64")).into_owned()
        }
        "quoted-printable" => {
            let joined = content.replace("=\r\n", "");
            String::from_utf8_lossy(&hex_decoded(&joined, b'=')).into_owned()
        }
        _ => content.to_owned(),
    }
}

/// `=?utf-8?b?…?=` of headers.
fn words_decoded(value: &str) -> String {
    let mut out = String::new();
    for (i, piece) in value.split("=?utf-8?b?").enumerate() {
        match piece.split_once("?=") {
            Some((word, rest)) if i > 0 => {
                out.push_str(&String::from_utf8_lossy(&BASE64.decode(word).unwrap_or_default()));
                out.push_str(if rest.trim().is_empty() { "" } else { rest });
            }
            _ => out.push_str(piece),
        }
    }
    out
}

fn percent_decoded(value: &str) -> String {
    String::from_utf8_lossy(&hex_decoded(value, b'%')).into_owned()
}

fn hex_decoded(text: &str, mark: u8) -> Vec<u8> {
    let bytes = text.as_bytes();
    let (mut out, mut i) = (Vec::new(), 0);
    while i < bytes.len() {
        let code = (bytes[i] == mark).then(|| text.get(i + 1..i + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok())).flatten();
        match code {
            Some(byte) => {
                out.push(byte);
                i += 3;
            }
            None => {
                out.push(bytes[i]);
                i += 1;
            }
        }
    }
    out
}
