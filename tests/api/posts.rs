//! Creating, reading, editing, deleting and pinning posts.

use crate::scene::{Scene, about, id, post_in, post_of, posts_of};
use serde_json::{Value, json};
use testkit::{eventually, golden, keys, unique};

const SESSION: &str = "api.context.session_expired.app_error";
const PERMISSIONS: &str = "api.context.permissions.app_error";
const BODY: &str = "api.context.invalid_body_param.app_error";
const NOT_FOUND: &str = "store.sql_post.get.app_error";

#[tokio::test]
async fn a_post_is_read_back_on_the_other_gateway() {
    let s = Scene::new().await;
    let pending = format!("{}:1", s.alice.id);
    let sent = json!({"message": "hello #tag <b> & \u{e9}", "pending_post_id": pending, "props": {"k": {"n": 1}}});
    let post = s.alice_posts(sent).await;
    let mut expected = keys(&golden("post"));
    expected.retain(|key| key != "file_ids");
    assert_eq!(keys(&post), expected);
    assert_eq!(post["user_id"], s.alice.id.as_str());
    assert_eq!((&post["create_at"], &post["edit_at"], &post["delete_at"]), (&post["update_at"], &json!(0), &json!(0)));
    assert_eq!((&post["message"], &post["hashtags"]), (&json!("hello #tag <b> & \u{e9}"), &json!("#tag")));
    assert_eq!(post["props"], json!({"k": {"n": 1}}));
    assert_eq!(post["pending_post_id"], pending.as_str());

    let answer = s.bob.on(1).get(&format!("/posts/{}", id(&post))).await;
    assert!(String::from_utf8_lossy(&answer.bytes).contains("\\u003cb\\u003e \\u0026"), "written as the original escapes");
    let etag = format!("4.10.0.{}.{}", id(&post), post["update_at"]);
    assert_eq!(answer.header("etag"), Some(etag.as_str()));
    let mut stored = post.clone();
    stored["pending_post_id"] = json!("");
    assert_eq!(answer.expect(200), stored);
    let request = s.bob.on(1).request(http::Method::GET, &format!("/posts/{}", id(&post))).header("if-none-match", etag);
    let again = s.bob.on(1).send(request).await;
    assert_eq!((again.status, again.bytes.len()), (304, 0));
}

#[tokio::test]
async fn the_server_decides_what_clients_may_not() {
    let s = Scene::new().await;
    let post = s
        .alice_posts(json!({"message": "m", "user_id": s.bob.id, "create_at": 5, "update_at": 6, "edit_at": 7, "delete_at": 8,
            "original_id": s.bob.id, "has_reactions": true, "hashtags": "#no", "props": {"add_channel_member": {}, "channel_mentions": {}, "a": 1}}))
        .await;
    assert_eq!(post["user_id"], s.alice.id.as_str());
    assert!(post["create_at"].as_i64().unwrap() > 1_000_000, "{post}");
    assert_eq!(
        (&post["edit_at"], &post["delete_at"], &post["original_id"], &post["hashtags"]),
        (&json!(0), &json!(0), &json!(""), &json!(""))
    );
    assert_eq!((post.get("has_reactions"), &post["props"]), (None, &json!({"a": 1})));
    let admin = s.cluster.admin().await;
    let old = admin.post("/posts", post_in(&s.channel_id, json!({"message": "old", "create_at": 5000}))).await.expect(201);
    assert_eq!((&old["create_at"], &old["update_at"]), (&json!(5000), &json!(5000)), "administrators may import");
}

