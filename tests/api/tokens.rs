//! Personal access tokens.

use serde_json::{Value, json};
use testkit::{Client, Cluster, Options, Person, Socket, eventually, golden, keys};

const EXPIRED: &str = "api.context.session_expired.app_error";
const PERMISSIONS: &str = "api.context.permissions.app_error";
const BAD_BODY: &str = "api.context.invalid_body_param.app_error";
const MISSING: &str = "store.sql_user_access_token.get.app_error";
const UNKNOWN_ID: &str = "y8s7f6ykutbnirjtn3mznczmia";

/// A person who may have tokens.
async fn holder(cluster: &Cluster) -> Person {
    let (admin, ada) = (cluster.admin().await, cluster.person("ada").await);
    admin.put(&format!("/users/{}/roles", ada.id), json!({"roles": "system_user system_user_access_token"})).await.expect(200);
    for i in 0..2 {
        // Another session's user: reading tokens tells whether the role has arrived.
        eventually("the role counts", || async { (ada.on(i).get("/users/me/tokens").await.status == 200).then_some(()) }).await;
    }
    ada
}

async fn make(person: &Person) -> Value {
    person.on(1).post("/users/me/tokens", json!({"description": "for a bot"})).await.expect(200)
}

fn with_token(client: &Client, token: &Value) -> Client {
    Client::new(&client.base).with_token(token["token"].as_str().unwrap())
}

#[tokio::test]
async fn a_token_opens_a_session_everywhere() {
    let cluster = Cluster::shared().await;
    let ada = holder(cluster).await;
    let token = make(&ada).await;
    assert_eq!(keys(&token), keys(&golden("user_access_token")));
    assert_eq!((&token["user_id"], &token["description"], &token["is_active"]), (&json!(ada.id), &json!("for a bot"), &json!(true)));
    for i in 0..2 {
        assert_eq!(with_token(ada.on(i), &token).get("/users/me").await.expect(200)["id"], ada.id);
    }
    let mut socket = Socket::open(&cluster.gateways[1], token["token"].as_str().unwrap()).await;
    with_token(&ada, &token).put("/users/me/patch", json!({"nickname": "bot"})).await.expect(200);
    socket.expect_where("user_updated", |e| e["data"]["user"]["nickname"] == "bot" && e["data"]["user"]["id"] == ada.id).await;
    let sessions = ada.get("/users/me/sessions").await.expect(200);
    let made: Vec<&Value> = sessions.as_array().unwrap().iter().filter(|s| s["props"]["type"] == "UserAccessToken").collect();
    assert_eq!(made.len(), 1, "one session however often it is used");
    assert_eq!(made[0]["props"], json!({"type": "UserAccessToken", "user_access_token_id": token["id"]}));
    ada.post("/users/me/sessions/revoke/all", json!({})).await.expect(200);
    with_token(ada.on(1), &token).get("/users/me").await.expect(200);
}

#[tokio::test]
async fn only_holders_of_the_permission_have_tokens() {
    let cluster = Cluster::shared().await;
    let (ada, bob, admin) = (holder(cluster).await, cluster.person("bob").await, cluster.admin().await);
    let token = make(&ada).await;
    let id = token["id"].as_str().unwrap();
    let key = json!({"token_id": id});
    let path = format!("/users/{}/tokens", ada.id);
    for (client, other) in [(&bob, &path), (&bob, &"/users/me/tokens".to_owned()), (&ada, &format!("/users/{}/tokens", bob.id))] {
        client.get(other).await.refused(403, PERMISSIONS);
        client.post(other, json!({"description": "d"})).await.refused(403, PERMISSIONS);
    }
    let carol = holder(cluster).await;
    for client in [&bob, &carol] {
        client.get(&format!("/users/tokens/{id}")).await.refused(403, PERMISSIONS);
        for action in ["revoke", "disable", "enable"] {
            client.post(&format!("/users/tokens/{action}"), key.clone()).await.refused(403, PERMISSIONS);
        }
    }
    ada.get("/users/tokens").await.refused(403, PERMISSIONS);
    ada.post("/users/tokens/search", json!({"term": "x"})).await.refused(403, PERMISSIONS);
    admin.on(1).post(&path, json!({"description": "by admin"})).await.expect(200);
    let mut shown = token.clone();
    shown.as_object_mut().unwrap().remove("token");
    assert_eq!(ada.get(&format!("/users/tokens/{id}")).await.expect(200), shown);
    let listed = ada.get(&path).await.expect(200);
    assert!(listed.as_array().unwrap().contains(&shown), "without the token itself: {listed}");
    assert_eq!(ada.get(&format!("{path}?per_page=1")).await.expect(200).as_array().unwrap().len(), 1);
    for term in [id, &ada.id, &ada.username] {
        let found = admin.post("/users/tokens/search", json!({"term": term})).await.expect(200);
        assert!(found.as_array().unwrap().contains(&shown), "{term}");
    }
    assert!(admin.get("/users/tokens?per_page=200").await.expect(200).as_array().unwrap().contains(&shown));
    admin.post("/users/tokens/search", json!({"term": ""})).await.refused(400, BAD_BODY);
    for body in [json!({}), json!({"description": ""})] {
        bob.post("/users/me/tokens", body).await.refused(400, BAD_BODY);
    }
    ada.post("/users/me/tokens", json!({"description": "d".repeat(256)}))
        .await
        .refused(400, "model.user_access_token.is_valid.description.app_error");
    ada.get("/users/tokens/short").await.refused(400, "api.context.invalid_url_param.app_error");
    ada.get(&format!("/users/tokens/{UNKNOWN_ID}")).await.refused(404, MISSING);
    admin
        .post(&format!("/users/{UNKNOWN_ID}/tokens"), json!({"description": "d"}))
        .await
        .refused(404, "store.sql_user.missing_account.const");
}

