//! Whom posts mention: in the event, and in the counters of members.

use crate::scene::{Scene, about, id, mentions_of, post_in, post_of, sorted};
use serde_json::{Value, json};
use std::time::Instant;
use testkit::{Cluster, DEADLINE, Options, Person, eventually};

/// Posts as alice and returns whom the event names.
async fn mentioned(s: &Scene, socket: &mut testkit::Socket, fields: Value) -> Vec<String> {
    let post = s.alice_posts(fields).await;
    mentions_of(&about(socket, "posted", &id(&post)).await)
}

/// Posts again and again until the event names these: a setting that was just changed takes effect within moments.
async fn until_mentioned(s: &Scene, socket: &mut testkit::Socket, fields: Value, expected: &[&String]) {
    let end = Instant::now() + DEADLINE;
    while mentioned(s, socket, fields.clone()).await != sorted(expected) {
        assert!(Instant::now() < end, "not in time: {expected:?}");
    }
}

async fn count(s: &Scene, person: &Person) -> i64 {
    s.member(person).await["mention_count"].as_i64().expect("a number")
}

async fn set_notify(person: &Person, props: Value) {
    let me = person.get("/users/me").await.expect(200);
    let mut notify = me["notify_props"].clone();
    for (key, value) in props.as_object().expect("an object") {
        notify[key] = value.clone();
    }
    person.put("/users/me/patch", json!({"notify_props": notify})).await.expect(200);
}

#[tokio::test]
async fn names_mention_members_once_and_never_the_author() {
    let s = Scene::new().await;
    let mut socket = s.bob.socket(1).await;
    let before = count(&s, &s.bob).await;
    let bob = &s.bob.username;
    let message = format!("@{bob}, @{} and {bob}: @{bob}. `@{bob}` @nobody", s.alice.username);
    assert_eq!(mentioned(&s, &mut socket, json!({"message": message})).await, [s.bob.id.as_str()]);
    assert_eq!(count(&s, &s.bob).await, before + 1);
    assert_eq!(count(&s, &s.alice).await, 0);
    assert!(mentioned(&s, &mut socket, json!({"message": format!("`@{bob}` x@{bob} @{bob}x")})).await.is_empty());
    assert_eq!(count(&s, &s.bob).await, before + 1);
}

