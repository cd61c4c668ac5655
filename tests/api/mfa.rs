//! The second factor: enrolling, signing in with a code, codes that count once, enforcement, recovery.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use testkit::{Answer, Client, Cluster, Options, Person, Socket, eventually};
use totp_rs::{Builder, Secret, Totp};

const PASSWORD: &str = "correct-horse-1";
const FORBIDDEN: &str = "api.context.permissions.app_error";
const BAD_BODY: &str = "api.context.invalid_body_param.app_error";
const BAD_CODE: &str = "api.user.check_user_mfa.bad_code.app_error";
const REQUIRED: &str = "api.context.mfa_required.app_error";

async fn with_mfa() -> Cluster {
    Cluster::start(Options::default().env("MM_SERVICESETTINGS_ENABLEMULTIFACTORAUTHENTICATION", "true")).await
}

/// An authenticator.
struct Authenticator(Totp);

impl Authenticator {
    fn new(secret: &str) -> Self {
        Self(Builder::new().with_secret(Secret::try_from_base32(secret).expect("base32")).build().expect("an authenticator"))
    }

    /// The code of the current step, or of one so many later.
    fn code(&self, later: i64) -> String {
        let now = muster_domain::time::now_ms() / 1_000 + later * 30;
        self.0.generate(now as u64).to_string()
    }
}

async fn enrol(person: &Client) -> Authenticator {
    let answer = person.post("/users/me/mfa/generate", json!({})).await.expect(200);
    let authenticator = Authenticator::new(answer["secret"].as_str().expect("a secret"));
    person.put("/users/me/mfa", json!({"activate": true, "code": authenticator.code(0)})).await.expect(200);
    authenticator
}

async fn log_in(cluster: &Cluster, person: &Person, i: usize, fields: Value) -> Answer {
    let mut body = json!({"login_id": person.username, "password": PASSWORD});
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    cluster.anonymous(i).post("/users/login", body).await
}

/// As if the last accepted code were long ago.
async fn forget_last_code(cluster: &Cluster, person: &Person) {
    let sql = "UPDATE identity.credentials SET mfa_used_at = 0 WHERE user_id = $1";
    sqlx::query(sql).bind(&person.id).execute(&mut cluster.sql().await).await.expect("SQL");
}

