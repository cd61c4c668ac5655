//! The registry of processes behind `GET /cluster/status`.

use serde_json::Value;
use std::collections::BTreeMap;
use testkit::{Cluster, Options, Person, eventually};

/// Every listed node by role.
async fn nodes(admin: &Person) -> Vec<Value> {
    admin.get("/cluster/status").await.expect(200).as_array().expect("a list").clone()
}

/// Makes every node of a role look as if it had last renewed `ms` earlier.
async fn age(cluster: &Cluster, id: &str, ms: i64) {
    let sql = "UPDATE jobs.nodes SET last_ping = last_ping - $2 WHERE id = $1";
    sqlx::query(sql).bind(id).bind(ms).execute(&mut cluster.sql().await).await.expect("a node");
}

#[tokio::test]
async fn every_process_is_listed_until_it_is_forgotten() {
    let cluster = Cluster::start(Options { split: true, ..Options::default() }).await;
    let (admin, user) = (cluster.admin().await, cluster.person("outsider").await);
    let listed = eventually("every process is registered", async || {
        let nodes = nodes(&admin).await;
        (nodes.len() == 7).then_some(nodes)
    })
    .await;
    let mut roles: BTreeMap<&str, usize> = BTreeMap::new();
    for node in &listed {
        *roles.entry(node["role"].as_str().expect("a role")).or_default() += 1;
        assert_eq!((&node["is_alive"], &node["version"]), (&Value::Bool(true), &Value::from("4.10.0")));
        for key in ["id", "config_hash", "ipaddress", "hostname"] {
            assert!(node[key].as_str().is_some_and(|text| !text.is_empty()), "{key}: {node}");
        }
    }
    assert_eq!(roles, BTreeMap::from([("gateway", 2), ("identity", 1), ("teams", 1), ("posts", 1), ("files", 1), ("jobs", 1)]));

    // One that is killed is shown unreachable, then forgotten; one that ends in order leaves at once.
    let files = listed.iter().find(|node| node["role"] == "files").expect("files")["id"].as_str().expect("an id").to_owned();
    cluster.kill("files");
    age(&cluster, &files, 16_000).await;
    let state = nodes(&admin).await.into_iter().find(|node| node["id"] == files.as_str()).expect("still listed");
    assert_eq!(state["is_alive"], false);
    age(&cluster, &files, 600_000).await;
    assert!(nodes(&admin).await.iter().all(|node| node["id"] != files.as_str()));
    assert!(cluster.terminate("gateway1"), "a clean end");
    eventually("the gateway has left", async || (nodes(&admin).await.len() == 5).then_some(())).await;

    user.get("/cluster/status").await.refused(403, "api.context.permissions.app_error");
    cluster.anonymous(0).get("/cluster/status").await.refused(401, "api.context.session_expired.app_error");
}
