//! Every operation of the tags users, status, preferences and roles, tried by everybody: who may do what, and with which
//! refusal who may not. Then: nothing of what people keep secret is in the logs, the trail or what is announced.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use testkit::{Answer, Client, Cluster, Options, Person, unique};

const PASSWORD: &str = "correct-horse-1";

/// Method, path, body; then the outcome for somebody anonymous, a stranger, a member of the same team, its administrator,
/// a system administrator. An outcome is a status; 401 and 403 mean the general refusals, `b` a bad body, and `:id` names
/// any other. `{…}` is filled in: `{user}` is a member of the team, `{fresh}` one who may be harmed by who is let through.
const WALK: &[(&str, &str, &str, [&str; 5])] = &[
    ("POST", "/users", "{}", [WEAK; 5]),
    ("GET", "/users", "", ["401", "200", "200", "200", "200"]),
    ("GET", "/users?in_team={team}", "", ["401", "403", "200", "200", "200"]),
    ("GET", "/users?not_in_team={team}", "", ["401", "403", "200", "200", "200"]),
    ("GET", "/users?in_channel={channel}", "", ["401", "403", "403", "200", "200"]),
    ("GET", "/users?in_team={team}&not_in_channel={channel}", "", ["401", "403", "403", "200", "200"]),
    ("GET", "/users?without_team=true", "", ["401", "403", "403", "403", "200"]),
    ("POST", "/users/ids", r#"["{user}"]"#, ["401", "200", "200", "200", "200"]),
    ("POST", "/users/usernames", r#"["{username}"]"#, ["401", "200", "200", "200", "200"]),
    ("POST", "/users/search", r#"{"term": "{username}"}"#, ["401", "200", "200", "200", "200"]),
    ("POST", "/users/search", r#"{"term": "x", "team_id": "{team}"}"#, ["401", "403", "200", "200", "200"]),
    ("POST", "/users/search", r#"{"term": "x", "in_channel_id": "{channel}"}"#, ["401", "403", "403", "200", "200"]),
    ("GET", "/users/autocomplete?name=x", "", ["401", "200", "200", "200", "200"]),
    ("GET", "/users/autocomplete?name=x&in_team={team}", "", ["401", "403", "200", "200", "200"]),
    ("GET", "/users/autocomplete?name=x&in_channel={channel}", "", ["401", "403", "403", "200", "200"]),
    ("GET", "/users/{user}", "", ["401", "200", "200", "200", "200"]),
    ("GET", "/users/username/{username}", "", ["401", "200", "200", "200", "200"]),
    ("GET", "/users/email/{email}", "", ["401", "200", "200", "200", "200"]),
    ("GET", "/users/{user}/image", "", ["401", "200", "200", "200", "200"]),
    ("POST", "/users/{user}/image", "{}", ["401", "403", "403", "403", NO_FORM]),
    (
        "PUT",
        "/users/{user}",
        r#"{"id": "{user}", "create_at": 1, "username": "{username}", "email": "{email}"}"#,
        ["401", "403", "403", "403", "200"],
    ),
    ("PUT", "/users/{user}/patch", r#"{"nickname": "n"}"#, ["401", "403", "403", "403", "200"]),
    ("PUT", "/users/{user}/roles", r#"{"roles": "system_user"}"#, ["401", "403", "403", "403", "200"]),
    ("PUT", "/users/{user}/active", r#"{"active": true}"#, ["401", NOT_ACTIVE, NOT_ACTIVE, NOT_ACTIVE, "200"]),
    ("PUT", "/users/{fresh}/active", r#"{"active": false}"#, ["401", NOT_ACTIVE, NOT_ACTIVE, NOT_ACTIVE, "200"]),
    ("DELETE", "/users/{fresh}", "", ["401", "403", "403", "403", "200"]),
    ("PUT", "/users/{user}/password", r#"{"new_password": "another-1"}"#, ["401", NOT_PASSWORD, NOT_PASSWORD, NOT_PASSWORD, "200"]),
    ("PUT", "/users/{user}/auth", r#"{"password": "another-2"}"#, ["401", "403", "403", "403", "200"]),
    ("POST", "/users/mfa", r#"{"login_id": "{username}"}"#, ["200"; 5]),
    ("PUT", "/users/{user}/mfa", r#"{"activate": false}"#, ["401", "403", "403", "403", "501:api.user.update_mfa.not_available.app_error"]),
    ("POST", "/users/{user}/mfa/generate", "{}", ["401", "403", "403", "403", "501:api.user.generate_mfa_qr.not_available.app_error"]),
    ("POST", "/users/login", r#"{"login_id": "nobody-at-all", "password": "x"}"#, ["400:store.sql_user.get_for_login.app_error"; 5]),
    ("POST", "/users/login/switch", "{}", ["400b"; 5]),
    ("POST", "/users/password/reset/send", "{}", ["400b"; 5]),
    ("POST", "/users/password/reset", "{}", ["400b"; 5]),
    ("POST", "/users/email/verify/send", "{}", ["400b"; 5]),
    ("POST", "/users/email/verify", "{}", ["400b"; 5]),
    ("GET", "/users/{user}/sessions", "", ["401", "403", "403", "403", "200"]),
    ("POST", "/users/{user}/sessions/revoke", r#"{"session_id": "{session}"}"#, ["401", "403", "403", "403", "200"]),
    ("POST", "/users/{fresh}/sessions/revoke/all", "{}", ["401", "403", "403", "403", "200"]),
    ("PUT", "/users/sessions/device", r#"{"device_id": "apple:{unique}"}"#, ["401", "200", "200", "200", "200"]),
    ("GET", "/users/{user}/audits", "", ["401", "403", "403", "403", "200"]),
    ("POST", "/users/{user}/tokens", r#"{"description": "d"}"#, ["401", "403", "403", "403", "200"]),
    ("GET", "/users/{user}/tokens", "", ["401", "403", "403", "403", "200"]),
    ("GET", "/users/tokens", "", ["401", "403", "403", "403", "200"]),
    ("GET", "/users/tokens/{token}", "", ["401", "403", "403", "403", "200"]),
    ("POST", "/users/tokens/search", r#"{"term": "{username}"}"#, ["401", "403", "403", "403", "200"]),
    ("POST", "/users/tokens/disable", r#"{"token_id": "{token}"}"#, ["401", "403", "403", "403", "200"]),
    ("POST", "/users/tokens/enable", r#"{"token_id": "{token}"}"#, ["401", "403", "403", "403", "200"]),
    ("POST", "/users/tokens/revoke", r#"{"token_id": "{token}"}"#, ["401", "403", "403", "403", "200"]),
    ("GET", "/users/{user}/status", "", ["401", "200", "200", "200", "200"]),
    ("PUT", "/users/{user}/status", r#"{"user_id": "{user}", "status": "away"}"#, ["401", "403", "403", "403", "200"]),
    ("POST", "/users/status/ids", r#"["{user}"]"#, ["401", "200", "200", "200", "200"]),
    ("GET", "/users/{user}/preferences", "", ["401", "403", "403", "403", "200"]),
    (
        "PUT",
        "/users/{user}/preferences",
        r#"[{"user_id": "{user}", "category": "walk", "name": "n", "value": "v"}]"#,
        ["401", "403", "403", "403", "200"],
    ),
    ("GET", "/users/{user}/preferences/walk", "", ["401", "403", "403", "403", "200"]),
    ("GET", "/users/{user}/preferences/walk/name/missing", "", ["401", "403", "403", "403", "400:store.sql_preference.get.app_error"]),
    (
        "POST",
        "/users/{user}/preferences/delete",
        r#"[{"user_id": "{user}", "category": "walk", "name": "n"}]"#,
        ["401", "403", "403", "403", "200"],
    ),
    ("GET", "/roles/{role}", "", ["401", "200", "200", "200", "200"]),
    ("GET", "/roles/name/system_user", "", ["401", "200", "200", "200", "200"]),
    ("POST", "/roles/names", r#"["system_user"]"#, ["401", "200", "200", "200", "200"]),
    ("PUT", "/roles/{role}/patch", "{}", ["401", "403", "403", "403", "200"]),
    // One's own, for contrast.
    ("GET", "/users/me/sessions", "", ["401", "200", "200", "200", "200"]),
    ("GET", "/users/me/audits", "", ["401", "200", "200", "200", "200"]),
    ("GET", "/users/me/preferences", "", ["401", "200", "200", "200", "200"]),
    ("GET", "/users/me/tokens", "", ["401", "403", "403", "403", "200"]),
    ("PUT", "/users/me/active", r#"{"active": true}"#, ["401", NOT_ACTIVE, NOT_ACTIVE, NOT_ACTIVE, "200"]),
    ("PUT", "/users/me/roles", r#"{"roles": "system_user system_admin"}"#, ["401", "403", "403", "403", "200"]),
];

const WEAK: &str = "400:model.user.is_valid.pwd.app_error";
const NO_FORM: &str = "400:api.user.upload_profile_user.parse.app_error";
const NOT_ACTIVE: &str = "403:api.user.update_active.permissions.app_error";
const NOT_PASSWORD: &str = "403:api.user.update_password.context.app_error";

/// What the walk leaves out, and where it is tried.
const ELSEWHERE: &[(&str, &str)] = &[
    // Ends the session of who walks: sessions.rs.
    ("POST", "/users/logout"),
];

#[track_caller]
fn check(answer: &Answer, outcome: &str, who: &str) {
    let (status, id) = match outcome {
        "401" => ("401", "api.context.session_expired.app_error"),
        "403" => ("403", "api.context.permissions.app_error"),
        "400b" => ("400", "api.context.invalid_body_param.app_error"),
        other => other.split_once(':').unwrap_or((other, "")),
    };
    let found = (answer.status.to_string(), if id.is_empty() { "" } else { answer.body["id"].as_str().unwrap_or_default() });
    assert_eq!(found, (status.to_owned(), id), "{who}: {}: {}", answer.request, answer.body);
}

fn filled(template: &str, names: &BTreeMap<&str, String>) -> String {
    names.iter().fold(template.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

async fn send(client: &Client, method: &str, path: &str, body: &str) -> Answer {
    let request = client.request(method.parse().unwrap(), path);
    client.send(if body.is_empty() { request } else { request.header("content-type", "application/json").body(body.to_owned()) }).await
}

async fn member(cluster: &Cluster, team: &Value, name: &str) -> Person {
    let person = cluster.person(name).await;
    cluster.join_team(&person, team).await;
    person
}

#[tokio::test]
async fn everybody_gets_what_is_theirs() {
    let cluster = Cluster::shared().await;
    let (admin, owner, stranger) = (cluster.admin().await, cluster.person("owner").await, cluster.person("stranger").await);
    let team = cluster.team(&owner).await;
    let channel = cluster.channel_of(&owner, team["id"].as_str().unwrap(), "P").await;
    let (colleague, target) = (member(cluster, &team, "colleague").await, member(cluster, &team, "target").await);
    // A session of its own: a walker attaches a device to it.
    let login = cluster.anonymous(0).post("/users/login", json!({"login_id": admin.username, "password": PASSWORD})).await;
    let admins = cluster.anonymous(1).with_token(login.header("token").expect("Token"));
    let token = admin.post(&format!("/users/{}/tokens", target.id), json!({"description": "d"})).await.expect(200);
    let second = cluster.anonymous(0).post("/users/login", json!({"login_id": target.username, "password": PASSWORD})).await;
    second.expect(200);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut names: BTreeMap<&str, String> = [
        ("user", target.id.clone()),
        ("username", target.username.clone()),
        ("email", target.email.clone()),
        ("team", text(&team["id"])),
        ("channel", text(&channel["id"])),
        ("session", text(&target.get("/users/me/sessions").await.expect(200)[0]["id"])),
        ("token", text(&token["id"])),
        ("role", text(&admin.get("/roles/name/system_user").await.expect(200)["id"])),
    ]
    .into();
    let walkers = [
        ("anonymous", cluster.anonymous(0)),
        ("stranger", stranger.on(1).clone()),
        ("member", colleague.on(0).clone()),
        ("team admin", owner.on(1).clone()),
        ("system admin", admins),
    ];
    for (i, (who, client)) in walkers.iter().enumerate() {
        for (method, path, body, outcomes) in WALK {
            names.insert("unique", unique("u"));
            if path.contains("{fresh}") {
                let fresh = if i == 4 { member(cluster, &team, "fresh").await.id } else { target.id.clone() };
                names.insert("fresh", fresh);
            }
            let answer = send(client, method, &filled(path, &names), &filled(body, &names)).await;
            check(&answer, outcomes[i], who);
        }
    }
    // Only the administrator's attempts did anything.
    let now = admin.get(&format!("/users/{}", target.id)).await.expect(200);
    assert_eq!((&now["nickname"], &now["roles"], &now["delete_at"]), (&json!("n"), &json!("system_user"), &json!(0)));
}

#[test]
fn no_operation_is_left_out() {
    let table = include_str!("../operations.tsv");
    let section =
        |name: &str| table.split("\n# ").find(|part| part.lines().next() == Some(name)).unwrap_or_else(|| panic!("no section {name}"));
    for tag in ["users", "status", "preferences", "roles"] {
        for row in section(tag).lines().skip(1).filter(|row| !row.is_empty() && !row.starts_with('#')) {
            let mut cells = row.split('\t');
            let (method, path) = (cells.next().unwrap(), cells.next().unwrap());
            let shape = |path: &str| -> Vec<String> {
                let path = path.split('?').next().unwrap_or_default();
                path.split('/').map(|part| if part.starts_with('{') { "{}".to_owned() } else { part.to_owned() }).collect()
            };
            let same = |known: &[String], walked: &[String]| {
                known.len() == walked.len() && known.iter().zip(walked).all(|(k, w)| k == w || k == "{}")
            };
            let walked = WALK.iter().any(|(m, p, ..)| *m == method && same(&shape(path), &shape(p)));
            assert!(walked || ELSEWHERE.contains(&(method, path)), "{method} {path} is not walked");
        }
    }
}

#[tokio::test]
async fn secrets_are_nowhere_but_where_they_belong() {
    let options = Options::default()
        .env("MM_SERVICESETTINGS_ENABLEMULTIFACTORAUTHENTICATION", "true")
        .env("MUSTER_LOG", "debug,async_nats=info,h2=info,hyper=info");
    let cluster = Cluster::start(options).await;
    let (ada, admin) = (cluster.person("ada").await, cluster.admin().await);
    let planted = ["planted-wrong-1", "planted-right-2", "planted-reset-3", "planted-weak-4"];
    let mut secrets: Vec<String> = planted.map(str::to_owned).into();
    secrets.extend([PASSWORD.to_owned(), ada.token().to_owned(), admin.token().to_owned()]);

    let login = |i: usize, password: &str| {
        let (client, body) = (cluster.anonymous(i), json!({"login_id": ada.username, "password": password, "token": "987654"}));
        async move { client.post("/users/login", body).await }
    };
    login(0, planted[0]).await.expect(401);
    ada.put("/users/me/password", json!({"current_password": planted[0], "new_password": planted[1]})).await.expect(400);
    ada.put("/users/me/password", json!({"current_password": PASSWORD, "new_password": planted[1]})).await.expect(200);
    let answer = login(1, planted[1]).await;
    secrets.push(answer.header("token").expect("Token").to_owned());
    admin.put(&format!("/users/{}/password", ada.id), json!({"new_password": planted[2]})).await.expect(200);
    admin.put(&format!("/users/{}/auth", ada.id), json!({"password": planted[2]})).await.expect(200);
    cluster.anonymous(0).post("/users", json!({"username": "x", "email": "not\u{0}text@x", "password": planted[3]})).await;
    let token = admin.post("/users/me/tokens", json!({"description": "d"})).await.expect(200)["token"].as_str().unwrap().to_owned();
    cluster.anonymous(1).with_token(&token).get("/users/me").await.expect(200);
    cluster.anonymous(1).get(&format!("/users/me?access_token={token}")).await.expect(401);
    secrets.push(token);
    for person in [&ada, &admin] {
        let secret = person.post("/users/me/mfa/generate", json!({})).await.expect(200)["secret"].as_str().unwrap().to_owned();
        person.put("/users/me/mfa", json!({"activate": true, "code": "000000"})).await.expect(401);
        secrets.push(secret);
    }
    // Something breaks while secrets are on their way.
    cluster
        .anonymous(0)
        .raw(http::Method::POST, "/users/login", "application/json", format!("{{\"password\": \"{}\"", planted[0]))
        .await
        .expect(400);
    cluster
        .anonymous(0)
        .post("/users/login/switch", json!({"current_service": "email", "new_service": "ldap", "email": ada.email, "password": planted[0]}))
        .await
        .expect(401);

    for name in cluster.names() {
        let log = cluster.log(&name);
        assert!(log.contains("DEBUG"), "{name} logs what can be looked at");
        for secret in &secrets {
            let line = log.lines().find(|line| line.contains(secret.as_str()));
            assert!(line.is_none(), "{name} logged {secret}: {line:?}");
        }
    }
    let mut sql = cluster.sql().await;
    for (table, column) in
        [("audits", "extra_info"), ("audits", "action"), ("outbox", "encode(payload, 'escape')"), ("users", "users::text")]
    {
        for secret in &secrets {
            let query = format!("SELECT count(*) FROM identity.{table} WHERE position($1 in {column}) > 0");
            let found: i64 = sqlx::query_scalar(&query).bind(secret).fetch_one(&mut sql).await.unwrap();
            assert_eq!(found, 0, "{secret} in {table}");
        }
    }
    // Passwords and tokens are not stored at all; a second factor's secret is, in its own row.
    for (table, secrets) in [("credentials", &secrets[..secrets.len() - 2]), ("sessions", &secrets[..]), ("access_tokens", &secrets[..])] {
        for secret in secrets {
            let query = format!("SELECT count(*) FROM identity.{table} t WHERE position($1 in t::text) > 0");
            let found: i64 = sqlx::query_scalar(&query).bind(secret).fetch_one(&mut sql).await.unwrap();
            assert_eq!(found, 0, "{secret} in {table}");
        }
    }
}
