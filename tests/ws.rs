//! The WebSocket protocol: how connections begin and end, what they may send, and that events reach exactly the right
//! people on every gateway.

use serde_json::{Value, json};
use testkit::{Cluster, Person, Socket, eventually, keys};

/// Two members of a channel and a stranger to it, all in one team.
struct Room {
    cluster: &'static Cluster,
    ada: Person,
    bob: Person,
    eve: Person,
    channel: String,
}

async fn room() -> Room {
    let cluster = Cluster::shared().await;
    let (ada, bob, eve) = (cluster.person("ada").await, cluster.person("bob").await, cluster.person("eve").await);
    let team = cluster.team(&ada).await;
    cluster.join_team(&bob, &team).await;
    cluster.join_team(&eve, &team).await;
    let channel = cluster.channel(&ada, team["id"].as_str().unwrap()).await["id"].as_str().unwrap().to_owned();
    cluster.join_channel(&bob, &channel).await;
    Room { cluster, ada, bob, eve, channel }
}

/// Everything `socket` was sent up to a marker its owner causes now.
async fn heard(person: &Person, socket: &mut Socket) -> Vec<Value> {
    let marker = testkit::unique("marker");
    let row = json!([{"user_id": person.id, "category": "fence", "name": marker, "value": "x"}]);
    person.put("/users/me/preferences", row).await.expect(200);
    socket.until("preferences_changed", |e| e["data"]["preferences"].as_str().is_some_and(|p| p.contains(&marker))).await
}

#[tokio::test]
async fn a_challenge_is_answered_by_hello_then_ok() {
    let room = room().await;
    let mut socket = Socket::connect(&room.cluster.gateways[1], None).await.unwrap();
    socket.send(&json!({"seq": 1, "action": "ping"}).to_string()).await;
    let refused = socket.action("get_statuses", json!({})).await;
    assert_eq!(
        (&refused["status"], &refused["error"]["id"]),
        (&json!("FAIL"), &json!("api.web_socket_router.not_authenticated.app_error"))
    );
    assert_eq!(refused["error"]["status_code"], 401);
    let reply = socket.action("authentication_challenge", json!({"token": room.ada.token()})).await;
    assert_eq!(reply["status"], "OK");
    let hello = socket.expect("hello").await;
    assert_eq!((&hello["seq"], &hello["broadcast"]["user_id"]), (&json!(0), &json!(room.ada.id)));
    assert_eq!(keys(&hello["broadcast"]), keys(&testkit::golden("websocket_events")["hello"]["broadcast"]));
    assert!(hello["data"]["server_version"].as_str().unwrap().starts_with("4.10.0."));
    // A further challenge is ignored without a reply: the ping after it is answered first.
    socket.send(&json!({"seq": 90, "action": "authentication_challenge", "data": {"token": "x"}}).to_string()).await;
    let pong = socket.action("ping", json!({})).await;
    assert_eq!((&pong["data"]["text"], &pong["data"]["version"], &pong["data"]["node_id"]), (&json!("pong"), &json!("4.10.0"), &json!("")));
    assert!(pong["data"]["server_time"].as_i64().unwrap() > 1_700_000_000_000);
    assert!(socket.drain().iter().all(|frame| frame["seq_reply"] != 90));
}

#[tokio::test]
async fn who_does_not_authenticate_is_closed() {
    let cluster = Cluster::shared().await;
    for token in ["", "y8s7f6ykutbnirjtn3mznczmia"] {
        let mut socket = Socket::connect(&cluster.gateways[0], None).await.unwrap();
        socket.send(&json!({"seq": 1, "action": "authentication_challenge", "data": {"token": token}}).to_string()).await;
        socket.closed().await;
        assert!(socket.drain().is_empty(), "closed without a word");
    }
    // An invalid bearer token still upgrades, unauthenticated; silence ends it after five seconds.
    let mut silent = Socket::connect(&cluster.gateways[0], Some("y8s7f6ykutbnirjtn3mznczmia")).await.unwrap();
    silent.closed().await;
    assert!(silent.drain().is_empty());
}

#[tokio::test]
async fn upgrades_are_refused_to_plain_requests_foreign_origins_and_query_tokens() {
    let room = room().await;
    assert_eq!(room.ada.get("/websocket").await.status, 400);
    let base = &room.cluster.gateways[0];
    let foreign = Socket::connect_with(base, |h| {
        h.insert("origin", "http://evil.example".parse().unwrap());
    });
    assert_eq!(foreign.await.err(), Some(403));
    let path = format!("/websocket?access_token={}", room.ada.token());
    let upgrade = |request: reqwest::RequestBuilder| {
        let headers = [("connection", "upgrade"), ("upgrade", "websocket"), ("sec-websocket-version", "13")];
        let request = request.header("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA==");
        headers.into_iter().fold(request, |request, (name, value)| request.header(name, value))
    };
    let anonymous = room.cluster.anonymous(0);
    let answer = anonymous.send(upgrade(anonymous.request(http::Method::GET, &path))).await;
    answer.refused(401, "api.context.token_provided.app_error");
    let own = Socket::connect_with(base, |h| {
        h.insert("origin", base.parse().unwrap());
        h.insert("cookie", format!("MMAUTHTOKEN={}", room.ada.token()).parse().unwrap());
    });
    let mut own = own.await.expect("the cookie needs no X-Requested-With here");
    own.expect("hello").await;
}

