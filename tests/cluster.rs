//! Muster as a cluster of separate processes: one truth through every gateway, and nothing lost when a process dies.

use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use testkit::{Cluster, Options, Person, Socket, eventually, unique};
use tokio::task::JoinSet;

async fn split() -> Cluster {
    Cluster::start(Options { split: true, ..Options::default() }).await
}

#[tokio::test]
async fn a_cluster_of_processes_is_one_server() {
    let cluster = split().await;
    let (ada, bob) = (cluster.person("ada").await, cluster.person("bob").await);
    let team = cluster.team(&ada).await;
    cluster.join_team(&bob, &team).await;
    let channel = cluster.channel(&ada, team["id"].as_str().unwrap()).await;
    let channel_id = channel["id"].as_str().unwrap();
    cluster.join_channel(&bob, channel_id).await;
    let mut socket = bob.socket(1).await;
    let post = ada.on(0).post("/posts", json!({"channel_id": channel_id, "message": "across"})).await.expect(201);
    let event = socket.expect_where("posted", |e| e["data"]["post"].as_str().unwrap().contains("across")).await;
    assert_eq!(event["broadcast"]["channel_id"], channel_id);
    let read = bob.on(1).get(&format!("/posts/{}", post["id"].as_str().unwrap())).await.expect(200);
    assert_eq!(read["message"], "across");

    let admin = cluster.admin().await;
    let roles = eventually("every process is listed", || async {
        let nodes = admin.get("/cluster/status").await.expect(200);
        let mut roles = BTreeMap::new();
        for node in nodes.as_array().unwrap() {
            *roles.entry(node["role"].as_str().unwrap().to_owned()).or_insert(0) += 1;
        }
        (roles.values().sum::<i32>() == 7).then_some(roles)
    })
    .await;
    let expected = [("files", 1), ("gateway", 2), ("identity", 1), ("jobs", 1), ("posts", 1), ("teams", 1)];
    assert_eq!(roles, expected.map(|(role, n)| (role.to_owned(), n)).into());

    // Stopped gracefully, a gateway tells its clients to come again.
    assert!(cluster.terminate("gateway1"), "a clean end: {}", cluster.log("gateway1"));
    assert_eq!(socket.closed().await, Some(1012));
    bob.on(0).get("/users/me").await.expect(200);
}

/// What the posters have been told, and what they are still trying.
struct Load {
    channel: String,
    stop: AtomicBool,
    acknowledged: AtomicUsize,
}

/// Posts numbered messages until told to stop; tries each again, on the other gateway, until it is acknowledged.
async fn poster(person: Person, number: usize, load: Arc<Load>) -> Vec<(String, String)> {
    let mut done = Vec::new();
    let mut gateway = number % 2;
    while !load.stop.load(Ordering::Relaxed) {
        let message = format!("poster {number} post {}", done.len());
        let pending = format!("{}:{}", person.id, unique("p"));
        let id = loop {
            let client = person.on(gateway);
            let body = json!({"channel_id": load.channel, "message": message, "pending_post_id": pending});
            let request = client.request(http::Method::POST, "/posts").timeout(Duration::from_secs(8)).json(&body);
            match client.try_send(request).await {
                Some(answer) if answer.status == 201 => break answer.body["id"].as_str().unwrap().to_owned(),
                Some(answer) => {
                    assert!(answer.status >= 500, "a refusal is never the client's fault here: {} {}", answer.status, answer.body)
                }
                None => {}
            }
            gateway = 1 - gateway;
            tokio::task::yield_now().await;
        };
        load.acknowledged.fetch_add(1, Ordering::Relaxed);
        done.push((id, message));
    }
    done
}

/// A client that keeps up: hears events, and reads what it may have missed whenever it had to reconnect.
async fn listener(person: Person, load: Arc<Load>, since: i64) -> BTreeSet<String> {
    let mut heard = BTreeSet::new();
    let mut gateway = 1;
    loop {
        let mut socket = loop {
            if let Ok(mut socket) = Socket::connect(&person.on(gateway).base, Some(person.token())).await
                && socket.try_next(Duration::from_secs(5)).await.is_some_and(|hello| hello["event"] == "hello")
            {
                break socket;
            }
            gateway = 1 - gateway;
        };
        // After hello everything arrives; what came before is read.
        if let Some(ids) = read_since(&person, gateway, &load.channel, since).await {
            heard.extend(ids);
        } else {
            continue;
        }
        while let Some(event) = socket.try_next(Duration::from_secs(2)).await {
            if event["event"] == "posted" && event["broadcast"]["channel_id"] == load.channel.as_str() {
                let post: Value = serde_json::from_str(event["data"]["post"].as_str().unwrap()).unwrap();
                heard.insert(post["id"].as_str().unwrap().to_owned());
            }
            if event["event"] == "preferences_changed" {
                return heard;
            }
        }
        // Quiet for long, or closed: a client would ping; here it comes anew.
    }
}

