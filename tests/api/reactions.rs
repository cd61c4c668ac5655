//! Reactions.

use crate::scene::{Scene, about, id, post_of};
use serde_json::{Value, json};
use testkit::{Event, golden, keys};

const PERMISSIONS: &str = "api.context.permissions.app_error";
const SESSION: &str = "api.context.session_expired.app_error";

fn reaction(user: &str, post: &Value, name: &str) -> Value {
    json!({"user_id": user, "post_id": post["id"], "emoji_name": name})
}

fn reaction_of(event: &Event) -> Value {
    serde_json::from_str(event["data"]["reaction"].as_str().expect("text")).expect("JSON")
}

#[tokio::test]
async fn reacting_and_taking_it_back() {
    let s = Scene::new().await;
    let post = s.alice_posts(json!({"message": "m"})).await;
    let mut socket = s.alice.socket(1).await;
    let saved = s.bob.post("/reactions", reaction(&s.bob.id, &post, "smile")).await.expect(200);
    assert_eq!(keys(&saved), keys(&golden("reaction")));
    assert_eq!((&saved["user_id"], &saved["emoji_name"]), (&json!(s.bob.id), &json!("smile")));
    let event = socket.expect("reaction_added").await;
    assert_eq!((reaction_of(&event), &event["broadcast"]["channel_id"]), (saved.clone(), &json!(s.channel_id)));
    let edited = post_of(&about(&mut socket, "post_edited", &id(&post)).await);
    assert_eq!((&edited["has_reactions"], &edited["edit_at"]), (&json!(true), &json!(0)));
    assert!(edited["update_at"].as_i64() > post["update_at"].as_i64());

    // Only the first reaction moves the post.
    s.alice.on(1).post("/reactions", reaction(&s.alice.id, &post, "+1")).await.expect(200);
    let path = format!("/posts/{}", id(&post));
    assert_eq!(s.bob.get(&path).await.expect(200)["update_at"], edited["update_at"]);
    let list = format!("{path}/reactions");
    let names = async || {
        let list = s.bob.on(1).get(&list).await.expect(200);
        list.as_array().unwrap().iter().map(|r| r["emoji_name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names().await, ["smile", "+1"], "oldest first");
    // Repeating keeps one row, and tells everybody again.
    let again = s.bob.post("/reactions", reaction(&s.bob.id, &post, "smile")).await.expect(200);
    assert!(again["create_at"].as_i64() >= saved["create_at"].as_i64());
    assert_eq!(names().await, ["smile", "+1"]);
    socket.expect_where("reaction_added", |e| reaction_of(e) == again).await;

    let undo = format!("/users/{}/posts/{}/reactions/smile", s.bob.id, id(&post));
    assert_eq!(s.bob.on(1).delete(&undo).await.expect(200), json!({"status": "OK"}));
    let event = socket.expect("reaction_removed").await;
    assert_eq!((&reaction_of(&event)["create_at"], &reaction_of(&event)["emoji_name"]), (&json!(0), &json!("smile")));
    assert_eq!(names().await, ["+1"]);
    assert_eq!(s.bob.get(&path).await.expect(200)["has_reactions"], true);
    s.bob.delete(&undo).await.expect(200);
    socket.expect("reaction_removed").await;
    s.alice.delete(&format!("/users/me/posts/{}/reactions/+1", id(&post))).await.expect(200);
    let bare = s.bob.get(&path).await.expect(200);
    assert_eq!(bare.get("has_reactions"), None);
    assert!(bare["update_at"].as_i64() > edited["update_at"].as_i64());
    assert_eq!(s.bob.get(&list).await.expect(200), json!([]));
}

#[tokio::test]
async fn reactions_that_are_refused() {
    let s = Scene::new().await;
    let post = s.alice_posts(json!({"message": "m"})).await;
    let invalid = "api.reaction.save_reaction.invalid.app_error";
    for body in [
        json!({}),
        json!({"user_id": s.bob.id, "post_id": "short", "emoji_name": "x"}),
        reaction("short", &post, "x"),
        reaction(&s.bob.id, &post, ""),
        reaction(&s.bob.id, &post, &"x".repeat(65)),
    ] {
        s.bob.post("/reactions", body).await.refused(400, invalid);
    }
    s.bob.post("/reactions", reaction(&s.bob.id, &post, "a b")).await.refused(400, "model.reaction.is_valid.emoji_name.app_error");
    let admin = s.cluster.admin().await;
    let others = "api.reaction.save_reaction.user_id.app_error";
    admin.post("/reactions", reaction(&s.bob.id, &post, "x")).await.refused(403, others);
    s.carol.post("/reactions", reaction(&s.carol.id, &post, "x")).await.refused(403, PERMISSIONS);
    s.cluster.anonymous(0).post("/reactions", reaction(&s.bob.id, &post, "x")).await.refused(401, SESSION);
    let unknown = json!({"id": "y".repeat(26)});
    s.bob.post("/reactions", reaction(&s.bob.id, &unknown, "x")).await.refused(403, PERMISSIONS);
    admin.post("/reactions", reaction(&admin.id, &unknown, "x")).await.refused(404, "store.sql_post.get.app_error");
    let list = format!("/posts/{}/reactions", id(&post));
    assert_eq!(s.bob.get(&list).await.expect(200), json!([]), "nothing was kept");
    s.carol.get(&list).await.refused(403, PERMISSIONS);
    s.cluster.anonymous(1).get(&list).await.refused(401, SESSION);
    assert_eq!(admin.get(&format!("/posts/{}/reactions", "y".repeat(26))).await.expect(200), json!([]));
}

#[tokio::test]
async fn who_removes_a_reaction() {
    let s = Scene::new().await;
    let post = s.alice_posts(json!({"message": "m"})).await;
    s.bob.post("/reactions", reaction(&s.bob.id, &post, "smile")).await.expect(200);
    let path = format!("/users/{}/posts/{}/reactions/smile", s.bob.id, id(&post));
    s.alice.delete(&path).await.refused(403, PERMISSIONS);
    s.carol.delete(&path).await.refused(403, PERMISSIONS);
    s.cluster.anonymous(0).delete(&path).await.refused(401, SESSION);
    s.cluster.admin().await.delete(&path).await.expect(200);
    assert_eq!(s.bob.get(&format!("/posts/{}/reactions", id(&post))).await.expect(200), json!([]));
    s.alice.delete(&format!("/posts/{}", id(&post))).await.expect(200);
    s.bob.delete(&path).await.refused(404, "store.sql_post.get.app_error");
    s.bob.post("/reactions", reaction(&s.bob.id, &post, "x")).await.refused(404, "store.sql_post.get.app_error");
}

#[tokio::test]
async fn reactions_at_once_lose_nothing() {
    let s = Scene::new().await;
    let post = s.alice_posts(json!({"message": "m"})).await;
    let tries = (0..16).map(|n| {
        let (client, body) = (s.bob.on(n % 2).clone(), reaction(&s.bob.id, &post, &format!("e{n}")));
        tokio::spawn(async move { client.post("/reactions", body).await.expect(200) })
    });
    for attempt in tries.collect::<Vec<_>>() {
        attempt.await.expect("a reaction");
    }
    let list = s.alice.get(&format!("/posts/{}/reactions", id(&post))).await.expect(200);
    assert_eq!(list.as_array().map(Vec::len), Some(16));
    assert_eq!(s.alice.get(&format!("/posts/{}", id(&post))).await.expect(200)["has_reactions"], true);
}
