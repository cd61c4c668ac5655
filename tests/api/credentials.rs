//! Passwords, and signing in by a service.

use serde_json::json;
use testkit::{Cluster, Person, eventually};

const PASSWORD: &str = "correct-horse-1";
const BAD_BODY: &str = "api.context.invalid_body_param.app_error";

async fn log_in(cluster: &Cluster, person: &Person, password: &str) -> testkit::Answer {
    cluster.anonymous(1).post("/users/login", json!({"login_id": person.username, "password": password})).await
}

#[tokio::test]
async fn people_change_their_password_and_stay_signed_in() {
    let cluster = Cluster::shared().await;
    let ada = cluster.person("ada").await;
    let body = |current: &str, new: &str| json!({"current_password": current, "new_password": new});
    for (body, status, id) in [
        (json!({"new_password": "another-1"}), 400, BAD_BODY),
        (body("wrong", "another-1"), 400, "api.user.update_password.incorrect.app_error"),
        (body(PASSWORD, "four"), 400, "model.user.is_valid.pwd.app_error"),
        (json!({"current_password": PASSWORD}), 400, "model.user.is_valid.pwd.app_error"),
    ] {
        ada.put("/users/me/password", body).await.refused(status, id);
    }
    log_in(cluster, &ada, "wrong").await.refused(401, "api.user.check_user_password.invalid.app_error");
    assert_eq!(ada.put("/users/me/password", body(PASSWORD, "another-1")).await.expect(200), json!({"status": "OK"}));
    log_in(cluster, &ada, PASSWORD).await.refused(401, "api.user.check_user_password.invalid.app_error");
    log_in(cluster, &ada, "another-1").await.expect(200);
    let me = ada.on(1).get("/users/me").await.expect(200);
    assert_eq!(me["email_verified"], true);
    let trail = eventually("the trail", || async {
        let rows = ada.get("/users/me/audits?per_page=200").await.expect(200);
        let rows: Vec<String> = rows
            .as_array()
            .unwrap()
            .iter()
            .filter(|a| a["action"] == "/api/v4/users/me/password")
            .map(|a| a["extra_info"].as_str().unwrap().to_owned())
            .collect();
        (rows.len() == 8).then_some(rows)
    })
    .await;
    assert_eq!(trail.iter().filter(|t| *t == "completed").count(), 1);
    assert_eq!(trail.iter().filter(|t| *t == "failed").count(), 3);
}

#[tokio::test]
async fn wrong_current_passwords_lock_the_account() {
    let cluster = Cluster::shared().await;
    let (ada, bob, admin) = (cluster.person("ada").await, cluster.person("bob").await, cluster.admin().await);
    for _ in 0..10 {
        let body = json!({"current_password": "wrong", "new_password": "another-1"});
        ada.put("/users/me/password", body).await.refused(400, "api.user.update_password.incorrect.app_error");
    }
    let body = json!({"current_password": PASSWORD, "new_password": "another-1"});
    ada.put("/users/me/password", body.clone()).await.refused(401, "api.user.check_user_login_attempts.too_many.app_error");
    let path = format!("/users/{}/password", ada.id);
    bob.put(&path, body.clone()).await.refused(403, "api.user.update_password.context.app_error");
    admin.on(1).put(&path, json!({"new_password": "another-2"})).await.expect(200);
    log_in(cluster, &ada, "another-2").await.expect(200);
    let nobody = "/users/y8s7f6ykutbnirjtn3mznczmia/password";
    admin.put(nobody, body).await.refused(404, "store.sql_user.missing_account.const");
}

#[tokio::test]
async fn administrators_choose_how_somebody_signs_in() {
    let cluster = Cluster::shared().await;
    let (ada, bob, admin) = (cluster.person("ada").await, cluster.person("bob").await, cluster.admin().await);
    let path = format!("/users/{}/auth", ada.id);
    let saml = json!({"auth_service": "saml", "auth_data": ada.id});
    bob.put(&path, saml.clone()).await.refused(403, "api.context.permissions.app_error");
    assert_eq!(admin.on(1).put(&path, saml.clone()).await.expect(200), saml);
    log_in(cluster, &ada, PASSWORD).await.refused(400, "api.user.login.use_auth_service.app_error");
    assert_eq!(ada.get("/users/me").await.expect(200)["auth_service"], "saml");
    assert_eq!(bob.get(&format!("/users/{}", ada.id)).await.expect(200)["auth_service"], "", "nobody's business");
    let body = json!({"current_password": PASSWORD, "new_password": "another-1"});
    ada.put("/users/me/password", body).await.refused(400, "api.user.update_password.oauth.app_error");
    let bobs = format!("/users/{}/auth", bob.id);
    admin.put(&bobs, saml).await.refused(400, BAD_BODY);
    admin.put(&bobs, json!({"auth_service": "unheard_of", "auth_data": "x"})).await.refused(400, BAD_BODY);
    admin.put(&path, json!({})).await.refused(400, "model.user.is_valid.pwd.app_error");
    assert_eq!(admin.put(&path, json!({"password": "another-3"})).await.expect(200), json!({}));
    log_in(cluster, &ada, "another-3").await.expect(200);
}
