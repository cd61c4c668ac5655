//! Mails as they arrive: over SMTP with a text and an HTML part, late rather than never, or as files.

use crate::post_office::{PostOffice, SITE_URL, all_fetched, mailing_to, mailing_to_port, new_account, rows};
use serde_json::json;
use sqlx::Row;
use std::os::unix::fs::PermissionsExt;
use testkit::{Cluster, Options, Received, Security, Smtp, eventually, free_port, unique};

#[tokio::test]
async fn a_sign_up_is_greeted_with_text_and_html() {
    let PostOffice { cluster, smtp } = PostOffice::shared().await;
    let ann = cluster.person("ann").await;
    let mail = smtp.expect(&ann.email, "").await;
    assert_eq!(mail.subject(), format!("[Zürich & Co] You joined {SITE_URL}"));
    assert_eq!((mail.from.as_str(), mail.headers["from"].as_str()), ("site@example.com", "The Site, Inc. <site@example.com>"));
    assert_eq!(mail.headers["to"], ann.email);
    assert_eq!(mail.headers["auto-submitted"], "auto-generated");
    assert!(mail.headers["message-id"].ends_with("@example.com>") && mail.headers.contains_key("date"));
    assert!(mail.text.contains("You've joined Zürich & Co"), "{}", mail.text);
    assert!(mail.html.contains("You&#39;ve joined Zürich &amp; Co"), "{}", mail.html);
    let link = format!("{SITE_URL}/do_verify_email?token={}&", mail.code());
    assert!(mail.text.contains(&link) && mail.html.contains(&link.replace('&', "&amp;")), "{}", mail.html);
    assert_eq!(mail.link_param("email").as_deref(), Some(ann.email.as_str()));
    assert_eq!(smtp.to(&ann.email).len(), 0, "one mail");
}

#[tokio::test]
async fn changes_of_an_account_are_mailed() {
    let PostOffice { cluster, smtp } = PostOffice::shared().await;
    let admin = cluster.admin().await;
    let ann = cluster.person("changing").await;
    smtp.expect(&ann.email, "You joined").await;

    let renamed = unique("renamed");
    ann.put("/users/me/patch", json!({"username": renamed})).await.expect(200);
    let mail = smtp.expect(&ann.email, "Your username has changed").await;
    assert!(mail.text.contains(&format!("was changed to {renamed}.")), "{}", mail.text);

    let passwords = json!({"current_password": crate::post_office::PASSWORD, "new_password": "another-horse-2"});
    ann.put("/users/me/password", passwords).await.expect(200);
    smtp.expect(&ann.email, "Your password has been updated").await;
    admin.on(1).put(&format!("/users/{}/password", ann.id), json!({"new_password": "third-horse-3"})).await.expect(200);
    smtp.expect(&ann.email, "Your password has been updated").await;

    admin.put(&format!("/users/{}/roles", ann.id), json!({"roles": "system_user system_user_access_token"})).await.expect(200);
    eventually("the role is known here", || async {
        let answer = ann.post("/users/me/tokens", json!({"description": "for a script"})).await;
        (answer.status == 200).then_some(())
    })
    .await;
    let mail = smtp.expect(&ann.email, "Personal access token added to your account").await;
    assert!(!mail.raw.contains("for a script"));

    let new_address = format!("{}@example.com", unique("new"));
    ann.put("/users/me/patch", json!({"email": new_address})).await.expect(200);
    let mail = smtp.expect(&ann.email, "Your email address has changed").await;
    assert!(mail.text.contains(&new_address), "the old address is told the new one");

    let auth = json!({"auth_service": "gitlab", "auth_data": unique("id")});
    admin.put(&format!("/users/{}/auth", ann.id), auth).await.expect(200);
    let mail = smtp.expect(&new_address, "Your sign-in method has been updated").await;
    assert!(mail.text.contains("using gitlab."), "{}", mail.text);
    admin.put(&format!("/users/{}/auth", ann.id), json!({"password": "fourth-horse-4"})).await.expect(200);
    let mail = smtp.expect(&new_address, "Your sign-in method has been updated").await;
    assert!(mail.text.contains("using email and password."), "{}", mail.text);

    let inactive = format!("Your account at {SITE_URL} has been deactivated");
    admin.put(&format!("/users/{}/active", ann.id), json!({"active": false})).await.expect(200);
    smtp.expect(&new_address, &inactive).await;
    // Neither closing it again nor opening it is news.
    admin.put(&format!("/users/{}/active", ann.id), json!({"active": false})).await.expect(200);
    admin.put(&format!("/users/{}/active", ann.id), json!({"active": true})).await.expect(200);
    admin.delete(&format!("/users/{}", ann.id)).await.expect(200);
    smtp.expect(&new_address, &inactive).await;
    assert_eq!(smtp.to(&new_address).len(), 0, "no more mails than changes");
}

