//! A push proxy that keeps what it is asked to deliver.

use crate::{DEADLINE, background::Background};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    sync::Notify,
};

#[derive(Default)]
struct Shared {
    /// Path and body.
    pushes: Mutex<Vec<(String, Value)>>,
    /// Answers by device; everything else is `OK`.
    answers: Mutex<BTreeMap<String, String>>,
    arrived: Notify,
}

/// The proxy; it is down when dropped.
pub struct PushProxy {
    pub url: String,
    shared: Arc<Shared>,
    _background: Background,
}

impl PushProxy {
    pub fn start() -> Self {
        let shared = Arc::new(Shared::default());
        let serving = shared.clone();
        let (port, background) = Background::listen(0, move |stream| {
            let shared = serving.clone();
            async move { drop(serve(stream, shared).await) }
        });
        Self { url: format!("http://127.0.0.1:{port}"), shared, _background: background }
    }

    fn pushes(&self) -> MutexGuard<'_, Vec<(String, Value)>> {
        self.shared.pushes.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// What the proxy answers for a device (`REMOVE`, `FAIL`).
    pub fn answer(&self, device: &str, status: &str) {
        self.shared.answers.lock().unwrap_or_else(|e| e.into_inner()).insert(device.to_owned(), status.to_owned());
    }

    /// Everything for a device so far.
    pub fn to(&self, device: &str) -> Vec<Value> {
        self.pushes().iter().filter(|(_, push)| push["device_id"] == device).map(|(_, push)| push.clone()).collect()
    }

    /// The next push for a device that the predicate takes; it is taken out.
    pub async fn expect(&self, device: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let end = tokio::time::Instant::now() + DEADLINE;
        loop {
            let arrived = self.shared.arrived.notified();
            {
                let mut pushes = self.pushes();
                if let Some(i) = pushes.iter().position(|(_, push)| push["device_id"] == device && wanted(push)) {
                    let (path, push) = pushes.remove(i);
                    assert_eq!(path, "/api/v1/send_push");
                    return push;
                }
            }
            if tokio::time::timeout_at(end, arrived).await.is_err() {
                panic!("no push for {device}; had {:?}", self.pushes());
            }
        }
    }
}

/// One HTTP/1.1 connection, as many requests as the client likes.
async fn serve(stream: TcpStream, shared: Arc<Shared>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut path, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            if let Some(rest) = line.strip_prefix("POST ") {
                path = rest.split(' ').next().unwrap_or_default().to_owned();
            }
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        let push: Value = serde_json::from_slice(&body).unwrap_or_default();
        let device = push["device_id"].as_str().unwrap_or_default().to_owned();
        let status = shared.answers.lock().unwrap_or_else(|e| e.into_inner()).get(&device).cloned().unwrap_or_else(|| "OK".to_owned());
        shared.pushes.lock().unwrap_or_else(|e| e.into_inner()).push((path, push));
        shared.arrived.notify_waiters();
        let answer = format!("{{\"status\":\"{status}\"}}");
        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", answer.len());
        stream.get_mut().write_all(format!("{head}{answer}").as_bytes()).await?;
    }
}
