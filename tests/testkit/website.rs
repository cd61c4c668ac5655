//! A small web server inside the test: pages to be previewed, integrations to be called. One request per connection.

use http::HeaderMap;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// What was asked of it.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// What it answers.
#[derive(Debug, Clone)]
pub struct Page {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Page {
    pub fn html(body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, headers: vec![("content-type", "text/html; charset=utf-8".into())], body: body.into() }
    }

    pub fn json(body: &serde_json::Value) -> Self {
        Self { status: 200, headers: vec![("content-type", "application/json".into())], body: body.to_string().into_bytes() }
    }

    pub fn redirect(to: &str) -> Self {
        Self { status: 302, headers: vec![("location", to.to_owned())], body: Vec::new() }
    }

    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }
}

type Pages = Arc<Mutex<BTreeMap<String, Page>>>;

/// Ends when it is dropped.
pub struct Website {
    pub port: u16,
    pages: Pages,
    asked: Arc<Mutex<Vec<Asked>>>,
    task: JoinHandle<()>,
}

impl Website {
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (pages, asked) = (Pages::default(), Arc::<Mutex<Vec<Asked>>>::default());
        let shared = (pages.clone(), asked.clone());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (pages, asked) = shared.clone();
                tokio::spawn(async move { serve(stream, &pages, &asked).await });
            }
        });
        Self { port, pages, asked, task }
    }

    /// The address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub fn set(&self, path: &str, page: Page) {
        self.pages.lock().unwrap().insert(path.to_owned(), page);
    }

    /// What was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Website {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, pages: &Pages, asked: &Mutex<Vec<Asked>>) -> Option<()> {
    let mut bytes = Vec::new();
    let head = loop {
        let mut chunk = [0; 4096];
        let read = stream.read(&mut chunk).await.ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&chunk[..read]);
        if let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
    let mut lines = text.lines();
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: HeaderMap =
        lines.filter_map(|line| line.split_once(": ")).filter_map(|(k, v)| Some((k.parse().ok()?, v.parse().ok()?))).collect();
    let length: usize = headers.get("content-length").and_then(|v: &http::HeaderValue| v.to_str().ok()?.parse().ok()).unwrap_or(0);
    let mut body = bytes.split_off(head);
    while body.len() < length {
        let mut chunk = [0; 4096];
        let read = stream.read(&mut chunk).await.ok().filter(|n| *n > 0)?;
        body.extend_from_slice(&chunk[..read]);
    }
    asked.lock().unwrap().push(Asked { method, path: path.clone(), headers, body });
    let page = pages.lock().unwrap().get(&path).cloned().unwrap_or(Page { status: 404, headers: vec![], body: vec![] });
    let mut answer = format!("HTTP/1.1 {} X\r\nconnection: close\r\ncontent-length: {}\r\n", page.status, page.body.len());
    for (name, value) in &page.headers {
        answer.push_str(&format!("{name}: {value}\r\n"));
    }
    answer.push_str("\r\n");
    stream.write_all(answer.as_bytes()).await.ok()?;
    stream.write_all(&page.body).await.ok()?;
    stream.shutdown().await.ok()
}