#[tokio::test]
async fn bad_posts_are_refused_and_leave_nothing() {
    let s = Scene::new().await;
    let before = s.alice.get(&format!("/channels/{}/posts", s.channel_id)).await.expect(200);
    let long = "\u{e4}".repeat(16_384);
    let cases: Vec<(Value, u16, &str)> = vec![
        (json!({"message": long}), 400, "model.post.is_valid.msg.app_error"),
        (json!({"message": "a\u{0}b"}), 400, "model.post.is_valid.msg.app_error"),
        (json!({"message": "m", "id": s.alice.id}), 400, "store.sql_post.save.existing.app_error"),
        (json!({"message": "m", "type": "system_join_channel"}), 400, "api.context.invalid_param.app_error"),
        (json!({"message": "m", "type": "other"}), 400, "model.post.is_valid.type.app_error"),
        (json!({"message": "m", "type": format!("custom_{}", "x".repeat(20))}), 400, "model.post.is_valid.type.app_error"),
        (json!({"message": "m", "props": {"k": "v".repeat(8_000)}}), 400, "model.post.is_valid.props.app_error"),
        (json!({"message": "m", "props": []}), 400, BODY),
        (json!({"message": 5}), 400, BODY),
        (
            json!({"message": "m", "file_ids": (0..6).map(|n| n.to_string().repeat(26)).collect::<Vec<_>>()}),
            400,
            "model.post.is_valid.file_ids.app_error",
        ),
        (json!({"message": "m", "file_ids": ["short"]}), 400, "model.post.is_valid.file_ids.app_error"),
        (json!({"message": "m", "parent_id": s.alice.id}), 400, "model.post.is_valid.root_parent.app_error"),
        (json!({"message": "m", "pending_post_id": "p".repeat(101)}), 400, BODY),
        (json!({"message": "m", "create_at": -1}), 400, BODY),
    ];
    for (fields, status, error) in cases {
        s.alice.post("/posts", post_in(&s.channel_id, fields)).await.refused(status, error);
    }
    s.alice.raw(http::Method::POST, "/posts", "application/json", "{").await.refused(400, BODY);
    let after = s.alice.on(1).get(&format!("/channels/{}/posts", s.channel_id)).await.expect(200);
    assert_eq!(after, before);
    let longest = "\u{e4}".repeat(16_383);
    assert_eq!(s.alice_posts(json!({"message": longest})).await["message"], longest.as_str());
    s.alice_posts(json!({"message": "", "type": "custom_thing"})).await;
}

#[tokio::test]
async fn only_members_post() {
    let s = Scene::new().await;
    let in_channel = |channel: &str| post_in(channel, json!({"message": "m"}));
    s.cluster.anonymous(0).post("/posts", in_channel(&s.channel_id)).await.refused(401, SESSION);
    s.carol.post("/posts", in_channel(&s.channel_id)).await.refused(403, PERMISSIONS);
    let admin = s.cluster.admin().await;
    for unknown in ["y".repeat(26), "short".into(), String::new()] {
        admin.post("/posts", in_channel(&unknown)).await.refused(403, PERMISSIONS);
    }
    // A member who leaves posts no more, on any gateway.
    s.bob.say(&s.channel_id, "still here").await;
    s.bob.on(1).post("/posts", in_channel(&s.channel_id)).await.expect(201);
    s.bob.delete(&format!("/channels/{}/members/{}", s.channel_id, s.bob.id)).await.expect(200);
    s.bob.post("/posts", in_channel(&s.channel_id)).await.refused(403, PERMISSIONS);
    eventually("the other gateway knows", async || {
        let answer = s.bob.on(1).post("/posts", in_channel(&s.channel_id)).await;
        (answer.status == 403).then_some(())
    })
    .await;
    s.alice.delete(&format!("/channels/{}", s.channel_id)).await.expect(200);
    eventually("the archived channel refuses members", async || {
        let answer = s.alice.post("/posts", in_channel(&s.channel_id)).await;
        (answer.status == 403).then_some(())
    })
    .await;
    admin.post("/posts", in_channel(&s.channel_id)).await.refused(400, "api.post.create_post.can_not_post_to_deleted.error");
}

