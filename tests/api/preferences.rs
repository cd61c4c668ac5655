//! Tag `preferences`.

use serde_json::{Value, json};
use testkit::{Cluster, Person, golden, keys, unique};

const PERMISSIONS: &str = "api.context.permissions.app_error";
const BAD_BODY: &str = "api.context.invalid_body_param.app_error";
const BAD_URL: &str = "api.context.invalid_url_param.app_error";

fn row(person: &Person, category: &str, name: &str, value: &str) -> Value {
    json!({"user_id": person.id, "category": category, "name": name, "value": value})
}

#[tokio::test]
async fn preferences_are_saved_and_announced() {
    let cluster = Cluster::shared().await;
    let (ada, bob, admin) = (cluster.person("ada").await, cluster.person("bob").await, cluster.admin().await);
    let mut sockets = [ada.socket(0).await, ada.socket(1).await];
    let mut stranger = bob.socket(0).await;
    let rows = json!([row(&ada, "display_settings", "use_military_time", "<b>"), row(&ada, "display_settings", "name_format", "full")]);
    assert_eq!(ada.put("/users/me/preferences", rows.clone()).await.expect(200), json!({"status": "OK"}));
    for socket in &mut sockets {
        let event = socket.expect("preferences_changed").await;
        assert_eq!(keys(&event["data"]), ["preferences"]);
        let text = event["data"]["preferences"].as_str().expect("JSON in a string");
        assert_eq!(serde_json::from_str::<Value>(text).unwrap(), rows);
        assert_eq!(event["broadcast"]["user_id"], ada.id);
    }
    let all = ada.on(1).get("/users/me/preferences").await.expect(200);
    assert_eq!(all.as_array().unwrap().len(), 3);
    assert_eq!(keys(&all[0]), keys(&golden("preferences")[0]));
    // The last row of a key wins, and an existing one is replaced.
    let again = json!([row(&ada, "display_settings", "name_format", "x"), row(&ada, "display_settings", "name_format", "short")]);
    admin.on(1).put(&format!("/users/{}/preferences", ada.id), again).await.expect(200);
    let one = ada.get("/users/me/preferences/display_settings/name/name_format").await.expect(200);
    assert_eq!(one, row(&ada, "display_settings", "name_format", "short"));
    ada.put("/users/me/preferences", json!([])).await.expect(200);
    sockets[0].expect_where("preferences_changed", |e| e["data"]["preferences"] == "[]").await;
    bob.put("/users/me/preferences", json!([row(&bob, "fence", "n", "v")])).await.expect(200);
    let heard = stranger.until("preferences_changed", |e| e["broadcast"]["user_id"] == bob.id).await;
    assert_eq!(heard.iter().filter(|e| e["event"] == "preferences_changed").count(), 1, "only one's own");
    bob.put(&format!("/users/{}/preferences", ada.id), json!([])).await.refused(403, PERMISSIONS);
}

#[tokio::test]
async fn bad_rows_change_nothing() {
    let cluster = Cluster::shared().await;
    let (ada, bob, admin) = (cluster.person("ada").await, cluster.person("bob").await, cluster.admin().await);
    let good = row(&ada, "good", "n", "v");
    let theme = "model.preference.is_valid.theme.app_error";
    for (bad, status, id) in [
        (row(&ada, "", "n", "v"), 400, "model.preference.is_valid.category.app_error"),
        (row(&ada, &"c".repeat(33), "n", "v"), 400, "model.preference.is_valid.category.app_error"),
        (row(&ada, "cc", &"n".repeat(33), "v"), 400, "model.preference.is_valid.name.app_error"),
        (row(&ada, "cc", "n", &"é".repeat(2001)), 400, "model.preference.is_valid.value.app_error"),
        (row(&ada, "theme", "", "red"), 400, theme),
        (row(&ada, "theme", "", "{\"a\":1}"), 400, theme),
        (row(&bob, "cc", "n", "v"), 403, "api.preference.update_preferences.set.app_error"),
    ] {
        ada.put("/users/me/preferences", json!([good, bad])).await.refused(status, id);
    }
    let of_admin = json!([row(&admin, "cc", "n", "v")]);
    admin.put(&format!("/users/{}/preferences", ada.id), of_admin).await.refused(403, "api.preference.update_preferences.set.app_error");
    for body in [json!({}), json!("x"), json!([7])] {
        ada.put("/users/me/preferences", body).await.refused(400, BAD_BODY);
    }
    ada.get("/users/me/preferences/good").await.refused(404, "api.preference.preferences_category.get.app_error");
}

