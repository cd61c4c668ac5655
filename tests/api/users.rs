//! Tag `users`: creating, reading, changing and closing accounts. Sessions are in `sessions.rs`, lists in `user_lists.rs`.

use serde_json::{Value, json};
use testkit::{Cluster, Options, Person, eventually, golden, keys, unique};
use tokio::sync::OnceCell;

const PASSWORD: &str = "correct-horse-1";
const PERMISSIONS: &str = "api.context.permissions.app_error";
const BAD_BODY: &str = "api.context.invalid_body_param.app_error";
const UNKNOWN_ID: &str = "y8s7f6ykutbnirjtn3mznczmia";

/// A server that lets nobody sign up by themselves and hides names and addresses.
pub async fn closed_cluster() -> &'static Cluster {
    static CLOSED: OnceCell<Cluster> = OnceCell::const_new();
    let options = Options::default()
        .env("MM_TEAMSETTINGS_ENABLEOPENSERVER", "false")
        .env("MM_PRIVACYSETTINGS_SHOWEMAILADDRESS", "false")
        .env("MM_PRIVACYSETTINGS_SHOWFULLNAME", "false")
        .env("MM_TEAMSETTINGS_RESTRICTCREATIONTODOMAINS", "@example.com, example.org");
    CLOSED.get_or_init(|| Cluster::start(options)).await
}

fn sign_up(name: &str) -> Value {
    let username = unique(name);
    json!({"username": username, "email": format!("{username}@example.com"), "password": PASSWORD})
}

fn with(mut body: Value, changes: Value) -> Value {
    body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    body
}

/// A member of the closed cluster, created and logged in by its administrator.
async fn member(cluster: &Cluster, admin: &Person, extra: Value) -> (Value, testkit::Client) {
    let body = with(sign_up("member"), extra);
    let user = admin.post("/users", body.clone()).await.expect(201);
    let answer = cluster.anonymous(1).post("/users/login", json!({"login_id": body["username"], "password": PASSWORD})).await;
    let token = answer.header("token").expect("token").to_owned();
    answer.expect(200);
    (user, cluster.anonymous(1).with_token(&token))
}

#[tokio::test]
async fn anyone_signs_up_on_an_open_server() {
    let cluster = Cluster::shared().await;
    let watcher = cluster.person("watcher").await;
    let mut sockets = [watcher.socket(0).await, watcher.socket(1).await];
    let name = unique("Ada");
    let body = json!({
        "username": name, "email": format!("{name}@Example.com"), "password": PASSWORD, "nickname": "n", "first_name": "f", "last_name": "l",
        "position": "p", "locale": "xx", "roles": "system_admin", "email_verified": true, "delete_at": 5, "create_at": 7, "auth_service": "ldap",
        "failed_attempts": 3, "mfa_active": true, "last_picture_update": 9, "auth_data": "x",
    });
    let user = cluster.anonymous(0).post("/users", body).await.expect(201);
    assert_eq!(keys(&user), keys(&golden("user.self")));
    let lower = name.to_lowercase();
    assert_eq!(user["username"], lower);
    assert_eq!(user["email"], format!("{lower}@example.com"));
    assert_eq!((&user["roles"], &user["locale"], &user["delete_at"]), (&json!("system_user"), &json!("en"), &json!(0)));
    assert_eq!((&user["auth_service"], &user["auth_data"]), (&json!(""), &json!("")));
    let mut expected = golden("user.self")["notify_props"].clone();
    expected["mention_keys"] = json!(format!("{lower},@{lower}"));
    assert_eq!(user["notify_props"], expected);
    assert_eq!(user["timezone"], golden("user.self")["timezone"]);
    assert!(user["create_at"].as_i64().unwrap() > 1_700_000_000_000);
    assert!(muster_domain::ids::is_id(user["id"].as_str().unwrap()));
    for socket in &mut sockets {
        let event = socket.expect_where("new_user", |e| e["data"]["user_id"] == user["id"]).await;
        assert_eq!(event["data"], json!({"user_id": user["id"]}));
        assert_eq!(event["broadcast"], json!({"omit_users": null, "user_id": "", "channel_id": "", "team_id": ""}));
    }
    let answer = cluster.anonymous(1).post("/users/login", json!({"login_id": lower, "password": PASSWORD})).await;
    let token = answer.header("token").unwrap().to_owned();
    let steps = cluster.anonymous(1).with_token(&token).get("/users/me/preferences").await.expect(200);
    assert_eq!(steps, json!([{"user_id": user["id"], "category": "tutorial_step", "name": user["id"], "value": "0"}]));
}

