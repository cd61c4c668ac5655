//! Everything outside the API: a web client's files when there is one, our own page when there is none.

use std::fs;
use testkit::{Cluster, Options};

const PAGE_CACHE: &str = "no-cache, max-age=31556926, public";
const STATIC_CACHE: &str = "max-age=31556926, public";

#[tokio::test]
async fn a_web_client_is_served_with_deep_links() {
    let cluster = Cluster::start(Options::default()).await;
    let dir = cluster.client_dir();
    fs::create_dir_all(dir.join("sub")).unwrap();
    fs::write(dir.join("root.html"), "<html>the client</html>").unwrap();
    let script = "console.log('muster');".repeat(200);
    fs::write(dir.join("main.js"), &script).unwrap();

    for path in ["/!/", "/!/login", "/!/engines/channels/town-square", "/!/admin_console/about/license"] {
        let answer = cluster.anonymous(1).get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(&answer.bytes[..], b"<html>the client</html>", "{path}");
        assert!(answer.header("content-type").is_some_and(|t| t.starts_with("text/html")));
        assert_eq!(answer.header("cache-control"), Some(PAGE_CACHE));
        assert_eq!(answer.header("x-frame-options"), Some("SAMEORIGIN"));
        assert_eq!(answer.header("content-security-policy"), Some("frame-ancestors 'self'"));
    }
    let client = cluster.anonymous(0);
    let plain = client.get("/!/static/main.js").await;
    assert_eq!((plain.status, plain.header("cache-control"), plain.bytes.len()), (200, Some(STATIC_CACHE), script.len()));
    assert!(plain.header("content-type").is_some_and(|t| t.contains("javascript")));
    let packed = client.send(client.request(http::Method::GET, "/!/static/main.js").header("accept-encoding", "gzip")).await;
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert!(packed.bytes.len() < script.len() / 4);
    let head = client.send(client.request(http::Method::HEAD, "/!/static/main.js")).await;
    assert_eq!(head.status, 200);

    for path in ["/!/static/nothing.js", "/!/static/sub", "/!/static/sub/", "/!/static/..%2f..%2fetc%2fpasswd"] {
        let answer = client.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(!String::from_utf8_lossy(&answer.bytes).contains("the client"), "{path}: a missing file is no deep link");
    }
    // What belongs to the API never falls through to the client.
    for path in ["/!/api/v4/nothing", "/!/api/v9/x"] {
        let answer = client.get(path).await;
        assert_eq!((answer.status, answer.body["id"].as_str()), (404, Some("api.context.404.app_error")), "{path}");
    }
    assert_eq!(client.raw(http::Method::POST, "/!/login", "text/plain", "x").await.status, 404);
}