#[tokio::test]
async fn keywords_follow_the_users_settings_at_once() {
    let s = Scene::new().await;
    let mut socket = s.bob.socket(1).await;
    assert!(mentioned(&s, &mut socket, json!({"message": "pineapple"})).await.is_empty());
    set_notify(&s.bob, json!({"mention_keys": format!("{},pineapple", s.bob.username)})).await;
    eventually("the new keyword mentions", async || {
        let post = s.alice_posts(json!({"message": "Pineapple!"})).await;
        let member = s.member(&s.bob).await;
        let _ = post;
        (member["mention_count"].as_i64() > Some(1)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn newcomers_and_leavers_are_known() {
    let s = Scene::new().await;
    let mut socket = s.bob.socket(1).await;
    let message = json!({"message": format!("@{}", s.carol.username)});
    assert!(mentioned(&s, &mut socket, message.clone()).await.is_empty());
    s.cluster.join_channel(&s.carol, &s.channel_id).await;
    assert_eq!(mentioned(&s, &mut socket, message.clone()).await, [s.carol.id.as_str()]);
    s.carol.delete(&format!("/channels/{}/members/{}", s.channel_id, s.carol.id)).await.expect(200);
    assert!(mentioned(&s, &mut socket, message).await.is_empty());
}

#[tokio::test]
async fn channel_wide_words() {
    let s = Scene::new().await;
    s.cluster.join_channel(&s.carol, &s.channel_id).await;
    set_notify(&s.carol, json!({"channel": "false"})).await;
    let mut socket = s.bob.socket(1).await;
    for word in ["@channel", "@all"] {
        until_mentioned(&s, &mut socket, json!({"message": format!("{word} hi")}), &[&s.bob.id]).await;
    }
    // bob's socket makes him online; alice is the author; carol does not want it.
    assert_eq!(mentioned(&s, &mut socket, json!({"message": "@here"})).await, [s.bob.id.as_str()]);
    assert!(mentioned(&s, &mut socket, json!({"message": "@everyone"})).await.is_empty());
}

#[tokio::test]
async fn here_calls_only_who_is_online() {
    let s = Scene::new().await;
    let mut socket = s.alice.socket(1).await;
    // bob joined without a socket and has not posted.
    assert!(mentioned(&s, &mut socket, json!({"message": "@here"})).await.is_empty());
    s.bob.put(&format!("/users/{}/status", s.bob.id), json!({"user_id": s.bob.id, "status": "online"})).await.expect(200);
    assert_eq!(mentioned(&s, &mut socket, json!({"message": "@here"})).await, [s.bob.id.as_str()]);
}

#[tokio::test]
async fn direct_messages_always_mention_the_other() {
    let s = Scene::new().await;
    let direct = s.direct(&s.alice, &s.carol).await;
    let mut socket = s.carol.socket(1).await;
    let post = s.alice.say(&direct, "hello").await;
    let event = about(&mut socket, "posted", &id(&post)).await;
    assert_eq!(mentions_of(&event), [s.carol.id.as_str()]);
    let data = &event["data"];
    assert_eq!((&data["channel_type"], &data["channel_display_name"], &data["team_id"]), (&json!("D"), &json!(""), &json!("")));
    let member = s.carol.on(1).get(&format!("/channels/{direct}/members/{}", s.carol.id)).await.expect(200);
    assert_eq!((&member["mention_count"], &member["msg_count"]), (&json!(1), &json!(0)));
    let own = s.direct(&s.alice, &s.alice).await;
    let mut alice = s.alice.socket(0).await;
    let note = s.alice.say(&own, "note to self").await;
    assert!(mentions_of(&about(&mut alice, "posted", &id(&note)).await).is_empty());
}

#[tokio::test]
async fn replies_mention_those_who_follow_comments() {
    let s = Scene::new().await;
    s.cluster.join_channel(&s.carol, &s.channel_id).await;
    set_notify(&s.bob, json!({"comments": "root"})).await;
    set_notify(&s.carol, json!({"comments": "any"})).await;
    let mut socket = s.bob.socket(1).await;
    let root = s.bob.say(&s.channel_id, "bob's root").await;
    s.carol.post("/posts", post_in(&s.channel_id, json!({"message": "r", "root_id": root["id"]}))).await.expect(201);
    until_mentioned(&s, &mut socket, json!({"message": "reply", "root_id": root["id"]}), &[&s.bob.id, &s.carol.id]).await;
    // In a thread of alice's, bob's setting does not count; carol wrote nothing in it.
    let other = s.alice_posts(json!({"message": "alice's root"})).await;
    s.bob.post("/posts", post_in(&s.channel_id, json!({"message": "r", "root_id": other["id"]}))).await.expect(201);
    assert!(mentioned(&s, &mut socket, json!({"message": "reply", "root_id": other["id"]})).await.is_empty());
}

#[tokio::test]
async fn the_author_learns_whom_a_mention_did_not_reach() {
    let s = Scene::new().await;
    let stranger = s.cluster.person("stranger").await;
    let (mut alice, mut bob) = (s.alice.socket(1).await, s.bob.socket(0).await);
    let message = format!("@{} @{} @nobody", s.carol.username, stranger.username);
    let post = s.alice_posts(json!({"message": message})).await;
    let event = alice.expect("ephemeral_message").await;
    let notice = post_of(&event);
    assert_eq!((&event["broadcast"]["user_id"], &notice["type"]), (&json!(s.alice.id), &json!("system_ephemeral")));
    let added = &notice["props"]["add_channel_member"];
    assert_eq!(added["post_id"], notice["id"]);
    assert_eq!((&added["usernames"], &added["user_ids"]), (&json!([s.carol.username]), &json!([s.carol.id])));
    assert_eq!(notice["create_at"].as_i64().unwrap(), post["create_at"].as_i64().unwrap() + 1);
    assert!(notice["message"].as_str().unwrap().contains(&format!("@{}", s.carol.username)));
    let marker = s.alice.say(&s.channel_id, "marker").await;
    let events = bob.until("posted", |e| post_of(e)["id"] == marker["id"]).await;
    assert!(events.iter().all(|e| e["event"] != "ephemeral_message"), "only the author");
}

#[tokio::test]
async fn too_many_members_disable_channel_wide_words() {
    let cluster = Cluster::start(Options::default().env("MM_TEAMSETTINGS_MAXNOTIFICATIONSPERCHANNEL", "1")).await;
    let (ann, ben) = (cluster.person("ann").await, cluster.person("ben").await);
    let team = cluster.team(&ann).await;
    cluster.join_team(&ben, &team).await;
    let channel = id(&cluster.channel(&ann, team["id"].as_str().unwrap()).await);
    cluster.join_channel(&ben, &channel).await;
    let mut socket = ann.socket(1).await;
    let message = format!("@all @here @{}", ben.username);
    let post = ann.say(&channel, &message).await;
    let events = socket.until("channel_viewed", |_| true).await;
    let names: Vec<&str> = events.iter().map(|e| e["event"].as_str().unwrap()).filter(|e| *e != "status_change").collect();
    assert_eq!(names, ["ephemeral_message", "ephemeral_message", "posted", "channel_viewed"], "notices first");
    let notices: Vec<String> = events
        .iter()
        .filter(|e| e["event"] == "ephemeral_message")
        .map(|e| post_of(e)["message"].as_str().unwrap().split(' ').next().unwrap().to_owned())
        .collect();
    assert_eq!(notices, ["@here", "@all"]);
    let posted = events.iter().find(|e| e["event"] == "posted").unwrap();
    assert_eq!((post_of(posted)["id"].clone(), mentions_of(posted)), (post["id"].clone(), vec![ben.id.clone()]), "names still work");
}

#[tokio::test]
async fn somebody_who_is_away_answers_direct_messages() {
    let s = Scene::new().await;
    let direct = s.direct(&s.alice, &s.carol).await;
    set_notify(&s.carol, json!({"auto_responder_active": "true", "auto_responder_message": "Back on Monday"})).await;
    let mut socket = s.alice.socket(1).await;
    s.alice.say(&direct, "hello?").await;
    let event = socket.expect_where("posted", |e| post_of(e)["type"] == "system_auto_responder").await;
    let answer = post_of(&event);
    assert_eq!((&answer["user_id"], &answer["message"]), (&json!(s.carol.id), &json!("Back on Monday")));
    assert_eq!((&answer["channel_id"], event["data"]["sender_name"].as_str()), (&json!(direct), Some(s.carol.username.as_str())));
    // The answer is not answered, and carol's own messages are not either.
    s.carol.say(&direct, "I am here after all").await;
    let marker = s.alice.say(&s.channel_id, "marker").await;
    let events = socket.until("posted", |e| post_of(e)["id"] == marker["id"]).await;
    assert!(events.iter().all(|e| e["event"] != "posted" || post_of(e)["type"] == ""), "{events:#?}");
}
