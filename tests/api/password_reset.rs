//! Choosing a new password by a mailed link.

use crate::post_office::{PASSWORD, PostOffice, SITE_URL, age_code, login_status, new_account};
use serde_json::{Value, json};
use testkit::{Cluster, Smtp, unique};

const SEND: &str = "/users/password/reset/send";
const RESET: &str = "/users/password/reset";
const INVALID_LINK: &str = "api.user.reset_password.invalid_link.app_error";
const HOUR: i64 = 3_600_000;

async fn account(cluster: &Cluster, name: &str) -> Value {
    cluster.admin().await;
    let body = new_account(name);
    let mut user = cluster.anonymous(0).post("/users", body).await.expect(201);
    user["password"] = json!(PASSWORD);
    user
}

async fn code_for(cluster: &Cluster, smtp: &Smtp, email: &str) -> String {
    assert_eq!(cluster.anonymous(0).post(SEND, json!({"email": email})).await.expect(200), json!({"status": "OK"}));
    let mail = smtp.expect(email, "Reset your password").await;
    let code = mail.code();
    assert!(mail.text.contains(&format!("{SITE_URL}/reset_password_complete?token={code}")), "{}", mail.text);
    code
}

#[tokio::test]
async fn a_mailed_code_sets_a_password_once() {
    let PostOffice { cluster, smtp } = PostOffice::shared().await;
    let user = account(cluster, "forgetful").await;
    let (email, username) = (user["email"].as_str().unwrap(), user["username"].as_str().unwrap());
    let (first, second) = (cluster.anonymous(0), cluster.anonymous(1));
    let session = first.post("/users/login", json!({"login_id": email, "password": PASSWORD})).await;
    let session = first.clone().with_token(session.header("token").expect("a token"));
    for _ in 0..10 {
        assert_eq!(login_status(&first, username, "wrong").await, 401);
    }
    first
        .post("/users/login", json!({"login_id": username, "password": PASSWORD}))
        .await
        .refused(401, "api.user.check_user_login_attempts.too_many.app_error");

    let earlier = code_for(cluster, smtp, email).await;
    second.post(SEND, json!({"email": email.to_uppercase()})).await.expect(200);
    let code = smtp.expect(email, "Reset your password").await.code();
    // A refused password leaves the code as it is.
    second.post(RESET, json!({"token": code, "new_password": "1"})).await.refused(400, "model.user.is_valid.pwd.app_error");
    second.post(RESET, json!({"token": code})).await.refused(400, "model.user.is_valid.pwd.app_error");
    assert_eq!(second.post(RESET, json!({"token": code, "new_password": "better-horse-2"})).await.expect(200), json!({"status": "OK"}));
    smtp.expect(email, "Your password has been updated").await;

    assert_eq!(login_status(&first, username, PASSWORD).await, 401, "the old password is gone");
    assert_eq!(login_status(&second, username, "better-horse-2").await, 200, "the new one works, and the lock is gone");
    let me = session.get("/users/me").await.expect(200);
    assert_eq!(me["email_verified"], true, "who reads the mail has the address; sessions live on");
    for used in [&code, &earlier] {
        first.post(RESET, json!({"token": used, "new_password": "third-horse-3"})).await.refused(400, INVALID_LINK);
    }
    assert_eq!(login_status(&second, username, "third-horse-3").await, 401);

    let admin = cluster.admin().await;
    let audits = admin.get("/audits?per_page=200").await.expect(200).to_string();
    assert!(audits.contains(&format!("sent={email}")) && audits.contains(&format!("success - token={}", &code[..5])), "{audits}");
    assert!(!audits.contains(&code) && !audits.contains(&earlier), "codes are secrets");
}

