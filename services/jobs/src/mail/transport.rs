//! How mails leave: over SMTP, or as files when no server is set up.

use super::rules::is_refusal;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    transport::smtp::{
        PoolConfig,
        authentication::{Credentials, Mechanism},
        client::{Tls, TlsParameters},
    },
};
use muster_domain::{config::Settings, time::now_ms};
use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

/// Longest one exchange with the server may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Connections that wait for the next mail.
const CONNECTIONS: u32 = 4;
const IDLE: Duration = Duration::from_secs(30);
/// Mails kept as files; the oldest go first.
const FILES_MAX: usize = 1_000;
const DEFAULT_PORT: u16 = 25;

/// A mail that did not leave.
#[derive(Debug)]
pub struct SendError {
    /// For logs and the queue: never what the mail says.
    pub reason: String,
    /// Trying again would not help.
    pub is_final: bool,
}

impl SendError {
    pub fn later(reason: impl ToString) -> Self {
        Self { reason: reason.to_string(), is_final: false }
    }

    pub fn never(reason: impl ToString) -> Self {
        Self { reason: reason.to_string(), is_final: true }
    }
}

/// What a connection to the mail server depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Smtp {
    server: String,
    port: String,
    security: String,
    skip_verification: bool,
    credentials: Option<(String, String)>,
}

impl Smtp {
    pub fn of(settings: &Settings) -> Self {
        Self {
            server: settings.smtp_server.trim().to_owned(),
            port: settings.smtp_port.trim().to_owned(),
            security: settings.email_connection_security.clone(),
            skip_verification: settings.skip_server_certificate_verification,
            credentials: settings.enable_smtp_auth.then(|| (settings.smtp_username.clone(), settings.smtp_password.clone())),
        }
    }

    pub fn is_set_up(&self) -> bool {
        !self.server.is_empty()
    }

    /// A pool of connections, made when they are needed.
    pub fn connect(&self) -> Result<Server, String> {
        let port = match self.port.as_str() {
            "" => DEFAULT_PORT,
            port => port.parse().map_err(|_| format!("SMTPPort '{port}' is no port"))?,
        };
        let tls = || {
            TlsParameters::builder(self.server.clone())
                .dangerous_accept_invalid_certs(self.skip_verification)
                .build()
                .map_err(|e| format!("TLS: {e}"))
        };
        let tls = match self.security.as_str() {
            "TLS" => Tls::Wrapper(tls()?),
            "STARTTLS" => Tls::Required(tls()?),
            _ => Tls::None,
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&self.server)
            .port(port)
            .tls(tls)
            .timeout(Some(TIMEOUT))
            .pool_config(PoolConfig::new().max_size(CONNECTIONS).idle_timeout(IDLE));
        if let Some((username, password)) = &self.credentials {
            builder = builder
                .credentials(Credentials::new(username.clone(), password.clone()))
                .authentication(vec![Mechanism::Plain, Mechanism::Login]);
        }
        Ok(Server(builder.build()))
    }
}

/// The mail server.
#[derive(Clone)]
pub struct Server(AsyncSmtpTransport<Tokio1Executor>);

impl Server {
    pub async fn send(&self, message: Message) -> Result<(), SendError> {
        match self.0.send(message).await {
            Ok(_) => Ok(()),
            Err(error) => {
                let is_final = error.status().is_some_and(|code| is_refusal(u16::from(code)));
                Err(SendError { reason: error.to_string(), is_final })
            }
        }
    }
}

/// The directory that stands in for a server.
#[derive(Debug, Clone)]
pub struct Directory(PathBuf);

impl Directory {
    pub fn new(path: PathBuf) -> Self {
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes `<ms>-<key>.eml`, readable by the server's user only: links in mails are secrets.
    pub async fn write(&self, key: &str, message: &Message) -> Result<(), SendError> {
        let (dir, bytes) = (self.0.clone(), message.formatted());
        let name: String = key.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let path = dir.join(format!("{}-{name}.eml", now_ms()));
        let written = tokio::task::spawn_blocking(move || {
            create_private(&dir)?;
            write_private(&path, &bytes)?;
            forget_oldest(&dir)
        })
        .await;
        match written {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(SendError::later(format_args!("{}: {error}", self.0.display()))),
            Err(error) => Err(SendError::later(error)),
        }
    }
}

fn create_private(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

/// Under another name first, so that nobody reads half a mail.
fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    let unfinished = path.with_extension("part");
    std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?.write_all(bytes)?;
    std::fs::rename(unfinished, path)
}

fn forget_oldest(dir: &Path) -> io::Result<()> {
    let mut mails: Vec<PathBuf> = std::fs::read_dir(dir)?
        .filter_map(|entry| entry.ok().map(|e| e.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "eml"))
        .collect();
    if mails.len() <= FILES_MAX {
        return Ok(());
    }
    // Names begin with the moment.
    mails.sort();
    for path in &mails[..mails.len() - FILES_MAX] {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