#[tokio::test]
async fn mails_wait_for_a_server_that_is_down() {
    let port = free_port();
    let cluster = Cluster::start(mailing_to_port(port)).await;
    let ann = cluster.person("early").await;
    eventually("an attempt failed", || async {
        let failed = "SELECT 1 FROM jobs.mails WHERE status = 'pending' AND attempts > 0 AND reason <> ''";
        (!rows(&cluster, failed).await.is_empty()).then_some(())
    })
    .await;
    let smtp = Smtp::start_with(port, Security::None, None);
    smtp.expect(&ann.email, "You joined").await;
    let mails = eventually("all is sent", || async {
        let mails = rows(&cluster, "SELECT status, length(body) FROM jobs.mails").await;
        mails.iter().all(|mail| mail.get::<&str, _>(0) == "sent").then_some(mails)
    })
    .await;
    assert!(mails.len() == 2 && mails.iter().all(|mail| mail.get::<i32, _>(1) == 0), "what was sent is kept nowhere");
    assert_eq!(smtp.to(&ann.email).len(), 0, "once");

    // Switched off, nothing is sent, and nothing waits to be sent later.
    let admin = cluster.admin().await;
    let mut config = admin.get("/config").await.expect(200);
    config["EmailSettings"]["SendEmailNotifications"] = json!(false);
    admin.put("/config", config.clone()).await.expect(200);
    let silent = new_account("silent");
    eventually("both processes know", || async {
        let off =
            async |i: usize| cluster.anonymous(i).get("/config/client?format=old").await.expect(200)["SendEmailNotifications"] == "false";
        (off(0).await && off(1).await).then_some(())
    })
    .await;
    cluster.anonymous(0).post("/users", silent.clone()).await.expect(201);
    config["EmailSettings"]["SendEmailNotifications"] = json!(true);
    admin.put("/config", config).await.expect(200);
    let loud = cluster.person("loud").await;
    smtp.expect(&loud.email, "You joined").await;
    assert_eq!(smtp.to(silent["email"].as_str().unwrap()).len(), 0);
}

/// The change commits while nobody can send; nothing is lost, nothing is sent twice.
#[tokio::test]
async fn a_mail_survives_the_death_of_jobs() {
    let smtp = Smtp::start();
    let cluster = Cluster::start(Options { split: true, ..mailing_to(&smtp) }).await;
    let ann = cluster.person("survivor").await;
    smtp.expect(&ann.email, "You joined").await;
    all_fetched(&cluster).await;
    let mut sql = cluster.sql().await;

    cluster.kill("jobs");
    let name = unique("renamed");
    ann.put("/users/me/patch", json!({"username": name})).await.expect(200);
    let row = sqlx::query("SELECT key, body FROM identity.mails").fetch_one(&mut sql).await.expect("the mail waits in identity");
    let (key, body): (String, Vec<u8>) = (row.get(0), row.get(1));
    cluster.restart("jobs");
    smtp.expect(&ann.email, "Your username has changed").await;

    // As if the acknowledgement had been lost.
    let again = "INSERT INTO identity.mails (key, body, take_at) VALUES ($1, $2, 0) ON CONFLICT (key) DO UPDATE SET take_at = 0";
    sqlx::query(again).bind(&key).bind(&body).execute(&mut sql).await.expect("SQL");
    all_fetched(&cluster).await;
    let later = unique("later");
    ann.put("/users/me/patch", json!({"username": later})).await.expect(200);
    let mail = smtp.expect(&ann.email, "Your username has changed").await;
    assert!(mail.text.contains(&later), "not the first one again");
    assert_eq!(smtp.to(&ann.email).len(), 0);
}

#[tokio::test]
async fn a_refused_mail_is_given_up_and_kept_without_its_content() {
    let PostOffice { cluster, smtp } = PostOffice::shared().await;
    cluster.admin().await;
    let account =
        json!({"username": unique("refused"), "email": format!("{}@example.com", unique("refused")), "password": "correct-horse-1"});
    cluster.anonymous(0).post("/users", account.clone()).await.expect(201);
    let nobody = json!({"username": unique("nobody"), "email": unique("no address "), "password": "correct-horse-1"});
    cluster.anonymous(0).post("/users", nobody).await.expect(201);
    let failed = eventually("both are given up", || async {
        let failed = rows(cluster, "SELECT key, reason, attempts, length(body) FROM jobs.mails WHERE status = 'failed'").await;
        (failed.len() == 2).then_some(failed)
    })
    .await;
    for row in &failed {
        let (key, reason): (&str, &str) = (row.get(0), row.get(1));
        assert!(reason.contains("no such mailbox") || reason.contains("is no address"), "{reason}");
        assert_eq!((row.get::<i32, _>(2), row.get::<i32, _>(3)), (1, 0), "not tried again, content forgotten");
        let logged = cluster.names().iter().any(|name| cluster.log(name).lines().any(|l| l.contains("given up") && l.contains(key)));
        assert!(logged, "the log names {key}");
    }
    assert_eq!(smtp.to(account["email"].as_str().unwrap()).len(), 0);
}

