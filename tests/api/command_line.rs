//! `muster user|team|channel`: through running services, and on the database itself.

use serde_json::{Value, json};
use testkit::{Cluster, Options, eventually};

/// The JSON a command prints; it must succeed.
async fn done(cluster: &Cluster, args: &[&str], input: &str) -> Value {
    let output = cluster.muster(&[args, &["--json"]].concat(), input).await;
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{args:?}: {e}: {text}"))
}

/// The id of the error a command is refused with; it must fail with status 1.
async fn refused(cluster: &Cluster, args: &[&str]) -> String {
    let output = cluster.muster(&[args, &["--json"]].concat(), "").await;
    assert_eq!(output.status.code(), Some(1), "{args:?}");
    assert!(output.stdout.is_empty(), "{args:?}");
    let error: Value =
        serde_json::from_slice(&output.stderr).unwrap_or_else(|e| panic!("{args:?}: {e}: {}", String::from_utf8_lossy(&output.stderr)));
    assert!(error["error"]["message"].as_str().is_some_and(|m| !m.is_empty()), "{args:?}: {error}");
    error["error"]["id"].as_str().unwrap().to_owned()
}

async fn log_in(cluster: &Cluster, name: &str, password: &str) -> testkit::Answer {
    cluster.anonymous(1).post("/users/login", json!({"login_id": name, "password": password})).await
}

