//! Small operations of the system.

use serde_json::json;
use testkit::{Cluster, golden, keys};

#[tokio::test]
async fn anybody_reads_time_zones_and_the_retention_policy() {
    let cluster = Cluster::shared().await;
    let user = cluster.person("traveller").await;
    let zones = user.get("/system/timezones").await.expect(200);
    let zones: Vec<String> = serde_json::from_value(zones).expect("a list of names");
    assert!(zones.len() > 400 && zones.contains(&"Europe/Paris".to_owned()) && zones.is_sorted());

    let policy = user.on(1).get("/data_retention/policy").await.expect(200);
    assert_eq!((&policy["message_deletion_enabled"], &policy["file_deletion_enabled"]), (&json!(false), &json!(false)));
    let year = muster_domain::time::now_ms() - 365 * muster_domain::time::DAY_MS;
    let cutoff = policy["message_retention_cutoff"].as_i64().expect("ms");
    assert!((year - 60_000..=year).contains(&cutoff), "{cutoff}");

    for path in ["/system/timezones", "/data_retention/policy"] {
        cluster.anonymous(0).get(path).await.refused(401, "api.context.session_expired.app_error");
    }
}

#[tokio::test]
async fn small_operations_of_administrators() {
    let cluster = Cluster::shared().await;
    let (admin, user) = (cluster.admin().await, cluster.person("plain").await);
    let mut socket = user.socket(1).await;
    let answer = admin.post("/caches/invalidate", json!({})).await;
    assert_eq!(answer.header("cache-control"), Some("no-cache, no-store, must-revalidate"));
    assert_eq!(answer.expect(200), json!({"status": "OK"}));
    let event = socket.expect("license_changed").await;
    assert_eq!(event["data"]["license"]["IsLicensed"], "true");
    assert!(event["data"]["license"].get("Id").is_none());
    user.on(1).get("/users/me").await.expect(200);
    assert_eq!(admin.post("/database/recycle", json!({})).await.expect(200), json!({"status": "OK"}));

    let audits = admin.on(1).get("/audits?per_page=2").await.expect(200);
    let audits = audits.as_array().expect("a list");
    assert_eq!((audits.len(), keys(&audits[0])), (2, keys(&golden("audits")[0])));
    assert!(audits[0]["create_at"].as_i64() >= audits[1]["create_at"].as_i64(), "newest first");
    assert_eq!(admin.get("/audits?page=100000").await.expect(200), json!([]));

    for path in ["/caches/invalidate", "/database/recycle"] {
        user.post(path, json!({})).await.refused(403, "api.context.permissions.app_error");
        cluster.anonymous(0).post(path, json!({})).await.refused(401, "api.context.session_expired.app_error");
    }
    user.get("/audits").await.refused(403, "api.context.permissions.app_error");
}

#[tokio::test]
async fn connections_are_tested() {
    let cluster = Cluster::shared().await;
    let (admin, user) = (cluster.admin().await, cluster.person("tester").await);
    admin.post("/email/test", json!({})).await.refused(400, "api.admin.test_email.missing_server");
    let off = json!({"EmailSettings": {"SMTPServer": "mail.example.com", "SendEmailNotifications": false}});
    assert_eq!(admin.post("/email/test", off).await.expect(200), json!({"status": "OK"}));
    let masked = json!({"EmailSettings": {"SMTPServer": "elsewhere.example.com", "SMTPPassword": "*".repeat(32)}});
    admin.post("/email/test", masked).await.refused(400, "api.admin.test_email.reenter_password");

    assert_eq!(admin.post("/file/s3_test", json!({"FileSettings": {"DriverName": "local"}})).await.expect(200), json!({"status": "OK"}));
    assert_eq!(admin.on(1).raw(http::Method::POST, "/file/s3_test", "application/json", "").await.expect(200), json!({"status": "OK"}));
    let nobody = format!("127.0.0.1:{}", testkit::free_port());
    let unreachable = json!({"FileSettings": {"DriverName": "amazons3", "AmazonS3Bucket": "b", "AmazonS3Endpoint": nobody, "AmazonS3SSL": false,
        "AmazonS3AccessKeyId": "id", "AmazonS3SecretAccessKey": "key"}});
    admin.post("/file/s3_test", unreachable).await.refused(500, "muster.file_storage_test_failed.app_error");
    let no_bucket = json!({"FileSettings": {"DriverName": "amazons3"}});
    admin.post("/file/s3_test", no_bucket).await.refused(400, "api.admin.test_s3.missing_s3_bucket");
    for path in ["/email/test", "/file/s3_test"] {
        user.post(path, json!({})).await.refused(403, "api.context.permissions.app_error");
        cluster.anonymous(0).post(path, json!({})).await.refused(401, "api.context.session_expired.app_error");
    }
}

#[tokio::test]
async fn switched_off_features_say_so() {
    let cluster = Cluster::shared().await;
    let user = cluster.person("caller").await;
    user.get("/webrtc/token").await.refused(501, "api.webrtc.disabled.app_error");
    cluster.anonymous(0).get("/webrtc/token").await.refused(401, "api.context.session_expired.app_error");
}