#[tokio::test]
async fn members_hear_of_a_post_on_every_gateway() {
    let s = Scene::new().await;
    let (mut author, mut bob, mut bob_too, mut carol) =
        (s.alice.socket(0).await, s.bob.socket(0).await, s.bob.socket(1).await, s.carol.socket(1).await);
    let pending = format!("{}:9", s.alice.id);
    let post = s.alice_posts(json!({"message": "news", "pending_post_id": pending})).await;
    let channel = s.channel().await;
    for socket in [&mut author, &mut bob, &mut bob_too] {
        let event = about(socket, "posted", &id(&post)).await;
        let data = &event["data"];
        assert_eq!(keys(data), ["channel_display_name", "channel_name", "channel_type", "post", "sender_name", "team_id"]);
        assert_eq!((&data["channel_display_name"], &data["channel_name"]), (&channel["display_name"], &channel["name"]));
        assert_eq!((&data["channel_type"], &data["sender_name"]), (&json!("O"), &json!(s.alice.username)));
        assert_eq!(data["team_id"], s.team_id.as_str());
        assert_eq!(post_of(&event), post, "with the pending id, also to others");
        let broadcast = json!({"omit_users": null, "user_id": "", "channel_id": s.channel_id, "team_id": ""});
        assert_eq!(event["broadcast"], broadcast);
    }
    let viewed = author.expect("channel_viewed").await;
    assert_eq!(viewed["data"], json!({"channel_id": s.channel_id}));
    assert_eq!(viewed["broadcast"]["user_id"], s.alice.id.as_str());
    // A direct message to carol comes last; whatever she got before was not of that channel.
    let direct = s.direct(&s.alice, &s.carol).await;
    let marker = s.alice.say(&direct, "marker").await;
    let events = carol.until("posted", |e| e["data"]["post"].as_str().is_some_and(|p| p.contains(&id(&marker)))).await;
    assert!(events.iter().all(|e| e["broadcast"]["channel_id"] != s.channel_id.as_str()), "{events:#?}");
    let events = bob_too.drain();
    assert!(events.iter().all(|e| e["event"] != "channel_viewed"), "only the author viewed: {events:#?}");
}

#[tokio::test]
async fn repeating_a_pending_id_answers_the_first_post_everywhere() {
    let s = Scene::new().await;
    let before = s.channel().await["total_msg_count"].as_i64().unwrap();
    let mut socket = s.bob.socket(1).await;
    let pending = unique("pending");
    let sent = post_in(&s.channel_id, json!({"message": "once", "pending_post_id": pending}));
    let tries = (0..24).map(|i| {
        let (client, sent) = (s.alice.on(i % 2).clone(), sent.clone());
        tokio::spawn(async move { client.post("/posts", sent).await.expect(201) })
    });
    let mut posts = Vec::new();
    for attempt in tries.collect::<Vec<_>>() {
        posts.push(attempt.await.expect("a try"));
    }
    assert!(posts.iter().all(|p| *p == posts[0]), "{posts:#?}");
    assert_eq!(posts[0]["pending_post_id"], pending.as_str());
    assert_eq!(s.channel().await["total_msg_count"].as_i64().unwrap(), before + 1);
    // Keys are the author's own.
    let other = s.bob.post("/posts", sent.clone()).await.expect(201);
    assert_ne!(id(&other), id(&posts[0]));
    // Long after, too; and nobody hears of it twice.
    assert_eq!(s.alice.on(1).post("/posts", sent).await.expect(201)["id"], posts[0]["id"]);
    let marker = s.alice.say(&s.channel_id, "marker").await;
    let events = socket.until("posted", |e| post_of(e)["id"] == marker["id"]).await;
    let heard: Vec<String> = events.iter().filter(|e| e["event"] == "posted").map(|e| id(&post_of(e))).collect();
    assert_eq!(heard, [id(&posts[0]), id(&other), id(&marker)]);
}

#[tokio::test]
async fn posts_of_many_at_once_all_arrive_in_their_authors_order() {
    let s = Scene::new().await;
    let before = s.channel().await["total_msg_count"].as_i64().unwrap();
    let mut socket = s.bob.socket(1).await;
    const EACH: usize = 40;
    let mut authors = Vec::new();
    for (person, gateway) in [(&s.alice, 0), (&s.alice, 1), (&s.bob, 0), (&s.bob, 1)] {
        let (client, channel) = (person.on(gateway).clone(), s.channel_id.clone());
        authors.push(tokio::spawn(async move {
            let mut ids = Vec::new();
            for n in 0..EACH {
                ids.push(id(&client.post("/posts", post_in(&channel, json!({"message": format!("{n}")}))).await.expect(201)));
            }
            ids
        }));
    }
    let mut sequences = Vec::new();
    for author in authors {
        sequences.push(author.await.expect("an author"));
    }
    assert_eq!(s.channel().await["total_msg_count"].as_i64().unwrap(), before + 4 * EACH as i64);
    let mut listed = crate::scene::order_of(&s.alice.get(&format!("/channels/{}/posts?per_page=200", s.channel_id)).await.expect(200));
    listed.reverse();
    let mut heard = Vec::new();
    while heard.len() < 4 * EACH {
        heard.push(id(&post_of(&socket.expect("posted").await)));
    }
    for sequence in sequences {
        for all in [&listed, &heard] {
            let own: Vec<&String> = all.iter().filter(|id| sequence.contains(id)).collect();
            assert_eq!(own, sequence.iter().collect::<Vec<_>>());
        }
    }
}

