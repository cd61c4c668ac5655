//! Lists: pages of a channel, around an anchor, changes since, flagged posts.

use crate::scene::{Scene, id, order_of, post_in, posts_of, sorted};
use serde_json::{Value, json};
use testkit::Client;

const PERMISSIONS: &str = "api.context.permissions.app_error";

async fn list(client: &Client, channel_id: &str, query: &str) -> Value {
    client.get(&format!("/channels/{channel_id}/posts?{query}")).await.expect(200)
}

/// Ids of `count` new posts of alice, oldest first.
async fn some(s: &Scene, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for n in 0..count {
        ids.push(id(&s.alice_posts(json!({"message": format!("post {n}")})).await));
    }
    ids
}

fn newest_first(ids: &[String]) -> Vec<String> {
    ids.iter().rev().cloned().collect()
}

#[tokio::test]
async fn pages_go_from_new_to_old_with_whole_threads() {
    let s = Scene::new().await;
    let ids = some(&s, 5).await;
    let page = list(s.bob.on(1), &s.channel_id, "per_page=2").await;
    assert_eq!(order_of(&page), newest_first(&ids[3..]));
    assert_eq!(posts_of(&page), sorted(&ids[3..]));
    let page = list(s.bob.on(1), &s.channel_id, "page=1&per_page=2").await;
    assert_eq!(order_of(&page), newest_first(&ids[1..3]));
    let all = list(&s.bob, &s.channel_id, "").await;
    assert_eq!(order_of(&all)[..5], newest_first(&ids));
    assert_eq!(list(&s.bob, &s.channel_id, "per_page=0").await, json!({"order": [], "posts": {}}));
    assert_eq!(list(&s.bob, &s.channel_id, "page=-1&per_page=x").await, all, "unreadable values are the default");

    // A reply brings its root and all of the thread, wherever they are.
    let mut replies = Vec::new();
    for n in 0..2 {
        let body = post_in(&s.channel_id, json!({"message": format!("reply {n}"), "root_id": ids[0]}));
        replies.push(id(&s.bob.post("/posts", body).await.expect(201)));
    }
    let page = list(s.bob.on(1), &s.channel_id, "per_page=1").await;
    assert_eq!(order_of(&page), [replies[1].clone()]);
    assert_eq!(posts_of(&page), sorted(&[&ids[0], &replies[0], &replies[1]]));
}

#[tokio::test]
async fn around_an_anchor() {
    let s = Scene::new().await;
    let ids = some(&s, 6).await;
    let around = async |query: String| list(s.bob.on(1), &s.channel_id, &query).await;
    assert_eq!(order_of(&around(format!("before={}&per_page=2", ids[4])).await), newest_first(&ids[2..4]));
    assert_eq!(order_of(&around(format!("before={}&per_page=2&page=1", ids[4])).await), newest_first(&ids[0..2]));
    assert_eq!(order_of(&around(format!("after={}&per_page=2", ids[1])).await), newest_first(&ids[2..4]), "the nearest");
    assert_eq!(order_of(&around(format!("after={}&per_page=2&page=1", ids[1])).await), newest_first(&ids[4..6]));
    assert_eq!(order_of(&around(format!("after={}&before={}&per_page=9", ids[4], ids[1])).await), [ids[5].clone()], "after wins");
    let nothing = json!({"order": [], "posts": {}});
    assert_eq!(around(format!("before={}", "y".repeat(26))).await, nothing);
    assert_eq!(around("after=x".into()).await, nothing);
    // The anchor may be deleted; replies bring their roots only.
    let body = |message: &str| post_in(&s.channel_id, json!({"message": message, "root_id": ids[0]}));
    let reply = id(&s.bob.post("/posts", body("1")).await.expect(201));
    let later = id(&s.bob.post("/posts", body("2")).await.expect(201));
    s.alice.delete(&format!("/posts/{}", ids[5])).await.expect(200);
    let page = around(format!("after={}&per_page=1", ids[5])).await;
    assert_eq!((order_of(&page), posts_of(&page)), (vec![reply.clone()], sorted(&[&ids[0], &reply])));
    assert!(!posts_of(&page).contains(&later));
}

