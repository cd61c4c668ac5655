//! The audit trail: every action that the reference names (identity, section 9), and none that it excludes.

use serde_json::{Value, json};
use testkit::{Cluster, Options, Person, eventually, pictures};

const PASSWORD: &str = "correct-horse-1";

/// `(action, extra_info)` of somebody's rows, oldest first.
async fn trail(person: &Person, admin: &Person) -> Vec<(String, String)> {
    let rows = admin.get(&format!("/users/{}/audits?per_page=200", person.id)).await.expect(200);
    let text = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
    rows.as_array().unwrap().iter().rev().map(|row| (text(row, "action"), text(row, "extra_info"))).collect()
}

#[tokio::test]
async fn every_action_that_is_named_leaves_its_rows() {
    let options = Options::default().env("MM_SERVICESETTINGS_ENABLEMULTIFACTORAUTHENTICATION", "true");
    let cluster = Cluster::start(options).await;
    let (ada, admin) = (cluster.person("ada").await, cluster.admin().await);
    admin.put(&format!("/users/{}/roles", ada.id), json!({"roles": "system_user system_user_access_token"})).await.expect(200);
    for i in 0..2 {
        eventually("the role counts", || async { (ada.on(i).get("/users/me/tokens").await.status == 200).then_some(()) }).await;
    }
    let me = ada.get("/users/me").await.expect(200);
    let of_ada = |rest: &str| format!("/users/{}{rest}", ada.id);
    let session_user = |info: &str| format!("{info} session_user={}", admin.id);
    // What is done by whom, and the rows it adds to ada's.
    let mut expected: Vec<(String, String)> = [
        ("/users/login", "authenticated".to_owned()),
        ("/users/login", "success".to_owned()),
        (&of_ada("/roles"), session_user("roles=system_user system_user_access_token")),
    ]
    .map(|(path, info)| (format!("/api/v4{path}"), info))
    .into();
    let mut rows = |path: &str, infos: &[&str]| expected.extend(infos.iter().map(|info| (format!("/api/v4{path}"), (*info).to_owned())));

    ada.put(&of_ada(""), me.clone()).await.expect(200);
    rows(&of_ada(""), &[""]);
    ada.put("/users/me/patch", json!({"nickname": "n"})).await.expect(200);
    rows("/users/me/patch", &[""]);
    let form = reqwest::multipart::Form::new()
        .part("image", reqwest::multipart::Part::bytes(pictures::png(64, 64)).file_name("me.png").mime_str("image/png").unwrap());
    ada.send(ada.request(http::Method::POST, "/users/me/image").multipart(form)).await.expect(200);
    rows("/users/me/image", &[""]);
    ada.put("/users/sessions/device", json!({"device_id": format!("apple:{}", ada.id)})).await.expect(200);
    rows("/users/sessions/device", &[""]);
    ada.put("/users/me/password", json!({"current_password": PASSWORD, "new_password": "x"})).await.expect(400);
    rows("/users/me/password", &["attempted", "failed"]);
    ada.put("/users/me/password", json!({"current_password": PASSWORD, "new_password": "another-1"})).await.expect(200);
    rows("/users/me/password", &["attempted", "completed"]);
    ada.put("/users/me/mfa", json!({"activate": true, "code": "000000"})).await.expect(401);
    rows("/users/me/mfa", &["attempt"]);
    ada.put("/users/me/mfa", json!({"activate": false})).await.expect(200);
    rows("/users/me/mfa", &["attempt", "success - mfa updated"]);
    let token = ada.post("/users/me/tokens", json!({"description": "d"})).await.expect(200)["id"].as_str().unwrap().to_owned();
    let success = format!("success - token_id={token}");
    rows("/users/me/tokens", &["", &success]);
    for action in ["disable", "enable", "revoke"] {
        let path = format!("/users/tokens/{action}");
        ada.post(&path, json!({"token_id": token})).await.expect(200);
        rows(&path, &["", &success]);
    }
    admin.put(&of_ada("/auth"), json!({"auth_service": "saml", "auth_data": ada.id})).await.expect(200);
    rows(&of_ada("/auth"), &[&session_user("updated user auth to service=saml")]);
    admin.put(&of_ada("/active"), json!({"active": true})).await.expect(200);
    rows(&of_ada("/active"), &[&session_user("active=true")]);
    let switch = json!({"current_service": "saml", "new_service": "email", "email": ada.email, "new_password": "another-2"});
    ada.post("/users/login/switch", switch).await.expect(200);
    rows("/users/login/switch", &["success"]);
    // Without rows: reading, sessions, preferences, statuses. Then the last one, closing the account, adds none either.
    let again = cluster.anonymous(0).post("/users/login", json!({"login_id": ada.username, "password": "another-2"})).await;
    let again = cluster.anonymous(0).with_token(again.header("token").expect("Token"));
    rows("/users/login", &["authenticated", "success"]);
    let fence = json!([{"user_id": ada.id, "category": "fence", "name": "n", "value": "v"}]);
    again.put("/users/me/preferences", fence.clone()).await.expect(200);
    again.post("/users/me/preferences/delete", fence).await.expect(200);
    again.put("/users/me/status", json!({"user_id": ada.id, "status": "dnd"})).await.expect(200);
    again.post("/users/logout", json!({})).await.expect(200);
    rows("/users/logout", &[""]);
    admin.post(&of_ada("/sessions/revoke/all"), json!({})).await.expect(200);
    admin.delete(&of_ada("")).await.expect(200);
    admin.put(&of_ada("/active"), json!({"active": false})).await.expect(200);
    rows(&of_ada("/active"), &[&session_user("active=false")]);

    let found = eventually("all rows", || async {
        let found = trail(&ada, &admin).await;
        (found.len() >= expected.len() && found.last() == expected.last()).then_some(found)
    })
    .await;
    assert_eq!(found, expected);

    let role = admin.get("/roles/name/system_user").await.expect(200);
    let path = format!("/roles/{}/patch", role["id"].as_str().unwrap());
    admin.put(&path, json!({})).await.expect(200);
    cluster.anonymous(1).post("/users/login", json!({"login_id": "nobody-at-all", "password": "x"})).await.expect(400);
    eventually("the role's row, and those of a login that failed", || async {
        let own = trail(&admin, &admin).await;
        let all = admin.get("/audits?per_page=200").await.expect(200);
        let failed = |info: &str| {
            all.as_array()
                .unwrap()
                .iter()
                .any(|r| r["user_id"] == "" && r["session_id"] == "" && r["extra_info"] == format!("{info} - login_id=nobody-at-all"))
        };
        (own.contains(&(format!("/api/v4{path}"), String::new())) && failed("attempt") && failed("failure")).then_some(())
    })
    .await;
}