#[tokio::test]
async fn who_reads_a_single_post() {
    let s = Scene::new().await;
    let post = s.alice_posts(json!({"message": "m"})).await;
    let path = format!("/posts/{}", id(&post));
    // Open channels can be read by the whole team, without membership.
    s.carol.get(&path).await.expect(200);
    let stranger = s.cluster.person("stranger").await;
    stranger.get(&path).await.refused(403, PERMISSIONS);
    let private = id(&s.cluster.channel_of(&s.alice, &s.team_id, "P").await);
    let secret = s.alice.say(&private, "secret").await;
    s.carol.get(&format!("/posts/{}", id(&secret))).await.refused(403, PERMISSIONS);
    s.carol.get(&format!("/posts/{}/thread", id(&secret))).await.refused(403, PERMISSIONS);
    s.cluster.admin().await.get(&format!("/posts/{}", id(&secret))).await.expect(200);
    s.alice.get(&format!("/posts/{}", "y".repeat(26))).await.refused(404, NOT_FOUND);
    s.alice.get("/posts/short").await.refused(400, "api.context.invalid_url_param.app_error");
    s.cluster.anonymous(1).get(&path).await.refused(401, SESSION);
}

#[tokio::test]
async fn an_edit_replaces_or_patches() {
    let s = Scene::new().await;
    let post = s.alice_posts(json!({"message": "one #a1", "props": {"k": 1}, "is_pinned": true})).await;
    let path = format!("/posts/{}", id(&post));
    let mut socket = s.bob.socket(1).await;
    let body = json!({"id": s.bob.id, "message": "two #b1", "user_id": s.bob.id, "create_at": 1, "root_id": s.bob.id});
    let edited = s.alice.put(&path, body).await.expect(200);
    assert_eq!((&edited["id"], &edited["user_id"], &edited["create_at"]), (&post["id"], &post["user_id"], &post["create_at"]));
    assert_eq!((&edited["message"], &edited["hashtags"], &edited["props"]), (&json!("two #b1"), &json!("#b1"), &json!({})));
    assert_eq!((&edited["is_pinned"], &edited["root_id"]), (&json!(false), &json!("")));
    assert!(edited["update_at"].as_i64() > post["update_at"].as_i64() && edited["edit_at"] == edited["update_at"]);
    let event = about(&mut socket, "post_edited", &id(&post)).await;
    assert_eq!(post_of(&event), edited);
    assert_eq!(event["broadcast"]["channel_id"], s.channel_id.as_str());

    let patched = s.alice.on(1).put(&format!("{path}/patch"), json!({"props": {"p": 2}, "user_id": s.bob.id})).await.expect(200);
    assert_eq!((&patched["message"], &patched["props"], &patched["user_id"]), (&edited["message"], &json!({"p": 2}), &post["user_id"]));
    assert_eq!(patched["edit_at"], edited["edit_at"], "the text is the same");
    assert!(patched["update_at"].as_i64() > edited["update_at"].as_i64());
    assert_eq!(s.bob.get(&path).await.expect(200), patched);

    // The former states are kept, and only a list of changes shows them.
    let since = post["create_at"].as_i64().unwrap() - 1;
    let changes = s.bob.get(&format!("/channels/{}/posts?since={since}", s.channel_id)).await.expect(200);
    let revisions: Vec<&Value> = changes["posts"].as_object().unwrap().values().filter(|p| p["original_id"] == post["id"]).collect();
    assert_eq!(revisions.len(), 2);
    assert!(revisions.iter().all(|r| r["create_at"] == post["create_at"] && r["delete_at"] == r["update_at"]), "{revisions:?}");
    assert!(revisions.iter().any(|r| r["message"] == "one #a1" && r["props"] == json!({"k": 1})));
    s.alice.get(&format!("/posts/{}", id(revisions[0]))).await.refused(404, NOT_FOUND);
    let page = s.bob.get(&format!("/channels/{}/posts", s.channel_id)).await.expect(200);
    assert!(!posts_of(&page).contains(&id(revisions[0])));
}

