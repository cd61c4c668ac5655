//! Roles: read by anybody, patched by administrators, in force everywhere at once.

use serde_json::{Value, json};
use testkit::{Cluster, Options, eventually, golden, keys};

#[tokio::test]
async fn anybody_reads_roles() {
    let cluster = Cluster::shared().await;
    let user = cluster.person("reader").await;
    let role = user.get("/roles/name/team_user").await.expect(200);
    assert_eq!(keys(&role), keys(&golden("role")));
    assert_eq!(role["scheme_managed"], true);
    let id = role["id"].as_str().expect("an id");
    assert_eq!(user.on(1).get(&format!("/roles/{id}")).await.expect(200), role);
    for recorded in golden("roles.all_builtin").as_array().expect("a list") {
        let name = recorded["name"].as_str().expect("a name");
        let ours = user.get(&format!("/roles/name/{name}")).await.expect(200);
        let sorted = |role: &Value| {
            let mut permissions: Vec<String> = serde_json::from_value(role["permissions"].clone()).expect("a list of names");
            permissions.sort();
            permissions
        };
        assert_eq!(sorted(&ours), sorted(recorded), "{name}");
        assert_eq!((&ours["display_name"], &ours["description"]), (&recorded["display_name"], &recorded["description"]), "{name}");
    }

    let names = |list: Value| {
        let mut names: Vec<String> =
            list.as_array().expect("a list").iter().map(|r| r["name"].as_str().expect("a name").to_owned()).collect();
        names.sort();
        names
    };
    let found = user.post("/roles/names", json!(["team_user", " ", "unknown", "system_admin"])).await.expect(200);
    assert_eq!(names(found), ["system_admin", "team_user"]);
    assert_eq!(user.post("/roles/names", json!(["unknown"])).await.expect(200), Value::Null);
    for bad in [json!([]), json!({}), json!("team_user"), json!(["Bad Name"])] {
        user.post("/roles/names", bad).await.refused(400, "api.context.invalid_body_param.app_error");
    }

    user.get(&format!("/roles/{}", "y".repeat(26))).await.refused(404, "store.sql_role.get.app_error");
    user.get("/roles/short").await.refused(400, "api.context.invalid_url_param.app_error");
    user.get("/roles/name/unknown").await.refused(404, "store.sql_role.get_by_name.app_error");
    user.get(&format!("/roles/name/{}", "x".repeat(65))).await.refused(400, "api.context.invalid_url_param.app_error");
    assert_eq!(user.get("/roles/name/Team-User").await.status, 404);
    cluster.anonymous(0).get("/roles/name/team_user").await.refused(401, "api.context.session_expired.app_error");
}

#[tokio::test]
async fn a_patch_takes_effect_everywhere_at_once() {
    let cluster = Cluster::start(Options::default()).await;
    let (admin, user) = (cluster.admin().await, cluster.person("promoted").await);
    let mut socket = user.socket(1).await;
    let role = admin.get("/roles/name/system_user").await.expect(200);
    let path = format!("/roles/{}/patch", role["id"].as_str().expect("an id"));
    let mut permissions = role["permissions"].as_array().expect("a list").clone();
    permissions.push("manage_jobs".into());

    user.on(1).get("/jobs").await.refused(403, "api.context.permissions.app_error");
    let patched = admin.put(&path, json!({"permissions": permissions, "name": "other"})).await.expect(200);
    assert_eq!((&patched["permissions"], &patched["name"]), (&json!(permissions), &json!("system_user")));
    user.get("/jobs").await.expect(200);
    eventually("the other gateway follows", async || (user.on(1).get("/jobs").await.status == 200).then_some(())).await;
    let event = socket.expect("role_updated").await;
    let shown: Value = serde_json::from_str(event["data"]["role"].as_str().expect("JSON in a string")).expect("JSON");
    assert_eq!(shown["permissions"], json!(permissions));

    // The same list again, in another order, changes and announces nothing; the next event is that of the return.
    permissions.reverse();
    admin.put(&path, json!({"permissions": permissions})).await.expect(200);
    admin.put(&path, json!({"permissions": role["permissions"]})).await.expect(200);
    let event = socket.expect("role_updated").await;
    assert!(!event["data"]["role"].as_str().expect("text").contains("manage_jobs"), "{event}");
    eventually("the permission is gone", async || (user.on(1).get("/jobs").await.status == 403).then_some(())).await;

    admin.put(&path, json!({"permissions": ["fly"]})).await.refused(400, "api.context.invalid_body_param.app_error");
    admin.put(&path, json!({"permissions": "fly"})).await.refused(400, "api.context.invalid_body_param.app_error");
    user.put(&path, json!({"permissions": []})).await.refused(403, "api.context.permissions.app_error");
    admin.put(&format!("/roles/{}/patch", "y".repeat(26)), json!({"permissions": []})).await.refused(404, "store.sql_role.get.app_error");
}
