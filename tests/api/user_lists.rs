//! Tag `users`: lists, lookups, search, autocompletion.

use serde_json::{Value, json};
use testkit::{Client, Cluster, Person, eventually, golden, keys, unique};

const PERMISSIONS: &str = "api.context.permissions.app_error";
const BAD_BODY: &str = "api.context.invalid_body_param.app_error";
const BAD_URL: &str = "api.context.invalid_url_param.app_error";

/// Ada and Bob in a team; Ada alone in a private channel; Eve in neither.
struct Scene {
    cluster: &'static Cluster,
    ada: Person,
    bob: Person,
    eve: Person,
    team: String,
    channel: String,
}

async fn scene() -> Scene {
    let cluster = Cluster::shared().await;
    let (ada, bob, eve) = (cluster.person("ada").await, cluster.person("bob").await, cluster.person("eve").await);
    let team = cluster.team(&ada).await;
    cluster.join_team(&bob, &team).await;
    let team = team["id"].as_str().unwrap().to_owned();
    let channel = cluster.channel_of(&ada, &team, "P").await["id"].as_str().unwrap().to_owned();
    let scene = Scene { cluster, ada, bob, eve, team, channel };
    // Lists follow memberships within moments.
    eventually("the team has two members", || async { (scene.list(&format!("in_team={}", scene.team)).await.len() == 2).then_some(()) })
        .await;
    eventually("the channel has one member", || async {
        (scene.list(&format!("in_channel={}", scene.channel)).await.len() == 1).then_some(())
    })
    .await;
    scene
}

impl Scene {
    /// Ids that Ada sees, through the second gateway.
    async fn list(&self, query: &str) -> Vec<String> {
        ids(&self.ada.on(1).get(&format!("/users?{query}")).await.expect(200))
    }
}

fn ids(list: &Value) -> Vec<String> {
    list.as_array().expect("a list").iter().map(|u| u["id"].as_str().unwrap().to_owned()).collect()
}

fn sorted_by_name(people: &[&Person]) -> Vec<String> {
    let mut people = people.to_vec();
    people.sort_by(|a, b| a.username.cmp(&b.username));
    people.iter().map(|p| p.id.clone()).collect()
}

#[tokio::test]
async fn lists_filter_by_team_and_channel() {
    let s = scene().await;
    let (team, channel) = (&s.team, &s.channel);
    let listed = s.ada.get(&format!("/users?in_team={team}")).await.expect(200);
    assert_eq!(ids(&listed), sorted_by_name(&[&s.ada, &s.bob]));
    assert_eq!(keys(&listed[0]), keys(&golden("user.profile")));
    assert_eq!(s.list(&format!("in_channel={channel}")).await, [s.ada.id.clone()]);
    assert_eq!(s.list(&format!("in_team={team}&not_in_channel={channel}")).await, [s.bob.id.clone()]);
    assert_eq!(s.list(&format!("in_team={team}&per_page=1&page=1")).await, sorted_by_name(&[&s.ada, &s.bob])[1..]);
    assert_eq!(s.list("per_page=0").await, [""; 0]);
    let outside = s.list(&format!("not_in_team={team}&per_page=200")).await;
    assert!(!outside.contains(&s.ada.id) && !outside.contains(&s.bob.id));
    let all = s.ada.get("/users?per_page=200").await.expect(200);
    let names: Vec<&str> = all.as_array().unwrap().iter().map(|u| u["username"].as_str().unwrap()).collect();
    assert!(names.is_sorted());
    // Who left is no longer listed, but still in the order of creation.
    s.bob.delete(&format!("/teams/{team}/members/{}", s.bob.id)).await.expect(200);
    eventually("bob is gone", || async { (s.list(&format!("in_team={team}")).await == [s.ada.id.clone()]).then_some(()) }).await;
    assert_eq!(s.list(&format!("in_team={team}&sort=create_at")).await, [s.bob.id.clone(), s.ada.id.clone()]);
}

