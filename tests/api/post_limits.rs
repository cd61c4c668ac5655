//! Settings that limit who posts where, and how long a post may be edited.

use crate::scene::{id, post_of};
use serde_json::json;
use testkit::{Cluster, Options, eventually};

#[tokio::test]
async fn a_text_is_edited_in_time_only() {
    let cluster = Cluster::start(Options::default().env("MM_SERVICESETTINGS_POSTEDITTIMELIMIT", "1")).await;
    let (ada, admin) = (cluster.person("ada").await, cluster.admin().await);
    let team = cluster.team(&ada).await;
    let channel = id(&cluster.channel(&ada, &id(&team)).await);
    let post = ada.say(&channel, "first").await;
    let path = format!("/posts/{}/patch", id(&post));
    ada.put(&path, json!({"message": "in time"})).await.expect(200);
    eventually("the time is over", async || {
        (ada.put(&path, json!({"message": testkit::unique("late")})).await.status == 400).then_some(())
    })
    .await;
    let late = "api.post.update_post.permissions_time_limit.app_error";
    ada.put(&path, json!({"message": "late"})).await.refused(400, late);
    admin.put(&format!("/posts/{}", id(&post)), json!({"message": "late"})).await.refused(400, late);
    let now = ada.get(&format!("/posts/{}", id(&post))).await.expect(200);
    // What is no text may change.
    let pinned = ada.put(&path, json!({"message": now["message"], "is_pinned": true})).await.expect(200);
    assert_eq!((&pinned["is_pinned"], &pinned["edit_at"]), (&json!(true), &now["edit_at"]));
    ada.post(&format!("/posts/{}/unpin", id(&post)), json!({})).await.expect(200);
}

#[tokio::test]
async fn town_square_may_be_read_only() {
    let cluster = Cluster::start(Options::default().env("MM_TEAMSETTINGS_EXPERIMENTALTOWNSQUAREISREADONLY", "true")).await;
    let (ada, admin) = (cluster.person("ada").await, cluster.admin().await);
    let team = cluster.team(&ada).await;
    let square = id(&ada.get(&format!("/teams/{}/channels/name/town-square", id(&team))).await.expect(200));
    let mut socket = ada.socket(1).await;
    let refused = "api.post.create_post.town_square_read_only";
    ada.post("/posts", json!({"channel_id": square, "message": "m"})).await.refused(403, refused);
    let told = post_of(&socket.expect("ephemeral_message").await);
    assert_eq!((&told["channel_id"], &told["type"]), (&json!(square), &json!("system_ephemeral")));
    ada.post(&format!("/teams/{}/members", id(&team)), json!({"team_id": team["id"], "user_id": admin.id})).await.expect(201);
    admin.say(&square, "an announcement").await;
    let off_topic = id(&ada.get(&format!("/teams/{}/channels/name/off-topic", id(&team))).await.expect(200));
    ada.say(&off_topic, "elsewhere it goes").await;
}