#[tokio::test]
async fn mistakes_get_their_answers() {
    let room = room().await;
    let mut socket = room.ada.socket(0).await;
    for (frame, seq, id, status) in [
        (json!({"seq": 5}), 5, "api.web_socket_router.no_action.app_error", 400),
        (json!({"seq": 0, "action": "ping"}), 0, "api.web_socket_router.bad_seq.app_error", 400),
        (json!({"seq": -1, "action": "ping"}), -1, "api.web_socket_router.bad_seq.app_error", 400),
        (json!({"seq": 7, "action": "dance"}), 7, "api.web_socket_router.bad_action.app_error", 500),
        (json!({"seq": 8, "action": "user_typing"}), 8, "api.websocket_handler.invalid_param.app_error", 400),
        (
            json!({"seq": 9, "action": "get_statuses_by_ids", "data": {"user_ids": []}}),
            9,
            "api.websocket_handler.invalid_param.app_error",
            400,
        ),
    ] {
        socket.send(&frame.to_string()).await;
        let reply = eventually("a reply", || {
            let found = socket.drain().into_iter().find(|f| f["status"].is_string());
            async move { found }
        })
        .await;
        assert_eq!((&reply["status"], &reply["error"]["id"], &reply["error"]["status_code"]), (&json!("FAIL"), &json!(id), &json!(status)));
        let expected = if seq == 0 { Value::Null } else { json!(seq) };
        assert_eq!(reply["seq_reply"], expected, "{frame}");
    }
    socket.send_binary(&json!({"seq": 11, "action": "ping"}).to_string()).await;
    let pong = eventually("a pong to a binary frame", || {
        let found = socket.drain().into_iter().find(|f| f["seq_reply"] == 11);
        async move { found }
    })
    .await;
    assert_eq!(pong["data"]["text"], "pong");
    // 8,192 bytes pass, one more drops the connection; so does what is no JSON.
    let padded = |size: usize| {
        let frame = json!({"seq": 1, "action": "ping", "data": {"pad": ""}}).to_string();
        frame.replace("\"pad\":\"\"", &format!("\"pad\":\"{}\"", "x".repeat(size - frame.len())))
    };
    socket.send(&padded(8_192)).await;
    let pong = eventually("a pong", || {
        let found = socket.drain().into_iter().find(|f| f["seq_reply"] == 1);
        async move { found }
    })
    .await;
    assert_eq!(pong["data"]["text"], "pong");
    socket.send(&padded(8_193)).await;
    socket.closed().await;
    for frame in ["nonsense", "[1]", r#"{"seq":1.5,"action":"ping"}"#] {
        let mut socket = room.ada.socket(0).await;
        socket.send(frame).await;
        socket.closed().await;
    }
}

#[tokio::test]
async fn a_post_is_heard_by_members_on_every_gateway_and_by_nobody_else() {
    let room = room().await;
    let mut sockets = Vec::new();
    for gateway in 0..2 {
        sockets.push((room.ada.socket(gateway).await, room.bob.socket(gateway).await, room.eve.socket(gateway).await));
    }
    let post = room.ada.say(&room.channel, "heard by whom it concerns").await;
    for (ada, bob, eve) in &mut sockets {
        for socket in [ada, bob] {
            let event = socket.expect_where("posted", |e| e["broadcast"]["channel_id"] == room.channel.as_str()).await;
            let sent: Value = serde_json::from_str(event["data"]["post"].as_str().expect("a JSON string")).unwrap();
            assert_eq!((&sent["id"], &sent["message"]), (&post["id"], &post["message"]));
            assert_eq!(event["data"]["sender_name"], room.ada.username.as_str());
            assert_eq!(event["data"]["channel_type"], "O");
        }
        let events = heard(&room.eve, eve).await;
        assert!(events.iter().all(|e| e["event"] != "posted"), "a stranger to the channel heard {events:?}");
    }
}

