//! Tag `status`, and what changes a status by itself.

use serde_json::{Value, json};
use testkit::{Cluster, Options, Person, eventually, golden, keys};

const PERMISSIONS: &str = "api.context.permissions.app_error";
const BAD_BODY: &str = "api.context.invalid_body_param.app_error";

async fn status_of(reader: &testkit::Client, person: &Person) -> Value {
    reader.get(&format!("/users/{}/status", person.id)).await.expect(200)
}

async fn becomes(reader: &testkit::Client, person: &Person, wanted: &str) {
    eventually(wanted, || async { (status_of(reader, person).await["status"] == wanted).then_some(()) }).await;
}

#[tokio::test]
async fn who_was_never_seen_is_offline() {
    let cluster = Cluster::shared().await;
    let (ada, bob) = (cluster.person("ada").await, cluster.person("bob").await);
    let unknown = "y8s7f6ykutbnirjtn3mznczmia";
    let offline = |id: &str| json!({"user_id": id, "status": "offline", "manual": false, "last_activity_at": 0});
    assert_eq!(status_of(ada.on(1), &bob).await, offline(&bob.id));
    assert_eq!(ada.get(&format!("/users/{unknown}/status")).await.expect(200), offline(unknown));
    let many = ada.post("/users/status/ids", json!([bob.id, unknown])).await.expect(200);
    assert_eq!(many, json!([offline(&bob.id), offline(unknown)]));
    for bad in [json!([]), json!({}), json!([7])] {
        ada.post("/users/status/ids", bad).await.refused(400, BAD_BODY);
    }
}

#[tokio::test]
async fn a_chosen_status_stays() {
    let cluster = Cluster::shared().await;
    let (ada, bob, admin) = (cluster.person("ada").await, cluster.person("bob").await, cluster.admin().await);
    let mut sockets = [ada.socket(0).await, ada.socket(1).await];
    let mut stranger = bob.socket(1).await;
    becomes(bob.on(1), &ada, "online").await;
    for status in ["dnd", "away", "offline", "offline"] {
        let answer = ada.put("/users/me/status", json!({"user_id": bob.id, "status": status})).await.expect(200);
        assert_eq!(keys(&answer), keys(&golden("status")));
        assert_eq!((&answer["user_id"], &answer["status"], &answer["manual"]), (&json!(ada.id), &json!(status), &json!(true)));
        for socket in &mut sockets {
            let event = socket.expect_where("status_change", |e| e["data"]["status"] == status).await;
            assert_eq!(event["data"], json!({"status": status, "user_id": ada.id}), "announced again even when it repeats");
            assert_eq!(event["broadcast"]["user_id"], ada.id);
        }
        assert_eq!(status_of(bob.on(1), &ada).await["status"], status);
    }
    let another = ada.socket(0).await;
    assert_eq!(status_of(&bob, &ada).await["status"], "offline", "connecting does not override it");
    another.close().await;
    let answer = admin.on(1).put(&format!("/users/{}/status", ada.id), json!({"status": "online"})).await.expect(200);
    assert_eq!((&answer["status"], &answer["manual"]), (&json!("online"), &json!(false)));
    sockets[1].expect_where("status_change", |e| e["data"]["status"] == "online").await;
    bob.put("/users/me/status", json!({"status": "dnd"})).await.expect(200);
    let heard = stranger.until("status_change", |e| e["data"]["status"] == "dnd").await;
    assert!(heard.iter().filter(|e| e["event"] == "status_change").all(|e| e["data"]["user_id"] == bob.id), "only one's own");
    let path = format!("/users/{}/status", ada.id);
    bob.put(&path, json!({"status": "away"})).await.refused(403, PERMISSIONS);
    for body in [json!({}), json!({"status": "ooo"}), json!({"status": "asleep"}), json!({"status": 7})] {
        ada.put(&path, body).await.refused(400, BAD_BODY);
    }
    let nobody = "/users/y8s7f6ykutbnirjtn3mznczmia/status";
    admin.put(nobody, json!({"status": "away"})).await.refused(404, "store.sql_user.missing_account.const");
}

#[tokio::test]
async fn the_last_socket_anywhere_makes_offline() {
    let cluster = Cluster::shared().await;
    let (ada, bob) = (cluster.person("ada").await, cluster.person("bob").await);
    let first = ada.socket(0).await;
    let mut second = ada.socket(1).await;
    becomes(&bob, &ada, "online").await;
    first.close().await;
    // The gateway of the closed socket has told identity before it takes the user's next socket apart again.
    let third = ada.socket(0).await;
    third.close().await;
    assert!(second.drain().iter().all(|e| e["data"]["status"] != "offline"));
    assert_eq!(status_of(bob.on(1), &ada).await["status"], "online");
    second.close().await;
    becomes(bob.on(1), &ada, "offline").await;
}

#[tokio::test]
async fn statuses_survive_the_loss_of_redis() {
    let cluster = Cluster::start(Options { own_engines: true, ..Options::default() }).await;
    let admin = cluster.admin().await;
    admin.put("/users/me/status", json!({"status": "dnd"})).await.expect(200);
    cluster.engines().kill_redis();
    assert_eq!(status_of(admin.on(1), &admin).await["status"], "dnd", "read from the durable copy");
    let away = admin.put("/users/me/status", json!({"status": "away"})).await.expect(200);
    assert_eq!((&away["status"], &away["manual"]), (&json!("away"), &json!(true)));
    cluster.engines().start_redis();
    for i in 0..2 {
        becomes(admin.on(i), &admin, "away").await;
    }
}

#[tokio::test]
async fn statuses_can_be_switched_off() {
    let cluster = Cluster::start(Options::default().env("MM_SERVICESETTINGS_ENABLEUSERSTATUSES", "false")).await;
    let admin = cluster.admin().await;
    let off = "api.status.user_not_found.app_error";
    admin.get("/users/me/status").await.refused(404, off);
    admin.put("/users/me/status", json!({"status": "away"})).await.refused(404, off);
    assert_eq!(admin.post("/users/status/ids", json!([admin.id])).await.expect(200), json!([]));
}

#[tokio::test]
async fn an_automatic_reply_is_a_status() {
    let cluster = Cluster::shared().await;
    let (ada, bob) = (cluster.person("ada").await, cluster.person("bob").await);
    let props = ada.get("/users/me").await.expect(200)["notify_props"].clone();
    let turned = |on: &str| {
        let mut props = props.clone();
        props["auto_responder_active"] = json!(on);
        json!({"notify_props": props})
    };
    ada.put("/users/me/patch", turned("true")).await.expect(200);
    let status = status_of(bob.on(1), &ada).await;
    assert_eq!((&status["status"], &status["manual"]), (&json!("ooo"), &json!(true)));
    ada.put("/users/me/patch", turned("false")).await.expect(200);
    assert_eq!(status_of(bob.on(1), &ada).await["status"], "online");
    ada.put("/users/me/patch", turned("true")).await.expect(200);
    ada.put("/users/me/status", json!({"status": "away"})).await.expect(200);
    assert_eq!(ada.on(1).get("/users/me").await.expect(200)["notify_props"]["auto_responder_active"], "false");
}
