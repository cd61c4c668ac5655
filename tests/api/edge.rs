//! What every answer carries, whatever the operation: headers, CORS, error bodies.

use http::Method;
use serde_json::{Value, json};
use testkit::{Answer, Client, Cluster, Options, Person, eventually};

/// Changes one setting through gateway 0 and waits for gateway 1.
async fn change(admin: &Person, section: &str, key: &str, value: Value) {
    let mut tree = admin.get("/config").await.expect(200);
    tree[section][key] = value;
    let version = |answer: &Answer| answer.header("x-version-id").map(str::to_owned);
    admin.put("/config", tree).await.expect(200);
    let wanted = version(&admin.get("/system/ping").await);
    eventually("the other gateway follows", async || (version(&admin.on(1).get("/system/ping").await) == wanted).then_some(())).await;
}

async fn from_origin(client: &Client, method: Method, origin: &str) -> Answer {
    let request = client.request(method, "/system/ping").header("origin", origin).header("access-control-request-headers", "x-one, x-two");
    client.send(request).await
}

#[tokio::test]
async fn every_operation_answers_with_the_same_headers() {
    let cluster = Cluster::shared().await;
    let user = cluster.person("headers").await;
    for (client, method, path, status) in [
        (user.on(0), Method::GET, "/users/me", 200),
        (user.on(1), Method::POST, "/users/ids", 400),
        (user.on(1), Method::GET, "/config", 403),
        (&cluster.anonymous(0), Method::GET, "/users/me", 401),
    ] {
        let answer = client.send(client.request(method.clone(), path)).await;
        assert_eq!(answer.status, status, "{path}");
        assert!(answer.header("x-request-id").is_some_and(muster_domain::ids::is_id), "{path}");
        let version: Vec<&str> = answer.header("x-version-id").expect("a version id").split('.').collect();
        assert_eq!((version[..4].join("."), version[4].len(), version[5]), ("4.10.0.".into(), 32, "true"), "{path}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "{path}");
        assert_eq!(answer.header("expires"), (method == Method::GET).then_some("0"), "{path}");
        assert_eq!((answer.header("vary"), answer.header("strict-transport-security")), (None, None));
    }
    let first = user.get("/users/me").await.header("x-request-id").map(str::to_owned);
    assert_ne!(user.get("/users/me").await.header("x-request-id").map(str::to_owned), first, "every request has its own id");
}

#[tokio::test]
async fn options_never_reach_an_operation() {
    let cluster = Cluster::shared().await;
    let client = cluster.anonymous(1);
    for path in ["/users/me", "/nothing", "/config"] {
        let answer = client.send(client.request(Method::OPTIONS, path)).await;
        assert_eq!((answer.status, answer.bytes.len()), (200, 0), "{path}");
        assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("access-control")));
    }
}

#[tokio::test]
async fn cross_origin_requests_follow_the_setting() {
    const ALLOW_ORIGIN: &str = "access-control-allow-origin";
    let cluster = Cluster::start(Options::default()).await;
    let admin = cluster.admin().await;
    let client = cluster.anonymous(1);
    assert_eq!(from_origin(&client, Method::GET, "http://a.example").await.header(ALLOW_ORIGIN), None);

    change(&admin, "ServiceSettings", "AllowCorsFrom", json!("http://a.example https://b.example")).await;
    // Which gateway heard of it cannot be seen from the version id: origins are no client's business.
    eventually("the setting is in force", async || {
        (from_origin(&client, Method::GET, "http://a.example").await.header(ALLOW_ORIGIN) == Some("http://a.example")).then_some(())
    })
    .await;
    let refused = from_origin(&client, Method::GET, "http://c.example").await;
    assert_eq!((refused.status, refused.header(ALLOW_ORIGIN)), (200, None), "served, but the browser may not show it");
    let preflight = from_origin(&client, Method::OPTIONS, "https://b.example").await;
    assert_eq!(preflight.header(ALLOW_ORIGIN), Some("https://b.example"));
    assert_eq!(preflight.header("access-control-allow-methods"), Some("POST, GET, OPTIONS, PUT, PATCH, DELETE"));
    assert_eq!(preflight.header("access-control-allow-headers"), Some("x-one, x-two"));
    assert_eq!(preflight.header("access-control-allow-credentials"), None);

    change(&admin, "ServiceSettings", "AllowCorsFrom", json!("*")).await;
    eventually("any origin is let in", async || {
        (from_origin(&client, Method::GET, "http://c.example").await.header(ALLOW_ORIGIN) == Some("http://c.example")).then_some(())
    })
    .await;
}

#[tokio::test]
async fn developer_mode_explains_errors() {
    let cluster = Cluster::start(Options::default()).await;
    let admin = cluster.admin().await;
    let user = cluster.person("developer").await;
    assert_eq!(user.on(1).get("/config").await.body["detailed_error"], "");
    change(&admin, "ServiceSettings", "EnableDeveloper", json!(true)).await;
    assert_eq!(user.on(1).get("/config").await.body["detailed_error"], "permission=manage_system");
    cluster.anonymous(1).post("/logs", json!({"message": "x"})).await.expect(200);
}

#[tokio::test]
async fn version_3_is_switched_off() {
    let cluster = Cluster::shared().await;
    for path in ["/api/v3/users/login", "/api/v3/x"] {
        cluster.anonymous(0).post(path, json!({})).await.refused(501, "api.context.v3_disabled.app_error");
    }
}

/// Python's HTTP client sends head and body in two packets; an answer that needs no body must not cost it the connection.
#[tokio::test]
async fn an_early_answer_keeps_the_connection() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let cluster = Cluster::shared().await;
    let address = cluster.gateways[0].trim_start_matches("http://");
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    for path in ["/api/v4/posts//x", "/api/v4/users/me", "/api/v4/nothing"].iter().cycle().take(30) {
        let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        tokio::task::yield_now().await;
        stream.write_all(b"{}").await.unwrap();
        let mut answer = vec![0; 4096];
        let n = tokio::time::timeout(testkit::DEADLINE, stream.read(&mut answer)).await.unwrap().unwrap();
        assert!(n > 0, "the connection was closed after an answer to {path}");
        let text = String::from_utf8_lossy(&answer[..n]).into_owned();
        assert!(["301", "401", "404"].iter().any(|s| text.starts_with(&format!("HTTP/1.1 {s}"))), "{text}");
        assert!(!text.to_lowercase().contains("connection: close"), "{text}");
    }
}
