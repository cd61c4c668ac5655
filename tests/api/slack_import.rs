//! Importing a Slack export: what becomes of it, once; and exports that are up to no good.

use crate::common::{FORBIDDEN, channel_named, heard, id, named, pair};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use std::io::{Cursor, Write};
use testkit::{Answer, Client, Cluster, Options, eventually, unique};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

const UNREADABLE: &str = "api.slackimport.slack_import.zip.app_error";

fn zipped(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, content) in entries {
        zip.start_file(*name, options).expect("an entry");
        zip.write_all(content).expect("its content");
    }
    zip.finish().expect("a zip").into_inner()
}

fn text(value: &Value) -> Vec<u8> {
    serde_json::to_vec(value).expect("JSON")
}

fn form(content: Vec<u8>) -> Form {
    let size = content.len().to_string();
    Form::new().text("importFrom", "slack").text("filesize", size).part("file", Part::bytes(content).file_name("export.zip"))
}

async fn send(client: &Client, team_id: &str, form: Form) -> Answer {
    client.send(client.request(Method::POST, &format!("/teams/{team_id}/import")).multipart(form)).await
}

fn log(answer: Answer) -> String {
    let body = answer.expect(200);
    let results = body["results"].as_str().unwrap_or_else(|| panic!("results: {body}"));
    String::from_utf8(STANDARD.decode(results).expect("base64")).expect("text")
}

/// `known` is an address that has an account here.
fn export(known: &str, stem: &str) -> Vec<u8> {
    let users = json!([
        {"id": "U1", "name": "Known", "profile": {"email": known.to_uppercase()}},
        {"id": "U2", "name": format!("{stem}new"), "profile": {"email": format!("{stem}new@example.org"), "first_name": "New", "title": null}},
        {"id": "U3", "name": format!("{stem}none"), "profile": {}},
    ]);
    let channels = json!([
        {"id": "C1", "name": format!("{stem}den"), "members": ["U1", "U2"], "topic": {"value": "topic"}, "purpose": {"value": "purpose"}},
        {"id": "C2", "name": "town-square", "members": ["U3"]},
    ]);
    let first = json!([
        {"type": "message", "user": "U1", "text": "hello <@U2> in <#C1>", "ts": "1500000000.000100", "thread_ts": "1500000000.000100",
         "reactions": [{"name": "smile", "users": ["U2", "U9"]}, {"name": "no-such-emoji", "users": ["U2"]}]},
        {"type": "message", "user": "U2", "text": "a *reply*", "ts": "1500000001.000100", "thread_ts": "1500000000.000100"},
        {"type": "message", "subtype": "bot_message", "username": "Robot", "text": "beep", "ts": "1500000002.000100", "bot_id": "B1"},
        {"type": "message", "subtype": "me_message", "user": "U2", "text": "waves", "ts": "1500000003.000100"},
        {"type": "message", "subtype": "channel_join", "user": "U2", "text": "<@U2> has joined", "ts": "1500000004.000100"},
        {"type": "message", "subtype": "pinned_item", "user": "U2", "text": "no", "ts": "1500000005.000100"},
        {"type": "message", "user": "U9", "text": "nobody", "ts": "1500000006.000100"},
    ]);
    let second = json!([{"type": "message", "user": "U2", "text": "changed", "ts": "1500100000.000100", "edited": {"ts": "1500100009.0"}}]);
    zipped(&[
        ("users.json", text(&users)),
        ("channels.json", text(&channels)),
        (&format!("{stem}den/2017-07-14.json"), text(&first)),
        (&format!("{stem}den/2017-07-15.json"), text(&second)),
        ("town-square/2017-07-14.json", text(&json!([{"type": "message", "user": "U3", "text": "old times @all", "ts": "1500000000.5"}]))),
        ("dms.json", text(&json!([{"id": "D1", "members": ["U1", "U2"]}]))),
        ("D1/2017-07-14.json", text(&json!([{"type": "message", "user": "U1", "text": "between us", "ts": "1500000000.5"}]))),
        ("__uploads/F1/a.txt", b"a file".to_vec()),
    ])
}

/// Messages of a channel by text, oldest first.
async fn messages(client: &Client, channel_id: &str) -> Vec<Value> {
    let page = client.get(&format!("/channels/{channel_id}/posts?per_page=200")).await.expect(200);
    page["order"].as_array().expect("order").iter().rev().map(|id| page["posts"][id.as_str().expect("id")].clone()).collect()
}