#[tokio::test]
async fn signing_in_needs_a_code_that_counts_once() {
    let cluster = with_mfa().await;
    let (ada, bob) = (cluster.person("ada").await, cluster.person("bob").await);
    let required = async |login_id: &str| cluster.anonymous(1).post("/users/mfa", json!({"login_id": login_id})).await.expect(200);
    assert_eq!(required(&ada.username).await, json!({"mfa_required": false}));

    let answer = ada.post("/users/me/mfa/generate", json!({})).await;
    assert_eq!(answer.header("cache-control"), Some("no-cache, no-store, must-revalidate"));
    let generated = answer.expect(200);
    assert_eq!(testkit::keys(&generated), ["qr_code", "secret"]);
    let secret = generated["secret"].as_str().unwrap();
    let picture = image::load_from_memory(&STANDARD.decode(generated["qr_code"].as_str().unwrap()).unwrap()).expect("a PNG");
    assert!(picture.width() == picture.height() && picture.width() > 100);
    // Nothing is in force yet.
    log_in(&cluster, &ada, 1, json!({})).await.expect(200);

    let authenticator = Authenticator::new(secret);
    let mut socket = bob.socket(1).await;
    for (body, status, id) in [
        (json!({}), 400, BAD_BODY),
        (json!({"activate": "true", "code": "123456"}), 400, BAD_BODY),
        (json!({"activate": true}), 400, BAD_BODY),
        (json!({"activate": true, "code": ""}), 400, BAD_BODY),
        (json!({"activate": true, "code": 7}), 400, BAD_BODY),
        (json!({"activate": true, "code": authenticator.code(-3)}), 401, "ent.mfa.activate.bad_token.app_error"),
        (json!({"activate": true, "code": "nonsense"}), 401, "ent.mfa.activate.bad_token.app_error"),
    ] {
        ada.put("/users/me/mfa", body).await.refused(status, id);
    }
    let first = authenticator.code(0);
    assert_eq!(ada.put("/users/me/mfa", json!({"activate": true, "code": first})).await.expect(200), json!({"status": "OK"}));
    let event = socket.expect_where("user_updated", |e| e["data"]["user"]["id"] == ada.id).await;
    assert_eq!(event["data"]["user"]["mfa_active"], true);
    assert!(!event.to_string().contains(secret));
    assert_eq!(bob.on(1).get(&format!("/users/{}", ada.id)).await.expect(200)["mfa_active"], true);
    assert_eq!(required(&ada.username).await, json!({"mfa_required": true}));
    assert_eq!(required(&ada.email).await, json!({"mfa_required": true}));
    assert_eq!(required("nobody-at-all").await, json!({"mfa_required": false}));
    cluster.anonymous(0).post("/users/mfa", json!({})).await.refused(400, BAD_BODY);

    for token in [json!({}), json!({"token": ""}), json!({"token": "12345"})] {
        log_in(&cluster, &ada, 0, token).await.refused(401, "ent.mfa.validate_token.authenticate.app_error");
    }
    assert_eq!(ada.get("/users/me").await.expect(200).get("failed_attempts"), None, "nothing was guessed yet");
    log_in(&cluster, &ada, 0, json!({"token": first})).await.refused(401, BAD_CODE);
    log_in(&cluster, &ada, 0, json!({"token": authenticator.code(-3)})).await.refused(401, BAD_CODE);
    let next = authenticator.code(1);
    let wrong = json!({"token": next, "password": "wrong"});
    log_in(&cluster, &ada, 0, wrong).await.refused(401, "api.user.check_user_password.invalid.app_error");
    assert_eq!(ada.get("/users/me").await.expect(200)["failed_attempts"], 3);
    // Two at the same moment: one of them is a replay.
    let (one, other) = tokio::join!(log_in(&cluster, &ada, 0, json!({"token": next})), log_in(&cluster, &ada, 1, json!({"token": next})));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401]);
    log_in(&cluster, &ada, 1, json!({"token": next})).await.refused(401, BAD_CODE);

    // Wrong codes lock the account as wrong passwords do.
    forget_last_code(&cluster, &ada).await;
    for _ in 0..10 {
        log_in(&cluster, &ada, 1, json!({"token": authenticator.code(-3)})).await;
    }
    let right = json!({"token": authenticator.code(0)});
    log_in(&cluster, &ada, 0, right).await.refused(401, "api.user.check_user_login_attempts.too_many.app_error");
}

#[tokio::test]
async fn a_lost_authenticator_is_recovered_by_an_administrator() {
    let cluster = with_mfa().await;
    let (ada, bob, admin) = (cluster.person("ada").await, cluster.person("bob").await, cluster.admin().await);
    let authenticator = enrol(&ada).await;
    let path = format!("/users/{}/mfa", ada.id);
    bob.put(&path, json!({"activate": false})).await.refused(403, FORBIDDEN);
    bob.post(&format!("{path}/generate"), json!({})).await.refused(403, FORBIDDEN);
    admin.post("/users/y8s7f6ykutbnirjtn3mznczmia/mfa/generate", json!({})).await.refused(404, "store.sql_user.missing_account.const");
    admin
        .put("/users/y8s7f6ykutbnirjtn3mznczmia/mfa", json!({"activate": false}))
        .await
        .refused(404, "store.sql_user.missing_account.const");

    // An enrolment that is never finished leaves the factor in use as it is.
    ada.post("/users/me/mfa/generate", json!({})).await.expect(200);
    log_in(&cluster, &ada, 0, json!({"token": authenticator.code(1)})).await.expect(200);

    admin.on(1).put(&path, json!({"activate": false})).await.expect(200);
    log_in(&cluster, &ada, 0, json!({})).await.expect(200);
    assert_eq!(ada.get("/users/me").await.expect(200).get("mfa_active"), None);
    // The old secret is gone, not asleep.
    ada.put("/users/me/mfa", json!({"activate": true, "code": authenticator.code(1)}))
        .await
        .refused(401, "ent.mfa.activate.bad_token.app_error");
    let stored = "SELECT mfa_secret || mfa_pending_secret FROM identity.credentials WHERE user_id = $1";
    let stored: String = sqlx::query_scalar(stored).bind(&ada.id).fetch_one(&mut cluster.sql().await).await.unwrap();
    assert_eq!(stored, "");

    let trail = eventually("the trail", || async {
        let rows = admin.get("/users/me/audits").await.expect(200);
        let rows: Vec<Value> = rows.as_array().unwrap().iter().filter(|r| r["action"] == format!("/api/v4{path}")).cloned().collect();
        (rows.len() == 2).then_some(rows)
    })
    .await;
    assert_eq!((&trail[0]["extra_info"], &trail[1]["extra_info"]), (&json!("success - mfa updated"), &json!("attempt")));

    let saml = json!({"auth_service": "saml", "auth_data": bob.id});
    admin.put(&format!("/users/{}/auth", bob.id), saml).await.expect(200);
    let secret = bob.post("/users/me/mfa/generate", json!({})).await.expect(200)["secret"].as_str().unwrap().to_owned();
    bob.put("/users/me/mfa", json!({"activate": true, "code": Authenticator::new(&secret).code(0)}))
        .await
        .refused(400, "api.user.activate_mfa.email_and_ldap_only.app_error");
}

