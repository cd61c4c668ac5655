//! Changing how one signs in: between a password and a service.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use testkit::{Client, Cluster, Options, Person, eventually};

const PASSWORD: &str = "correct-horse-1";
const BAD_BODY: &str = "api.context.invalid_body_param.app_error";

fn switch(from: &str, to: &str, person: &Person, fields: Value) -> Value {
    let mut body = json!({"current_service": from, "new_service": to, "email": person.email});
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    body
}

async fn log_in(client: &Client, person: &Person, password: &str) -> u16 {
    client.post("/users/login", json!({"login_id": person.username, "password": password})).await.status
}

#[tokio::test]
async fn what_cannot_be_switched_is_refused_with_its_reason() {
    let cluster = Cluster::shared().await;
    let (ada, anonymous) = (cluster.person("ada").await, cluster.anonymous(1));
    let right = json!({"password": PASSWORD});
    for (body, status, id) in [
        (json!({}), 400, BAD_BODY),
        (switch("email", "email", &ada, right.clone()), 400, BAD_BODY),
        (switch("email", "unheard_of", &ada, right.clone()), 400, BAD_BODY),
        (switch("gitlab", "google", &ada, right.clone()), 400, BAD_BODY),
        (
            json!({"current_service": "email", "new_service": "gitlab", "email": "nobody@x", "password": "x"}),
            404,
            "store.sql_user.missing_account.const",
        ),
        (switch("email", "gitlab", &ada, json!({"password": "wrong"})), 401, "api.user.check_user_password.invalid.app_error"),
        (switch("email", "gitlab", &ada, right.clone()), 501, "api.user.get_authorization_code.unsupported.app_error"),
        (switch("email", "ldap", &ada, json!({"password": "wrong"})), 401, "api.user.check_user_password.invalid.app_error"),
        (switch("email", "ldap", &ada, right.clone()), 501, "api.user.email_to_ldap.not_available.app_error"),
        (switch("ldap", "email", &ada, right.clone()), 400, "api.user.ldap_to_email.not_ldap_account.app_error"),
        (switch("saml", "email", &ada, json!({"new_password": "another-1"})), 401, "api.context.session_expired.app_error"),
    ] {
        anonymous.post("/users/login/switch", body).await.refused(status, id);
    }
    assert_eq!(ada.get("/users/me").await.expect(200).get("failed_attempts"), None, "the right password cleared the count");
    anonymous.post("/users/login/switch", switch("email", "saml", &ada, json!({"password": "wrong"}))).await.expect(401);
    assert_eq!(ada.get("/users/me").await.expect(200)["failed_attempts"], 1, "wrong ones count");
}

#[tokio::test]
async fn links_lead_to_the_service() {
    let cluster = Cluster::start(
        Options::default()
            .env("MM_GITLABSETTINGS_ENABLE", "true")
            .env("MM_GITLABSETTINGS_ID", "client-1")
            .env("MM_GITLABSETTINGS_AUTHENDPOINT", "https://git.example/oauth/authorize")
            .env("MM_SERVICESETTINGS_SITEURL", "https://chat.example/"),
    )
    .await;
    let ada = cluster.person("ada").await;
    let right = json!({"password": PASSWORD});
    let saml = cluster.anonymous(0).post("/users/login/switch", switch("email", "saml", &ada, right.clone())).await.expect(200);
    let expected = format!("https://chat.example/login/sso/saml?action=email_to_sso&email={}", ada.email.replace('@', "%40"));
    assert_eq!(saml, json!({"follow_link": expected}));

    let answer = cluster.anonymous(1).post("/users/login/switch", switch("email", "gitlab", &ada, right)).await;
    let cookie = answer.header("set-cookie").expect("a cookie").to_owned();
    assert!(cookie.starts_with("MMOAUTH=") && cookie.ends_with("; Path=/; Max-Age=1800; HttpOnly"), "{cookie}");
    let link = answer.expect(200)["follow_link"].as_str().unwrap().to_owned();
    let begin = "https://git.example/oauth/authorize?response_type=code&client_id=client-1\
                 &redirect_uri=https%3A%2F%2Fchat.example%2Fsignup%2Fgitlab%2Fcomplete&state=";
    let state = link.strip_prefix(begin).unwrap_or_else(|| panic!("{link}")).replace("%2B", "+").replace("%2F", "/").replace("%3D", "=");
    let state: Value = serde_json::from_slice(&STANDARD.decode(state).unwrap()).unwrap();
    assert_eq!(
        (&state["action"], &state["email"], state["token"].as_str().unwrap().len()),
        (&json!("email_to_sso"), &json!(ada.email), 64)
    );
    // The account is as it was: the service has the next word.
    assert_eq!(log_in(&cluster.anonymous(0), &ada, PASSWORD).await, 200);
}

#[tokio::test]
async fn owners_return_to_a_password() {
    let cluster = Cluster::shared().await;
    let (ada, bob, admin) = (cluster.person("ada").await, cluster.person("bob").await, cluster.admin().await);
    admin.put(&format!("/users/{}/auth", ada.id), json!({"auth_service": "google", "auth_data": ada.id})).await.expect(200);
    let body = |password: &str| switch("google", "email", &ada, json!({"new_password": password}));
    bob.post("/users/login/switch", body("another-1")).await.refused(403, "api.user.oauth_to_email.context.app_error");
    ada.post("/users/login/switch", body("x")).await.refused(400, "model.user.is_valid.pwd.app_error");
    // A page of another site can make a browser send its cookie, not the header.
    let client = cluster.anonymous(0);
    let forged = client.request(http::Method::POST, "/users/login/switch").header("cookie", format!("MMAUTHTOKEN={}", ada.token()));
    client.send(forged.json(&body("another-1"))).await.refused(401, "api.context.session_expired.app_error");
    ada.get("/users/me").await.expect(200);
    assert_eq!(
        ada.on(1).post("/users/login/switch", body("another-1")).await.expect(200),
        json!({"follow_link": "/login?extra=signin_change"})
    );
    for i in 0..2 {
        eventually("all sessions are over", || async { (ada.on(i).get("/users/me").await.status == 401).then_some(()) }).await;
    }
    assert_eq!(log_in(&cluster.anonymous(1), &ada, "another-1").await, 200);
}

#[tokio::test]
async fn switching_can_be_forbidden() {
    let cluster = Cluster::start(Options::default().env("MM_SERVICESETTINGS_EXPERIMENTALENABLEAUTHENTICATIONTRANSFER", "false")).await;
    let ada = cluster.person("ada").await;
    for (from, to, id) in [
        ("email", "gitlab", "api.user.email_to_oauth.not_available.app_error"),
        ("gitlab", "email", "api.user.oauth_to_email.not_available.app_error"),
        ("email", "ldap", "api.user.email_to_ldap.not_available.app_error"),
        ("ldap", "email", "api.user.ldap_to_email.not_available.app_error"),
    ] {
        ada.post("/users/login/switch", switch(from, to, &ada, json!({"password": PASSWORD}))).await.refused(403, id);
    }
}