#[tokio::test]
async fn who_may_edit_and_what() {
    let s = Scene::new().await;
    let post = s.alice_posts(json!({"message": "alice's"})).await;
    let path = format!("/posts/{}", id(&post));
    let body = json!({"message": "other"});
    for path in [path.clone(), format!("{path}/patch")] {
        s.bob.put(&path, body.clone()).await.refused(403, PERMISSIONS);
        s.carol.put(&path, body.clone()).await.refused(403, PERMISSIONS);
        s.cluster.anonymous(0).put(&path, body.clone()).await.refused(401, SESSION);
    }
    // alice administers the team and is a member of the channel.
    let bobs = s.bob.say(&s.channel_id, "bob's").await;
    s.alice.put(&format!("/posts/{}/patch", id(&bobs)), body.clone()).await.expect(200);
    let admin = s.cluster.admin().await;
    admin.put(&path, body.clone()).await.expect(200);
    admin.put(&format!("/posts/{}", "y".repeat(26)), body.clone()).await.refused(403, PERMISSIONS);
    s.alice.put(&path, json!({"message": "a".repeat(16_384)})).await.refused(400, "model.post.is_valid.msg.app_error");
    s.alice
        .put(&format!("{path}/patch"), json!({"props": {"k": "v".repeat(8_000)}}))
        .await
        .refused(400, "model.post.is_valid.props.app_error");
    s.alice.put(&format!("{path}/patch"), json!({"message": 5})).await.refused(400, BODY);
    let page = s.alice.get(&format!("/channels/{}/posts", s.channel_id)).await.expect(200);
    let joined = page["posts"].as_object().unwrap().values().find(|p| p["type"] == "system_join_channel").expect("a join").clone();
    admin.put(&format!("/posts/{}", id(&joined)), body.clone()).await.refused(400, "api.post.update_post.system_message.app_error");
    s.alice.delete(&path).await.expect(200);
    admin.put(&path, body.clone()).await.refused(403, PERMISSIONS);
}

#[tokio::test]
async fn deleting_takes_the_replies_and_flags_along() {
    let s = Scene::new().await;
    let root = s.alice_posts(json!({"message": "root"})).await;
    let reply = s.bob.post("/posts", post_in(&s.channel_id, json!({"message": "reply", "root_id": root["id"]}))).await.expect(201);
    let flag = json!([{"user_id": s.bob.id, "category": "flagged_post", "name": root["id"], "value": "true"}]);
    s.bob.put("/users/me/preferences", flag).await.expect(200);
    let total = s.channel().await["total_msg_count"].clone();
    let mut socket = s.bob.socket(1).await;
    let now = s.alice.get(&format!("/posts/{}", id(&root))).await.expect(200);
    assert_eq!(s.alice.delete(&format!("/posts/{}", id(&root))).await.expect(200), json!({"status": "OK"}));
    let event = about(&mut socket, "post_deleted", &id(&root)).await;
    assert_eq!(post_of(&event), now, "as it was, with delete_at 0");
    for gone in [&root, &reply] {
        s.bob.on(1).get(&format!("/posts/{}", id(gone))).await.refused(404, NOT_FOUND);
    }
    let page = s.bob.on(1).get(&format!("/channels/{}/posts", s.channel_id)).await.expect(200);
    assert!(!posts_of(&page).contains(&id(&root)) && !posts_of(&page).contains(&id(&reply)));
    assert_eq!(s.channel().await["total_msg_count"], total, "counters do not move back");
    let since = root["create_at"].as_i64().unwrap() - 1;
    let changes = s.bob.get(&format!("/channels/{}/posts?since={since}", s.channel_id)).await.expect(200);
    let deleted = &changes["posts"][id(&reply)];
    assert!(deleted["delete_at"].as_i64() > Some(0) && deleted["message"] == "reply", "{deleted}");
    eventually("the flag is gone", async || {
        let preferences = s.bob.get("/users/me/preferences").await.expect(200);
        preferences.as_array().unwrap().iter().all(|p| p["name"] != root["id"]).then_some(())
    })
    .await;
    let marker = s.alice.say(&s.channel_id, "marker").await;
    let events = socket.until("posted", |e| post_of(e)["id"] == marker["id"]).await;
    assert!(events.iter().all(|e| e["event"] != "post_deleted"), "one event for the named post: {events:#?}");
}