#[tokio::test]
async fn themes_are_tidied() {
    let cluster = Cluster::shared().await;
    let ada = cluster.person("ada").await;
    let mut socket = ada.socket(1).await;
    let sent = r##"{"type":"custom","b":"red","a":"#FFF"}"##;
    ada.put("/users/me/preferences", json!([row(&ada, "theme", "", sent)])).await.expect(200);
    let stored = ada.on(1).get("/users/me/preferences/theme").await.expect(200);
    assert_eq!(stored, json!([row(&ada, "theme", "", r##"{"a":"#FFF","b":"#ffffff","type":"custom"}"##)]));
    let event = socket.expect("preferences_changed").await;
    let told: Value = serde_json::from_str(event["data"]["preferences"].as_str().unwrap()).unwrap();
    assert_eq!(told[0]["value"], sent, "as sent, not as stored");
}

#[tokio::test]
async fn preferences_are_read_by_category_and_name() {
    let cluster = Cluster::shared().await;
    let (ada, bob, admin) = (cluster.person("ada").await, cluster.person("bob").await, cluster.admin().await);
    let category = unique("cat");
    ada.put("/users/me/preferences", json!([row(&ada, &category, "one", "1"), row(&ada, &category, "two", "2")])).await.expect(200);
    let base = format!("/users/{}/preferences", ada.id);
    let listed = admin.on(1).get(&format!("{base}/{category}")).await.expect(200);
    assert_eq!(listed, json!([row(&ada, &category, "one", "1"), row(&ada, &category, "two", "2")]));
    assert_eq!(ada.get(&format!("{base}/{category}/name/two")).await.expect(200), row(&ada, &category, "two", "2"));
    ada.get(&format!("{base}/{category}/name/three")).await.refused(400, "store.sql_preference.get.app_error");
    ada.get(&format!("{base}/nothing_here")).await.refused(404, "api.preference.preferences_category.get.app_error");
    for bad in ["Upper", "x", "_ab", "ab_"] {
        ada.get(&format!("{base}/{bad}")).await.refused(400, BAD_URL);
        ada.get(&format!("{base}/{category}/name/{bad}")).await.refused(400, BAD_URL);
    }
    assert_eq!(ada.get(&format!("{base}/a-b")).await.status, 404);
    for path in [base.clone(), format!("{base}/{category}"), format!("{base}/{category}/name/one")] {
        bob.get(&path).await.refused(403, PERMISSIONS);
    }
}

#[tokio::test]
async fn preferences_are_deleted_by_key() {
    let cluster = Cluster::shared().await;
    let (ada, bob, admin) = (cluster.person("ada").await, cluster.person("bob").await, cluster.admin().await);
    ada.put("/users/me/preferences", json!([row(&ada, "gone", "one", "1"), row(&ada, "gone", "two", "2")])).await.expect(200);
    let mut socket = ada.socket(1).await;
    let path = format!("/users/{}/preferences/delete", ada.id);
    let body = json!([row(&ada, "gone", "one", "other value"), row(&ada, "gone", "never was", "")]);
    assert_eq!(ada.post(&path, body.clone()).await.expect(200), json!({"status": "OK"}));
    let event = socket.expect("preferences_deleted").await;
    assert_eq!(serde_json::from_str::<Value>(event["data"]["preferences"].as_str().unwrap()).unwrap(), body);
    assert_eq!(ada.on(1).get("/users/me/preferences/gone").await.expect(200), json!([row(&ada, "gone", "two", "2")]));
    bob.post(&path, json!([])).await.refused(403, PERMISSIONS);
    ada.post(&path, json!([row(&bob, "gone", "two", "")])).await.refused(403, "api.preference.update_preferences.set.app_error");
    ada.post(&path, json!({})).await.refused(400, BAD_BODY);
    admin.post(&path, json!([row(&ada, "gone", "two", "")])).await.expect(200);
    ada.get("/users/me/preferences/gone").await.refused(404, "api.preference.preferences_category.get.app_error");
}
