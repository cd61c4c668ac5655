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
use testkit::{Cluster, DEADLINE, Options, Person, Socket, eventually, unique};
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

/// Clients that post, and clients that listen.
const POSTERS: usize = 20;
const LISTENERS: usize = 4;
/// Pause of a poster after each acknowledged post: what is read again after a reconnection stays one answer.
const PAUSE: Duration = Duration::from_millis(250);
/// Longest between the time a post bears and the moment it can be read, ms.
const SLACK: i64 = 10_000;

/// What the posters have been told, and what they are still trying.
struct Load {
    channel: String,
    stop: AtomicBool,
    acknowledged: AtomicUsize,
}

/// A post that was answered with 201.
#[derive(Clone)]
struct Acknowledged {
    id: String,
    message: String,
    pending: String,
}

/// Sends a post again and again, in turn to both gateways, until it is acknowledged; the id of the post.
async fn insist(person: &Person, gateway: &mut usize, channel: &str, message: &str, pending: &str) -> String {
    loop {
        let client = person.on(*gateway);
        let body = json!({"channel_id": channel, "message": message, "pending_post_id": pending});
        let request = client.request(http::Method::POST, "/posts").timeout(Duration::from_secs(8)).json(&body);
        match client.try_send(request).await {
            Some(answer) if answer.status == 201 => return answer.body["id"].as_str().unwrap().to_owned(),
            Some(answer) => assert!(answer.status >= 500, "a refusal is never the client's fault here: {} {}", answer.status, answer.body),
            None => {}
        }
        *gateway = 1 - *gateway;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Posts numbered messages until told to stop; some of them twice.
async fn poster(person: Person, number: usize, load: Arc<Load>) -> Vec<Acknowledged> {
    let mut done: Vec<Acknowledged> = Vec::new();
    let mut gateway = number % 2;
    let mut pause = tokio::time::interval(PAUSE);
    pause.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while !load.stop.load(Ordering::Relaxed) {
        pause.tick().await;
        let message = format!("poster {number} post {}", done.len());
        let pending = format!("{}:{}", person.id, unique("p"));
        let id = insist(&person, &mut gateway, &load.channel, &message, &pending).await;
        load.acknowledged.fetch_add(1, Ordering::Relaxed);
        done.push(Acknowledged { id, message, pending });
        // As if the answer of an earlier one had been lost.
        if done.len().is_multiple_of(5) {
            let earlier = done[done.len() - 3].clone();
            let again = insist(&person, &mut gateway, &load.channel, &earlier.message, &earlier.pending).await;
            assert_eq!(again, earlier.id, "the same pending_post_id is the same post");
        }
    }
    done
}

/// A client that keeps up: hears events, and reads what it may have missed whenever it had to reconnect.
async fn listener(person: Person, mut gateway: usize, load: Arc<Load>, mut since: i64) -> BTreeSet<String> {
    let mut heard = BTreeSet::new();
    loop {
        let mut socket = loop {
            if let Ok(mut socket) = Socket::connect(&person.on(gateway).base, Some(person.token())).await
                && socket.try_next(Duration::from_secs(5)).await.is_some_and(|hello| hello["event"] == "hello")
            {
                break socket;
            }
            gateway = 1 - gateway;
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        // After hello everything arrives; what came before is read.
        let begun = muster_domain::time::now_ms();
        if let Some(ids) = read_since(&person, gateway, &load.channel, since).await {
            heard.extend(ids);
            since = begun - SLACK;
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
    let ids: Vec<String> = answer.body["order"].as_array()?.iter().filter_map(|id| id.as_str().map(str::to_owned)).collect();
    assert!(ids.len() < 1_000, "more was missed than one answer tells");
    Some(ids)
}

/// Every post of the channel, as a fresh client reads it.
async fn read_all(person: &Person, channel: &str) -> BTreeMap<String, Value> {
    let mut posts = BTreeMap::new();
    for page in 0.. {
        let list = person.get(&format!("/channels/{channel}/posts?page={page}&per_page=200")).await.expect(200);
        let order = list["order"].as_array().unwrap();
        posts.extend(order.iter().map(|id| (id.as_str().unwrap().to_owned(), list["posts"][id.as_str().unwrap()].clone())));
        if order.len() < 200 {
            break;
        }
    }
    posts
}

/// Kills one process or engine and starts it again; `while_away` in between.
async fn survive(cluster: &Arc<Cluster>, name: &'static str, while_away: impl Future<Output = ()>) {
    let (one, other) = (cluster.clone(), cluster.clone());
    let kill = move || match name {
        "postgres" => one.engines().kill_postgres(),
        "redis" => one.engines().kill_redis(),
        "nats" => one.engines().kill_nats(),
        _ => one.kill(name),
    };
    tokio::task::spawn_blocking(kill).await.unwrap();
    while_away.await;
    let start = move || match name {
        "postgres" => other.engines().start_postgres(),
        "redis" => other.engines().start_redis(),
        "nats" => other.engines().start_nats(),
        _ => {
            other.launch(name);
            other.wait_ready(name);
        }
    };
    tokio::task::spawn_blocking(start).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killing_any_process_loses_and_doubles_nothing() {
    let cluster = Arc::new(Cluster::start(Options { split: true, own_engines: true, ..Options::default() }).await);
    let ada = cluster.person("ada").await;
    let team = cluster.team(&ada).await;
    let channel = cluster.channel(&ada, team["id"].as_str().unwrap()).await["id"].as_str().unwrap().to_owned();
    let load = Arc::new(Load { channel: channel.clone(), stop: AtomicBool::new(false), acknowledged: AtomicUsize::new(0) });
    let since = muster_domain::time::now_ms() - 60_000;
    let mut members = Vec::new();
    for _ in 0..POSTERS + LISTENERS {
        let person = cluster.person("poster").await;
        cluster.join_team(&person, &team).await;
        cluster.join_channel(&person, &channel).await;
        members.push(person);
    }
    let ears = members.split_off(POSTERS);
    let mut listening = JoinSet::new();
    for (n, person) in ears.iter().enumerate() {
        listening.spawn(listener(person.clone(), n % 2, load.clone(), since));
    }
    let mut posters = JoinSet::new();
    for (number, person) in members.into_iter().enumerate() {
        posters.spawn(poster(person, number, load.clone()));
    }

    let more_posts = |n: usize| {
        let load = load.clone();
        let from = load.acknowledged.load(Ordering::Relaxed);
        async move {
            // An outage may last as long as a client's patience with one request, and then some.
            for round in 1.. {
                let enough = async || (load.acknowledged.load(Ordering::Relaxed) >= from + n).then_some(());
                if tokio::time::timeout(DEADLINE / 2, eventually("posting goes on", enough)).await.is_ok() {
                    return;
                }
                assert!(round < 6, "posting does not go on");
            }
        }
    };
    more_posts(40).await;
    for name in ["posts", "teams", "identity", "files", "jobs", "gateway0", "gateway1", "nats", "redis", "postgres"] {
        let begun = std::time::Instant::now();
        // Without these two nothing can be acknowledged; without any other, posting goes on meanwhile.
        let away = async {
            if !matches!(name, "posts" | "postgres") {
                more_posts(20).await;
            }
        };
        survive(&cluster, name, away).await;
        more_posts(40).await;
        println!("{name}: {} ms", begun.elapsed().as_millis());
    }
    load.stop.store(true, Ordering::Relaxed);
    let mut acknowledged = BTreeMap::new();
    while let Some(done) = posters.join_next().await {
        acknowledged.extend(done.unwrap().into_iter().map(|post| (post.id, post.message)));
    }

    // Every acknowledged post is there once, and no message is there twice.
    let all = read_all(&ada, &channel).await;
    let ordinary = all.iter().filter(|(_, post)| post["type"] == "");
    let stored: BTreeMap<String, String> = ordinary.map(|(id, post)| (id.clone(), post["message"].as_str().unwrap().to_owned())).collect();
    assert_eq!(stored, acknowledged);
    let messages: BTreeSet<&String> = stored.values().collect();
    assert_eq!(messages.len(), stored.len(), "a retry made a second post");
    println!("{} posts", stored.len());

    // The listeners have heard, or read after having to reconnect, exactly what a fresh read returns.
    let mut sql = cluster.sql().await;
    let end = tokio::time::Instant::now() + 2 * DEADLINE;
    while sqlx::query_scalar::<_, i64>("SELECT count(*) FROM posts.outbox").fetch_one(&mut sql).await.unwrap() > 0 {
        assert!(tokio::time::Instant::now() < end, "the outbox is not emptied");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut heard = Vec::new();
    while heard.len() < LISTENERS {
        for person in &ears {
            let fence = json!([{"user_id": person.id, "category": "fence", "name": "end", "value": "x"}]);
            person.put("/users/me/preferences", fence).await.expect(200);
        }
        while let Ok(Some(done)) = tokio::time::timeout(Duration::from_millis(200), listening.join_next()).await {
            heard.push(done.unwrap());
        }
        assert!(tokio::time::Instant::now() < end + 2 * DEADLINE, "the listeners do not hear the end");
    }
    let fresh: BTreeSet<String> = all.into_keys().collect();
    for (n, heard) in heard.iter().enumerate() {
        let (missed, more): (Vec<_>, Vec<_>) = (fresh.difference(heard).collect(), heard.difference(&fresh).collect());
        assert!(missed.is_empty() && more.is_empty(), "listener {n} of {}: never heard {missed:?}, heard besides {more:?}", fresh.len());
    }
}
