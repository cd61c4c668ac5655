//! Logs, traces and metrics of a process.
//!
//! Spans that make up a request's trace have target [`TRACE`]: they cost nothing unless `MUSTER_OTLP_ENDPOINT` is set.

use crate::{
    config::{ConfigError, Role, setting},
    logs::RecentLines,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use opentelemetry::{
    propagation::{Extractor, Injector, TextMapPropagator},
    trace::TracerProvider as _,
};
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::{Resource, propagation::TraceContextPropagator, trace::SdkTracerProvider};
use std::{
    io::IsTerminal,
    sync::{
        LazyLock, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{EnvFilter, Layer, filter, layer::SubscriberExt, util::SubscriberInitExt};

/// Target of trace spans.
pub const TRACE: &str = "muster::trace";

static PROPAGATOR: LazyLock<TraceContextPropagator> = LazyLock::new(TraceContextPropagator::new);
static TRACING_ON: AtomicBool = AtomicBool::new(false);
static METRICS: OnceLock<PrometheusHandle> = OnceLock::new();

/// Keeps exporters alive; dropped at the end of the process, which flushes spans.
pub struct Telemetry(Option<SdkTracerProvider>);

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(provider) = &self.0 {
            let _ = provider.shutdown();
        }
    }
}

/// Installs logging, tracing and metrics for this process. Call once, inside the runtime.
pub fn init(role: Role) -> Result<Telemetry, ConfigError> {
    let filter_text = setting("MUSTER_LOG")?.unwrap_or_else(|| "info,async_nats=warn".into());
    let filter = EnvFilter::try_new(&filter_text).map_err(|e| ConfigError(format!("MUSTER_LOG: {e}")))?;
    let json = setting("MUSTER_LOG_FORMAT")?.is_some_and(|f| f == "json");
    let not_traces = filter::filter_fn(|meta| meta.target() != TRACE);
    let logs = if json {
        tracing_subscriber::fmt::layer().json().with_writer(std::io::stderr).with_filter(not_traces).boxed()
    } else {
        let colours = std::io::stderr().is_terminal();
        tracing_subscriber::fmt::layer().with_ansi(colours).with_writer(std::io::stderr).with_filter(not_traces).boxed()
    };
    let provider = match setting("MUSTER_OTLP_ENDPOINT")? {
        None => None,
        Some(endpoint) => {
            let exporter = opentelemetry_otlp::SpanExporter::builder()
                .with_tonic()
                .with_endpoint(endpoint)
                .build()
                .map_err(|e| ConfigError(format!("MUSTER_OTLP_ENDPOINT: {e}")))?;
            let service = format!("muster-{}", role.name());
            Some(
                SdkTracerProvider::builder()
                    .with_batch_exporter(exporter)
                    .with_resource(Resource::builder().with_service_name(service).build())
                    .build(),
            )
        }
    };
    let traces = provider.as_ref().map(|p| {
        TRACING_ON.store(true, Ordering::Relaxed);
        tracing_opentelemetry::layer().with_tracer(p.tracer("muster")).with_filter(filter::filter_fn(in_trace))
    });
    let recent_filter = EnvFilter::try_new(&filter_text).map_err(|e| ConfigError(format!("MUSTER_LOG: {e}")))?;
    let recent = RecentLines.with_filter(filter::filter_fn(|meta| meta.target() != TRACE)).with_filter(recent_filter);
    tracing_subscriber::registry()
        .with(logs.with_filter(filter))
        .with(recent)
        .with(traces)
        .try_init()
        .map_err(|e| ConfigError(format!("logging: {e}")))?;

    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(
            Matcher::Suffix("_time".into()),
            &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0],
        )
        .and_then(|b| b.install_recorder().map_err(|_| metrics_exporter_prometheus::BuildError::ZeroBucketDuration))
        .map_err(|e| ConfigError(format!("metrics: {e}")))?;
    let _ = METRICS.set(handle);
    Ok(Telemetry(provider))
}

/// What goes into traces: our spans, and the statements sqlx tells of (as events of the span they ran in).
fn in_trace(meta: &tracing::Metadata<'_>) -> bool {
    meta.target() == TRACE || meta.target() == "sqlx::query"
}

/// The process's metrics in Prometheus' text format.
pub fn render_metrics() -> String {
    METRICS.get().map(PrometheusHandle::render).unwrap_or_default()
}

/// Whether traces are exported; callers skip the work of building trace context otherwise.
pub fn tracing_on() -> bool {
    TRACING_ON.load(Ordering::Relaxed)
}

/// A span that continues the trace in these headers.
pub fn server_span(kind: &'static str, path: &str, headers: &HeaderMap) -> Span {
    if !tracing_on() {
        return Span::none();
    }
    let span = tracing::info_span!(target: TRACE, "server", otel.name = format_args!("{kind} {path}"), kind);
    let _ = span.set_parent(PROPAGATOR.extract(&Headers(headers)));
    span
}

/// A span that continues a trace given as `traceparent` ("" = none).
pub fn span_from(name: &'static str, traceparent: &str) -> Span {
    if !tracing_on() || traceparent.is_empty() {
        return Span::none();
    }
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_str(traceparent) {
        headers.insert("traceparent", value);
    }
    let span = tracing::info_span!(target: TRACE, "event", otel.name = name);
    let _ = span.set_parent(PROPAGATOR.extract(&Headers(&headers)));
    span
}

/// The current trace context as `traceparent`, "" when traces are off.
pub fn traceparent() -> String {
    if !tracing_on() {
        return String::new();
    }
    let mut headers = HeaderMap::new();
    inject(&mut headers);
    headers.get("traceparent").and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned()
}

/// Puts the current trace context into outgoing headers.
pub fn inject(headers: &mut HeaderMap) {
    if tracing_on() {
        PROPAGATOR.inject_context(&Span::current().context(), &mut HeadersMut(headers));
    }
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|v| v.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

struct HeadersMut<'a>(&'a mut HeaderMap);

impl Injector for HeadersMut<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(key), HeaderValue::try_from(value)) {
            self.0.insert(name, value);
        }
    }
}