#[tokio::test]
async fn a_blank_username_becomes_an_id() {
    let cluster = Cluster::shared().await;
    let user = cluster.anonymous(0).post("/users", with(sign_up("x"), json!({"username": ""}))).await.expect(201);
    assert_eq!(user["username"].as_str().unwrap().len(), 26);
}

#[tokio::test]
async fn bad_sign_ups_are_refused() {
    let cluster = Cluster::shared().await;
    let taken = cluster.person("taken").await;
    for (changes, id) in [
        (json!({"id": UNKNOWN_ID}), "store.sql_user.save.existing.app_error"),
        (json!({"username": "a b"}), "model.user.is_valid.username.app_error"),
        (json!({"username": "channel"}), "model.user.is_valid.username.app_error"),
        (json!({"username": "x".repeat(65)}), "model.user.is_valid.username.app_error"),
        (json!({"email": ""}), "model.user.is_valid.email.app_error"),
        (json!({"email": "x".repeat(129)}), "model.user.is_valid.email.app_error"),
        (json!({"nickname": "é".repeat(65)}), "model.user.is_valid.nickname.app_error"),
        (json!({"first_name": "é".repeat(65)}), "model.user.is_valid.first_name.app_error"),
        (json!({"last_name": "é".repeat(65)}), "model.user.is_valid.last_name.app_error"),
        (json!({"position": "é".repeat(129)}), "model.user.is_valid.position.app_error"),
        (json!({"password": "four"}), "model.user.is_valid.pwd.app_error"),
        (json!({"password": "x".repeat(65)}), "model.user.is_valid.pwd.app_error"),
        (json!({"props": {"k": "v".repeat(4000)}}), BAD_BODY),
        (json!({"nickname": "a\u{0}b"}), "model.user.is_valid.nickname.app_error"),
        (json!({"username": taken.username.to_uppercase()}), "store.sql_user.save.username_exists.app_error"),
        (json!({"email": taken.email.to_uppercase()}), "store.sql_user.save.email_exists.app_error"),
        (json!({"username": 7}), BAD_BODY),
    ] {
        cluster.anonymous(0).post("/users", with(sign_up("bad"), changes)).await.refused(400, id);
    }
    let client = cluster.anonymous(1);
    client.raw(http::Method::POST, "/users", "application/json", "{").await.refused(400, BAD_BODY);
    client.post("/users?t=short", sign_up("bad")).await.refused(400, "api.user.create_user.signup_link_invalid.app_error");
    client
        .post(&format!("/users?t={}", "y".repeat(64)), sign_up("bad"))
        .await
        .refused(400, "api.user.create_user.signup_link_invalid.app_error");
    client.post(&format!("/users?iid={UNKNOWN_ID}"), sign_up("bad")).await.refused(404, "store.sql_team.get_by_invite_id.find.app_error");
}

#[tokio::test]
async fn exactly_one_is_the_first_and_then_the_door_is_closed() {
    let cluster = Cluster::start(Options::default().env("MM_TEAMSETTINGS_ENABLEOPENSERVER", "false")).await;
    let attempts = (0..6).map(|i| {
        let client = cluster.anonymous(i % 2);
        async move { client.post("/users", sign_up("first")).await }
    });
    let answers = futures_util::future::join_all(attempts).await;
    let (made, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|a| a.status == 201);
    assert_eq!(made.len(), 1, "one account");
    assert_eq!(made[0].body["roles"], "system_admin system_user");
    refused.into_iter().for_each(|a| a.refused(403, "api.user.create_user.no_open_server"));
}