#[tokio::test]
async fn who_may_delete() {
    let s = Scene::new().await;
    let alices = s.alice_posts(json!({"message": "m"})).await;
    s.bob.delete(&format!("/posts/{}", id(&alices))).await.refused(403, PERMISSIONS);
    s.cluster.anonymous(0).delete(&format!("/posts/{}", id(&alices))).await.refused(401, SESSION);
    let bobs = [s.bob.say(&s.channel_id, "1").await, s.bob.say(&s.channel_id, "2").await];
    s.alice.delete(&format!("/posts/{}", id(&bobs[0]))).await.expect(200);
    s.bob.delete(&format!("/channels/{}/members/{}", s.channel_id, s.bob.id)).await.expect(200);
    s.bob.delete(&format!("/posts/{}", id(&bobs[1]))).await.expect(200);
    let admin = s.cluster.admin().await;
    admin.delete(&format!("/posts/{}", id(&bobs[1]))).await.refused(403, PERMISSIONS);
    admin.delete(&format!("/posts/{}", "y".repeat(26))).await.refused(403, PERMISSIONS);
    admin.delete(&format!("/posts/{}", id(&alices))).await.expect(200);
}

#[tokio::test]
async fn any_member_pins_and_unpins() {
    let s = Scene::new().await;
    let (first, second) = (s.alice_posts(json!({"message": "1"})).await, s.alice_posts(json!({"message": "2"})).await);
    let mut socket = s.alice.socket(1).await;
    let list = format!("/channels/{}/pinned", s.channel_id);
    for post in [&second, &first] {
        assert_eq!(s.bob.post(&format!("/posts/{}/pin", id(post)), json!({})).await.expect(200), json!({"status": "OK"}));
        let event = about(&mut socket, "post_edited", &id(post)).await;
        assert_eq!((&post_of(&event)["is_pinned"], &post_of(&event)["edit_at"]), (&json!(true), &json!(0)));
    }
    let answer = s.bob.on(1).get(&list).await;
    let etag = answer.header("etag").expect("an ETag").to_owned();
    assert_eq!(crate::scene::order_of(&answer.expect(200)), [id(&first), id(&second)], "oldest first");
    let request = s.bob.request(http::Method::GET, &list).header("if-none-match", &etag);
    assert_eq!(s.bob.send(request).await.status, 304);
    s.alice.post(&format!("/posts/{}/unpin", id(&first)), json!({})).await.expect(200);
    let request = s.bob.on(1).request(http::Method::GET, &list).header("if-none-match", &etag);
    assert_eq!(crate::scene::order_of(&s.bob.send(request).await.expect(200)), [id(&second)]);
    s.carol.get(&list).await.refused(403, PERMISSIONS);

    for verb in ["pin", "unpin"] {
        s.carol.post(&format!("/posts/{}/{verb}", id(&first)), json!({})).await.refused(403, PERMISSIONS);
        let unknown = format!("/posts/{}/{verb}", "y".repeat(26));
        s.alice.post(&unknown, json!({})).await.refused(403, PERMISSIONS);
        let admin = s.cluster.admin().await;
        admin.post(&unknown, json!({})).await.refused(404, NOT_FOUND);
    }
    let page = s.alice.get(&format!("/channels/{}/posts", s.channel_id)).await.expect(200);
    let joined = page["posts"].as_object().unwrap().values().find(|p| p["type"] == "system_join_channel").expect("a join").clone();
    s.alice.post(&format!("/posts/{}/pin", id(&joined)), json!({})).await.refused(400, "api.post.update_post.system_message.app_error");
    s.alice.delete(&format!("/posts/{}", id(&second))).await.expect(200);
    s.alice.post(&format!("/posts/{}/pin", id(&second)), json!({})).await.refused(404, NOT_FOUND);
}