#[tokio::test]
async fn what_is_no_code_sets_nothing() {
    let PostOffice { cluster, smtp } = PostOffice::shared().await;
    let user = account(cluster, "robbed").await;
    let email = user["email"].as_str().unwrap();
    let client = cluster.anonymous(0);
    let reset = async |token: Value| client.post(RESET, json!({"token": token, "new_password": "better-horse-2"})).await;

    for token in [json!(""), json!("short"), json!("a".repeat(63)), json!("a".repeat(65)), json!(null), json!(1)] {
        reset(token).await.refused(400, "api.context.invalid_body_param.app_error");
    }
    client.raw(http::Method::POST, RESET, "application/json", "{").await.refused(400, "api.context.invalid_body_param.app_error");
    reset(json!("a".repeat(64))).await.refused(400, INVALID_LINK);
    let other_kind = smtp.expect(email, "You joined").await.code();
    reset(json!(other_kind)).await.refused(400, "api.user.reset_password.broken_token.app_error");

    let code = code_for(cluster, smtp, email).await;
    age_code(cluster, &code, HOUR + 1_000).await;
    reset(json!(code)).await.refused(400, "api.user.reset_password.link_expired.app_error");
    let code = code_for(cluster, smtp, email).await;
    age_code(cluster, &code, HOUR - 60_000).await;
    let admin = cluster.admin().await;
    let other = format!("{}@example.com", unique("other"));
    admin.put(&format!("/users/{}/patch", user["id"].as_str().unwrap()), json!({"email": other})).await.expect(200);
    reset(json!(code)).await.refused(400, INVALID_LINK);
    assert_eq!(login_status(&client, &other, PASSWORD).await, 200, "nothing has changed");
}

#[tokio::test]
async fn two_at_once_share_no_code() {
    let PostOffice { cluster, smtp } = PostOffice::shared().await;
    let user = account(cluster, "raced").await;
    let email = user["email"].as_str().unwrap();
    let code = code_for(cluster, smtp, email).await;
    let tries = (0..6).map(|i| {
        let (client, code) = (cluster.anonymous(i % 2), code.clone());
        async move { client.post(RESET, json!({"token": code, "new_password": format!("racing-horse-{i}")})).await.status }
    });
    let statuses = futures_util::future::join_all(tries).await;
    assert_eq!(statuses.iter().filter(|s| **s == 200).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|s| [200, 400].contains(s)), "{statuses:?}");
}

#[tokio::test]
async fn nobody_learns_who_has_an_account() {
    let PostOffice { cluster, smtp } = PostOffice::shared().await;
    let user = account(cluster, "hidden").await;
    let client = cluster.anonymous(0);
    let stranger = format!("{}@example.com", unique("stranger"));
    let known = client.post(SEND, json!({"email": user["email"]})).await.expect(200);
    assert_eq!(client.post(SEND, json!({"email": stranger})).await.expect(200), known);
    assert_eq!(client.post(SEND, json!({"email": user["username"]})).await.expect(200), known, "usernames are no addresses");
    for body in [json!({}), json!({"email": ""}), json!({"email": 1}), json!([])] {
        client.post(SEND, body).await.refused(400, "api.context.invalid_body_param.app_error");
    }
    let admin = cluster.admin().await;
    let sso = account(cluster, "single").await;
    let auth = json!({"auth_service": "gitlab", "auth_data": unique("id")});
    admin.put(&format!("/users/{}/auth", sso["id"].as_str().unwrap()), auth).await.expect(200);
    client.post(SEND, json!({"email": sso["email"]})).await.refused(400, "api.user.send_password_reset.sso.app_error");
    smtp.expect(user["email"].as_str().unwrap(), "Reset your password").await;
    assert_eq!(smtp.to(&stranger).len(), 0);
}

/// Somebody who asks for codes in another's name does not fill his mailbox.
#[tokio::test]
async fn a_mailbox_is_not_flooded() {
    let PostOffice { cluster, smtp } = PostOffice::shared().await;
    let user = account(cluster, "flooded").await;
    let email = user["email"].as_str().unwrap();
    for i in 0..14 {
        cluster.anonymous(i % 2).post(SEND, json!({"email": email})).await.expect(200);
        cluster.anonymous(i % 2).post("/users/email/verify/send", json!({"email": email})).await.expect(200);
    }
    // A later mail of another kind comes after all of them.
    let admin = cluster.admin().await;
    admin.put(&format!("/users/{}/patch", user["id"].as_str().unwrap()), json!({"username": unique("renamed")})).await.expect(200);
    smtp.expect(email, "Your username has changed").await;
    let received = testkit::eventually("the mails have come", || async {
        let mails = smtp.to(email);
        (mails.len() >= 21).then_some(mails)
    })
    .await;
    let count = |subject: &str| received.iter().filter(|m| m.subject().contains(subject)).count();
    assert_eq!((count("Reset your password"), count("Email Verification")), (10, 10));
}