#[tokio::test]
async fn a_closed_server_takes_the_administrators_and_the_invited() {
    let cluster = closed_cluster().await;
    let admin = cluster.admin().await;
    cluster.anonymous(1).post("/users", sign_up("stranger")).await.refused(403, "api.user.create_user.no_open_server");
    let user = admin.on(1).post("/users", with(sign_up("made"), json!({"email_verified": true}))).await.expect(201);
    assert_eq!(user["email_verified"], true);
    let (_, client) = member(cluster, &admin, json!({})).await;
    client.post("/users", sign_up("stranger")).await.refused(403, "api.user.create_user.no_open_server");
    for path in ["/users", &format!("/users?iid={UNKNOWN_ID}")] {
        let outside = with(sign_up("outside"), json!({"email": format!("{}@elsewhere.net", unique("o"))}));
        let answer = admin.post(path, outside).await;
        if path == "/users" {
            answer.refused(400, "api.user.create_user.accepted_domain.app_error");
        } else {
            answer.refused(404, "store.sql_team.get_by_invite_id.find.app_error");
        }
    }
    let team = cluster.team(&admin).await;
    let invited =
        cluster.anonymous(0).post(&format!("/users?iid={}", team["invite_id"].as_str().unwrap()), sign_up("invited")).await.expect(201);
    let path = format!("/teams/{}/members/{}", team["id"].as_str().unwrap(), invited["id"].as_str().unwrap());
    assert_eq!(admin.on(1).get(&path).await.expect(200)["roles"], "team_user");
}

#[tokio::test]
async fn sign_up_can_be_switched_off() {
    let cluster = Cluster::start(Options::default().env("MM_TEAMSETTINGS_ENABLEUSERCREATION", "false")).await;
    cluster.anonymous(0).post("/users", sign_up("x")).await.refused(501, "api.user.create_user.signup_email_disabled.app_error");
}

#[tokio::test]
async fn oneself_is_seen_whole_and_others_as_profiles() {
    let cluster = Cluster::shared().await;
    let (ada, bob) = (cluster.person("ada").await, cluster.person("bob").await);
    let (mine, profile) = (keys(&golden("user.self")), keys(&golden("user.profile")));
    for path in [format!("/users/{}", ada.id), "/users/me".to_owned()] {
        let me = ada.on(1).get(&path).await.expect(200);
        assert_eq!((keys(&me), &me["id"]), (mine.clone(), &json!(ada.id)));
    }
    let admin = cluster.admin().await;
    for person in [&bob, &admin] {
        let seen = person.on(1).get(&format!("/users/{}", ada.id)).await.expect(200);
        assert_eq!((keys(&seen), &seen["email"]), (profile.clone(), &json!(ada.email)));
    }
    for path in [format!("/users/username/{}", ada.username), format!("/users/email/{}", ada.email)] {
        let seen = ada.get(&path).await.expect(200);
        assert_eq!((keys(&seen), &seen["id"]), (profile.clone(), &json!(ada.id)), "also of oneself: {path}");
    }
}

#[tokio::test]
async fn an_account_is_read_again_only_when_it_changed() {
    let cluster = Cluster::shared().await;
    let ada = cluster.person("ada").await;
    let conditional = async |i: usize, path: &str, etag: &str| {
        let client = ada.on(i);
        client.send(client.request(http::Method::GET, path).header("if-none-match", etag)).await
    };
    for path in ["/users/me".to_owned(), format!("/users/username/{}", ada.username), format!("/users/email/{}", ada.email)] {
        let first = ada.get(&path).await;
        let etag = first.header("etag").expect("etag").to_owned();
        let user = first.expect(200);
        assert_eq!(etag, format!("4.10.0.{}.{}.true.true", ada.id, user["update_at"]));
        let again = conditional(1, &path, &etag).await;
        assert_eq!((again.status, again.header("etag"), again.bytes.len()), (304, Some(etag.as_str()), 0));
        ada.put("/users/me/patch", json!({"nickname": unique("nick")})).await.expect(200);
        conditional(1, &path, &etag).await.expect(200);
    }
}

#[tokio::test]
async fn unknown_and_impossible_accounts() {
    let cluster = Cluster::shared().await;
    let ada = cluster.person("ada").await;
    let missing = "store.sql_user.missing_account.const";
    let bad_url = "api.context.invalid_url_param.app_error";
    for (path, status, id) in [
        (format!("/users/{UNKNOWN_ID}"), 404, missing),
        ("/users/abc".to_owned(), 400, bad_url),
        ("/users/username/nobody-is-called-this".to_owned(), 404, missing),
        ("/users/username/Upper".to_owned(), 400, bad_url),
        ("/users/username/channel".to_owned(), 400, bad_url),
        ("/users/email/nobody@nowhere.example".to_owned(), 404, missing),
        ("/users/email/Upper@nowhere.example".to_owned(), 400, bad_url),
        ("/users/email/no-address".to_owned(), 400, bad_url),
    ] {
        ada.get(&path).await.refused(status, id);
    }
    assert_eq!(ada.get("/users/a-b").await.status, 404);
}