#[tokio::test]
async fn an_ephemeral_message_reaches_one_user_and_is_not_stored() {
    let s = Scene::new().await;
    let admin = s.cluster.admin().await;
    let (mut bob, mut alice) = (s.bob.socket(1).await, s.alice.socket(0).await);
    let body = json!({"user_id": s.bob.id, "post": {"channel_id": s.channel_id, "message": "psst"}});
    s.alice.post("/posts/ephemeral", body.clone()).await.refused(403, PERMISSIONS);
    s.cluster.anonymous(0).post("/posts/ephemeral", body.clone()).await.refused(401, SESSION);
    admin.post("/posts/ephemeral", json!({"post": {}})).await.refused(400, BODY);
    admin.post("/posts/ephemeral", json!({"user_id": s.bob.id})).await.refused(400, BODY);
    let post = admin.post("/posts/ephemeral", body).await.expect(201);
    assert_eq!((&post["type"], &post["message"], &post["user_id"]), (&json!("system_ephemeral"), &json!("psst"), &json!(admin.id)));
    let event = about(&mut bob, "ephemeral_message", &id(&post)).await;
    assert_eq!(post_of(&event), post);
    assert_eq!((&event["broadcast"]["user_id"], &event["broadcast"]["channel_id"]), (&json!(s.bob.id), &json!(s.channel_id)));
    admin.get(&format!("/posts/{}", id(&post))).await.refused(404, NOT_FOUND);
    let marker = s.bob.say(&s.channel_id, "marker").await;
    let events = alice.until("posted", |e| post_of(e)["id"] == marker["id"]).await;
    assert!(events.iter().all(|e| e["event"] != "ephemeral_message"), "{events:#?}");
}

#[tokio::test]
async fn channels_named_in_a_message_are_noted() {
    let s = Scene::new().await;
    let private = s.cluster.channel_of(&s.alice, &s.team_id, "P").await;
    let message = format!("see ~town-square, ~{} and ~nothing", private["name"].as_str().unwrap());
    let post = s.alice_posts(json!({"message": message, "props": {"k": 1}})).await;
    let town_square = json!({"town-square": {"display_name": "Town Square"}});
    assert_eq!(post["props"], json!({"k": 1, "channel_mentions": town_square}), "open channels only");
    let path = format!("/posts/{}/patch", id(&post));
    let patched = s.alice.put(&path, json!({"message": "none", "props": {"channel_mentions": {"x": {}}}})).await.expect(200);
    assert_eq!(patched["props"], json!({}));
    let patched = s.alice.put(&path, json!({"message": "~off-topic"})).await.expect(200);
    assert_eq!(patched["props"], json!({"channel_mentions": {"off-topic": {"display_name": "Off-Topic"}}}));
}

