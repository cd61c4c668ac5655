//! Log lines: read by administrators, written by clients.

use serde_json::{Value, json};
use testkit::{Cluster, unique};

fn lines(list: &Value) -> Vec<Value> {
    let list = list.as_array().expect("a list");
    list.iter().map(|line| serde_json::from_str(line.as_str().expect("text")).expect("a JSON line")).collect()
}

#[tokio::test]
async fn administrators_read_the_newest_lines() {
    let cluster = Cluster::shared().await;
    let (admin, user) = (cluster.admin().await, cluster.person("curious").await);
    let messages: Vec<String> = (0..3).map(|_| unique("line")).collect();
    for (i, message) in messages.iter().enumerate() {
        // Through both gateways: their lines are read as one log.
        admin.on(i % 2).post("/logs", json!({"level": "ERROR", "message": message})).await.expect(200);
    }
    // Other tests log too: find ours among the newest.
    let all = lines(&admin.get("/logs").await.expect(200));
    let ours: Vec<&str> = all.iter().filter_map(|l| l["msg"].as_str()).filter(|m| messages.iter().any(|ours| ours == m)).collect();
    assert_eq!(ours, messages, "oldest first");
    let line = all.iter().find(|l| l["msg"] == messages[0].as_str()).expect("our line");
    assert_eq!(line["level"], "error");
    assert!(line["ts"].is_number() && line["caller"].is_string());
    assert_eq!(admin.get("/logs?logs_per_page=1").await.expect(200).as_array().map(Vec::len), Some(1));
    assert!(lines(&admin.get("/logs?logs_per_page=0").await.expect(200)).len() >= 3, "0 is everything");
    assert_eq!(admin.get("/logs?page=1000000").await.expect(200), Value::Null);
    user.get("/logs").await.refused(403, "api.context.permissions.app_error");
    cluster.anonymous(0).get("/logs").await.refused(401, "api.context.session_expired.app_error");
}

#[tokio::test]
async fn clients_write_lines() {
    let cluster = Cluster::shared().await;
    let (admin, user) = (cluster.admin().await, cluster.person("logger").await);
    let sent = json!({"level": "ERROR", "message": unique("raised")});
    assert_eq!(user.post("/logs", sent.clone()).await.expect(200), sent);
    let logged = admin.get("/logs").await.expect(200);
    assert!(!logged.to_string().contains(sent["message"].as_str().expect("text")), "ordinary users cannot raise the level");

    let kept = user.post("/logs", json!({"message": "é".repeat(200)})).await.expect(200);
    assert_eq!(kept["message"], "é".repeat(200), "400 bytes are kept");
    let cut = user.post("/logs", json!({"message": "é".repeat(201)})).await.expect(200);
    assert_eq!(cut["message"], "é".repeat(199), "more are cut to 399, between characters");
    assert_eq!(user.raw(http::Method::POST, "/logs", "application/json", "nonsense").await.expect(200), json!({"message": ""}));
    cluster.anonymous(0).post("/logs", json!({"message": "x"})).await.refused(403, "api.context.permissions.app_error");
}
