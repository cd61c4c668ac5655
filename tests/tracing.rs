//! One request's trace, from the gateway that took it to the socket of the other gateway, as an OTLP collector sees it.

use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
    common::v1::any_value::Value as AnyValue,
    trace::v1::Span,
};
use serde_json::json;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};
use testkit::{Cluster, Options, eventually};
use tonic::{Request, Response, Status, transport::server::TcpIncoming};

/// A span and the process it comes from.
#[derive(Clone)]
struct Seen {
    service: String,
    span: Span,
}

#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Seen>>>);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(&self, request: Request<ExportTraceServiceRequest>) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mut seen = self.0.lock().unwrap();
        for resource_spans in request.into_inner().resource_spans {
            let attributes = resource_spans.resource.map(|r| r.attributes).unwrap_or_default();
            let name = attributes.into_iter().find(|a| a.key == "service.name").and_then(|a| a.value).and_then(|v| v.value);
            let service = if let Some(AnyValue::StringValue(name)) = name { name } else { String::new() };
            for span in resource_spans.scope_spans.into_iter().flat_map(|s| s.spans) {
                seen.push(Seen { service: service.clone(), span });
            }
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Collector {
    /// The spans of the trace that holds a span of this name, as `service: name` lines indented by depth.
    fn tree(&self, root: &str) -> Option<Vec<String>> {
        let seen = self.0.lock().unwrap().clone();
        let trace = seen.iter().find(|s| s.span.name == root && s.span.parent_span_id.is_empty())?.span.trace_id.clone();
        let spans: Vec<&Seen> = seen.iter().filter(|s| s.span.trace_id == trace).collect();
        let mut children: BTreeMap<Vec<u8>, Vec<&Seen>> = BTreeMap::new();
        for seen in spans {
            children.entry(seen.span.parent_span_id.clone()).or_default().push(seen);
        }
        fn add(children: &BTreeMap<Vec<u8>, Vec<&Seen>>, parent: &[u8], depth: usize, lines: &mut Vec<String>) {
            for seen in children.get(parent).into_iter().flatten() {
                let micros = (seen.span.end_time_unix_nano - seen.span.start_time_unix_nano) / 1_000;
                lines.push(format!("{}{}: {} ({micros} µs)", "  ".repeat(depth), seen.service, seen.span.name));
                add(children, &seen.span.span_id, depth + 1, lines);
            }
        }
        let mut lines = Vec::new();
        add(&children, &[], 0, &mut lines);
        Some(lines)
    }
}

#[tokio::test]
async fn one_trace_leads_from_the_request_to_the_other_gateways_socket() {
    let collector = Collector::default();
    let port = testkit::free_port();
    let incoming = TcpIncoming::bind(format!("127.0.0.1:{port}").parse().unwrap()).expect("a port");
    tokio::spawn(tonic::transport::Server::builder().add_service(TraceServiceServer::new(collector.clone())).serve_with_incoming(incoming));

    let options = Options { split: true, ..Options::default() }
        .env("MUSTER_OTLP_ENDPOINT", &format!("http://127.0.0.1:{port}"))
        .env("OTEL_BSP_SCHEDULE_DELAY", "200");
    let cluster = Cluster::start(options).await;
    let (ada, bob) = (cluster.person("ada").await, cluster.person("bob").await);
    let team = cluster.team(&ada).await;
    cluster.join_team(&bob, &team).await;
    let channel = cluster.channel(&ada, team["id"].as_str().unwrap()).await["id"].as_str().unwrap().to_owned();
    cluster.join_channel(&bob, &channel).await;
    let mut socket = bob.socket(1).await;

    // A trace of the test's own making, so that it is found again.
    let trace_id = "0af7651916cd43dd8448eb211c80319c";
    let client = ada.on(0);
    let request = client
        .request(http::Method::POST, "/posts")
        .header("traceparent", format!("00-{trace_id}-b7ad6b7169203331-01"))
        .json(&json!({"channel_id": channel, "message": "traced"}));
    client.send(request).await.expect(201);
    socket.expect_where("posted", |e| e["data"]["post"].as_str().unwrap().contains("traced")).await;

    let wanted = [
        "muster-gateway: HTTP /api/v4/posts",
        "muster-posts: rpc",
        "muster-posts: SQL insert posts",
        "muster-gateway: websocket fan-out",
        "muster-gateway: WebSocket write",
    ];
    let lines = eventually("the whole trace", || async {
        let seen = collector.0.lock().unwrap().clone();
        let id: Vec<u8> = (0..32).step_by(2).map(|i| u8::from_str_radix(&trace_id[i..i + 2], 16).unwrap()).collect();
        let lines: Vec<String> = seen.iter().filter(|s| s.span.trace_id == id).map(|s| format!("{}: {}", s.service, s.span.name)).collect();
        wanted.iter().all(|w| lines.iter().any(|l| l.starts_with(w))).then_some(lines)
    })
    .await;
    println!("{lines:#?}");

    // The same with a trace of Muster's own, as a tree.
    ada.say(&channel, "again").await;
    let tree = eventually("a tree that ends at the socket", || async {
        collector.tree("HTTP /api/v4/posts").filter(|lines| lines.iter().any(|l| l.contains("WebSocket write")))
    })
    .await;
    println!("{}", tree.join("\n"));
    assert!(tree[0].starts_with("muster-gateway: HTTP /api/v4/posts"));
}
