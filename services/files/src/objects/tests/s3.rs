//! The S3 back end against the few requests of the protocol that it uses, served in memory.

use super::*;
use axum::{
    Router,
    extract::{Query, State},
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Mutex,
};

#[derive(Default)]
struct Bucket {
    objects: HashMap<String, Bytes>,
    parts: BTreeMap<(String, u32), Bytes>,
    uploads_started: usize,
    unsigned_requests: usize,
}

type Shared = Arc<Mutex<Bucket>>;

async fn serve(
    State(bucket): State<Shared>,
    method: Method,
    uri: Uri,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut bucket = bucket.lock().unwrap();
    if !headers.get("authorization").is_some_and(|v| v.to_str().unwrap().starts_with("AWS4-HMAC-SHA256 Credential=key/")) {
        bucket.unsigned_requests += 1;
    }
    let key = uri.path().to_owned();
    let upload = query.get("uploadId").cloned();
    match (method.as_str(), upload) {
        ("POST", None) if query.contains_key("uploads") => {
            bucket.uploads_started += 1;
            let id = bucket.uploads_started;
            format!(
                "<InitiateMultipartUploadResult><Bucket>b</Bucket><Key>k</Key><UploadId>u{id}</UploadId></InitiateMultipartUploadResult>"
            )
            .into_response()
        }
        ("PUT", Some(upload)) => {
            let number = query["partNumber"].parse().unwrap();
            bucket.parts.insert((upload, number), body);
            ([("etag", format!("\"e{number}\""))], "").into_response()
        }
        ("POST", Some(upload)) => {
            let parts = bucket.parts.iter().filter(|((u, _), _)| *u == upload);
            let sizes: Vec<_> = parts.clone().map(|(_, part)| part.len()).collect();
            assert!(sizes.iter().rev().skip(1).all(|size| *size >= PART_BYTES), "S3 refuses small parts: {sizes:?}");
            let whole = parts.flat_map(|(_, part)| part.to_vec()).collect::<Vec<_>>();
            bucket.objects.insert(key, whole.into());
            bucket.parts.retain(|(u, _), _| *u != upload);
            "<CompleteMultipartUploadResult><Location>l</Location><Bucket>b</Bucket><Key>k</Key><ETag>\"e\"</ETag></CompleteMultipartUploadResult>"
                .into_response()
        }
        ("DELETE", Some(upload)) => {
            bucket.parts.retain(|(u, _), _| *u != upload);
            StatusCode::NO_CONTENT.into_response()
        }
        ("PUT", None) if headers.get("if-none-match").is_some_and(|v| v == "*") && bucket.objects.contains_key(&key) => {
            StatusCode::PRECONDITION_FAILED.into_response()
        }
        ("PUT", None) => {
            bucket.objects.insert(key, body);
            ([("etag", "\"e\"")], "").into_response()
        }
        ("GET", None) => match bucket.objects.get(&key) {
            Some(object) => ([("etag", "\"e\""), ("last-modified", "Mon, 23 Nov 2026 10:00:00 GMT")], object.clone()).into_response(),
            None => (StatusCode::NOT_FOUND, "<Error><Code>NoSuchKey</Code></Error>").into_response(),
        },
        ("DELETE", None) => {
            bucket.objects.remove(&key);
            StatusCode::NO_CONTENT.into_response()
        }
        ("POST", None) if query.contains_key("delete") => {
            let body = String::from_utf8(body.to_vec()).unwrap();
            let named: Vec<_> = body.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next()).collect();
            let mut answer = String::from("<DeleteResult>");
            for name in named {
                bucket.objects.remove(&format!("/bucket/{name}"));
                answer += &format!("<Deleted><Key>{name}</Key></Deleted>");
            }
            (answer + "</DeleteResult>").into_response()
        }
        other => panic!("a request this server does not know: {other:?} {uri}"),
    }
}

async fn start() -> (Objects, Shared, tokio::task::JoinHandle<()>) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let bucket = Shared::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(serve).layer(axum::extract::DefaultBodyLimit::disable()).with_state(bucket.clone());
    let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let settings = S3Settings {
        bucket: "bucket".into(),
        region: "us-east-1".into(),
        endpoint,
        access_key_id: "key".into(),
        secret_access_key: "secret".into(),
        virtual_host: false,
    };
    let objects = Objects::open(&ObjectSettings { backend: Backend::S3(settings) }).unwrap();
    (objects, bucket, server)
}

#[tokio::test]
async fn s3_bucket() {
    let (objects, bucket, server) = start().await;
    behaves(&objects).await;
    {
        let bucket = bucket.lock().unwrap();
        assert_eq!((bucket.uploads_started, bucket.unsigned_requests), (1, 0));
        assert!(bucket.parts.is_empty());
    }
    server.abort();
}

#[tokio::test]
async fn a_refused_upload_is_aborted_in_the_bucket() {
    let (objects, bucket, server) = start().await;
    let refused = objects.take_in("x/y", stream_of(300, 64 * 1024), 12 * 1024 * 1024).await.unwrap_err();
    assert_eq!(refused.status, 413);
    {
        let bucket = bucket.lock().unwrap();
        assert_eq!(bucket.uploads_started, 1);
        assert!(bucket.parts.is_empty() && bucket.objects.is_empty());
    }
    server.abort();
}

#[tokio::test]
async fn an_unreachable_bucket_is_503() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (objects, _, server) = start().await;
    server.abort();
    let _ = server.await;
    let refused = tokio::time::timeout(muster_runtime::peers::CALL_DEADLINE, objects.get("a/b")).await.expect("bounded retries").err();
    assert_eq!(refused.map(|e| e.status), Some(503));
}
