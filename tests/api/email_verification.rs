//! Proving an e-mail address by a mailed link, and signing in only with a proven one.

use crate::post_office::{PASSWORD, PostOffice, age_code, login_status, mailing_to, new_account};
use serde_json::json;
use testkit::{Cluster, Smtp, eventually, unique};

const SEND: &str = "/users/email/verify/send";
const VERIFY: &str = "/users/email/verify";
const BAD_LINK: &str = "api.user.verify_email.bad_link.app_error";

#[tokio::test]
async fn the_link_of_the_welcome_verifies_the_address_once() {
    let PostOffice { cluster, smtp } = PostOffice::shared().await;
    let ann = cluster.person("proven").await;
    assert!(ann.get("/users/me").await.expect(200).get("email_verified").is_none());
    let code = smtp.expect(&ann.email, "You joined").await.code();
    let anybody = cluster.anonymous(1);
    assert_eq!(anybody.post(VERIFY, json!({"token": code})).await.expect(200), json!({"status": "OK"}));
    assert_eq!(ann.get("/users/me").await.expect(200)["email_verified"], true);
    anybody.post(VERIFY, json!({"token": code})).await.refused(400, BAD_LINK);
    let admin = cluster.admin().await;
    let audits = admin.get(&format!("/users/{}/audits", ann.id)).await.expect(200);
    assert!(
        audits.as_array().unwrap().iter().any(|a| a["extra_info"] == "Email Verified" && a["action"] == format!("/api/v4{VERIFY}")),
        "{audits}"
    );
    assert!(!audits.to_string().contains(&code));
}

#[tokio::test]
async fn codes_are_asked_for_by_name_or_address() {
    let PostOffice { cluster, smtp } = PostOffice::shared().await;
    let ann = cluster.person("asking").await;
    smtp.expect(&ann.email, "You joined").await;
    let anybody = cluster.anonymous(0);
    for login_id in [&ann.username, &ann.email] {
        assert_eq!(anybody.post(SEND, json!({"email": login_id})).await.expect(200), json!({"status": "OK"}));
        let mail = smtp.expect(&ann.email, "Email Verification").await;
        assert_eq!(mail.link_param("email").as_deref(), Some(ann.email.as_str()));
        cluster.anonymous(1).post(VERIFY, json!({"token": mail.code()})).await.expect(200);
    }
    let stranger = unique("stranger");
    for login_id in [stranger.as_str(), "", &"x".repeat(5_000)] {
        let answer = anybody.post(SEND, json!({"email": login_id})).await;
        if login_id.is_empty() {
            answer.refused(400, "api.context.invalid_body_param.app_error");
        } else {
            assert_eq!(answer.expect(200), json!({"status": "OK"}), "nobody learns who has an account");
        }
    }
    for body in [json!({}), json!({"email": 1})] {
        anybody.post(SEND, body).await.refused(400, "api.context.invalid_body_param.app_error");
    }
}

#[tokio::test]
async fn what_is_no_code_proves_nothing() {
    let PostOffice { cluster, smtp } = PostOffice::shared().await;
    let ann = cluster.person("doubted").await;
    let welcome = smtp.expect(&ann.email, "You joined").await.code();
    let anybody = cluster.anonymous(0);
    for token in [json!(""), json!("short"), json!("a".repeat(63)), json!("a".repeat(65)), json!(null), json!(1)] {
        anybody.post(VERIFY, json!({"token": token})).await.refused(400, "api.context.invalid_body_param.app_error");
    }
    anybody.post(VERIFY, json!({"token": "a".repeat(64)})).await.refused(400, BAD_LINK);
    anybody.post("/users/password/reset/send", json!({"email": ann.email})).await.expect(200);
    let other_kind = smtp.expect(&ann.email, "Reset your password").await.code();
    anybody.post(VERIFY, json!({"token": other_kind})).await.refused(400, BAD_LINK);
    age_code(cluster, &welcome, 3_600_001).await;
    anybody.post(VERIFY, json!({"token": welcome})).await.refused(400, BAD_LINK);

    // A code proves the address it was sent to, not the one that came after.
    anybody.post(SEND, json!({"email": ann.email})).await.expect(200);
    let code = smtp.expect(&ann.email, "Email Verification").await.code();
    ann.put("/users/me/patch", json!({"email": format!("{}@example.com", unique("victim"))})).await.expect(200);
    anybody.post(VERIFY, json!({"token": code})).await.refused(400, BAD_LINK);
    assert!(ann.get("/users/me").await.expect(200).get("email_verified").is_none());
}

/// `RequireEmailVerification`, with a cluster of its own.
#[tokio::test]
async fn only_proven_addresses_sign_in_where_that_is_required() {
    let smtp = Smtp::start();
    let cluster = Cluster::start(mailing_to(&smtp)).await;
    let admin = cluster.admin().await;
    let mut config = admin.get("/config").await.expect(200);
    config["EmailSettings"]["RequireEmailVerification"] = json!(true);
    admin.put("/config", config).await.expect(200);

    let body = new_account("unproven");
    let email = body["email"].as_str().unwrap().to_owned();
    let (first, second) = (cluster.anonymous(0), cluster.anonymous(1));
    first.post("/users", body.clone()).await.expect(201);
    let login = json!({"login_id": email, "password": PASSWORD});
    eventually("both processes know", || async {
        let (a, b) = (login_status(&first, &email, PASSWORD).await, login_status(&second, &email, PASSWORD).await);
        (a == 401 && b == 401).then_some(())
    })
    .await;
    first.post("/users/login", login.clone()).await.refused(401, "api.user.login.not_verified.app_error");
    first
        .post("/users/login", json!({"login_id": email, "password": "wrong"}))
        .await
        .refused(401, "api.user.check_user_password.invalid.app_error");
    let code = smtp.expect(&email, "You joined").await.code();
    second.post(VERIFY, json!({"token": code})).await.expect(200);
    let answer = first.post("/users/login", login).await;
    let client = first.clone().with_token(answer.header("token").expect("a token"));
    answer.expect(200);

    // A new address is to be proven anew: the code goes there, a notice to the old one.
    let new_address = format!("{}@example.com", unique("new"));
    client.put("/users/me/patch", json!({"email": new_address})).await.expect(200);
    smtp.expect(&email, "Your email address has changed").await;
    let code = smtp.expect(&new_address, "Verify new email address").await.code();
    second
        .post("/users/login", json!({"login_id": new_address, "password": PASSWORD}))
        .await
        .refused(401, "api.user.login.not_verified.app_error");
    second.post(VERIFY, json!({"token": code})).await.expect(200);
    assert_eq!(login_status(&second, &new_address, PASSWORD).await, 200);

    // An administrator vouches for an address himself.
    let mut vouched = new_account("vouched");
    vouched["email_verified"] = json!(true);
    admin.post("/users", vouched.clone()).await.expect(201);
    let mail = smtp.expect(vouched["email"].as_str().unwrap(), "You joined").await;
    assert!(!mail.text.contains("do_verify_email"), "{}", mail.text);
    assert_eq!(login_status(&first, vouched["username"].as_str().unwrap(), PASSWORD).await, 200);
}