#[tokio::test]
async fn attachments_take_their_shape_and_hide_integrations() {
    let s = Scene::new().await;
    let mut socket = s.bob.socket(1).await;
    let secret = "http://integration.example/secret";
    let attachment = json!({"text": "t", "unknown": 1, "actions": [{"name": "Go", "integration": {"url": secret, "context": {"a": 1}}}]});
    let answer = s.alice.post("/posts", post_in(&s.channel_id, json!({"message": "", "props": {"attachments": [attachment]}}))).await;
    assert!(!String::from_utf8_lossy(&answer.bytes).contains(secret), "not even to the author");
    let post = answer.expect(201);
    let kept = &post["props"]["attachments"][0];
    let expected = sorted_keys(&[
        "actions",
        "author_icon",
        "author_link",
        "author_name",
        "color",
        "fallback",
        "fields",
        "footer",
        "footer_icon",
        "id",
        "image_url",
        "pretext",
        "text",
        "thumb_url",
        "title",
        "title_link",
        "ts",
    ]);
    assert_eq!(keys(kept), expected);
    assert_eq!(keys(&kept["actions"][0]), ["id", "name"]);
    let event = about(&mut socket, "posted", &id(&post)).await;
    assert_eq!(post_of(&event)["props"], post["props"]);
    for path in [format!("/posts/{}", id(&post)), format!("/posts/{}/thread", id(&post)), format!("/channels/{}/posts", s.channel_id)] {
        assert!(!String::from_utf8_lossy(&s.bob.get(&path).await.bytes).contains(secret), "{path}");
    }
    // Editing the text keeps the buttons.
    let patched = s.alice.put(&format!("/posts/{}/patch", id(&post)), json!({"message": "new"})).await.expect(200);
    assert_eq!(patched["props"], post["props"]);
}

fn sorted_keys(keys: &[&str]) -> Vec<String> {
    crate::scene::sorted(keys)
}

#[tokio::test]
async fn posting_makes_the_author_online() {
    let s = Scene::new().await;
    let status = async || s.bob.on(1).get(&format!("/users/{}/status", s.alice.id)).await.expect(200)["status"].clone();
    assert_eq!(status().await, "offline");
    s.alice_posts(json!({"message": "m"})).await;
    eventually("alice is online", async || (status().await == "online").then_some(())).await;
}

/// Uploads a one-pixel picture or a text; its id.
async fn upload(s: &Scene, person: &testkit::Person, name: &str, bytes: Vec<u8>) -> String {
    let part = reqwest::multipart::Part::bytes(bytes).file_name(name.to_owned());
    let form = reqwest::multipart::Form::new().text("channel_id", s.channel_id.clone()).part("files", part);
    let answer = person.send(person.request(http::Method::POST, "/files").multipart(form)).await.expect(201);
    id(&answer["file_infos"][0])
}

fn picture() -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::RgbImage::new(1, 1).write_to(&mut bytes, image::ImageFormat::Png).expect("a picture");
    bytes.into_inner()
}

#[tokio::test]
async fn own_files_hang_on_the_first_post_that_names_them() {
    let s = Scene::new().await;
    let mut socket = s.bob.socket(1).await;
    let (text, image) = (upload(&s, &s.alice, "a.txt", b"text".to_vec()).await, upload(&s, &s.alice, "a.png", picture()).await);
    let bobs = upload(&s, &s.bob, "b.png", picture()).await;
    let infos = async |post: &Value| {
        let list = s.bob.on(1).get(&format!("/posts/{}/files/info", id(post))).await.expect(200);
        let ids: Vec<String> = list.as_array().unwrap().iter().map(id).collect();
        crate::scene::sorted(&ids)
    };
    let post = s.alice_posts(json!({"message": "", "file_ids": [text, image, text]})).await;
    assert_eq!(post["file_ids"], json!([text, image]));
    let event = about(&mut socket, "posted", &id(&post)).await;
    assert_eq!((&event["data"]["otherFile"], &event["data"]["image"]), (&json!("true"), &json!("true")));
    assert_eq!(infos(&post).await, crate::scene::sorted(&[&text, &image]), "when the answer comes");
    // Neither what hangs on another post, nor what is somebody else's, nor what does not exist.
    let later = s.alice_posts(json!({"message": "", "file_ids": [text, bobs, "y".repeat(26)]})).await;
    assert_eq!(infos(&later).await, [""; 0]);
    let event = about(&mut socket, "posted", &id(&later)).await;
    assert_eq!((&event["data"]["otherFile"], event["data"].get("image")), (&json!("true"), None));
    let own = s.bob.post("/posts", post_in(&s.channel_id, json!({"message": "", "file_ids": [bobs]}))).await.expect(201);
    assert_eq!(infos(&own).await, [bobs]);
    // An edit that drops the files from the post does not unbind them.
    s.alice.put(&format!("/posts/{}", id(&post)), json!({"message": "bare"})).await.expect(200);
    s.bob.on(1).get(&format!("/files/{image}/info")).await.expect(200);
}
