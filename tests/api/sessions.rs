//! Signing in and out, sessions, devices, the audit trail.

use serde_json::{Value, json};
use testkit::{Client, Cluster, Options, Person, eventually, golden, keys};

const PASSWORD: &str = "correct-horse-1";
const PERMISSIONS: &str = "api.context.permissions.app_error";
const BAD_BODY: &str = "api.context.invalid_body_param.app_error";
const EXPIRED: &str = "api.context.session_expired.app_error";

/// Another session of the person, on gateway `i`.
async fn log_in(cluster: &Cluster, person: &Person, i: usize, extra: Value) -> Client {
    let mut body = json!({"login_id": person.username, "password": PASSWORD});
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    let answer = cluster.anonymous(i).post("/users/login", body).await;
    let token = answer.header("token").expect("Token").to_owned();
    answer.expect(200);
    cluster.anonymous(i).with_token(&token)
}

fn cookies(answer: &testkit::Answer) -> Vec<String> {
    answer.headers.get_all("set-cookie").iter().map(|v| v.to_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_login_answers_the_user_a_token_and_cookies() {
    let cluster = Cluster::shared().await;
    let ada = cluster.person("ada").await;
    for body in [
        json!({"login_id": ada.username, "password": PASSWORD}),
        json!({"login_id": ada.email, "password": PASSWORD}),
        json!({"id": ada.id, "password": PASSWORD}),
    ] {
        let answer = cluster.anonymous(1).post("/users/login", body).await;
        let token = answer.header("token").expect("Token").to_owned();
        assert!(muster_domain::ids::is_id(&token));
        assert_eq!(
            cookies(&answer),
            [format!("MMAUTHTOKEN={token}; Path=/; Max-Age=2592000; HttpOnly"), format!("MMUSERID={}; Path=/; Max-Age=2592000", ada.id),]
        );
        let user = answer.expect(200);
        assert_eq!((keys(&user), &user["id"]), (keys(&golden("user.self")), &json!(ada.id)));
        assert_eq!(cluster.anonymous(0).with_token(&token).get("/users/me").await.expect(200)["id"], ada.id);
    }
    let client = cluster.anonymous(0);
    let request = client.request(http::Method::POST, "/users/login").header("x-forwarded-proto", "https");
    let answer = client.send(request.json(&json!({"login_id": ada.username, "password": PASSWORD}))).await;
    assert!(cookies(&answer).iter().all(|c| c.contains("; Secure")));
}

#[tokio::test]
async fn logins_are_refused_with_their_reason() {
    let cluster = Cluster::shared().await;
    let ada = cluster.person("ada").await;
    let unknown = "store.sql_user.get_for_login.app_error";
    let client = cluster.anonymous(0);
    for (body, status, id) in [
        (json!({}), 400, "api.user.login.blank_pwd.app_error"),
        (json!({"login_id": "nobody-at-all", "password": ""}), 400, "api.user.login.blank_pwd.app_error"),
        (json!({"login_id": "nobody-at-all", "password": "x"}), 400, unknown),
        (json!({"login_id": "", "password": "x"}), 400, unknown),
        (json!({"id": "y8s7f6ykutbnirjtn3mznczmia", "password": "x"}), 400, unknown),
        (json!({"login_id": ada.username.to_uppercase(), "password": PASSWORD}), 400, unknown),
        (json!({"login_id": format!("{} ", ada.username), "password": PASSWORD}), 400, unknown),
        (json!({"login_id": ada.username, "password": PASSWORD, "ldap_only": "true"}), 400, unknown),
        (json!({"login_id": ada.username, "password": "wrong"}), 401, "api.user.check_user_password.invalid.app_error"),
        (json!({"login_id": 7, "password": PASSWORD}), 400, BAD_BODY),
    ] {
        client.post("/users/login", body).await.refused(status, id);
    }
    assert_eq!(client.post("/users/login", json!({"login_id": ada.username, "password": "wrong"})).await.header("token"), None);
    assert_eq!(ada.get("/users/me").await.expect(200)["failed_attempts"], 2);
    log_in(cluster, &ada, 1, json!({})).await;
    assert_eq!(ada.get("/users/me").await.expect(200).get("failed_attempts"), None, "a right password clears the count");
}

#[tokio::test]
async fn ten_wrong_passwords_lock_however_they_come() {
    let cluster = Cluster::shared().await;
    let ada = cluster.person("ada").await;
    let guesses = (0..30).map(|i| {
        let client = cluster.anonymous(i % 2);
        let body = json!({"login_id": ada.username, "password": "wrong"});
        async move { client.post("/users/login", body).await.body["id"].as_str().unwrap_or_default().to_owned() }
    });
    let answers = futures_util::future::join_all(guesses).await;
    let heard = answers.iter().filter(|id| *id == "api.user.check_user_password.invalid.app_error").count();
    let locked = answers.iter().filter(|id| *id == "api.user.check_user_login_attempts.too_many.app_error").count();
    assert_eq!(heard + locked, 30, "{answers:?}");
    // As many guesses as are hashed at the same moment may pass the limit together; the rest is locked.
    let at_once = 2 * std::thread::available_parallelism().unwrap().get();
    assert!((10..10 + at_once).contains(&heard), "{heard} guesses were heard");
    let right = json!({"login_id": ada.username, "password": PASSWORD});
    cluster.anonymous(1).post("/users/login", right).await.refused(401, "api.user.check_user_login_attempts.too_many.app_error");
    ada.get("/users/me").await.expect(200);
}

#[tokio::test]
async fn ways_of_signing_in_follow_the_settings() {
    let options = Options::default()
        .env("MM_EMAILSETTINGS_ENABLESIGNINWITHUSERNAME", "false")
        .env("MM_EMAILSETTINGS_REQUIREEMAILVERIFICATION", "true");
    let cluster = Cluster::start(options).await;
    let body = json!({"username": "ada", "email": "ada@example.com", "password": PASSWORD});
    cluster.anonymous(0).post("/users", body).await.expect(201);
    let login = async |login_id: &str, password: &str| {
        cluster.anonymous(1).post("/users/login", json!({"login_id": login_id, "password": password})).await
    };
    login("ada", PASSWORD).await.refused(400, "store.sql_user.get_for_login.app_error");
    login("ada@example.com", "wrong").await.refused(401, "api.user.check_user_password.invalid.app_error");
    login("ada@example.com", PASSWORD).await.refused(401, "api.user.login.not_verified.app_error");
}

#[tokio::test]
async fn sessions_are_listed_with_client_and_teams() {
    let cluster = Cluster::shared().await;
    let (ada, bob, admin) = (cluster.person("ada").await, cluster.person("bob").await, cluster.admin().await);
    let team = cluster.team(&ada).await;
    let client = cluster.anonymous(1);
    let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:57.0) Gecko/20100101 Firefox/57.0";
    let request = client.request(http::Method::POST, "/users/login").header("user-agent", agent);
    client.send(request.json(&json!({"login_id": ada.username, "password": PASSWORD}))).await.expect(200);
    let sessions = ada.get("/users/me/sessions").await.expect(200);
    assert_eq!(sessions.as_array().unwrap().len(), 2);
    let newest = &sessions[0];
    let sample = &golden("sessions")[0];
    assert_eq!(keys(newest), keys(sample));
    assert_eq!(keys(&newest["team_members"][0]), keys(&sample["team_members"][0]));
    assert_eq!(newest["team_members"][0]["team_id"], team["id"]);
    assert_eq!(newest["props"], json!({"platform": "Linux", "os": "Linux", "browser": "Firefox/57.0"}));
    assert_eq!(sessions[1]["props"], sample["props"], "the test's own client is unknown");
    assert_eq!((&newest["token"], &newest["roles"], &newest["user_id"]), (&json!(""), &json!("system_user"), &json!(ada.id)));
    let (created, expires) = (newest["create_at"].as_i64().unwrap(), newest["expires_at"].as_i64().unwrap());
    assert_eq!(expires - created, 30 * 24 * 3_600_000);
    let path = format!("/users/{}/sessions", ada.id);
    assert_eq!(admin.on(1).get(&path).await.expect(200).as_array().unwrap().len(), 2);
    bob.get(&path).await.refused(403, PERMISSIONS);
}

#[tokio::test]
async fn a_revoked_session_is_dead_on_every_gateway() {
    let cluster = Cluster::shared().await;
    let (ada, bob, admin) = (cluster.person("ada").await, cluster.person("bob").await, cluster.admin().await);
    let second = log_in(cluster, &ada, 1, json!({})).await;
    let id = ada.get("/users/me/sessions").await.expect(200)[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/users/{}/sessions/revoke", ada.id);
    bob.post(&path, json!({"session_id": id})).await.refused(403, PERMISSIONS);
    for body in [json!({}), json!({"session_id": ""})] {
        ada.post(&path, body).await.refused(400, BAD_BODY);
    }
    ada.post(&path, json!({"session_id": "y8s7f6ykutbnirjtn3mznczmia"})).await.refused(400, "store.sql_session.get.app_error");
    bob.post("/users/me/sessions/revoke", json!({"session_id": id})).await.refused(400, "store.sql_session.get.app_error");
    second.get("/users/me").await.expect(200);
    ada.post(&path, json!({"session_id": id})).await.expect(200);
    for i in 0..2 {
        let client = cluster.anonymous(i).with_token(second.token.as_deref().unwrap());
        eventually("the session is over", || async { (client.get("/users/me").await.status == 401).then_some(()) }).await;
    }
    ada.get("/users/me").await.expect(200);

    let path = format!("/users/{}/sessions/revoke/all", ada.id);
    bob.post(&path, json!({})).await.refused(403, PERMISSIONS);
    let third = log_in(cluster, &ada, 1, json!({})).await;
    ada.post(&path, json!({})).await.expect(200);
    ada.get("/users/me").await.refused(401, EXPIRED);
    eventually("all sessions are over", || async { (third.get("/users/me").await.status == 401).then_some(()) }).await;
    let fourth = log_in(cluster, &ada, 0, json!({})).await;
    admin.on(1).post(&path, json!({})).await.expect(200);
    eventually("by an administrator too", || async { (fourth.get("/users/me").await.status == 401).then_some(()) }).await;
}

#[tokio::test]
async fn a_revoked_session_hears_nothing_more() {
    let cluster = Cluster::shared().await;
    let ada = cluster.person("ada").await;
    let second = log_in(cluster, &ada, 1, json!({})).await;
    let mut dead = testkit::Socket::open(&second.base, second.token.as_deref().unwrap()).await;
    let mut live = ada.socket(1).await;
    second.post("/users/logout", json!({})).await.expect(200);
    ada.put("/users/me/preferences", json!([{"user_id": ada.id, "category": "fence", "name": "n", "value": "v"}])).await.expect(200);
    live.expect("preferences_changed").await;
    // Both sockets are on one gateway, which handles a batch for all of them before the next one.
    ada.put("/users/me/preferences", json!([{"user_id": ada.id, "category": "fence", "name": "n", "value": "w"}])).await.expect(200);
    live.expect("preferences_changed").await;
    assert!(dead.drain().iter().all(|e| e["event"] != "preferences_changed"));
}

#[tokio::test]
async fn logging_out_needs_nothing() {
    let cluster = Cluster::shared().await;
    let ada = cluster.person("ada").await;
    let other = log_in(cluster, &ada, 1, json!({})).await;
    let answer = ada.post("/users/logout", json!({})).await;
    assert_eq!(cookies(&answer), ["MMAUTHTOKEN=; Path=/; Max-Age=0; HttpOnly"]);
    assert_eq!(answer.expect(200), json!({"status": "OK"}));
    ada.get("/users/me").await.refused(401, EXPIRED);
    eventually("on the other gateway too", || async { (ada.on(1).get("/users/me").await.status == 401).then_some(()) }).await;
    other.get("/users/me").await.expect(200);
    cluster.anonymous(0).post("/users/logout", json!({})).await.expect(200);
    cluster.anonymous(0).with_token("y8s7f6ykutbnirjtn3mznczmia").post("/users/logout", json!({})).await.expect(200);
}

#[tokio::test]
async fn tokens_travel_in_four_ways() {
    let cluster = Cluster::shared().await;
    let ada = cluster.person("ada").await;
    let token = ada.token();
    let client = cluster.anonymous(1);
    let get = |headers: &[(&'static str, String)], path: &str| {
        let mut request = client.request(http::Method::GET, path);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let client = client.clone();
        async move { client.send(request).await }
    };
    get(&[("authorization", format!("bEaReR {token}"))], "/users/me").await.expect(200);
    get(&[("authorization", format!("TOKEN {token}"))], "/users/me").await.expect(200);
    let cookie = ("cookie", format!("MMAUTHTOKEN={token}"));
    get(&[cookie.clone(), ("x-requested-with", "XMLHttpRequest".to_owned())], "/users/me").await.expect(200);
    get(std::slice::from_ref(&cookie), "/users/me").await.refused(401, EXPIRED);
    get(&[cookie], "/roles/name/system_user").await.expect(200);
    get(&[], &format!("/users/me?access_token={token}")).await.refused(401, "api.context.token_provided.app_error");
    let stale = get(
        &[("cookie", "MMAUTHTOKEN=y8s7f6ykutbnirjtn3mznczmia".to_owned()), ("x-requested-with", "XMLHttpRequest".to_owned())],
        "/users/me",
    )
    .await;
    assert_eq!(cookies(&stale), ["MMAUTHTOKEN=; Path=/; Max-Age=0; HttpOnly"]);
    stale.refused(401, EXPIRED);
    get(&[], "/users/me").await.refused(401, EXPIRED);
}

#[tokio::test]
async fn a_device_has_one_session() {
    let cluster = Cluster::shared().await;
    let ada = cluster.person("ada").await;
    let device = format!("apple:{}", ada.id);
    let first = log_in(cluster, &ada, 0, json!({"device_id": device})).await;
    let second = log_in(cluster, &ada, 1, json!({"device_id": device})).await;
    eventually("the older session of the device is over", || async { (first.get("/users/me").await.status == 401).then_some(()) }).await;
    assert_eq!(ada.get("/users/me/sessions").await.expect(200)[0]["device_id"], device);
    let answer = ada.put("/users/sessions/device", json!({"device_id": device})).await;
    assert_eq!(cookies(&answer), [format!("MMAUTHTOKEN={}; Path=/; Max-Age=2592000; HttpOnly", ada.token())]);
    assert_eq!(answer.expect(200), json!({"status": "OK"}));
    eventually("attaching ends the others too", || async { (second.get("/users/me").await.status == 401).then_some(()) }).await;
    let sessions = ada.get("/users/me/sessions").await.expect(200);
    assert_eq!((sessions.as_array().unwrap().len(), &sessions[0]["device_id"]), (1, &json!(device)));
    for body in [json!({}), json!({"device_id": ""}), json!({"device_id": "x".repeat(513)})] {
        ada.put("/users/sessions/device", body).await.refused(400, BAD_BODY);
    }
}

#[tokio::test]
async fn what_people_do_is_on_record() {
    let cluster = Cluster::shared().await;
    let (ada, bob, admin) = (cluster.person("ada").await, cluster.person("bob").await, cluster.admin().await);
    ada.put("/users/me/patch", json!({"nickname": "n"})).await.expect(200);
    admin.put(&format!("/users/{}/roles", ada.id), json!({"roles": "system_user"})).await.expect(200);
    let client = ada.on(1);
    let request = client.request(http::Method::PUT, "/users/me/patch").header("x-forwarded-for", "10.1.2.3, 10.9.9.9");
    client.send(request.json(&json!({"nickname": "m"}))).await.expect(200);
    let path = format!("/users/{}/audits", ada.id);
    let rows = eventually("five rows", || async {
        let rows = ada.get(&path).await.expect(200);
        (rows.as_array().unwrap().len() == 5).then_some(rows)
    })
    .await;
    assert_eq!(keys(&rows[0]), keys(&golden("audits")[0]));
    let seen: Vec<(&str, String)> =
        rows.as_array().unwrap().iter().map(|r| (r["action"].as_str().unwrap(), r["extra_info"].as_str().unwrap().to_owned())).collect();
    let roles_path = format!("/api/v4/users/{}/roles", ada.id);
    assert_eq!(
        seen,
        [
            ("/api/v4/users/me/patch", String::new()),
            (roles_path.as_str(), format!("roles=system_user session_user={}", admin.id)),
            ("/api/v4/users/me/patch", String::new()),
            ("/api/v4/users/login", "success".to_owned()),
            ("/api/v4/users/login", "authenticated".to_owned()),
        ]
    );
    assert_eq!(rows[0]["ip_address"], "10.1.2.3");
    assert_eq!((&rows[3]["ip_address"], &rows[3]["session_id"]), (&json!("127.0.0.1"), &json!("")));
    assert!(muster_domain::ids::is_id(rows[0]["session_id"].as_str().unwrap()));
    assert_eq!(ada.get(&format!("{path}?per_page=2&page=2")).await.expect(200).as_array().unwrap().len(), 1);
    admin.get(&path).await.expect(200);
    bob.get(&path).await.refused(403, PERMISSIONS);
}

#[tokio::test]
async fn a_session_nobody_uses_ends() {
    let cluster = Cluster::start(Options::default().env("MM_SERVICESETTINGS_SESSIONIDLETIMEOUTINMINUTES", "5")).await;
    let ada = cluster.person("ada").await;
    // A new connection each time: processes are killed.
    let on = |i: usize| cluster.anonymous(i).with_token(ada.token());
    let device = log_in(&cluster, &ada, 1, json!({"device_id": format!("apple:{}", ada.id)})).await;
    on(1).get("/users/me").await.expect(200);
    let last_used = async |minutes: i64| {
        let at = muster_domain::time::now_ms() - minutes * 60_000;
        let mut sql = cluster.sql().await;
        let hashes: Vec<String> =
            sqlx::query_scalar("UPDATE identity.sessions SET last_activity_at = $1 WHERE user_id = $2 RETURNING token_hash")
                .bind(at)
                .bind(&ada.id)
                .fetch_all(&mut sql)
                .await
                .unwrap();
        hashes.len()
    };
    assert_eq!(last_used(4).await, 2);
    // Reading one's own account is use; a copy that looks idle is checked before anybody is turned away.
    on(0).get("/users/me").await.expect(200);
    cluster.restart("all0");
    on(0).get("/users/me").await.expect(200);
    assert_eq!(last_used(6).await, 2);
    cluster.restart("all0");
    cluster.restart("all1");
    let copies = redis::Client::open(cluster.redis_url.as_str()).unwrap();
    let mut copies = copies.get_multiplexed_async_connection().await.unwrap();
    let _: () = redis::cmd("FLUSHDB").query_async(&mut copies).await.unwrap();
    on(0).get("/users/me").await.refused(401, EXPIRED);
    on(1).get("/users/me").await.refused(401, EXPIRED);
    cluster.anonymous(1).with_token(device.token.as_deref().unwrap()).get("/users/me").await.expect(200);
}
