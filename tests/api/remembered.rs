//! What a gateway remembers of accounts and channel lists is dropped when it changes through another one.

use crate::common::{Pair, id, pair};
use serde_json::{Value, json};

/// The second gateway has answered before, so it has something to forget.
async fn names(pair: &Pair) -> Vec<String> {
    let list = pair.member.on(1).get(&format!("/users/me/teams/{}/channels", pair.team_id)).await.expect(200);
    list.as_array().unwrap().iter().map(|c| c["display_name"].as_str().unwrap().to_owned()).collect()
}

async fn listed(pair: &Pair, channel_id: &str) -> Option<Value> {
    let list = pair.member.on(1).get(&format!("/users/me/teams/{}/channels", pair.team_id)).await.expect(200);
    list.as_array().unwrap().iter().find(|c| c["id"] == channel_id).cloned()
}

#[tokio::test]
async fn a_changed_account_is_read_anew_by_its_owner_and_by_others() {
    let pair = pair().await;
    let path = format!("/users/{}", pair.member.id);
    for round in 0..5 {
        let nickname = format!("nick-{round}");
        pair.member.on(1).get("/users/me").await.expect(200);
        pair.owner.on(1).get(&path).await.expect(200);
        pair.member.on(0).put("/users/me/patch", json!({"nickname": nickname})).await.expect(200);
        assert_eq!(pair.member.on(1).get("/users/me").await.expect(200)["nickname"], nickname.as_str());
        assert_eq!(pair.owner.on(1).get(&path).await.expect(200)["nickname"], nickname.as_str());
    }
}

#[tokio::test]
async fn a_list_of_channels_follows_members_names_and_posts() {
    let pair = pair().await;
    let before = names(&pair).await;
    let channel = id(&pair.cluster.channel_of(&pair.owner, &pair.team_id, "P").await);
    let members = format!("/channels/{channel}/members");
    pair.owner.post(&members, json!({"user_id": pair.member.id})).await.expect(201);
    assert!(listed(&pair, &channel).await.is_some(), "a join");

    pair.owner.put(&format!("/channels/{channel}/patch"), json!({"display_name": "Renamed"})).await.expect(200);
    assert_eq!(listed(&pair, &channel).await.unwrap()["display_name"], "Renamed");

    let count = listed(&pair, &channel).await.unwrap()["total_msg_count"].as_i64().unwrap();
    let post = pair.owner.say(&channel, "hello").await;
    let moved = listed(&pair, &channel).await.unwrap();
    assert_eq!((moved["total_msg_count"].as_i64(), &moved["last_post_at"]), (Some(count + 1), &post["create_at"]));

    pair.owner.delete(&format!("{members}/{}", pair.member.id)).await.expect(200);
    assert_eq!(names(&pair).await, before, "a removal");

    let direct = pair.owner.post("/channels/direct", json!([pair.owner.id, pair.member.id])).await.expect(201);
    assert!(listed(&pair, &id(&direct)).await.is_some(), "somebody opened a conversation");
    let made = id(&pair
        .member
        .on(0)
        .post("/channels", json!({"team_id": pair.team_id, "name": testkit::unique("own"), "display_name": "Own", "type": "O"}))
        .await
        .expect(201));
    assert!(listed(&pair, &made).await.is_some(), "a channel of one's own");
    pair.member.on(0).delete(&format!("/channels/{made}")).await.expect(200);
    assert!(listed(&pair, &made).await.is_none(), "archived");
}

#[tokio::test]
async fn the_api_describes_itself_to_anybody() {
    let pair = pair().await;
    let document = pair.cluster.anonymous(1).get("/openapi.json").await.expect(200);
    assert_eq!((document["openapi"].as_str(), document["info"]["title"].as_str()), (Some("3.1.0"), Some("Muster")));
    let me = &document["paths"]["/users/{user_id}"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]["$ref"];
    assert_eq!(me, "#/components/schemas/User");
    let page = pair.cluster.anonymous(0).get("/docs").await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").is_some_and(|t| t.starts_with("text/html")));
}