#[tokio::test]
async fn lists_ask_for_permission() {
    let s = scene().await;
    let admin = s.cluster.admin().await;
    let (team, channel) = (&s.team, &s.channel);
    let unknown = "y8s7f6ykutbnirjtn3mznczmia";
    for query in [
        format!("in_team={team}"),
        format!("not_in_team={team}"),
        format!("in_channel={channel}"),
        format!("in_team={team}&not_in_channel={channel}"),
        "without_team=true".to_owned(),
        format!("in_team={unknown}"),
        format!("in_channel={unknown}"),
    ] {
        s.eve.on(1).get(&format!("/users?{query}")).await.refused(403, PERMISSIONS);
    }
    s.bob.get(&format!("/users?in_channel={channel}")).await.refused(403, PERMISSIONS);
    assert_eq!(admin.get(&format!("/users?in_team={unknown}")).await.expect(200), json!([]));
    admin.get(&format!("/users?in_channel={unknown}")).await.refused(403, PERMISSIONS);
    let loners = ids(&admin.get("/users?without_team=true&per_page=200").await.expect(200));
    assert!(!loners.contains(&s.ada.id));
    for query in [
        format!("not_in_channel={channel}"),
        "sort=username".to_owned(),
        "sort=create_at".to_owned(),
        format!("in_team={team}&in_channel={channel}&sort=last_activity_at"),
        format!("in_team={team}&sort=status"),
    ] {
        s.ada.get(&format!("/users?{query}")).await.refused(400, BAD_URL);
    }
}

#[tokio::test]
async fn lists_sort_by_status_and_activity() {
    let s = scene().await;
    let open = s.cluster.channel(&s.ada, &s.team).await["id"].as_str().unwrap().to_owned();
    s.cluster.join_channel(&s.bob, &open).await;
    s.ada.put("/users/me/status", json!({"user_id": s.ada.id, "status": "dnd"})).await.expect(200);
    s.bob.put("/users/me/status", json!({"user_id": s.bob.id, "status": "away"})).await.expect(200);
    let query = format!("in_channel={open}&sort=status");
    eventually("away comes before dnd", || async { (s.list(&query).await == [s.bob.id.clone(), s.ada.id.clone()]).then_some(()) }).await;
    let by_activity = s.ada.get(&format!("/users?in_team={}&sort=last_activity_at", s.team)).await.expect(200);
    assert_eq!(ids(&by_activity), [s.bob.id.clone(), s.ada.id.clone()]);
    assert!(by_activity[0]["last_activity_at"].as_i64() >= by_activity[1]["last_activity_at"].as_i64());
}

#[tokio::test]
async fn lists_are_read_again_only_when_users_changed() {
    let cluster = Cluster::start(testkit::Options::default()).await;
    let admin = cluster.admin().await;
    let team = cluster.team(&admin).await["id"].as_str().unwrap().to_owned();
    let get = async |path: &str, etag: &str| {
        let client = admin.on(1);
        client.send(client.request(http::Method::GET, path).header("if-none-match", etag)).await
    };
    let team_path = format!("/users?in_team={team}");
    eventually("the creator is listed", || async { (ids(&admin.get(&team_path).await.expect(200)).len() == 1).then_some(()) }).await;
    for path in ["/users", team_path.as_str(), &format!("/users?not_in_team={team}")] {
        let etag = admin.get(path).await.header("etag").expect("etag").to_owned();
        assert!(etag.starts_with("4.10.0.") && etag.ends_with(".true.true"), "{etag}");
        let again = get(path, &etag).await;
        assert_eq!((again.status, again.header("etag"), again.bytes.len()), (304, Some(etag.as_str()), 0), "{path}");
        admin.put("/users/me/patch", json!({"nickname": unique("n")})).await.expect(200);
        get(path, &etag).await.expect(200);
    }
    assert_eq!(admin.get("/users?without_team=true").await.header("etag"), None);
}

#[tokio::test]
async fn people_are_looked_up_by_ids_and_names() {
    let s = scene().await;
    let mut expected = vec![s.ada.id.clone(), s.eve.id.clone()];
    expected.sort();
    for (path, body) in
        [("/users/ids", json!([s.ada.id, s.eve.id, "nobody"])), ("/users/usernames", json!([s.ada.username, s.eve.username, "nobody"]))]
    {
        let found = s.bob.on(1).post(path, body).await.expect(200);
        let mut got = ids(&found);
        got.sort();
        assert_eq!(got, expected, "{path}");
        assert_eq!(keys(&found[0]), keys(&golden("user.profile")));
        for bad in [json!([]), json!({}), json!("x"), json!([7])] {
            s.bob.post(path, bad).await.refused(400, BAD_BODY);
        }
    }
}

async fn found(client: &Client, body: Value) -> Vec<String> {
    ids(&client.post("/users/search", body).await.expect(200))
}