#[tokio::test]
async fn without_the_setting_there_is_no_second_factor() {
    let cluster = Cluster::shared().await;
    let (ada, bob) = (cluster.person("ada").await, cluster.person("bob").await);
    ada.post("/users/me/mfa/generate", json!({})).await.refused(501, "api.user.generate_mfa_qr.not_available.app_error");
    ada.put("/users/me/mfa", json!({"activate": true, "code": "123456"})).await.refused(501, "api.user.update_mfa.not_available.app_error");
    ada.put("/users/me/mfa", json!({"activate": false})).await.refused(501, "api.user.update_mfa.not_available.app_error");
    ada.put("/users/me/mfa", json!({"activate": true})).await.refused(400, BAD_BODY);
    bob.put(&format!("/users/{}/mfa", ada.id), json!({"activate": false})).await.refused(403, FORBIDDEN);
    let body = json!({"login_id": ada.username});
    assert_eq!(cluster.anonymous(0).post("/users/mfa", body).await.expect(200), json!({"mfa_required": false}));
}

#[tokio::test]
async fn an_enforced_factor_comes_before_everything_else() {
    let cluster = Cluster::start(Options::default()).await;
    let (ada, bob, admin) = (cluster.person("ada").await, cluster.person("bob").await, cluster.admin().await);
    admin.put(&format!("/users/{}/auth", bob.id), json!({"auth_service": "saml", "auth_data": bob.id})).await.expect(200);
    let mut config = admin.get("/config").await.expect(200);
    config["ServiceSettings"]["EnableMultifactorAuthentication"] = json!(true);
    config["ServiceSettings"]["EnforceMultifactorAuthentication"] = json!(true);
    admin.put("/config", config.clone()).await.expect(200);
    for i in 0..2 {
        eventually("it is in force", || async { (ada.on(i).get("/users/me/teams").await.status == 403).then_some(()) }).await;
        for path in ["/users/me/teams", &format!("/users/{}", ada.id), "/config/client?format=old", "/system/ping"] {
            let answer = ada.on(i).get(path).await;
            if path.starts_with("/users") {
                answer.refused(403, REQUIRED)
            } else {
                assert_eq!(answer.status, 200, "{path} needs no session")
            }
        }
        assert_eq!(ada.on(i).get("/users/me").await.expect(200)["id"], ada.id);
        // Who signs in elsewhere has the factor there.
        bob.on(i).get("/users/me/teams").await.expect(200);
    }
    admin.put("/config", config.clone()).await.refused(403, REQUIRED);
    let mut socket = Socket::connect(&cluster.gateways[0], Some(ada.token())).await.expect("an upgrade");
    socket.closed().await;
    assert!(socket.drain().is_empty(), "not even a hello");

    let authenticator = enrol(&ada).await;
    for i in 0..2 {
        ada.on(i).get("/users/me/teams").await.expect(200);
        ada.socket(i).await;
    }
    // Taken away again, it is missing on every gateway.
    ada.put("/users/me/mfa", json!({"activate": false})).await.expect(200);
    for i in 0..2 {
        eventually("it is missed", || async { (ada.on(i).get("/users/me/teams").await.status == 403).then_some(()) }).await;
    }
    drop(authenticator);
    enrol(&admin).await;
    config["ServiceSettings"]["EnforceMultifactorAuthentication"] = json!(false);
    admin.put("/config", config).await.expect(200);
    eventually("it is not demanded any more", || async { (ada.on(1).get("/users/me/teams").await.status == 200).then_some(()) }).await;
}
