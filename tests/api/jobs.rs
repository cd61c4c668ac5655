//! Background jobs: asked for, listed, cancelled, done once by whichever process is first.

use serde_json::{Value, json};
use testkit::{Cluster, Options, eventually, golden, keys};

#[tokio::test]
async fn administrators_create_read_and_cancel_jobs() {
    let cluster = Cluster::shared().await;
    let (admin, user) = (cluster.admin().await, cluster.person("jobless").await);
    let job =
        admin.post("/jobs", json!({"type": "data_retention", "data": {"a": "b"}, "status": "success", "progress": 5})).await.expect(201);
    assert_eq!(keys(&job), keys(&golden("job_or_error")));
    assert_eq!(
        (&job["status"], &job["progress"], &job["start_at"], &job["data"]),
        (&json!("pending"), &json!(0), &json!(0), &json!({"a": "b"}))
    );
    let id = job["id"].as_str().expect("an id");
    assert_eq!(admin.on(1).get(&format!("/jobs/{id}")).await.expect(200), job);
    assert!(admin.on(1).get("/jobs").await.expect(200).as_array().expect("a list").contains(&job));
    let without = admin.post("/jobs", json!({"type": "ldap_sync"})).await.expect(201);
    assert_eq!(without["data"], Value::Null);

    let cancel = format!("/jobs/{id}/cancel");
    user.post(&cancel, json!({})).await.refused(403, "api.context.permissions.app_error");
    assert_eq!(admin.on(1).post(&cancel, json!({})).await.expect(200), json!({"status": "OK"}));
    let canceled = admin.get(&format!("/jobs/{id}")).await.expect(200);
    assert_eq!(canceled["status"], "canceled");
    assert!(canceled["last_activity_at"].as_i64() > job["create_at"].as_i64());
    admin.post(&cancel, json!({})).await.refused(400, "jobs.request_cancellation.status.error");
    let unknown = "y".repeat(26);
    admin.post(&format!("/jobs/{unknown}/cancel"), json!({})).await.refused(400, "jobs.request_cancellation.status.error");
    admin.get(&format!("/jobs/{unknown}")).await.refused(404, "store.sql_job.get.app_error");
    admin.get("/jobs/short").await.refused(400, "api.context.invalid_url_param.app_error");

    admin.post("/jobs", json!({"type": "make_coffee"})).await.refused(400, "model.job.is_valid.type.app_error");
    admin.post("/jobs", json!({})).await.refused(400, "model.job.is_valid.type.app_error");
    for data in [json!({"a": 1}), json!([]), json!("x")] {
        admin.post("/jobs", json!({"type": "ldap_sync", "data": data})).await.refused(400, "api.context.invalid_body_param.app_error");
    }
    for (client, status, error) in
        [(user.on(0), 403, "api.context.permissions.app_error"), (&cluster.anonymous(1), 401, "api.context.session_expired.app_error")]
    {
        client.get("/jobs").await.refused(status, error);
        client.get(&format!("/jobs/{id}")).await.refused(status, error);
        client.post("/jobs", json!({"type": "ldap_sync"})).await.refused(status, error);
    }
}

#[tokio::test]
async fn jobs_are_listed_by_type_and_page() {
    let cluster = Cluster::start(Options::default()).await;
    let (admin, user) = (cluster.admin().await, cluster.person("jobless").await);
    let mut made = Vec::new();
    for _ in 0..3 {
        made.push(admin.post("/jobs", json!({"type": "message_export"})).await.expect(201)["id"].clone());
    }
    admin.post("/jobs", json!({"type": "ldap_sync"})).await.expect(201);
    let ids = async |path: &str| -> Vec<Value> {
        let list = admin.on(1).get(path).await.expect(200);
        list.as_array().expect("a list").iter().map(|job| job["id"].clone()).collect()
    };
    made.reverse();
    assert_eq!(ids("/jobs/type/message_export").await, made, "newest first");
    assert_eq!(ids("/jobs/type/message_export?per_page=2&page=1").await, made[2..]);
    assert_eq!(ids("/jobs?per_page=1&page=1").await, made[..1]);
    assert!(ids("/jobs/type/unknown").await.is_empty());
    admin.get(&format!("/jobs/type/{}", "x".repeat(33))).await.refused(400, "api.context.invalid_url_param.app_error");
    user.get("/jobs/type/ldap_sync").await.refused(403, "api.context.permissions.app_error");
}

#[tokio::test]
async fn a_job_is_done_once_and_outlives_its_worker() {
    let cluster = Cluster::start(Options::default()).await;
    let admin = cluster.admin().await;
    let (first, second) = (
        admin.post("/jobs", json!({"type": "muster_cleanup", "data": {"why": "test"}})).await.expect(201),
        admin.on(1).post("/jobs", json!({"type": "muster_cleanup"})).await.expect(201),
    );
    let done = async |job: &Value, status: &str| {
        let path = format!("/jobs/{}", job["id"].as_str().expect("an id"));
        eventually(&format!("{status} of {job}"), async || {
            let job = admin.on(1).get(&path).await.expect(200);
            (job["status"] == status).then_some(job)
        })
        .await
    };
    let first = done(&first, "success").await;
    assert_eq!((&first["progress"], &first["data"]["why"], &first["data"]["jobs"]), (&json!(100), &json!("test"), &json!("0")));
    assert!(first["start_at"].as_i64() >= first["create_at"].as_i64());
    done(&second, "success").await;

    // A worker that died: its lease is over. Another job wakes the workers, who take it over.
    let mut sql = cluster.sql().await;
    let insert =
        "INSERT INTO jobs.jobs (id, type, create_at, status, lease_until, attempts) VALUES ($1, 'muster_cleanup', 1, 'in_progress', 1, $2)";
    for (attempts, status) in [(1_i64, "success"), (3, "error")] {
        let id = muster_domain::ids::new_id();
        sqlx::query(insert).bind(&id).bind(attempts).execute(&mut sql).await.expect("a lost job");
        admin.post("/jobs", json!({"type": "ldap_sync"})).await.expect(201);
        let job = done(&json!({"id": id}), status).await;
        assert_eq!(job["progress"], if status == "error" { -1 } else { 100 });
    }
}