async fn an_operator_manages(cluster: &Cluster) {
    let made = done(cluster, &["user", "create", "--username", "root", "--email", "root@example.com", "--admin"], "").await;
    assert_eq!((&made["username"], &made["roles"], &made["active"]), (&json!("root"), &json!("system_admin system_user"), &json!(true)));
    let answer = log_in(cluster, "root", made["password"].as_str().expect("a password made up")).await;
    let root = cluster.anonymous(0).with_token(answer.header("token").expect("Token"));
    assert_eq!(answer.expect(200)["email_verified"], true);

    let args = ["user", "create", "--username", "ada", "--email", "ada@example.com", "--password-stdin", "--nickname", "A"];
    let ada = done(cluster, &args, "my-own-password-1\n").await;
    assert_eq!(ada.get("password"), None);
    log_in(cluster, "ada", "my-own-password-1").await.expect(200);
    assert_eq!(refused(cluster, &args[..6]).await, "store.sql_user.save.username_exists.app_error");
    done(cluster, &["user", "create", "--username", "bob", "--email", "bob@example.com"], "").await;

    // Found by name, address or id; open sessions have the role at once.
    let answer = log_in(cluster, "ada", "my-own-password-1").await;
    let session = cluster.anonymous(1).with_token(answer.header("token").expect("Token"));
    session.get("/audits").await.expect(403);
    assert_eq!(done(cluster, &["user", "promote", "ada@example.com"], "").await["roles"], "system_admin system_user");
    eventually("promoted", || async { (session.get("/audits").await.status == 200).then_some(()) }).await;
    assert_eq!(done(cluster, &["user", "demote", ada["id"].as_str().unwrap()], "").await["roles"], "system_user");
    eventually("demoted", || async { (session.get("/audits").await.status == 403).then_some(()) }).await;

    let reset = done(cluster, &["user", "reset-password", "ada"], "").await;
    eventually("sessions end with the old password", || async { (session.get("/users/me").await.status == 401).then_some(()) }).await;
    log_in(cluster, "ada", "my-own-password-1").await.expect(401);
    log_in(cluster, "ada", reset["password"].as_str().unwrap()).await.expect(200);
    assert_eq!(done(cluster, &["user", "deactivate", "ada"], "").await["active"], false);
    log_in(cluster, "ada", reset["password"].as_str().unwrap()).await.expect(401);
    let inactive = done(cluster, &["user", "list", "--inactive"], "").await;
    assert_eq!((inactive.as_array().unwrap().len(), &inactive[0]["username"]), (1, &json!("ada")));
    assert_eq!(done(cluster, &["user", "activate", "ada"], "").await["active"], true);
    let names: Vec<Value> = done(cluster, &["user", "list"], "").await.as_array().unwrap().iter().map(|u| u["username"].clone()).collect();
    assert_eq!(names, ["ada", "bob", "root"]);

    let team = done(cluster, &["team", "create", "crew", "--display-name", "The crew", "--owner", "root"], "").await;
    assert_eq!((&team["name"], &team["display_name"], &team["type"]), (&json!("crew"), &json!("The crew"), &json!("O")));
    assert!(cluster.muster(&["team", "add", "crew", "ada", "bob", "--admin"], "").await.status.success());
    let path = format!("/teams/{}/members", team["id"].as_str().unwrap());
    let members = root.get(&path).await.expect(200);
    assert_eq!(members.as_array().unwrap().iter().filter(|m| m["roles"] == "team_user team_admin").count(), 3);
    let channel = done(cluster, &["channel", "create", "crew", "engine-room", "--owner", "ada"], "").await;
    done(cluster, &["channel", "create", "crew", "bridge", "--owner", "ada", "--private"], "").await;
    done(cluster, &["channel", "add", "crew", "engine-room", "bob"], "").await;
    let path = format!("/channels/{}/members", channel["id"].as_str().unwrap());
    assert_eq!(root.get(&path).await.expect(200).as_array().unwrap().len(), 2);
    done(cluster, &["channel", "remove", "crew", "engine-room", "bob"], "").await;
    assert_eq!(root.get(&path).await.expect(200).as_array().unwrap().len(), 1);
    let open: Vec<Value> =
        done(cluster, &["channel", "list", "crew"], "").await.as_array().unwrap().iter().map(|c| c["name"].clone()).collect();
    assert!(open.contains(&json!("engine-room")) && !open.contains(&json!("bridge")), "{open:?}");
    done(cluster, &["team", "remove", "crew", "bob"], "").await;
    assert_eq!(done(cluster, &["team", "list"], "").await[0]["name"], "crew");
    eventually("the list follows", || async {
        let members = done(cluster, &["user", "list", "--team", "crew"], "").await;
        (members.as_array().unwrap().len() == 2).then_some(())
    })
    .await;

    assert_eq!(refused(cluster, &["user", "promote", "nobody"]).await, "");
    assert_eq!(refused(cluster, &["team", "add", "nowhere", "ada"]).await, "store.sql_team.get_by_name.app_error");
    assert_eq!(refused(cluster, &["user", "reset-mfa", "ada"]).await, "api.user.update_mfa.not_available.app_error");
    assert_eq!(cluster.muster(&["user", "explode"], "").await.status.code(), Some(2));

    eventually("the trail names the command", || async {
        let rows = root.get("/audits?per_page=200").await.expect(200);
        let mut rows = rows.as_array().unwrap().iter();
        rows.any(|r| r["action"] == "muster user promote" && r["extra_info"] == "roles=system_admin system_user session_user=system:cli")
            .then_some(())
    })
    .await;
}

#[tokio::test]
async fn through_running_services() {
    an_operator_manages(&Cluster::start(Options { split: true, ..Options::default() }).await).await;
}

#[tokio::test]
async fn on_the_database_itself() {
    an_operator_manages(&Cluster::start(Options::default()).await).await;
}

#[tokio::test]
async fn help_is_enough_to_begin() {
    let cluster = Cluster::shared().await;
    for (args, wanted) in [
        (&["--help"][..], &["user", "team", "channel", "MUSTER_DATABASE_URL"][..]),
        (&["user", "--help"], &["create", "promote", "reset-password", "--json", "MUSTER_IDENTITY_URL", "Exit status"]),
        (&["user", "create", "--help"], &["--username", "--password-stdin", "--admin"]),
        (&["team", "add", "--help"], &["--admin", "USERS"]),
        (&["channel", "create", "--help"], &["--private", "--owner"]),
    ] {
        let output = cluster.muster(args, "").await;
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && wanted.iter().all(|word| text.contains(word)), "{args:?}: {text}");
    }
}
