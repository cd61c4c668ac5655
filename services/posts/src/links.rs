//! The gRPC service of link previews: fetches pages, and remembers for an hour what they said.

mod html;
mod opengraph;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use moka::future::Cache;
use muster_error::AppError;
use muster_proto::{
    json,
    posts::{PreviewReply, PreviewRequest, links_server},
};
use muster_runtime::{
    Caller,
    outbound::{Outbound, OutboundError, OutboundRequest},
};
use opengraph::OpenGraph;
use std::time::Duration;
use tonic::{Request, Response, Status};

const KEPT: Duration = Duration::from_secs(3_600);
const KEPT_BYTES: u64 = 16 * 1024 * 1024;
const TIMEOUT: Duration = Duration::from_secs(8);
/// Bytes of a page that are read: its head stands at the beginning.
const PAGE_MAX: usize = 1024 * 1024;
/// Bytes of an address.
const URL_MAX: usize = 4_096;
const HTML: HeaderValue = HeaderValue::from_static("text/html,application/xhtml+xml;q=0.9,*/*;q=0.5");

pub struct Links {
    outbound: Outbound,
    /// JSON by address; failures too.
    kept: Cache<String, Bytes>,
}

impl Links {
    pub fn new(outbound: Outbound) -> Self {
        let weight = |url: &String, json: &Bytes| u32::try_from(url.len() + json.len()).unwrap_or(u32::MAX);
        Self { outbound, kept: Cache::builder().weigher(weight).max_capacity(KEPT_BYTES).time_to_live(KEPT).build() }
    }

    async fn preview(&self, url: &str) -> OpenGraph {
        if url.len() > URL_MAX {
            return OpenGraph::default();
        }
        match self.fetch(url).await {
            Ok(page) => page,
            Err(error) => {
                tracing::debug!(%error, "a link preview could not be made");
                OpenGraph::default()
            }
        }
    }

    async fn fetch(&self, url: &str) -> Result<OpenGraph, OutboundError> {
        let request = OutboundRequest {
            method: Method::GET,
            url: url.to_owned(),
            headers: HeaderMap::from_iter([(header::ACCEPT, HTML)]),
            body: Bytes::new(),
            timeout: TIMEOUT,
            body_max: PAGE_MAX,
            cut: true,
        };
        let answer = self.outbound.send(request).await?;
        let kind = answer.headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        if answer.status != StatusCode::OK || !html::is_html(kind) {
            return Ok(OpenGraph::default());
        }
        Ok(OpenGraph::read(&html::text(&answer.body, kind), &answer.url))
    }
}

#[tonic::async_trait]
impl links_server::Links for Links {
    async fn preview(&self, request: Request<PreviewRequest>) -> Result<Response<PreviewReply>, Status> {
        Caller::of(&request)?;
        let url = request.into_inner().url;
        // Those who ask at the same time wait for one fetch.
        let json = self.kept.entry_by_ref(&url).or_insert_with(async {
            let page = Links::preview(self, &url).await;
            json::to_vec(&page).map(Bytes::from).unwrap_or_default()
        });
        let json = json.await.into_value();
        if json.is_empty() {
            return Err(AppError::internal("a preview that is no JSON").into());
        }
        Ok(Response::new(PreviewReply { json }))
    }
}