#[tokio::test]
async fn seq_counts_events_without_gaps() {
    let room = room().await;
    let mut socket = room.bob.socket(1).await;
    for i in 0..20 {
        room.ada.say(&room.channel, &format!("number {i}")).await;
    }
    let events = heard(&room.bob, &mut socket).await;
    let seqs: Vec<i64> = events.iter().map(|e| e["seq"].as_i64().unwrap()).collect();
    assert_eq!(seqs, (1..=seqs.len() as i64).collect::<Vec<_>>(), "hello was 0");
    let said: Vec<String> = events
        .iter()
        .filter(|e| e["event"] == "posted")
        .map(|e| serde_json::from_str::<Value>(e["data"]["post"].as_str().unwrap()).unwrap()["message"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(said, (0..20).map(|i| format!("number {i}")).collect::<Vec<_>>(), "in the order of posting");
}

#[tokio::test]
async fn typing_is_heard_by_the_other_members_only() {
    let room = room().await;
    let mut typist = room.ada.socket(0).await;
    let mut typist_elsewhere = room.ada.socket(1).await;
    let mut other = room.bob.socket(1).await;
    let mut stranger = room.eve.socket(1).await;
    let reply = typist.action("user_typing", json!({"channel_id": room.channel, "parent_id": ""})).await;
    assert_eq!(reply, json!({"status": "OK", "seq_reply": 1}));
    let event = other.expect("typing").await;
    assert_eq!(event["data"], json!({"user_id": room.ada.id, "parent_id": ""}));
    assert_eq!(
        event["broadcast"],
        json!({"omit_users": {room.ada.id.as_str(): true}, "user_id": "", "channel_id": room.channel, "team_id": ""})
    );
    assert!(heard(&room.ada, &mut typist_elsewhere).await.iter().all(|e| e["event"] != "typing"));
    assert!(heard(&room.eve, &mut stranger).await.iter().all(|e| e["event"] != "typing"));
    // A stranger cannot type into the channel.
    stranger.action("user_typing", json!({"channel_id": room.channel})).await;
    assert!(heard(&room.bob, &mut other).await.iter().all(|e| e["event"] != "typing"));
}

#[tokio::test]
async fn joining_and_leaving_change_what_an_open_socket_hears() {
    let room = room().await;
    let mut socket = room.eve.socket(1).await;
    room.cluster.join_channel(&room.eve, &room.channel).await;
    socket.expect_where("user_added", |e| e["data"]["user_id"] == room.eve.id.as_str()).await;
    room.ada.say(&room.channel, "welcome").await;
    socket.expect_where("posted", |e| e["data"]["post"].as_str().unwrap().contains("welcome")).await;
    room.eve.delete(&format!("/channels/{}/members/{}", room.channel, room.eve.id)).await.expect(200);
    room.ada.say(&room.channel, "behind her back").await;
    let events = heard(&room.eve, &mut socket).await;
    assert!(events.iter().all(|e| !e["data"]["post"].as_str().unwrap_or_default().contains("behind her back")));
}

#[tokio::test]
async fn an_ended_session_hears_nothing_more() {
    let room = room().await;
    let mut socket = room.bob.socket(1).await;
    let mut witness = room.ada.socket(1).await;
    room.bob.on(0).post("/users/logout", json!({})).await.expect(200);
    eventually("the session is refused on both gateways", || async {
        let (a, b) = (room.bob.on(0).get("/users/me").await, room.bob.on(1).get("/users/me").await);
        (a.status == 401 && b.status == 401).then_some(())
    })
    .await;
    socket.drain();
    room.ada.say(&room.channel, "he is gone").await;
    witness.expect("posted").await;
    let reply = socket.action("ping", json!({})).await;
    assert_eq!((&reply["status"], &reply["error"]["status_code"]), (&json!("FAIL"), &json!(401)));
    assert!(socket.drain().iter().all(|frame| frame["event"].is_null()), "no event after the logout");
}

#[tokio::test]
async fn statuses_are_answered_by_id() {
    let room = room().await;
    let mut socket = room.ada.socket(0).await;
    let _bob = room.bob.socket(1).await;
    eventually("bob is online", || {
        let path = format!("/users/{}/status", room.bob.id);
        let ada = room.ada.clone();
        async move { (ada.on(0).get(&path).await.expect(200)["status"] == "online").then_some(()) }
    })
    .await;
    let reply = socket.action("get_statuses_by_ids", json!({"user_ids": [room.bob.id, "y8s7f6ykutbnirjtn3mznczmia"]})).await;
    assert_eq!(reply["data"], json!({room.bob.id.as_str(): "online", "y8s7f6ykutbnirjtn3mznczmia": "offline"}));
    let reply = socket.action("get_statuses", json!({})).await;
    assert_eq!(reply["data"][room.bob.id.as_str()], "online");
}

#[tokio::test]
async fn a_lost_bus_makes_clients_resync() {
    let cluster = Cluster::start(testkit::Options { own_engines: true, ..Default::default() }).await;
    let ada = cluster.person("ada").await;
    let mut socket = ada.socket(0).await;
    cluster.engines().kill_nats();
    cluster.engines().start_nats();
    assert_eq!(socket.closed().await, Some(1012), "service restart");
    let mut again = ada.socket(1).await;
    ada.put("/users/me/preferences", json!([{"user_id": ada.id, "category": "c", "name": "n", "value": "v"}])).await.expect(200);
    again.expect("preferences_changed").await;
}