#[tokio::test]
async fn search_finds_prefixes_of_names() {
    let s = scene().await;
    let (first, last, nick) = (unique("Élodie"), unique("Byron"), unique("Countess"));
    let names = json!({"first_name": first, "last_name": last, "nickname": nick});
    s.ada.put("/users/me/patch", names).await.expect(200);
    let lower = first.to_lowercase();
    for term in [
        s.ada.username.clone(),
        lower.clone(),
        first.to_uppercase(),
        format!("{}*", &nick[..nick.len() - 1]),
        s.ada.email.clone(),
        format!("{lower} {}", last.to_lowercase()),
    ] {
        assert_eq!(found(s.eve.on(1), json!({"term": term})).await, [s.ada.id.clone()], "{term}");
    }
    for term in [format!("@{}", s.ada.username), first[2..].to_owned(), format!("{lower} nobody"), "%".to_owned(), "_".to_owned()] {
        assert!(!found(&s.eve, json!({"term": term})).await.contains(&s.ada.id), "{term}");
    }
    let name = &s.ada.username;
    for (body, expected) in [
        (json!({"term": name, "team_id": s.team}), true),
        (json!({"term": name, "not_in_team_id": s.team}), false),
        (json!({"term": name, "in_channel_id": s.channel}), true),
        (json!({"term": name, "team_id": s.team, "not_in_channel_id": s.channel}), false),
        (json!({"term": name, "without_team": true}), false),
    ] {
        assert_eq!(found(&s.ada, body.clone()).await.contains(&s.ada.id), expected, "{body}");
    }
    for body in [json!({}), json!({"term": ""}), json!({"term": "x", "not_in_channel_id": s.channel}), json!({"term": 7})] {
        s.ada.post("/users/search", body).await.refused(400, BAD_BODY);
    }
    for body in [
        json!({"term": "x", "team_id": s.team}),
        json!({"term": "x", "not_in_team_id": s.team}),
        json!({"term": "x", "in_channel_id": s.channel}),
        json!({"term": "x", "team_id": s.team, "not_in_channel_id": s.channel}),
    ] {
        s.eve.post("/users/search", body).await.refused(403, PERMISSIONS);
    }
    s.bob.delete("/users/me").await.expect(200);
    assert_eq!(found(&s.eve, json!({"term": s.bob.username})).await, [""; 0]);
    assert_eq!(found(&s.eve, json!({"term": s.bob.username, "allow_inactive": true})).await, [s.bob.id.clone()]);
}

#[tokio::test]
async fn autocompletion_knows_in_and_out_of_the_channel() {
    let s = scene().await;
    let (team, channel) = (&s.team, &s.channel);
    let complete = async |query: &str| s.ada.on(1).get(&format!("/users/autocomplete?{query}")).await.expect(200);
    let in_team = complete(&format!("in_team={team}&name=")).await;
    assert_eq!(ids(&in_team["users"]), sorted_by_name(&[&s.ada, &s.bob]));
    assert_eq!(keys(&in_team), keys(&golden("user_autocomplete")));
    assert_eq!(keys(&in_team["users"][0]), keys(&golden("user.profile")));
    let both = complete(&format!("in_team={team}&in_channel={channel}&name=")).await;
    assert_eq!((ids(&both["users"]), ids(&both["out_of_channel"])), (vec![s.ada.id.clone()], vec![s.bob.id.clone()]));
    let everybody = complete(&format!("in_channel={channel}&name={}", s.eve.username)).await;
    assert_eq!((ids(&everybody["users"]), ids(&everybody["out_of_channel"])), (vec![], vec![s.eve.id.clone()]));
    let unstorable = "muster.invalid_text.app_error";
    s.ada.on(1).get("/users/autocomplete?name=a%00").await.refused(400, unstorable);
    s.ada.post("/users/search", json!({"term": "a\0"})).await.refused(400, unstorable);
    let alone = complete(&format!("name={}&team_id={team}", s.eve.username)).await;
    assert_eq!(ids(&alone["users"]), [s.eve.id.clone()], "team_id means nothing");
    let nobody = complete(&format!("in_team={team}&name={}", s.ada.email)).await;
    assert_eq!(nobody, json!({"users": []}), "addresses do not complete");
    for query in [format!("in_team={team}"), format!("in_channel={channel}")] {
        s.eve.get(&format!("/users/autocomplete?{query}&name=a")).await.refused(403, PERMISSIONS);
    }
    s.bob.delete("/users/me").await.expect(200);
    let rest = complete(&format!("in_team={team}&name=")).await;
    assert_eq!(ids(&rest["users"]), [s.ada.id.clone()], "the deactivated never complete");
}

