//! Replies and threads.

use crate::scene::{Scene, id, order_of, post_in, posts_of, sorted};
use serde_json::{Value, json};
use testkit::{golden, keys};

async fn reply(s: &Scene, fields: Value) -> Value {
    s.bob.post("/posts", post_in(&s.channel_id, fields)).await.expect(201)
}

#[tokio::test]
async fn a_reply_belongs_to_its_thread_and_moves_the_root() {
    let s = Scene::new().await;
    let root = s.alice_posts(json!({"message": "root"})).await;
    let first = reply(&s, json!({"message": "1", "root_id": root["id"]})).await;
    assert_eq!(keys(&first), keys(&golden("post.reply")));
    assert_eq!((&first["root_id"], &first["parent_id"]), (&root["id"], &root["id"]));
    let second = reply(&s, json!({"message": "2", "root_id": root["id"], "parent_id": first["id"]})).await;
    assert_eq!((&second["root_id"], &second["parent_id"]), (&root["id"], &first["id"]));
    // A root that is itself a reply is kept as given.
    let nested = reply(&s, json!({"message": "3", "root_id": first["id"]})).await;
    assert_eq!(nested["root_id"], first["id"]);
    let moved = s.alice.on(1).get(&format!("/posts/{}", id(&root))).await.expect(200);
    assert_eq!((&moved["update_at"], &moved["edit_at"]), (&second["create_at"], &json!(0)));
    assert_eq!(moved["create_at"], root["create_at"]);
}

#[tokio::test]
async fn replies_that_do_not_fit_are_refused() {
    let s = Scene::new().await;
    let root = s.alice_posts(json!({"message": "root"})).await;
    let other = s.alice_posts(json!({"message": "other"})).await;
    let elsewhere_id = id(&s.cluster.channel(&s.alice, &s.team_id).await);
    let elsewhere = s.alice.say(&elsewhere_id, "elsewhere").await;
    let gone = s.alice_posts(json!({"message": "gone"})).await;
    s.alice.delete(&format!("/posts/{}", id(&gone))).await.expect(200);
    for (root_id, parent_id, error) in [
        ("y".repeat(26), String::new(), "api.post.create_post.root_id.app_error"),
        ("short".into(), String::new(), "api.post.create_post.root_id.app_error"),
        (id(&gone), String::new(), "api.post.create_post.root_id.app_error"),
        (id(&elsewhere), String::new(), "api.post.create_post.channel_root_id.app_error"),
        (id(&root), id(&other), "api.post.create_post.parent_id.app_error"),
        (id(&root), "y".repeat(26), "api.post.create_post.parent_id.app_error"),
        (String::new(), id(&root), "model.post.is_valid.root_parent.app_error"),
    ] {
        let body = post_in(&s.channel_id, json!({"message": "m", "root_id": root_id, "parent_id": parent_id}));
        s.bob.post("/posts", body).await.refused(400, error);
    }
}

#[tokio::test]
async fn a_thread_holds_all_of_it_whichever_post_is_asked() {
    let s = Scene::new().await;
    let root = s.alice_posts(json!({"message": "root"})).await;
    let mut all = vec![id(&root)];
    for n in 0..3 {
        all.push(id(&reply(&s, json!({"message": n.to_string(), "root_id": root["id"]})).await));
    }
    for asked in &all {
        let answer = s.carol.on(1).get(&format!("/posts/{asked}/thread")).await;
        assert!(answer.header("etag").is_some_and(|e| e.starts_with(&format!("4.10.0.{asked}."))), "{:?}", answer.header("etag"));
        let thread = answer.expect(200);
        assert_eq!(order_of(&thread), std::slice::from_ref(asked), "only the asked post");
        assert_eq!(posts_of(&thread), sorted(&all));
    }
    let path = format!("/posts/{}/thread", all[0]);
    let etag = s.alice.get(&path).await.header("etag").expect("an ETag").to_owned();
    let asked_again = async || {
        let client = s.alice.on(1);
        client.send(client.request(http::Method::GET, &path).header("if-none-match", &etag)).await
    };
    assert_eq!(asked_again().await.status, 304);
    // Deleting a reply leaves the rest and changes the thread, whichever it was.
    s.bob.delete(&format!("/posts/{}", all[1])).await.expect(200);
    let thread = asked_again().await.expect(200);
    assert_eq!(posts_of(&thread), sorted(&[&all[0], &all[2], &all[3]]));
    s.alice.get(&format!("/posts/{}/thread", all[1])).await.refused(404, "store.sql_post.get.app_error");
    s.cluster.anonymous(0).get(&path).await.refused(401, "api.context.session_expired.app_error");
}

#[tokio::test]
async fn editing_a_reply_moves_the_root() {
    let s = Scene::new().await;
    let root = s.alice_posts(json!({"message": "root"})).await;
    let first = reply(&s, json!({"message": "1", "root_id": root["id"]})).await;
    let edited = s.bob.put(&format!("/posts/{}/patch", id(&first)), json!({"message": "2"})).await.expect(200);
    let moved = s.alice.get(&format!("/posts/{}", id(&root))).await.expect(200);
    assert!(moved["update_at"].as_i64() >= edited["update_at"].as_i64(), "{moved}");
}
