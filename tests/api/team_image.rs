//! Team icons.

use http::Method;
use image::ImageFormat;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use testkit::{Answer, Client, Cluster, pictures, unique};

async fn set(client: &Client, team_id: &str, field: &str, content: impl Into<Vec<u8>>) -> Answer {
    let form = Form::new().part(field.to_owned(), Part::bytes(content.into()).file_name("icon.png"));
    client.send(client.request(Method::POST, &format!("/teams/{team_id}/image")).multipart(form)).await
}

#[tokio::test]
async fn an_icon_is_set_seen_and_removed() {
    let cluster = Cluster::shared().await;
    let (owner, member) = (cluster.person("owner").await, cluster.person("member").await);
    let team = cluster.team(&owner).await;
    cluster.join_team(&member, &team).await;
    let id = team["id"].as_str().unwrap();
    let path = format!("/teams/{id}/image");
    member.get(&path).await.refused(404, "api.team.get_team_icon.read_file.app_error");

    let mut socket = member.socket(1).await;
    assert_eq!(set(&owner, id, "image", pictures::png(300, 100)).await.expect(200), json!({"status": "OK"}));
    let wanted = id.to_owned();
    let event = socket.expect_where("update_team", move |event| event["data"]["team"].as_str().is_some_and(|t| t.contains(&wanted))).await;
    let announced: Value = serde_json::from_str(event["data"]["team"].as_str().unwrap()).unwrap();
    let updated = announced["last_team_icon_update"].as_i64().expect("last_team_icon_update");

    let read = member.on(1).get(&path).await;
    assert_eq!((read.status, read.header("content-type")), (200, Some("image/png")));
    assert_eq!((read.header("cache-control"), read.header("etag")), (Some("max-age=86400, public"), Some(updated.to_string().as_str())));
    assert_eq!(pictures::measure(&read.bytes), (ImageFormat::Png, 128, 128));
    let again = member.send(member.request(Method::GET, &path).header("if-none-match", updated.to_string())).await;
    assert_eq!((again.status, again.bytes.len()), (304, 0));

    member.delete(&path).await.refused(403, "api.context.permissions.app_error");
    assert_eq!(owner.delete(&path).await.expect(200), json!({"status": "OK"}));
    assert_eq!(member.on(1).get(&path).await.status, 404);
    assert_eq!(owner.get(&format!("/teams/{id}")).await.expect(200).get("last_team_icon_update"), None);
}

#[tokio::test]
async fn who_may_see_and_set_an_icon() {
    let cluster = Cluster::shared().await;
    let (owner, member, stranger) = (cluster.person("owner").await, cluster.person("member").await, cluster.person("stranger").await);
    let team = cluster.team(&owner).await;
    cluster.join_team(&member, &team).await;
    let id = team["id"].as_str().unwrap();
    let refused = "api.context.permissions.app_error";
    set(&cluster.anonymous(0), id, "image", pictures::png(9, 9)).await.refused(401, "api.context.session_expired.app_error");
    set(&member, id, "image", pictures::png(9, 9)).await.refused(403, refused);
    set(&stranger, id, "image", pictures::png(9, 9)).await.refused(403, refused);
    set(&*cluster.admin().await, id, "image", pictures::png(9, 9)).await.expect(200);
    // Outsiders see the icon of an open team that does not invite everyone, and not that of an invite-only team.
    assert_eq!(stranger.get(&format!("/teams/{id}/image")).await.status, 200);
    let closed = json!({"name": unique("closed"), "display_name": "Closed", "type": "I"});
    let closed = owner.post("/teams", closed).await.expect(201);
    let path = format!("/teams/{}/image", closed["id"].as_str().unwrap());
    stranger.get(&path).await.refused(403, refused);
    owner.get(&path).await.refused(404, "api.team.get_team_icon.read_file.app_error");
    assert_eq!(owner.get(&format!("/teams/{}/image", "y".repeat(26))).await.status, 404);
}

#[tokio::test]
async fn what_is_no_picture_is_refused() {
    let cluster = Cluster::shared().await;
    let owner = cluster.person("owner").await;
    let team = cluster.team(&owner).await;
    let id = team["id"].as_str().unwrap();
    set(&owner, id, "image", "no picture").await.refused(400, "api.team.set_team_icon.decode.app_error");
    set(&owner, id, "image", pictures::bomb(60_000, 60_000)).await.refused(400, "api.team.set_team_icon.too_large.app_error");
    set(&owner, id, "picture", pictures::png(9, 9)).await.refused(400, "api.team.set_team_icon.no_file.app_error");
    let raw = owner.raw(Method::POST, &format!("/teams/{id}/image"), "image/png", pictures::png(9, 9)).await;
    raw.refused(400, "api.team.set_team_icon.parse.app_error");
    assert_eq!(owner.get(&format!("/teams/{id}/image")).await.status, 404);
}