#[tokio::test]
async fn what_is_hidden_is_hidden_from_all_but_administrators() {
    let cluster = closed_cluster().await;
    let admin = cluster.admin().await;
    let (user, mine) = member(cluster, &admin, json!({"first_name": "Ada", "last_name": "Byron"})).await;
    let (_, others) = member(cluster, &admin, json!({})).await;
    let path = format!("/users/{}", user["id"].as_str().unwrap());
    let parts = |u: &Value| (u["email"].clone(), u["first_name"].clone(), u["last_name"].clone());
    let shown = (user["email"].clone(), json!("Ada"), json!("Byron"));
    let hidden = (json!(""), json!(""), json!(""));
    assert_eq!(parts(&others.get(&path).await.expect(200)), hidden);
    assert_eq!(parts(&admin.get(&path).await.expect(200)), shown);
    assert_eq!(parts(&mine.get("/users/me").await.expect(200)), shown);
    let by_email = others.get(&format!("/users/email/{}", user["email"].as_str().unwrap())).await.expect(200);
    assert_eq!(parts(&by_email), hidden, "found, but not shown");
    let many = others.post("/users/ids", json!([user["id"]])).await.expect(200);
    assert_eq!(parts(&many[0]), hidden);
    let search = async |client: &testkit::Client, term: &str| client.post("/users/search", json!({"term": term})).await.expect(200);
    let finds = |list: &Value| list.as_array().unwrap().iter().any(|u| u["id"] == user["id"]);
    for term in [user["email"].as_str().unwrap(), "byron"] {
        assert!(finds(&search(&admin, term).await), "{term}");
        // The address begins with the username, so only the whole of it tells them apart.
        assert!(!finds(&search(&others, term).await), "hidden things are not searchable: {term}");
    }
    let completed = others.get("/users/autocomplete?name=byron").await.expect(200);
    assert!(!finds(&completed["users"]));
    // Each socket gets exactly one version of the change.
    let mut admin_socket = admin.socket(0).await;
    let mut other_socket = testkit::Socket::open(&others.base, others.token.as_deref().unwrap()).await;
    mine.put("/users/me/patch", json!({"nickname": "countess"})).await.expect(200);
    mine.put("/users/me/patch", json!({"nickname": "marker"})).await.expect(200);
    for (socket, expected) in [(&mut admin_socket, &shown), (&mut other_socket, &hidden)] {
        let of_user = |e: &Value| e["event"] == "user_updated" && e["data"]["user"]["id"] == user["id"];
        let events = socket.until("user_updated", |e| of_user(e) && e["data"]["user"]["nickname"] == "marker").await;
        let seen: Vec<&Value> = events.iter().filter(|e| of_user(e)).collect();
        assert_eq!(seen.len(), 2, "one per change");
        assert!(seen.iter().all(|e| parts(&e["data"]["user"]) == *expected));
    }
}

#[tokio::test]
async fn an_account_is_replaced_by_its_owner() {
    let cluster = Cluster::shared().await;
    let (ada, bob, admin) = (cluster.person("ada").await, cluster.person("bob").await, cluster.admin().await);
    let old = ada.get("/users/me").await.expect(200);
    let name = unique("renamed");
    let body = json!({
        "id": ada.id, "create_at": 5, "username": name.to_uppercase(), "email": format!("{name}@example.org"), "nickname": "n", "first_name": "f",
        "last_name": "l", "position": "p", "locale": "de", "props": {"k": "v"}, "roles": "system_admin", "delete_at": 9, "email_verified": true,
    });
    let mut socket = bob.socket(1).await;
    let new = ada.put("/users/me", body.clone()).await.expect(200);
    assert_eq!(new["username"], name);
    assert_eq!((&new["create_at"], &new["roles"], &new["delete_at"]), (&old["create_at"], &old["roles"], &old["delete_at"]));
    assert_eq!((&new["locale"], &new["props"], &new["position"]), (&json!("de"), &json!({"k": "v"}), &json!("p")));
    assert_eq!(new["notify_props"]["mention_keys"], format!("{name},@{name}"), "missing ones become the defaults");
    assert!(new["update_at"].as_i64() > old["update_at"].as_i64());
    assert_eq!(new.get("email_verified"), None);
    let event = socket.expect_where("user_updated", |e| e["data"]["user"]["id"] == ada.id).await;
    assert_eq!(event["data"]["user"]["username"], name);
    assert_eq!(event["data"]["user"].get("notify_props"), None);
    assert_eq!(keys(&event["data"]), ["user"]);
    let answer = admin.on(1).put(&format!("/users/{}", ada.id), with(body.clone(), json!({"nickname": "by admin"}))).await.expect(200);
    assert_eq!(answer["nickname"], "by admin");

    bob.put("/users/me", body.clone()).await.refused(403, PERMISSIONS);
    ada.put("/users/me", with(body.clone(), json!({"id": ""}))).await.refused(403, PERMISSIONS);
    ada.put("/users/me", with(body.clone(), json!({"create_at": 0}))).await.refused(400, BAD_BODY);
    ada.put("/users/me", with(body.clone(), json!({"locale": "toolong"}))).await.refused(400, BAD_BODY);
    ada.put("/users/me", with(body.clone(), json!({"username": bob.username})))
        .await
        .refused(400, "store.sql_user.update.username_taken.app_error");
    ada.put("/users/me", with(body.clone(), json!({"email": bob.email}))).await.refused(400, "store.sql_user.update.email_taken.app_error");
    admin.put("/users/me", with(body, json!({"id": UNKNOWN_ID}))).await.refused(400, "store.sql_user.missing_account.const");
}

