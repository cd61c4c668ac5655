//! What moves when messages are posted and read: the channel's totals, each member's read state, system posts.

use crate::scene::{Scene, id, order_of, post_in, post_of};
use serde_json::{Value, json};
use testkit::eventually;

fn numbers(entity: &Value, names: [&str; 3]) -> [i64; 3] {
    names.map(|name| entity[name].as_i64().unwrap_or_else(|| panic!("no {name}: {entity}")))
}

const READ: [&str; 3] = ["last_viewed_at", "msg_count", "mention_count"];

#[tokio::test]
async fn posting_reads_for_the_author_and_counts_for_the_others() {
    let s = Scene::new().await;
    let start = s.channel().await["total_msg_count"].as_i64().unwrap();
    let post = s.alice_posts(json!({"message": format!("@{}", s.bob.username)})).await;
    let at = post["create_at"].as_i64().unwrap();
    let channel = s.channel().await;
    assert_eq!((channel["total_msg_count"].as_i64(), channel["last_post_at"].as_i64()), (Some(start + 1), Some(at)));
    assert_eq!(numbers(&s.member(&s.alice).await, READ), [at, start + 1, 0]);
    let [viewed, count, mentions] = numbers(&s.member(&s.bob).await, READ);
    assert!(viewed < at && count == start && mentions == 1);
    let unread = s.bob.on(1).get(&format!("/users/{}/channels/{}/unread", s.bob.id, s.channel_id)).await.expect(200);
    assert_eq!((&unread["msg_count"], &unread["mention_count"]), (&json!(1), &json!(1)));
    // An own post reads everything.
    let own = s.bob.say(&s.channel_id, "here").await["create_at"].as_i64().unwrap();
    assert_eq!(numbers(&s.member(&s.bob).await, READ), [own, start + 2, 0]);
    assert_eq!(numbers(&s.member(&s.alice).await, READ), [at, start + 1, 0]);
}

#[tokio::test]
async fn viewing_reads_and_tells_the_other_devices() {
    let s = Scene::new().await;
    let post = s.alice_posts(json!({"message": format!("@{}", s.bob.username)})).await;
    let total = s.channel().await["total_msg_count"].as_i64().unwrap();
    let mut socket = s.bob.socket(1).await;
    s.bob.post("/channels/members/me/view", json!({"channel_id": s.channel_id, "prev_channel_id": ""})).await.expect(200);
    let event = socket.expect("channel_viewed").await;
    assert_eq!((&event["data"]["channel_id"], &event["broadcast"]["user_id"]), (&json!(s.channel_id), &json!(s.bob.id)));
    assert_eq!(numbers(&s.member(&s.bob).await, READ), [post["create_at"].as_i64().unwrap(), total, 0]);
}

#[tokio::test]
async fn edits_pins_and_deletions_do_not_count() {
    let s = Scene::new().await;
    let post = s.alice_posts(json!({"message": "m"})).await;
    let before = s.channel().await;
    let read = s.member(&s.bob).await;
    let path = format!("/posts/{}", id(&post));
    s.alice.put(&format!("{path}/patch"), json!({"message": format!("@{}", s.bob.username)})).await.expect(200);
    s.alice.post(&format!("{path}/pin"), json!({})).await.expect(200);
    s.bob.post("/reactions", json!({"user_id": s.bob.id, "post_id": post["id"], "emoji_name": "x"})).await.expect(200);
    s.alice.delete(&path).await.expect(200);
    assert_eq!(s.channel().await["total_msg_count"], before["total_msg_count"]);
    assert_eq!(s.member(&s.bob).await["mention_count"], read["mention_count"], "mentions of an edit do not count");
}

#[tokio::test]
async fn a_post_by_webhook_is_not_read_by_its_author() {
    let s = Scene::new().await;
    let before = s.member(&s.alice).await;
    s.alice_posts(json!({"message": "m", "props": {"from_webhook": "true"}})).await;
    let after = s.member(&s.alice).await;
    assert_eq!((&after["msg_count"], &after["last_viewed_at"]), (&before["msg_count"], &before["last_viewed_at"]));
}

#[tokio::test]
async fn joining_is_written_into_the_history_without_counting() {
    let s = Scene::new().await;
    s.alice_posts(json!({"message": "history"})).await;
    let before = s.channel().await;
    let mut socket = s.bob.socket(1).await;
    s.cluster.join_channel(&s.carol, &s.channel_id).await;
    let event = socket.expect_where("posted", |e| post_of(e)["type"] == "system_join_channel").await;
    let joined = post_of(&event);
    assert_eq!((&joined["user_id"], &joined["props"]), (&json!(s.carol.id), &json!({"username": s.carol.username})));
    assert_eq!(event["data"]["sender_name"], s.carol.username.as_str());
    let channel = s.channel().await;
    assert_eq!(channel["total_msg_count"], before["total_msg_count"]);
    assert!(channel["last_post_at"].as_i64() > before["last_post_at"].as_i64());
    // Who joins by himself has read everything.
    assert_eq!(s.member(&s.carol).await["msg_count"], before["total_msg_count"]);
    let page = s.carol.get(&format!("/channels/{}/posts", s.channel_id)).await.expect(200);
    assert_eq!(order_of(&page)[0], id(&joined));
    // Leaving forgets the read state, and who is added again has read nothing.
    s.carol.delete(&format!("/channels/{}/members/{}", s.channel_id, s.carol.id)).await.expect(200);
    s.alice.post(&format!("/channels/{}/members", s.channel_id), json!({"user_id": s.carol.id})).await.expect(201);
    let added = socket.expect_where("posted", |e| post_of(e)["type"] == "system_add_to_channel").await;
    assert_eq!(crate::scene::mentions_of(&added), [s.carol.id.as_str()]);
    let member = eventually("the mention is counted", async || {
        let member = s.member(&s.carol).await;
        (member["mention_count"] == 1).then_some(member)
    })
    .await;
    assert_eq!((&member["msg_count"], &member["last_viewed_at"]), (&json!(0), &json!(0)));
}

#[tokio::test]
async fn parallel_mentions_lose_nothing() {
    let s = Scene::new().await;
    let before = s.member(&s.bob).await["mention_count"].as_i64().unwrap();
    const POSTS: usize = 60;
    let tries = (0..POSTS).map(|n| {
        let client = s.alice.on(n % 2).clone();
        let body = post_in(&s.channel_id, json!({"message": format!("@{} {n}", s.bob.username)}));
        tokio::spawn(async move { client.post("/posts", body).await.expect(201) })
    });
    for attempt in tries.collect::<Vec<_>>() {
        attempt.await.expect("a post");
    }
    let bob = s.member(&s.bob).await;
    let alice = s.member(&s.alice).await;
    assert_eq!(bob["mention_count"].as_i64(), Some(before + POSTS as i64));
    assert_eq!(alice["msg_count"], s.channel().await["total_msg_count"], "her own posts are read");
}