/// Rows of many members, written straight into identity's tables; signing thousands up would take minutes.
const CROWD: i32 = 2_500;

#[tokio::test]
async fn outsiders_of_large_groups_are_listed_and_kept() {
    let cluster = Cluster::start(testkit::Options::default()).await;
    let (admin, ada) = (cluster.admin().await, cluster.person("zada").await);
    let team = cluster.team(&admin).await;
    let team_id = team["id"].as_str().unwrap();
    let channel = cluster.channel(&admin, team_id).await["id"].as_str().unwrap().to_owned();
    let mut sql = cluster.sql().await;
    sqlx::query(
        "INSERT INTO identity.users (id, create_at, update_at, username, email, roles, locale, timezone, has_team)
         SELECT substr(md5('c' || n), 1, 26), 1, 1, 'crowd' || lpad(n::text, 5, '0'), 'crowd' || n || '@example.com', 'system_user', 'en', '{}', true
         FROM generate_series(1, $1) n",
    )
    .bind(CROWD)
    .execute(&mut sql)
    .await
    .unwrap();
    // All are in the team, and all but the last three in the channel.
    for (group, kind, most) in [(team_id, "team", CROWD), (channel.as_str(), "channel", CROWD - 3)] {
        sqlx::query(
            "INSERT INTO identity.group_members (group_id, user_id, kind, username, member, version, create_at)
             SELECT $1, id, $2, username, true, 1, 1 FROM identity.users WHERE username LIKE 'crowd%' ORDER BY username LIMIT $3",
        )
        .bind(group)
        .bind(kind)
        .bind(most)
        .execute(&mut sql)
        .await
        .unwrap();
    }
    let names = async |query: &str| -> Vec<String> {
        let list = admin.on(1).get(&format!("/users?per_page=200&{query}")).await.expect(200);
        list.as_array().unwrap().iter().map(|u| u["username"].as_str().unwrap().to_owned()).collect()
    };
    let becomes = async |query: &str, expected: &[&str]| {
        let matches = async || (names(query).await == expected).then_some(());
        let met = tokio::time::timeout(testkit::DEADLINE / 2, eventually(query, matches)).await;
        assert!(met.is_ok(), "{query}: {:?}, expected {expected:?}", names(query).await);
    };
    let (outside_team, outside_channel) = (format!("not_in_team={team_id}"), format!("in_team={team_id}&not_in_channel={channel}"));
    let last = |n: i32| format!("crowd{:05}", CROWD - n);
    becomes(&outside_team, &[&ada.username]).await;
    becomes(&outside_channel, &[&last(2), &last(1), &last(0)]).await;
    let lists: i64 = sqlx::query_scalar("SELECT count(*) FROM identity.outsider_lists").fetch_one(&mut sql).await.unwrap();
    assert_eq!(lists, 2, "both answers came from lists");
    // Pages, terms.
    let second = ids(&admin.get(&format!("/users?{outside_channel}&per_page=1&page=1")).await.expect(200));
    assert_eq!(second.len(), 1);
    let found = admin.post("/users/search", json!({"term": "crowd", "team_id": team_id, "not_in_channel_id": channel})).await.expect(200);
    assert_eq!(found.as_array().unwrap().len(), 3);
    // Whoever comes, joins, is renamed or leaves moves between them.
    let bob = cluster.person("ybob").await;
    becomes(&outside_team, &[&bob.username, &ada.username]).await;
    cluster.join_team(&ada, &team).await;
    becomes(&outside_team, &[&bob.username]).await;
    becomes(&outside_channel, &[&last(2), &last(1), &last(0), &ada.username]).await;
    let renamed = unique("aada");
    ada.put("/users/me/patch", json!({"username": renamed})).await.expect(200);
    becomes(&outside_channel, &[&renamed, &last(2), &last(1), &last(0)]).await;
    cluster.join_channel(&ada, &channel).await;
    becomes(&outside_channel, &[&last(2), &last(1), &last(0)]).await;
    ada.delete(&format!("/channels/{channel}/members/{}", ada.id)).await.expect(200);
    becomes(&outside_channel, &[&renamed, &last(2), &last(1), &last(0)]).await;
    ada.delete(&format!("/teams/{team_id}/members/{}", ada.id)).await.expect(200);
    becomes(&outside_channel, &[&last(2), &last(1), &last(0)]).await;
    becomes(&outside_team, &[&renamed, &bob.username]).await;
}