#[tokio::test]
async fn a_patch_changes_what_it_names() {
    let cluster = Cluster::shared().await;
    let (ada, bob, admin) = (cluster.person("ada").await, cluster.person("bob").await, cluster.admin().await);
    let path = format!("/users/{}/patch", ada.id);
    let first = ada
        .put(&path, json!({"nickname": "n", "first_name": "f", "notify_props": {"mention_keys": "ADA,,x", "email": "false"}}))
        .await
        .expect(200);
    assert_eq!((&first["nickname"], &first["first_name"], &first["last_name"]), (&json!("n"), &json!("f"), &json!("")));
    assert_eq!(first["notify_props"], json!({"mention_keys": "ada,x", "email": "false"}));
    let second = ada.on(1).put(&path, json!({"last_name": "l", "nickname": null})).await.expect(200);
    assert_eq!((&second["nickname"], &second["last_name"]), (&json!("n"), &json!("l")));
    let name = unique("ada");
    let renamed = ada.put(&path, json!({"username": name})).await.expect(200);
    assert_eq!(renamed["notify_props"]["mention_keys"], format!("{name},@{name},ada,x"));
    assert_eq!(ada.get(&format!("/users/username/{name}")).await.expect(200)["id"], ada.id);
    assert_eq!(admin.put(&path, json!({"position": "p"})).await.expect(200)["position"], "p");
    bob.put(&path, json!({"position": "q"})).await.refused(403, PERMISSIONS);
    ada.put(&path, json!({"username": "a b"})).await.refused(400, "model.user.is_valid.username.app_error");
    ada.put(&path, json!({"username": bob.username})).await.refused(400, "store.sql_user.update.username_taken.app_error");
    ada.put(&path, json!({"props": {"k": 7}})).await.refused(400, BAD_BODY);
    admin.put(&format!("/users/{UNKNOWN_ID}/patch"), json!({})).await.refused(400, "store.sql_user.missing_account.const");
}

