//! More logins than can be checked: whoever is turned away is told so at once, in the standard form, and nobody else waits.

use serde_json::json;
use std::{collections::BTreeMap, time::Duration};
use testkit::{Cluster, Options};
use tokio::task::JoinSet;

const PASSWORD: &str = "correct-horse-1";
/// More than may wait in one process.
const LOGINS: usize = 320;
/// A call between processes would have timed out by then.
const DEADLINE: Duration = Duration::from_secs(14);

#[tokio::test]
async fn excess_logins_are_refused_in_order_and_others_are_served() {
    // Slow enough that a queue builds up, quick enough for a test.
    let cluster = Cluster::start(Options::default().env("MUSTER_BCRYPT_COST", "8")).await;
    let ada = cluster.person("ada").await;
    let mut storm = JoinSet::new();
    for _ in 0..LOGINS {
        let (client, body) = (cluster.anonymous(0), json!({"login_id": ada.username, "password": PASSWORD}));
        storm.spawn(async move { tokio::time::timeout(DEADLINE, client.post("/users/login", body)).await.expect("an answer in time") });
    }
    let mut outcomes = BTreeMap::new();
    let mut asked = 0;
    while let Some(answer) = storm.join_next().await {
        let answer = answer.unwrap();
        *outcomes.entry(answer.status).or_insert(0) += 1;
        match answer.status {
            200 => {}
            503 => {
                assert_eq!(answer.header("retry-after"), Some("1"));
                answer.refused(503, "muster.busy.app_error");
            }
            status => panic!("status {status}: {}", answer.body),
        }
        // In between, signed-in people are served by the same process.
        if outcomes.values().sum::<usize>() % 40 == 1 {
            tokio::time::timeout(Duration::from_secs(3), ada.get("/users/me")).await.expect("in time").expect(200);
            asked += 1;
        }
    }
    assert!(asked >= LOGINS / 40);
    let (served, refused) = (outcomes.get(&200).copied().unwrap_or(0), outcomes.get(&503).copied().unwrap_or(0));
    // How many depends on the machine: a hash takes it 60 ms when it has nothing else to do.
    assert!(served > 10 && refused > 0, "{outcomes:?}");
    // Nobody was locked out, and the queue is empty again.
    cluster.anonymous(0).post("/users/login", json!({"login_id": ada.username, "password": PASSWORD})).await.expect(200);
}
