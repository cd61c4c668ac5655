//! The configuration: who reads and changes it, and how a change reaches every gateway and client.

use serde_json::{Value, json};
use testkit::{Cluster, Options, Person, Socket, eventually, golden, keys};

const MASK: &str = "********************************";

/// The configuration as `person` sees it on gateway `i`.
async fn config(person: &Person, i: usize) -> Value {
    person.on(i).get("/config").await.expect(200)
}

/// The secrets that are masked, as stored.
async fn stored_secrets(cluster: &Cluster) -> Vec<Value> {
    let sql = "SELECT tree FROM jobs.config_versions ORDER BY version DESC LIMIT 1";
    let tree: String = sqlx::query_scalar(sql).fetch_one(&mut cluster.sql().await).await.expect("a stored configuration");
    let tree: Value = serde_json::from_str(&tree).expect("JSON");
    ["/SqlSettings/AtRestEncryptKey", "/FileSettings/PublicLinkSalt", "/EmailSettings/InviteSalt"]
        .iter()
        .map(|pointer| tree.pointer(pointer).cloned().expect("a secret"))
        .collect()
}

/// The client configurations that `socket` was sent, up to one that `last` takes.
async fn announced(socket: &mut Socket, last: impl Fn(&Value) -> bool) -> Vec<Value> {
    let mut events = socket.until("config_changed", |event| last(&event["data"]["config"])).await;
    events.retain(|event| event["event"] == "config_changed");
    events.into_iter().map(|event| event["data"]["config"].clone()).collect()
}

#[tokio::test]
async fn administrators_read_it_with_secrets_masked() {
    let cluster = Cluster::shared().await;
    let (admin, user) = (cluster.admin().await, cluster.person("reader").await);
    let answer = admin.get("/config").await;
    assert_eq!(answer.header("cache-control"), Some("no-cache, no-store, must-revalidate"));
    let tree = answer.expect(200);
    assert_eq!(keys(&tree), keys(muster_domain::config::defaults::shipped()));
    for pointer in [
        "/SqlSettings/DataSource",
        "/SqlSettings/AtRestEncryptKey",
        "/FileSettings/PublicLinkSalt",
        "/EmailSettings/InviteSalt",
        "/ElasticsearchSettings/Password",
    ] {
        assert_eq!(tree.pointer(pointer), Some(&json!(MASK)), "{pointer}");
    }
    assert_eq!(tree["EmailSettings"]["SMTPPassword"], "", "an empty secret is shown empty");
    assert_eq!(tree["TeamSettings"]["MaxUsersPerTeam"], 1000, "the environment wins");
    assert_eq!(config(&admin, 1).await, tree);

    let environment = admin.on(1).get("/config/environment").await.expect(200);
    assert_eq!(environment["TeamSettings"], json!({"MaxUsersPerTeam": true, "EnableOpenServer": true}));
    assert!(environment.get("SqlSettings").is_none());

    for path in ["/config", "/config/environment"] {
        user.get(path).await.refused(403, "api.context.permissions.app_error");
        cluster.anonymous(0).get(path).await.refused(401, "api.context.session_expired.app_error");
    }
}

#[tokio::test]
async fn clients_read_it_without_a_session() {
    let cluster = Cluster::start(Options::default()).await;
    let anonymous = cluster.anonymous(1);
    let first = anonymous.get("/config/client?format=old").await.expect(200);
    assert_eq!(first["NoAccounts"], "true", "the first account becomes administrator");

    let admin = cluster.admin().await;
    for client in [&cluster.anonymous(0), &anonymous, admin.on(0), admin.on(1)] {
        let map = client.get("/config/client?format=old").await.expect(200);
        assert_eq!(keys(&map), keys(&golden("config.client")));
        assert!(map.as_object().expect("an object").values().all(Value::is_string));
        assert_eq!(map["NoAccounts"], "false");
        assert_eq!(map["EnableOpenServer"], "true");
        assert_eq!(map["MaxPostSize"], "16383");
        assert_eq!(map["DiagnosticId"].as_str().map(str::len), Some(26));
        assert_eq!(map["AsymmetricSigningPublicKey"], first["AsymmetricSigningPublicKey"]);
    }
    assert!(first["AsymmetricSigningPublicKey"].as_str().is_some_and(|key| key.starts_with("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE")));
    anonymous.get("/config/client").await.refused(501, "api.config.client.old_format.app_error");
    anonymous.get("/config/client?format=new").await.refused(400, "api.context.invalid_url_param.app_error");
}