#[tokio::test]
async fn changes_since_a_moment() {
    let s = Scene::new().await;
    let root = s.alice_posts(json!({"message": "old root"})).await;
    let quiet = s.alice_posts(json!({"message": "quiet"})).await;
    let edited = s.alice_posts(json!({"message": "to edit"})).await;
    let deleted = s.alice_posts(json!({"message": "to delete"})).await;
    let since = deleted["update_at"].as_i64().unwrap();
    s.alice.put(&format!("/posts/{}/patch", id(&edited)), json!({"message": "edited"})).await.expect(200);
    s.alice.delete(&format!("/posts/{}", id(&deleted))).await.expect(200);
    let reply = s.bob.post("/posts", post_in(&s.channel_id, json!({"message": "r", "root_id": root["id"]}))).await.expect(201);
    let answer = s.bob.on(1).get(&format!("/channels/{}/posts?since={since}&page=3&per_page=1", s.channel_id)).await;
    assert_eq!(answer.header("etag"), None);
    let changes = answer.expect(200);
    let order = order_of(&changes);
    for post in [&reply, &edited, &deleted, &root] {
        assert!(order.contains(&id(post)), "{post} in {order:?}");
    }
    assert!(!posts_of(&changes).contains(&id(&quiet)));
    assert_eq!(order.len(), 5, "and the revision of the edited one");
    let times: Vec<i64> = order.iter().map(|id| changes["posts"][id]["create_at"].as_i64().unwrap()).collect();
    assert!(times.is_sorted_by(|a, b| a >= b), "{times:?}");
    assert!(changes["posts"][id(&deleted)]["delete_at"].as_i64() > Some(0));
    // A root that did not change itself comes along without being in the order.
    let last = reply["update_at"].as_i64().unwrap() - 1;
    s.bob.put(&format!("/posts/{}/patch", id(&reply)), json!({"message": "r2"})).await.expect(200);
    let changes = list(&s.bob, &s.channel_id, &format!("since={last}")).await;
    assert!(posts_of(&changes).contains(&id(&root)));
    // Zero and negative mean an ordinary page; since beats anchors.
    let page = list(&s.bob, &s.channel_id, "").await;
    assert_eq!(list(&s.bob, &s.channel_id, "since=0").await, page);
    assert_eq!(list(&s.bob, &s.channel_id, "since=-5").await, page);
    let far = format!("since={}&before={}", i64::MAX, id(&reply));
    assert_eq!(list(&s.bob, &s.channel_id, &far).await, json!({"order": [], "posts": {}}));
    let bad = s.bob.get(&format!("/channels/{}/posts?since=yesterday", s.channel_id)).await;
    bad.refused(400, "api.context.invalid_body_param.app_error");
}

#[tokio::test]
async fn the_etag_changes_with_everything_in_the_channel() {
    let s = Scene::new().await;
    let post = s.alice_posts(json!({"message": "m"})).await;
    let path = format!("/channels/{}/posts", s.channel_id);
    let etag = async |gateway: usize| s.bob.on(gateway).get(&path).await.header("etag").expect("an ETag").to_owned();
    assert_eq!(etag(0).await, format!("4.10.0.{}", post["update_at"]));
    assert_eq!(
        s.bob.get(&format!("{path}?before={}", id(&post))).await.header("etag"),
        Some(etag(1).await.as_str()),
        "the same for all forms"
    );
    let reaction = json!({"user_id": s.bob.id, "post_id": post["id"], "emoji_name": "smile"});
    let patch = format!("/posts/{}/patch", id(&post));
    let steps: Vec<(&str, &str, Value)> = vec![
        ("POST", "/posts", post_in(&s.channel_id, json!({"message": "new"}))),
        ("PUT", &patch, json!({"message": "edited"})),
        ("POST", "/reactions", reaction),
    ];
    for (gateway, (method, to, body)) in steps.into_iter().enumerate() {
        let before = etag(gateway % 2).await;
        let held = s.bob.request(http::Method::GET, &path).header("if-none-match", &before);
        assert_eq!(s.bob.send(held).await.status, 304);
        let client = if to == "/reactions" { s.bob.on(1) } else { s.alice.on(1) };
        let done = client.send(client.request(method.parse().unwrap(), to).json(&body)).await;
        assert!(done.status < 300, "{}", done.body);
        let held = s.bob.request(http::Method::GET, &path).header("if-none-match", &before);
        assert_eq!(s.bob.send(held).await.status, 200, "after {method} {to}");
    }
    let before = etag(0).await;
    s.alice.on(1).delete(&format!("/posts/{}", id(&post))).await.expect(200);
    assert_ne!(etag(0).await, before);
}

