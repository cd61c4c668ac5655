//! `GET /system/ping`, the welcome page, and what every answer carries.

use testkit::Cluster;

#[tokio::test]
async fn anyone_may_ping_every_gateway() {
    let cluster = Cluster::shared().await;
    for i in 0..2 {
        let answer = cluster.anonymous(i).get("/system/ping").await;
        assert!(answer.header("x-request-id").is_some_and(muster_domain::ids::is_id));
        assert!(answer.header("x-version-id").is_some_and(|v| v.starts_with("4.10.0..") && v.ends_with(".true")));
        assert_eq!(answer.header("expires"), Some("0"));
        let body = answer.expect(200);
        assert_eq!(body, testkit::golden("ping"));
    }
}

#[tokio::test]
async fn unknown_routes_are_404_in_the_originals_form() {
    let cluster = Cluster::shared().await;
    let client = cluster.anonymous(0);
    for (method, path) in [
        ("GET", "/api/v4/nothing"),
        ("PATCH", "/api/v4/users"),
        ("GET", "/api/v4/users/"),
        ("HEAD", "/api/v4/system/ping"),
        ("GET", "/api/none"),
    ] {
        let answer = client.send(client.request(method.parse().unwrap(), path)).await;
        assert_eq!(answer.status, 404, "{method} {path}");
        assert_eq!(answer.header("x-request-id"), None, "{method} {path}");
        if method != "HEAD" {
            assert_eq!(answer.body["id"], "api.context.404.app_error", "{method} {path}");
            assert!(answer.body["detailed_error"].as_str().unwrap().contains(path));
        }
    }
    let answer = client.get("/api/v4/users//me").await;
    assert_eq!((answer.status, answer.header("location")), (301, Some("/api/v4/users/me")));
}

#[tokio::test]
async fn what_is_not_built_is_401_then_501() {
    let cluster = Cluster::shared().await;
    cluster.anonymous(0).post("/saml/certificate/idp", serde_json::json!({})).await.refused(401, "api.context.session_expired.app_error");
}

#[tokio::test]
async fn the_root_says_what_this_is() {
    let cluster = Cluster::shared().await;
    let answer = cluster.anonymous(1).get("/!/").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("x-frame-options"), Some("SAMEORIGIN"));
    assert!(String::from_utf8_lossy(&answer.bytes).contains("/api/v4"));
}
