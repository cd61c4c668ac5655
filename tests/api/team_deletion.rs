//! Deleting a team for good: nothing of it is left in any schema, and nothing of others is touched.

use crate::common::{FORBIDDEN, channel_named, heard, id, named, nested, pair};
use http::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use sqlx::PgConnection;
use std::path::Path;
use testkit::{Client, Cluster, Options, Person, eventually, pictures};

/// What may be left of a team, as (table and condition); `$1` is the team's id, `$2` its channels' and `$3` its posts' ids.
const TRACES: &[&str] = &[
    "teams.teams WHERE id = $1",
    "teams.team_members WHERE team_id = $1",
    "teams.channels WHERE team_id = $1",
    "teams.channel_members WHERE channel_id = ANY($2)",
    "teams.effects WHERE key = ANY($2) OR key LIKE '%' || $1",
    "identity.group_members WHERE group_id = $1 OR group_id = ANY($2)",
    "identity.preferences WHERE category = $1 OR (category = 'favorite_channel' AND name = ANY($2)) OR (category = 'flagged_post' AND name = ANY($3))",
    "posts.posts WHERE channel_id = ANY($2) OR id = ANY($3)",
    "posts.channel_activity WHERE channel_id = ANY($2) OR team_id = $1",
    "posts.read_states WHERE channel_id = ANY($2)",
    "posts.reactions WHERE post_id = ANY($3)",
    "posts.search_documents WHERE channel_id = ANY($2)",
    "files.files WHERE channel_id = ANY($2) OR post_channel_id = ANY($2)",
];

async fn count(sql: &mut PgConnection, trace: &str, (team, channels, posts): (&str, &[String], &[String])) -> i64 {
    // Every statement names all parameters, so that their types are known.
    let statement = format!("SELECT count(*) FROM {trace} AND ($1::text, $2::text[], $3::text[]) IS NOT NULL");
    let statement = statement.replacen(" WHERE ", " WHERE (", 1).replacen(" AND ($1::text", ") AND ($1::text", 1);
    sqlx::query_scalar(&statement).bind(team).bind(channels).bind(posts).fetch_one(sql).await.unwrap_or_else(|e| panic!("{statement}: {e}"))
}

fn files_under(dir: &Path, id: &str) -> usize {
    let Ok(entries) = std::fs::read_dir(dir) else { return 0 };
    entries
        .flatten()
        .map(|entry| {
            let path = entry.path();
            if path.is_dir() { files_under(&path, id) } else { usize::from(path.to_string_lossy().contains(id)) }
        })
        .sum()
}

async fn upload(client: &Client, channel_id: &str) -> String {
    let form = Form::new().text("channel_id", channel_id.to_owned()).part("files", Part::bytes(pictures::png(20, 10)).file_name("a.png"));
    let answer = client.send(client.request(Method::POST, "/files").multipart(form)).await.expect(201);
    id(&answer["file_infos"][0])
}

/// A team in which everything has happened; its channels and posts.
async fn lived_in(owner: &Person, member: &Person, team_id: &str) -> (Vec<String>, Vec<String>) {
    let channel = owner.post("/channels", json!({"team_id": team_id, "name": "den", "display_name": "Den", "type": "O"})).await.expect(201);
    let den = id(&channel);
    member.post(&format!("/channels/{den}/members"), json!({"user_id": member.id})).await.expect(201);
    let archived =
        owner.post("/channels", json!({"team_id": team_id, "name": "old", "display_name": "Old", "type": "P"})).await.expect(201);
    owner.delete(&format!("/channels/{}", id(&archived))).await.expect(200);
    let (file, loose) = (upload(owner, &den).await, upload(member, &den).await);
    let root = id(&owner.post("/posts", json!({"channel_id": den, "message": "root @all", "file_ids": [file]})).await.expect(201));
    let reply = id(&member.post("/posts", json!({"channel_id": den, "message": "reply", "root_id": root})).await.expect(201));
    owner.put(&format!("/posts/{root}/patch"), json!({"message": "edited"})).await.expect(200);
    let gone = id(&owner.say(&den, "deleted").await);
    owner.delete(&format!("/posts/{gone}")).await.expect(200);
    member.post("/reactions", json!({"user_id": member.id, "post_id": root, "emoji_name": "smile"})).await.expect(200);
    let rows = json!([
        {"user_id": member.id, "category": "flagged_post", "name": root, "value": "true"},
        {"user_id": member.id, "category": "favorite_channel", "name": den, "value": "true"},
        {"user_id": member.id, "category": team_id, "name": "theme", "value": "{}"},
    ]);
    member.put("/users/me/preferences", rows).await.expect(200);
    let icon = Form::new().part("image", Part::bytes(pictures::png(9, 9)).file_name("icon.png"));
    owner.send(owner.request(Method::POST, &format!("/teams/{team_id}/image")).multipart(icon)).await.expect(200);
    assert_eq!(member.get(&format!("/files/{loose}/info")).await.expect(200)["id"], loose);
    let town = id(&channel_named(owner, team_id, "town-square").await);
    let topic = id(&channel_named(owner, team_id, "off-topic").await);
    (vec![den, id(&archived), town, topic], vec![root, reply, gone])
}