#[tokio::test]
async fn a_change_reaches_every_gateway_and_client() {
    let cluster = Cluster::start(Options::default()).await;
    let (admin, user) = (cluster.admin().await, cluster.person("listener").await);
    let (mut socket, mut other) = (user.socket(1).await, admin.socket(0).await);
    let secrets = stored_secrets(&cluster).await;
    let before = admin.get("/system/ping").await.header("x-version-id").map(str::to_owned);

    let mut tree = config(&admin, 0).await;
    tree["TeamSettings"]["SiteName"] = "Renamed".into();
    tree["TeamSettings"]["MaxUsersPerTeam"] = 5.into();
    let answer = admin.put("/config", tree.clone()).await;
    assert_eq!(answer.header("cache-control"), Some("no-cache, no-store, must-revalidate"));
    tree["TeamSettings"]["MaxUsersPerTeam"] = 1000.into();
    assert_eq!(answer.expect(200), tree, "the override stays in force");

    // The gateway that stored it works by it at once, the other as soon as it hears of it.
    assert_eq!(admin.get("/config/client?format=old").await.expect(200)["SiteName"], "Renamed");
    let after = admin.get("/system/ping").await.header("x-version-id").map(str::to_owned);
    assert_ne!(before, after, "clients see that something changed");
    eventually("the other gateway follows", async || {
        let map = admin.on(1).get("/config/client?format=old").await.expect(200);
        (map["SiteName"] == "Renamed").then_some(())
    })
    .await;
    assert_eq!(stored_secrets(&cluster).await, secrets, "masked secrets are kept");
    for socket in [&mut socket, &mut other] {
        let maps = [announced(socket, |_| true).await, announced(socket, |_| true).await].concat();
        assert_eq!(maps.len(), 2, "a change is announced twice");
        assert_eq!((keys(&maps[0]), &maps[0]["SiteName"]), (keys(&golden("config.client")), &json!("Renamed")));
    }
    let audits = admin.get("/audits").await.expect(200);
    let audits = audits.as_array().expect("a list");
    assert!(audits.iter().any(|a| a["extra_info"] == "updateConfig" && a["action"] == "/api/v4/config" && a["user_id"] == admin.id));

    // What a PUT leaves out takes its built-in default.
    let reset = admin.on(1).put("/config", json!({"TeamSettings": {"SiteName": "Alone"}, "Unknown": 1})).await.expect(200);
    assert_eq!(reset["ServiceSettings"]["EnableCommands"], false);
    assert_eq!(reset["ServiceSettings"]["EnableAPIv3"], true);
    assert!(reset.get("Unknown").is_none());
    assert_ne!(stored_secrets(&cluster).await, secrets, "secrets left out are made anew");
    assert_eq!(announced(&mut socket, |map| map["SiteName"] == "Alone").await.len(), 1);
    announced(&mut socket, |_| true).await;

    // A change that breaks a rule changes and announces nothing; a reload announces once.
    admin
        .put("/config", json!({"TeamSettings": {"MaxChannelsPerTeam": 0}}))
        .await
        .refused(400, "model.config.is_valid.max_channels.app_error");
    admin.post("/config/reload", json!({})).await.expect(200);
    assert_eq!(announced(&mut socket, |_| true).await[0]["SiteName"], "Alone");
    user.post("/config/reload", json!({})).await.refused(403, "api.context.permissions.app_error");
    admin.put("/config", json!({"TeamSettings": {"SiteName": "Last"}})).await.expect(200);
    assert_eq!(announced(&mut socket, |map| map["SiteName"] == "Last").await.len(), 1, "the reload was announced once");

    // It outlives every process.
    for name in cluster.names() {
        cluster.restart(&name);
    }
    let again = cluster.anonymous(1).with_token(admin.token());
    assert_eq!(again.get("/config").await.expect(200)["TeamSettings"]["SiteName"], "Last");
}

#[tokio::test]
async fn what_cannot_be_a_configuration_is_refused() {
    let cluster = Cluster::shared().await;
    let (admin, user) = (cluster.admin().await, cluster.person("writer").await);
    let before = config(&admin, 0).await;
    for body in ["null", "[]", "\"x\"", "{", ""] {
        let answer = admin.raw(http::Method::PUT, "/config", "application/json", body).await;
        answer.refused(400, "api.context.invalid_body_param.app_error");
    }
    for (change, id) in [
        (json!({"ServiceSettings": {"SiteURL": "nonsense"}}), "model.config.is_valid.site_url.app_error"),
        (json!({"TeamSettings": {"SiteName": "x".repeat(31)}}), "model.config.is_valid.sitename_length.app_error"),
        (json!({"PasswordSettings": {"MinimumLength": 4}}), "model.config.is_valid.password_length.app_error"),
        (json!({"SqlSettings": {"AtRestEncryptKey": "short"}}), "model.config.is_valid.encrypt_sql.app_error"),
        (json!({"LdapSettings": {"Enable": true}}), "model.config.is_valid.ldap_server"),
    ] {
        admin.put("/config", change).await.refused(400, id);
    }
    user.put("/config", json!({})).await.refused(403, "api.context.permissions.app_error");
    cluster.anonymous(0).put("/config", json!({})).await.refused(401, "api.context.session_expired.app_error");
    assert_eq!(config(&admin, 1).await, before);
}

#[tokio::test]
async fn a_read_only_cluster_cannot_be_changed_by_the_api() {
    let cluster = Cluster::start(Options::default()).await;
    let admin = cluster.admin().await;
    let mut tree = config(&admin, 0).await;
    tree["ClusterSettings"]["Enable"] = true.into();
    admin.put("/config", tree.clone()).await.expect(200);
    tree["ClusterSettings"]["Enable"] = false.into();
    admin.on(1).put("/config", tree).await.refused(403, "ent.cluster.save_config.error");
}
