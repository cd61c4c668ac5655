//! Holds `operations.tsv` against a running cluster: every operation of the contract is routed, refuses who must be
//! refused, and names a test that exists. It makes "done" a number.

use http::Method;
use serde_json::json;
use std::{collections::BTreeMap, fs};
use testkit::{Cluster, Person, unique};

struct Row {
    method: Method,
    path: String,
    open: bool,
    stranger: u16,
    test: Option<String>,
}

fn rows() -> Vec<Row> {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/operations.tsv")).expect("operations.tsv");
    text.lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .map(|line| {
            let columns: Vec<&str> = line.split('\t').collect();
            assert_eq!(columns.len(), 5, "five columns: {line}");
            assert!(matches!(columns[2], "open" | "401"), "{line}");
            Row {
                method: columns[0].parse().expect("a method"),
                path: columns[1].to_owned(),
                open: columns[2] == "open",
                stranger: columns[3].parse().unwrap_or_else(|_| panic!("a status: {line}")),
                test: (columns[4] != "-").then(|| columns[4].to_owned()),
            }
        })
        .collect()
}

/// What the paths name: all the administrator's, in a team the stranger is not in.
async fn objects(cluster: &Cluster, admin: &Person) -> BTreeMap<&'static str, String> {
    let team = admin.post("/teams", json!({"name": unique("closed"), "display_name": "Closed", "type": "I"})).await.expect(201);
    let team_id = team["id"].as_str().unwrap();
    let channel = cluster.channel_of(admin, team_id, "P").await;
    let channel_id = channel["id"].as_str().unwrap();
    let post = admin.say(channel_id, "hello").await;
    let role = admin.get("/roles/name/system_user").await.expect(200);
    let mut map = BTreeMap::new();
    let mut set = |name, value: &str| map.insert(name, value.to_owned());
    set("user_id", &admin.id);
    set("username", &admin.username);
    set("email", &admin.email);
    set("team_id", team_id);
    set("team_name", team["name"].as_str().unwrap());
    set("channel_id", channel_id);
    set("channel_name", channel["name"].as_str().unwrap());
    set("post_id", post["id"].as_str().unwrap());
    set("role_id", role["id"].as_str().unwrap());
    set("role_name", "system_user");
    set("invite_id", team["invite_id"].as_str().unwrap());
    set("category", "display_settings");
    set("preference_name", "use_military_time");
    set("emoji_name", "smile");
    set("type", "data_retention");
    map
}

fn filled(path: &str, objects: &BTreeMap<&str, String>) -> String {
    path.split('/')
        .map(|part| match part.strip_prefix('{').and_then(|p| p.strip_suffix('}')) {
            // An id of the right form that names nothing.
            Some(name) => objects.get(name).cloned().unwrap_or_else(|| "y".repeat(26)),
            None => part.to_owned(),
        })
        .collect::<Vec<_>>()
        .join("/")
}

#[test]
fn the_contract_is_covered() {
    let listed: Vec<(String, String)> = rows().iter().map(|r| (r.method.to_string(), r.path.clone())).collect();
    let contract = include_str!("../gateway/src/api/contract.rs");
    let operations: Vec<&str> = contract.lines().filter(|l| l.starts_with("    (\"")).collect();
    assert_eq!(operations.len(), 213);
    for line in operations {
        let parts: Vec<&str> = line.split('"').collect();
        assert!(listed.contains(&(parts[1].to_owned(), parts[3].to_owned())), "not in operations.tsv: {line}");
    }
}

#[test]
fn named_tests_exist() {
    let mut missing = Vec::new();
    for row in rows() {
        let Some(test) = row.test else { continue };
        let (module, function) = test.rsplit_once("::").unwrap_or_else(|| panic!("module::function: {test}"));
        let found = [format!("api/{module}.rs"), format!("{module}.rs")].iter().any(|file| {
            fs::read_to_string(format!("{}/{file}", env!("CARGO_MANIFEST_DIR")))
                .is_ok_and(|text| text.contains(&format!("async fn {function}(")))
        });
        if !found {
            missing.push(format!("{} {}: {test}", row.method, row.path));
        }
    }
    assert!(missing.is_empty(), "no such test: {missing:#?}");
}

#[tokio::test]
async fn every_operation_refuses_whom_it_must() {
    let cluster = Cluster::shared().await;
    let admin = cluster.admin().await;
    let stranger = cluster.person("stranger").await;
    let objects = objects(cluster, &admin).await;
    let (mut wrong, mut built) = (Vec::new(), 0);
    for row in rows() {
        let path = filled(&row.path, &objects);
        let name = format!("{} {}", row.method, row.path);
        let anonymous = cluster.anonymous(1);
        let answer = anonymous.send(anonymous.request(row.method.clone(), &path).json(&json!({}))).await;
        // What is not built is nobody's yet.
        let open = row.open && row.test.is_some();
        if open && answer.status == 401 || !open && (answer.status != 401 || answer.body["id"] != "api.context.session_expired.app_error") {
            wrong.push(format!("{name}: anonymous got {} {}", answer.status, answer.body["id"]));
        }
        // Logging out would end the stranger's session for the rows that follow.
        let leaver = if row.path == "/users/logout" { Some(cluster.person("leaver").await) } else { None };
        let client = leaver.as_ref().unwrap_or(&stranger).on(0);
        let answer = client.send(client.request(row.method.clone(), &path).json(&json!({}))).await;
        if answer.status != row.stranger || answer.body["id"] == "api.context.404.app_error" {
            wrong.push(format!("{name}: a stranger got {} {}, listed is {}", answer.status, answer.body["id"], row.stranger));
        }
        built += usize::from(row.test.is_some());
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    println!("{built} operations are built and proven");
}
