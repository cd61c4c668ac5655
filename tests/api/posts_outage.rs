//! Posting while the database dies and comes back.

use crate::scene::{id, order_of, post_in, sorted};
use serde_json::json;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use testkit::{Cluster, DEADLINE, Options, unique};

/// Posts of each author after the database is back.
const AFTERWARDS: usize = 5;

#[tokio::test]
async fn killing_the_database_loses_and_doubles_no_post() {
    let cluster = Cluster::start(Options { own_engines: true, ..Options::default() }).await;
    let ann = cluster.person("ann").await;
    let team = cluster.team(&ann).await;
    let channel = id(&cluster.channel(&ann, team["id"].as_str().unwrap()).await);
    let before = ann.get(&format!("/channels/{channel}")).await.expect(200)["total_msg_count"].as_i64().unwrap();
    let back = Arc::new(AtomicBool::new(false));
    let authors = (0..4).map(|n| {
        let (client, channel, back) = (ann.on(n % 2).clone(), channel.clone(), back.clone());
        tokio::spawn(async move {
            let (mut posted, mut afterwards) = (Vec::new(), 0);
            while afterwards < AFTERWARDS {
                let body = post_in(&channel, json!({"message": "m", "pending_post_id": unique("pending")}));
                let end = tokio::time::Instant::now() + 6 * DEADLINE;
                // The same post until it is acknowledged; a refusal must say that it is worth trying again.
                loop {
                    let answer = client.post("/posts", body.clone()).await;
                    if answer.status == 201 {
                        posted.push(id(&answer.body));
                        break;
                    }
                    assert!(matches!(answer.status, 503 | 504), "{} {}", answer.status, answer.body);
                    assert!(tokio::time::Instant::now() < end, "the service does not recover");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                afterwards += usize::from(back.load(Ordering::Relaxed));
            }
            posted
        })
    });
    let authors: Vec<_> = authors.collect();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let cluster = tokio::task::spawn_blocking(move || {
        cluster.engines().kill_postgres();
        cluster.engines().start_postgres();
        cluster
    })
    .await
    .unwrap();
    back.store(true, Ordering::Relaxed);
    let mut posted = Vec::new();
    for author in authors {
        posted.extend(author.await.expect("an author"));
    }
    let mut listed = Vec::new();
    for page in 0.. {
        let path = format!("/channels/{channel}/posts?per_page=200&page={page}");
        let list = testkit::eventually("a page", || async {
            let answer = ann.on(1).get(&path).await;
            (answer.status != 503).then(|| answer.expect(200))
        })
        .await;
        let order = order_of(&list);
        if order.is_empty() {
            break;
        }
        listed.extend(order.into_iter().filter(|id| list["posts"][id]["type"] == ""));
    }
    assert_eq!(sorted(&listed), sorted(&posted), "each acknowledged post once, and no other");
    // A service that has not spoken to the database since meets its broken connection first: 503, try again.
    let shown = testkit::eventually("the channel can be read again", || async {
        let answer = ann.get(&format!("/channels/{channel}")).await;
        (answer.status != 503).then(|| answer.expect(200))
    })
    .await;
    let total = shown["total_msg_count"].as_i64().unwrap();
    assert_eq!(total, before + posted.len() as i64, "the counter agrees");
    drop(cluster);
}