#[tokio::test]
async fn lists_are_for_members() {
    let s = Scene::new().await;
    let path = format!("/channels/{}/posts", s.channel_id);
    s.carol.get(&path).await.refused(403, PERMISSIONS);
    s.cluster.admin().await.get(&path).await.expect(200);
    s.cluster.admin().await.get(&format!("/channels/{}/posts", "y".repeat(26))).await.refused(403, PERMISSIONS);
    s.cluster.anonymous(1).get(&path).await.refused(401, "api.context.session_expired.app_error");
    // alice administers the team, which is no membership of every channel.
    let bobs = id(&s.cluster.channel(&s.bob, &s.team_id).await);
    s.alice.get(&format!("/channels/{bobs}/posts")).await.refused(403, PERMISSIONS);
}

#[tokio::test]
async fn flagged_posts_by_channel_team_and_page() {
    let s = Scene::new().await;
    let ids = some(&s, 3).await;
    let direct = s.direct(&s.alice, &s.bob).await;
    let private = id(&s.alice.say(&direct, "direct").await);
    let team = s.cluster.team(&s.bob).await;
    let elsewhere = id(&s.cluster.channel(&s.bob, &id(&team)).await);
    let foreign = id(&s.bob.say(&elsewhere, "other team").await);
    let flags: Vec<Value> = ids
        .iter()
        .chain([&private, &foreign])
        .map(|post| json!({"user_id": s.bob.id, "category": "flagged_post", "name": post, "value": "true"}))
        .collect();
    s.bob.put("/users/me/preferences", json!(flags)).await.expect(200);
    let flagged = async |query: &str| order_of(&s.bob.on(1).get(&format!("/users/me/posts/flagged?{query}")).await.expect(200));
    let all = vec![foreign.clone(), private.clone(), ids[2].clone(), ids[1].clone(), ids[0].clone()];
    assert_eq!(flagged("").await, all);
    assert_eq!(flagged("per_page=2").await, all[..2]);
    assert_eq!(flagged("page=1&per_page=2").await, all[2..4], "pages do not overlap");
    assert_eq!(flagged(&format!("team_id={}", s.team_id)).await, all[1..], "direct messages belong to every team");
    assert_eq!(flagged(&format!("channel_id={}", s.channel_id)).await, all[2..]);
    assert_eq!(flagged(&format!("channel_id={direct}&team_id={}", id(&team))).await, [private]);
    s.alice.delete(&format!("/posts/{}", ids[1])).await.expect(200);
    assert!(!flagged("").await.contains(&ids[1]));
    let unflag = json!([{"user_id": s.bob.id, "category": "flagged_post", "name": ids[2], "value": "true"}]);
    s.bob.post("/users/me/preferences/delete", unflag).await.expect(200);
    assert!(!flagged("").await.contains(&ids[2]));
    let path = format!("/users/{}/posts/flagged", s.bob.id);
    s.alice.get(&path).await.refused(403, PERMISSIONS);
    s.cluster.anonymous(0).get(&path).await.refused(401, "api.context.session_expired.app_error");
    assert!(order_of(&s.cluster.admin().await.get(&path).await.expect(200)).contains(&foreign));
}