#[tokio::test]
async fn roles_are_given_and_count_at_once() {
    let cluster = Cluster::shared().await;
    let (ada, bob, admin) = (cluster.person("ada").await, cluster.person("bob").await, cluster.admin().await);
    let path = format!("/users/{}/roles", ada.id);
    let mut sockets = [ada.socket(0).await, ada.socket(1).await];
    let mut stranger = bob.socket(1).await;
    ada.get("/audits").await.refused(403, PERMISSIONS);
    admin.put(&path, json!({"roles": "system_user system_admin"})).await.expect(200);
    for socket in &mut sockets {
        let event = socket.expect("user_role_updated").await;
        assert_eq!(event["data"], json!({"user_id": ada.id, "roles": "system_user system_admin"}));
        assert_eq!(event["broadcast"]["user_id"], ada.id);
    }
    for i in 0..2 {
        eventually("the open session is an administrator's", || async { (ada.on(i).get("/audits").await.status == 200).then_some(()) })
            .await;
    }
    admin.put(&path, json!({"roles": "system_user"})).await.expect(200);
    for i in 0..2 {
        eventually("and no longer", || async { (ada.on(i).get("/audits").await.status == 403).then_some(()) }).await;
    }
    assert_eq!(ada.get("/users/me/sessions").await.expect(200)[0]["roles"], "system_user");
    for (roles, id) in [
        (json!({"roles": "system_admin"}), BAD_BODY),
        (json!({"roles": "System User"}), BAD_BODY),
        (json!({}), BAD_BODY),
        (json!({"roles": "no_such_role"}), "app.role.check_roles_exist.role_not_found"),
    ] {
        bob.put(&path, roles.clone()).await.refused(400, id);
        admin.put(&path, roles).await.refused(400, id);
    }
    bob.put(&path, json!({"roles": "system_user"})).await.refused(403, PERMISSIONS);
    admin.put(&format!("/users/{UNKNOWN_ID}/roles"), json!({"roles": ""})).await.refused(400, "store.sql_user.missing_account.const");
    admin.put(&path, json!({"roles": ""})).await.expect(200);
    assert_eq!(admin.get(&format!("/users/{}", ada.id)).await.expect(200)["roles"], "");
    bob.put("/users/me/patch", json!({"nickname": "marker"})).await.expect(200);
    let heard = stranger.until("user_updated", |e| e["data"]["user"]["nickname"] == "marker" && e["data"]["user"]["id"] == bob.id).await;
    assert!(heard.iter().all(|e| e["event"] != "user_role_updated"), "nobody else hears of roles");
}

#[tokio::test]
async fn a_closed_account_is_out_at_once() {
    let cluster = Cluster::shared().await;
    let (ada, bob, admin) = (cluster.person("ada").await, cluster.person("bob").await, cluster.admin().await);
    let path = format!("/users/{}/active", ada.id);
    let refused = "api.user.update_active.permissions.app_error";
    bob.put(&path, json!({"active": false})).await.refused(403, refused);
    ada.put(&path, json!({"active": true})).await.refused(403, refused);
    for body in [json!({}), json!({"active": "false"}), json!({"active": null})] {
        ada.put(&path, body).await.refused(400, BAD_BODY);
    }
    let mut socket = bob.socket(1).await;
    admin.put(&path, json!({"active": false})).await.expect(200);
    let event = socket.expect_where("user_updated", |e| e["data"]["user"]["id"] == ada.id).await;
    assert!(event["data"]["user"]["delete_at"].as_i64().unwrap() > 0);
    for i in 0..2 {
        eventually("the session is over", || async { (ada.on(i).get("/users/me").await.status == 401).then_some(()) }).await;
    }
    let login = json!({"login_id": ada.username, "password": PASSWORD});
    cluster.anonymous(1).post("/users/login", login.clone()).await.refused(401, "api.user.login.inactive.app_error");
    assert_eq!(bob.get(&format!("/users/{}/status", ada.id)).await.expect(200)["status"], "offline");
    let again = with(sign_up("x"), json!({"username": ada.username}));
    cluster.anonymous(0).post("/users", again).await.refused(400, "store.sql_user.save.username_exists.app_error");
    admin.put(&path, json!({"active": true})).await.expect(200);
    cluster.anonymous(1).post("/users/login", login).await.expect(200);
    assert_eq!(bob.get(&format!("/users/{}", ada.id)).await.expect(200)["delete_at"], 0);
    // People may close their own account.
    bob.put(&format!("/users/{}/active", bob.id), json!({"active": false})).await.expect(200);
    eventually("bob is out", || async { (bob.on(1).get("/users/me").await.status == 401).then_some(()) }).await;
}

#[tokio::test]
async fn deleting_is_closing() {
    let cluster = Cluster::shared().await;
    let (ada, bob, admin) = (cluster.person("ada").await, cluster.person("bob").await, cluster.admin().await);
    bob.delete(&format!("/users/{}", ada.id)).await.refused(403, PERMISSIONS);
    assert_eq!(ada.delete("/users/me").await.expect(200), json!({"status": "OK"}));
    assert!(bob.get(&format!("/users/{}", ada.id)).await.expect(200)["delete_at"].as_i64().unwrap() > 0);
    eventually("the session is over", || async { (ada.on(1).get("/users/me").await.status == 401).then_some(()) }).await;
    admin.delete(&format!("/users/{}", bob.id)).await.expect(200);
    admin.delete(&format!("/users/{UNKNOWN_ID}")).await.refused(404, "store.sql_user.missing_account.const");
}