#[tokio::test]
async fn without_a_server_mails_become_files() {
    let cluster = Cluster::shared().await;
    let ann = cluster.person("filed").await;
    let dir = cluster.data_dir().join("mail");
    let path = eventually("a file", || async {
        let entries = std::fs::read_dir(&dir).ok()?;
        entries.filter_map(|e| e.ok().map(|e| e.path())).find(|path| {
            let mail = std::fs::read_to_string(path).unwrap_or_default();
            path.extension().is_some_and(|e| e == "eml") && mail.contains(&format!("To: {}", ann.email))
        })
    })
    .await;
    let mode = |path: &std::path::Path| std::fs::metadata(path).expect("metadata").permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(&dir)), (0o600, 0o700), "links in mails are secrets");
    let mail = Received::parse(&std::fs::read_to_string(&path).expect("the mail"));
    assert!(mail.subject().contains("You joined http://localhost:8065") && mail.html.contains("do_verify_email"), "{}", mail.raw);

    let code = mail.code();
    assert_eq!(code.len(), 64);
    for name in cluster.names() {
        let log = cluster.log(&name);
        let told = log.lines().filter(|line| line.contains("no mail server is set up")).count();
        assert!(told <= 1, "{name} says it {told} times");
        assert!(!log.contains(&code), "{name} logs a secret");
    }
    assert!(cluster.names().iter().any(|name| cluster.log(name).contains("mails are written to files")));
}

#[tokio::test]
async fn mail_settings_are_tried_out() {
    let cluster = Cluster::shared().await;
    let (admin, user) = (cluster.admin().await, cluster.person("prying").await);
    let settings = |smtp: &Smtp, more: serde_json::Value| {
        let mut email = json!({"SendEmailNotifications": true, "SMTPServer": "localhost", "SMTPPort": smtp.port.to_string(),
            "FeedbackEmail": "site@example.com", "FeedbackName": "Site"});
        email.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"EmailSettings": email})
    };
    let plain = Smtp::start();
    admin.post("/email/test", settings(&plain, json!({}))).await.expect(200);
    let mail = plain.expect(&admin.email, "Testing Email Settings").await;
    assert!(!mail.encrypted && mail.text.contains("it has arrived") && !mail.html.is_empty());
    user.post("/email/test", settings(&plain, json!({}))).await.refused(403, "api.context.permissions.app_error");
    cluster.anonymous(0).post("/email/test", settings(&plain, json!({}))).await.refused(401, "api.context.session_expired.app_error");

    let failed = "muster.test_email_failed.app_error";
    let login = json!({"EnableSMTPAuth": true, "SMTPUsername": "user", "SMTPPassword": "secret"});
    for (security, name) in [(Security::None, ""), (Security::StartTls, "STARTTLS"), (Security::Tls, "TLS")] {
        let smtp = Smtp::start_with(0, security, Some("user:secret"));
        let with = |more: serde_json::Value| {
            let mut all = login.clone();
            all["ConnectionSecurity"] = json!(name);
            all["SkipServerCertificateVerification"] = json!(true);
            all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            settings(&smtp, all)
        };
        admin.on(1).post("/email/test", with(json!({}))).await.expect(200);
        let mail = smtp.expect(&admin.email, "Testing Email Settings").await;
        assert_eq!((mail.credentials.as_deref(), mail.encrypted), (Some("user:secret"), security != Security::None), "{name}");
        admin.post("/email/test", with(json!({"SMTPPassword": "wrong"}))).await.refused(500, failed);
        admin.post("/email/test", with(json!({"EnableSMTPAuth": false}))).await.refused(500, failed);
        if security != Security::None {
            admin.post("/email/test", with(json!({"SkipServerCertificateVerification": false}))).await.refused(500, failed);
        }
        assert_eq!(smtp.to(&admin.email).len(), 0, "{name}");
    }
    // A server without TLS does not get a mail that was to be encrypted.
    admin.post("/email/test", settings(&plain, json!({"ConnectionSecurity": "STARTTLS"}))).await.refused(500, failed);
    admin.post("/email/test", settings(&plain, json!({"SMTPPort": free_port().to_string()}))).await.refused(500, failed);
    admin.post("/email/test", settings(&plain, json!({"SMTPPort": "many"}))).await.refused(500, failed);
    assert_eq!(plain.to(&admin.email).len(), 0);
}