fn said(posts: &[Value]) -> Vec<&str> {
    posts.iter().map(|post| post["message"].as_str().expect("message")).collect()
}

/// The channel's counters equal a recount of its posts.
async fn assert_counted(cluster: &Cluster, channel_id: &str) {
    let sql = "SELECT a.total_msg_count, (SELECT count(*) FROM posts.posts p WHERE p.channel_id = a.channel_id AND original_id = '' AND type NOT IN
        ('system_join_leave', 'system_add_remove', 'system_join_channel', 'system_leave_channel', 'system_join_team', 'system_leave_team',
         'system_add_to_channel', 'system_remove_from_channel')) FROM posts.channel_activity a WHERE a.channel_id = $1";
    let (kept, counted): (i64, i64) = sqlx::query_as(sql).bind(channel_id).fetch_one(&mut cluster.sql().await).await.expect("counters");
    assert_eq!(kept, counted);
}

#[tokio::test]
async fn an_export_becomes_people_channels_and_posts_once() {
    let pair = pair().await;
    let (team, stem) = (pair.team_id.as_str(), unique("s"));
    let town = id(&channel_named(&pair.member, team, "town-square").await);
    pair.owner.say(&town, "unread").await;
    let unread = |member: &Value| (member["msg_count"].clone(), member["mention_count"].clone());
    let before = pair.member.get(&format!("/users/me/channels/{town}/unread")).await.expect(200);
    let mut socket = pair.member.socket(1).await;
    let content = export(&pair.member.email, &stem);
    let told = log(send(&pair.owner, team, form(content.clone())).await);
    assert!(told.starts_with("Mattermost Slack Import Log\r\n"), "{told}");
    for line in
        ["merged with an existing", &format!("{stem}new@example.org"), "as a placeholder", "Channels added", "passed over", "Notes:"]
    {
        assert!(told.contains(line), "{line}: {told}");
    }

    let den = channel_named(&pair.member, team, &format!("{stem}den")).await;
    assert_eq!((&den["header"], &den["purpose"], &den["creator_id"]), (&json!("topic"), &json!("purpose"), &json!("")));
    let posts = messages(pair.member.on(1), &id(&den)).await;
    let new = pair.owner.get(&format!("/users/email/{stem}new@example.org")).await.expect(200);
    let greeting = format!("hello @{stem}new in ~{stem}den");
    let joined = format!("@{stem}new has joined");
    assert_eq!(said(&posts), [greeting.as_str(), "a **reply**", "beep", "*waves*", joined.as_str(), "changed"]);
    assert_eq!((&posts[0]["user_id"], &posts[0]["create_at"]), (&json!(pair.member.id), &json!(1_500_000_000_000_i64)));
    assert_eq!((&posts[1]["root_id"], &posts[1]["user_id"]), (&posts[0]["id"], &new["id"]));
    assert_eq!((&posts[2]["type"], &posts[2]["props"]["override_username"]), (&json!("slack_attachment"), &json!("Robot")));
    assert_eq!(posts[4]["type"], "system_join_channel");
    assert_eq!((&posts[5]["create_at"], &posts[5]["edit_at"]), (&json!(1_500_100_000_000_i64), &json!(1_500_100_009_000_i64)));
    let reactions = pair.member.get(&format!("/posts/{}/reactions", id(&posts[0]))).await.expect(200);
    assert_eq!(reactions.as_array().map(Vec::len), Some(1));
    assert_eq!((&reactions[0]["user_id"], &reactions[0]["emoji_name"]), (&new["id"], &json!("smile")));
    assert_eq!(den["total_msg_count"], 5);
    assert_eq!(den["last_post_at"], 1_500_100_000_000_i64);
    let read = pair.member.get(&format!("/users/me/channels/{}/unread", id(&den))).await.expect(200);
    assert_eq!(unread(&read), (json!(0), json!(0)), "what is imported is read");
    let after = pair.member.get(&format!("/users/me/channels/{town}/unread")).await.expect(200);
    assert_eq!(unread(&after), unread(&before), "what was unread stays so");
    assert!(said(&messages(&pair.member, &town).await).contains(&"old times @all"));
    assert_counted(pair.cluster, &id(&den)).await;
    assert_counted(pair.cluster, &town).await;
    assert!(named(&heard(&pair.member, &mut socket).await, "posted").is_empty(), "nobody hears of it");

    // Once more: nothing is added.
    let again = log(send(pair.owner.on(1), team, form(content)).await);
    assert!(again.contains("Both channels have been merged") && again.contains("Messages imported: 0"), "{again}");
    assert_eq!(messages(&pair.member, &id(&den)).await, posts);
    assert_counted(pair.cluster, &id(&den)).await;
    let found =
        pair.member.post(&format!("/teams/{team}/posts/search"), json!({"terms": "waves", "is_or_search": false})).await.expect(200);
    assert_eq!(found["order"].as_array().map(Vec::len), Some(1));
    // The job is not for /jobs, and the export is gone.
    let admin = pair.cluster.admin().await;
    admin.post("/jobs", json!({"type": "slack_import"})).await.refused(400, "model.job.is_valid.type.app_error");
    eventually("the export is gone", async || {
        let sql = "SELECT count(*) FROM files.files WHERE pending AND user_id = $1";
        let left: i64 = sqlx::query_scalar(sql).bind(&pair.owner.id).fetch_one(&mut pair.cluster.sql().await).await.expect("a count");
        (left == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn private_conversations_are_for_system_administrators() {
    let pair = pair().await;
    let stem = unique("s");
    let admin = pair.cluster.admin().await;
    log(send(&admin, &pair.team_id, form(export(&pair.member.email, &stem))).await);
    let channels = pair.member.get(&format!("/users/me/teams/{}/channels", pair.team_id)).await.expect(200);
    let direct = channels.as_array().expect("channels").iter().find(|c| c["type"] == "D").expect("a direct channel").clone();
    assert_eq!(said(&messages(&pair.member, &id(&direct)).await), ["between us"]);
}

#[tokio::test]
async fn who_may_import_and_what_the_form_needs() {
    let pair = pair().await;
    let team = pair.team_id.as_str();
    let content = || export(&pair.member.email, &unique("s"));
    send(&pair.cluster.anonymous(0), team, form(content())).await.refused(401, "api.context.session_expired.app_error");
    send(&pair.member, team, form(content())).await.refused(403, FORBIDDEN);
    send(&*pair.cluster.person("stranger").await, team, form(content())).await.refused(403, FORBIDDEN);
    let file = || Part::bytes(content()).file_name("x.zip");
    let import = "api.team.import_team";
    for (form, id) in [
        (Form::new().text("filesize", "1").part("file", file()), format!("{import}.no_import_from.app_error")),
        (Form::new().text("importFrom", "slack").part("file", file()), format!("{import}.unavailable.app_error")),
        (Form::new().text("importFrom", "slack").text("filesize", "x").part("file", file()), format!("{import}.integer.app_error")),
        (Form::new().text("importFrom", "slack").text("filesize", "1"), format!("{import}.no_file.app_error")),
        (Form::new().text("importFrom", "other").text("filesize", "1").part("file", file()), crate::common::BAD_BODY.to_owned()),
    ] {
        send(&pair.owner, team, form).await.refused(400, &id);
    }
    let raw = pair.owner.raw(Method::POST, &format!("/teams/{team}/import"), "application/zip", content()).await;
    raw.refused(400, &format!("{import}.parse.app_error"));
}

#[tokio::test]
async fn hostile_exports_are_refused_and_leave_nothing() {
    let pair = pair().await;
    let team = pair.team_id.as_str();
    let stem = unique("evil");
    let users = || ("users.json", text(&json!([{"id": "U1", "name": stem, "profile": {"email": format!("{stem}@example.org")}}])));
    let channels = || ("channels.json", text(&json!([{"id": "C1", "name": stem, "members": ["U1"]}])));
    let with = |name: &'static str, content: Vec<u8>| zipped(&[users(), channels(), (name, content)]);
    let deep = format!("{}1{}", "[".repeat(500), "]".repeat(500)).into_bytes();
    let cases = [
        ("no zip", b"PK no".to_vec()),
        ("nothing", Vec::new()),
        ("cut off", with("c/1.json", b"[]".to_vec()).into_iter().take(120).collect()),
        ("traversal", with("../../x.json", b"[]".to_vec())),
        ("absolute", with("/etc/x.json", b"[]".to_vec())),
        ("backslash", with("a\\..\\x.json", b"[]".to_vec())),
        ("too deep", with("a/b/c/d/e/x.json", b"[]".to_vec())),
        ("bomb", with("c/1.json", vec![b' '; 20_000_000])),
        ("bad JSON", with("c/1.json", b"[{\"type\": ".to_vec())),
        ("no list", with("c/1.json", b"{}".to_vec())),
        ("nested", with("c/1.json", deep)),
        ("wrong types", with("c/1.json", b"[{\"ts\": 5}]".to_vec())),
        ("bad UTF-8", with("c/1.json", b"[{\"text\": \"\xff\xfe\"}]".to_vec())),
        ("no users", zipped(&[channels()])),
        (
            "too many members",
            zipped(&[users(), ("channels.json", text(&json!([{"id": "C1", "name": "x", "members": vec!["U1"; 60_000]}])))]),
        ),
    ];
    for (what, content) in cases {
        let answer = send(&pair.owner, team, form(content)).await;
        assert_eq!((answer.status, &answer.body["id"]), (400, &json!(UNREADABLE)), "{what}: {}", answer.body);
    }
    let link = {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        zip.add_symlink("users.json", "/etc/passwd", SimpleFileOptions::default()).expect("a link");
        zip.finish().expect("a zip").into_inner()
    };
    send(&pair.owner, team, form(link)).await.refused(400, UNREADABLE);
    pair.owner.get(&format!("/users/email/{stem}@example.org")).await.refused(404, "store.sql_user.missing_account.const");
    assert_eq!(pair.owner.get(&format!("/teams/{team}/channels/name/{stem}")).await.status, 404);
    let channels = pair.owner.get(&format!("/teams/{team}/channels")).await.expect(200);
    assert_eq!(channels.as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn an_import_is_finished_by_another_process_and_adds_nothing_twice() {
    let cluster = Cluster::start(Options { split: true, ..Options::default() }).await;
    let owner = cluster.person("owner").await;
    let admin = cluster.admin().await;
    let team = id(&cluster.team(&owner).await);
    let days: Vec<(String, Vec<u8>)> = (0..60)
        .map(|day| {
            let of_day: Vec<Value> = (0..40)
                .map(|n| json!({"type": "message", "user": "U1", "text": format!("{day}/{n}"), "ts": format!("{}.000{n:02}0", 1_500_000_000 + day)}))
                .collect();
            (format!("long/{day:03}.json"), text(&json!(of_day)))
        })
        .collect();
    let mut entries = vec![
        ("users.json", text(&json!([{"id": "U1", "name": "writer", "profile": {"email": "writer@example.org"}}]))),
        ("channels.json", text(&json!([{"id": "C1", "name": "long", "members": ["U1"]}]))),
    ];
    entries.extend(days.iter().map(|(name, content)| (name.as_str(), content.clone())));
    let content = zipped(&entries);
    let count = async || -> i64 {
        let sql = "SELECT count(*) FROM posts.posts p JOIN teams.channels c ON c.id = p.channel_id WHERE c.name = 'long'";
        sqlx::query_scalar(sql).fetch_one(&mut cluster.sql().await).await.expect("a count")
    };
    let (client, team_of) = (owner.on(0).clone(), team.clone());
    let asked = tokio::spawn(async move { send(&client, &team_of, form(content)).await });
    eventually("the import is in its middle", async || (count().await > 0).then_some(())).await;
    cluster.kill("jobs");
    let so_far = count().await;
    // Nobody waits for the lease in a test.
    sqlx::query("UPDATE jobs.jobs SET lease_until = 1 WHERE type = 'slack_import'")
        .execute(&mut cluster.sql().await)
        .await
        .expect("an update");
    cluster.launch("jobs");
    cluster.wait_ready("jobs");
    admin.post("/jobs", json!({"type": "ldap_sync"})).await.expect(201);
    let told = log(asked.await.expect("an answer"));
    assert!(so_far == 2_400 || told.contains("interrupted and is continued"), "{so_far}: {told}");
    assert!(told.contains("Notes:"), "{told}");
    assert_eq!(count().await, 2_400);
    let long = channel_named(&admin, &team, "long").await;
    assert_eq!(long["total_msg_count"], 2_400);
    assert_counted(&cluster, &id(&long)).await;
}