#[tokio::test]
async fn a_permanent_deletion_leaves_nothing_anywhere() {
    let pair = pair().await;
    let (team, other) = (pair.team_id.as_str(), pair.cluster.team(&pair.owner).await);
    let (channels, posts) = lived_in(&pair.owner, &pair.member, team).await;
    let (kept_channels, kept_posts) = {
        pair.cluster.join_team(&pair.member, &other).await;
        lived_in(&pair.owner, &pair.member, &id(&other)).await
    };
    let (mut sql, other) = (pair.cluster.sql().await, id(&other));
    let (of_team, of_other) = ((team, &channels[..], &posts[..]), (other.as_str(), &kept_channels[..], &kept_posts[..]));
    let mut kept = Vec::new();
    for trace in TRACES.iter().filter(|trace| !trace.starts_with("teams.effects") && !trace.starts_with("posts.search")) {
        assert!(count(&mut sql, trace, of_team).await > 0, "the team has {trace}");
        kept.push((trace, count(&mut sql, trace, of_other).await));
    }
    assert!(files_under(&pair.cluster.data_dir(), &channels[0]) > 0 && files_under(&pair.cluster.data_dir(), team) > 0);

    let path = format!("/teams/{team}?permanent=true");
    pair.owner.delete(&path).await.refused(403, FORBIDDEN);
    let admin = pair.cluster.admin().await;
    let mut socket = pair.member.socket(1).await;
    assert_eq!(admin.delete(&path).await.expect(200), json!({"status": "OK"}));

    for trace in TRACES {
        eventually(trace, async || (count(&mut pair.cluster.sql().await, trace, of_team).await == 0).then_some(())).await;
    }
    eventually("the objects are gone", async || {
        (files_under(&pair.cluster.data_dir(), &channels[0]) + files_under(&pair.cluster.data_dir(), team) == 0).then_some(())
    })
    .await;
    for (trace, before) in kept {
        assert_eq!(count(&mut sql, trace, of_other).await, before, "the other team's {trace}");
    }

    let told = named(&heard(&pair.member, &mut socket).await, "delete_team");
    assert_eq!(told.iter().filter(|event| nested(event, "team")["id"] == team).count(), 1);
    for gateway in [0, 1] {
        let (admin, member) = (admin.on(gateway), pair.member.on(gateway));
        admin.get(&format!("/teams/{team}")).await.refused(404, "store.sql_team.get.find.app_error");
        assert_eq!(member.get(&format!("/channels/{}", channels[0])).await.status, 404);
        assert_eq!(member.get(&format!("/posts/{}", posts[0])).await.status, 404);
        let teams = member.get("/users/me/teams").await.expect(200);
        assert!(!teams.as_array().expect("teams").iter().any(|t| t["id"] == team));
    }
    // Its name is free, and there is nothing left to delete.
    let again = json!({"name": pair.team["name"], "display_name": "Again", "type": "O"});
    pair.owner.post("/teams", again).await.expect(201);
    admin.delete(&path).await.refused(403, FORBIDDEN);
}

#[tokio::test]
async fn who_may_delete_for_good_and_what_else_stays_soft() {
    let pair = pair().await;
    let (team, path) = (pair.team_id.as_str(), format!("/teams/{}?permanent=true", pair.team_id));
    pair.cluster.anonymous(0).delete(&path).await.refused(401, "api.context.session_expired.app_error");
    pair.cluster.person("stranger").await.delete(&path).await.refused(403, FORBIDDEN);
    pair.member.delete(&path).await.refused(403, FORBIDDEN);
    pair.owner.delete(&path).await.refused(403, FORBIDDEN);
    assert_eq!(pair.owner.get(&format!("/teams/{team}")).await.expect(200)["delete_at"], 0);
    let admin = pair.cluster.admin().await;
    admin.delete("/teams/short?permanent=true").await.refused(400, "api.context.invalid_url_param.app_error");
    for soft in ["", "?permanent=false", "?permanent=yes"] {
        pair.owner.delete(&format!("/teams/{team}{soft}")).await.expect(200);
        assert!(admin.get(&format!("/teams/{team}")).await.expect(200)["delete_at"].as_i64() > Some(0));
    }
    // A team that was deleted softly before can still go for good.
    admin.delete(&path).await.expect(200);
    admin.get(&format!("/teams/{team}")).await.refused(404, "store.sql_team.get.find.app_error");
}

#[tokio::test]
async fn a_deletion_is_finished_when_the_other_services_come_back() {
    let cluster = Cluster::start(Options { split: true, ..Options::default() }).await;
    let (admin, owner, member) = (cluster.admin().await, cluster.person("owner").await, cluster.person("member").await);
    let team = cluster.team(&owner).await;
    cluster.join_team(&member, &team).await;
    let team_id = id(&team);
    let (channels, posts) = lived_in(&owner, &member, &team_id).await;
    cluster.kill("posts");
    cluster.kill("files");
    assert_eq!(admin.delete(&format!("/teams/{team_id}?permanent=true")).await.expect(200), json!({"status": "OK"}));
    cluster.kill("teams");
    let mut sql = cluster.sql().await;
    assert!(count(&mut sql, "posts.posts WHERE channel_id = ANY($2)", (&team_id, &channels, &posts)).await > 0);
    for name in ["teams", "posts", "files"] {
        cluster.launch(name);
    }
    for name in ["teams", "posts", "files"] {
        cluster.wait_ready(name);
    }
    for trace in TRACES {
        eventually(trace, async || (count(&mut cluster.sql().await, trace, (&team_id, &channels, &posts)).await == 0).then_some(())).await;
    }
    let left: Value = admin.get("/teams").await.expect(200);
    assert!(!left.as_array().expect("teams").iter().any(|t| t["id"] == team_id));
}