#[tokio::test]
async fn a_disabled_or_revoked_token_is_dead_at_once() {
    let cluster = Cluster::shared().await;
    let ada = holder(cluster).await;
    let token = make(&ada).await;
    let key = json!({"token_id": token["id"]});
    let clients = [with_token(ada.on(0), &token), with_token(ada.on(1), &token)];
    for (action, status) in [("disable", 401), ("enable", 200), ("revoke", 401)] {
        assert_eq!(ada.post(&format!("/users/tokens/{action}"), key.clone()).await.expect(200), json!({"status": "OK"}));
        for client in &clients {
            eventually(action, || async { (client.get("/users/me").await.status == status).then_some(()) }).await;
        }
    }
    for action in ["revoke", "disable", "enable"] {
        for body in [key.clone(), json!({}), json!({"token_id": UNKNOWN_ID})] {
            ada.post(&format!("/users/tokens/{action}"), body).await.refused(404, MISSING);
        }
    }
    let wanted = format!("success - token_id={}", token["id"].as_str().unwrap());
    eventually("the trail", || async {
        let audits = ada.get("/users/me/audits").await.expect(200);
        audits.as_array().unwrap().iter().any(|a| a["extra_info"] == wanted).then_some(())
    })
    .await;
}

#[tokio::test]
async fn closing_the_account_ends_its_tokens() {
    let cluster = Cluster::shared().await;
    let (ada, admin) = (holder(cluster).await, cluster.admin().await);
    let token = make(&ada).await;
    let client = with_token(ada.on(1), &token);
    client.get("/users/me").await.expect(200);
    admin.delete(&format!("/users/{}", ada.id)).await.expect(200);
    eventually("the token is dead", || async { (client.get("/users/me").await.status == 401).then_some(()) }).await;
}

#[tokio::test]
async fn tokens_can_be_switched_off() {
    let cluster = Cluster::start(Options::default().env("MM_SERVICESETTINGS_ENABLEUSERACCESSTOKENS", "false")).await;
    let admin = cluster.admin().await;
    admin.post("/users/me/tokens", json!({"description": "d"})).await.refused(501, "app.user_access_token.disabled");
    assert_eq!(admin.get("/users/me/tokens").await.expect(200), json!([]));
}

#[tokio::test]
async fn sockets_that_a_token_opened_close_with_it() {
    let cluster = Cluster::start(Options::default().env("MM_SERVICESETTINGS_ENABLEUSERACCESSTOKENS", "")).await;
    let admin = cluster.admin().await;
    let mut config = admin.get("/config").await.expect(200);
    config["ServiceSettings"]["EnableUserAccessTokens"] = json!(true);
    admin.put("/config", config.clone()).await.expect(200);
    let made = |i: usize| {
        let admin = admin.clone();
        async move {
            eventually("tokens are on", || async {
                let answer = admin.on(i).post("/users/me/tokens", json!({"description": "d"})).await;
                (answer.status == 200).then_some(answer.body)
            })
            .await
        }
    };
    let secret = |token: &Value| token["token"].as_str().unwrap().to_owned();
    for (i, action) in [(0, "disable"), (1, "revoke")] {
        let token = made(i).await;
        let mut sockets = Vec::new();
        for gateway in &cluster.gateways {
            eventually("tokens are on here", || async {
                (Client::new(gateway).with_token(&secret(&token)).get("/users/me").await.status == 200).then_some(())
            })
            .await;
            sockets.push(Socket::open(gateway, &secret(&token)).await);
        }
        admin.post(&format!("/users/tokens/{action}"), json!({"token_id": token["id"]})).await.expect(200);
        for socket in &mut sockets {
            socket.closed().await;
        }
    }
    let token = made(0).await;
    let mut sockets = Vec::new();
    for gateway in &cluster.gateways {
        sockets.push(Socket::open(gateway, &secret(&token)).await);
    }
    let mut own = admin.socket(1).await;
    config["ServiceSettings"]["EnableUserAccessTokens"] = json!(false);
    admin.put("/config", config).await.expect(200);
    for socket in &mut sockets {
        socket.closed().await;
    }
    for i in 0..2 {
        with_token(admin.on(i), &token).get("/users/me").await.refused(401, EXPIRED);
        // Neither by the header nor by the first message.
        let mut late = Socket::connect(&cluster.gateways[i], None).await.expect("an upgrade");
        late.send(&json!({"seq": 1, "action": "authentication_challenge", "data": {"token": secret(&token)}}).to_string()).await;
        late.closed().await;
        assert!(late.drain().is_empty());
    }
    own.action("ping", json!({})).await;
}