async fn read_since(person: &Person, gateway: usize, channel: &str, since: i64) -> Option<Vec<String>> {
    let client = person.on(gateway);
    let request = client.request(http::Method::GET, &format!("/channels/{channel}/posts?since={since}"));
    let answer = client.try_send(request).await.filter(|a| a.status == 200)?;
    Some(answer.body["order"].as_array()?.iter().filter_map(|id| id.as_str().map(str::to_owned)).collect())
}

#[tokio::test]
async fn killing_any_process_loses_and_doubles_nothing() {
    let cluster = Cluster::start(Options { split: true, own_engines: true, ..Options::default() }).await;
    let ada = cluster.person("ada").await;
    let team = cluster.team(&ada).await;
    let channel = cluster.channel(&ada, team["id"].as_str().unwrap()).await["id"].as_str().unwrap().to_owned();
    let load = Arc::new(Load { channel: channel.clone(), stop: AtomicBool::new(false), acknowledged: AtomicUsize::new(0) });
    let mut posters = JoinSet::new();
    for number in 0..4 {
        let person = cluster.person("poster").await;
        cluster.join_team(&person, &team).await;
        cluster.join_channel(&person, &channel).await;
        posters.spawn(poster(person, number, load.clone()));
    }
    let since = muster_domain::time::now_ms() - 60_000;
    let bob = cluster.person("bob").await;
    cluster.join_team(&bob, &team).await;
    cluster.join_channel(&bob, &channel).await;
    let listening = tokio::spawn(listener(bob.clone(), load.clone(), since));

    let more_posts = |n: usize| {
        let load = load.clone();
        let from = load.acknowledged.load(Ordering::Relaxed);
        async move {
            eventually("posting goes on", || async { (load.acknowledged.load(Ordering::Relaxed) >= from + n).then_some(()) }).await;
        }
    };
    more_posts(20).await;
    for name in ["posts", "teams", "identity", "files", "jobs", "gateway0", "gateway1"] {
        cluster.kill(name);
        // Without posts nothing can be acknowledged; without any other, posting goes on meanwhile.
        if name != "posts" {
            more_posts(5).await;
        }
        cluster.launch(name);
        cluster.wait_ready(name);
        more_posts(10).await;
    }
    load.stop.store(true, Ordering::Relaxed);
    let mut acknowledged = BTreeMap::new();
    while let Some(done) = posters.join_next().await {
        acknowledged.extend(done.unwrap());
    }

    // Every acknowledged post is there once, and no message is there twice.
    let mut stored = BTreeMap::new();
    for page in 0.. {
        let list = ada.get(&format!("/channels/{channel}/posts?page={page}&per_page=200")).await.expect(200);
        let order = list["order"].as_array().unwrap();
        for id in order {
            let post = &list["posts"][id.as_str().unwrap()];
            if post["type"] == "" {
                stored.insert(id.as_str().unwrap().to_owned(), post["message"].as_str().unwrap().to_owned());
            }
        }
        if order.len() < 200 {
            break;
        }
    }
    assert_eq!(stored, acknowledged);
    let messages: BTreeSet<&String> = stored.values().collect();
    assert_eq!(messages.len(), stored.len(), "a retry made a second post");

    // The listener has heard, or read after having to reconnect, exactly what a fresh read returns.
    let end = json!([{"user_id": bob.id, "category": "fence", "name": "end", "value": "x"}]);
    eventually("the outbox has delivered all and the listener has heard it", || async {
        bob.put("/users/me/preferences", end.clone()).await.expect(200);
        listening.is_finished().then_some(())
    })
    .await;
    let heard = listening.await.unwrap();
    let missed: Vec<&String> = stored.keys().filter(|id| !heard.contains(*id)).collect();
    assert!(missed.is_empty(), "{} of {} posts were never heard: {missed:?}", missed.len(), stored.len());
}
