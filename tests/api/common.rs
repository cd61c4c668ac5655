//! What tests of teams and channels share.

use serde_json::{Value, json};
use testkit::{Cluster, Person, Socket, unique};

pub fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_else(|| panic!("no string {key}: {value}")).to_owned()
}

pub fn id(value: &Value) -> String {
    text(value, "id")
}

/// JSON that an event carries in a string.
pub fn nested(event: &Value, key: &str) -> Value {
    serde_json::from_str(event["data"][key].as_str().unwrap_or_else(|| panic!("no {key}: {event}"))).expect("nested JSON")
}

/// A team of `owner` with another member.
pub struct Pair {
    pub cluster: &'static Cluster,
    pub owner: Person,
    pub member: Person,
    pub team: Value,
    pub team_id: String,
}

pub async fn pair() -> Pair {
    let cluster = Cluster::shared().await;
    let (owner, member) = (cluster.person("owner").await, cluster.person("member").await);
    let team = cluster.team(&owner).await;
    cluster.join_team(&member, &team).await;
    Pair { cluster, owner, member, team_id: id(&team), team }
}

pub async fn channel_named(person: &Person, team_id: &str, name: &str) -> Value {
    person.get(&format!("/teams/{team_id}/channels/name/{name}")).await.expect(200)
}

/// The posts of a channel, newest first.
pub async fn posts(person: &Person, channel_id: &str) -> Vec<Value> {
    let page = person.on(1).get(&format!("/channels/{channel_id}/posts")).await.expect(200);
    let order = page["order"].as_array().expect("order");
    order.iter().map(|id| page["posts"][id.as_str().expect("id")].clone()).collect()
}

/// Type, author and props of the newest post.
pub async fn newest(person: &Person, channel_id: &str) -> (String, String, Value) {
    let post = posts(person, channel_id).await.into_iter().next().expect("a post");
    (text(&post, "type"), text(&post, "user_id"), post["props"].clone())
}

/// Everything `socket` was sent up to a marker its owner causes now.
pub async fn heard(person: &Person, socket: &mut Socket) -> Vec<Value> {
    let marker = unique("marker");
    let row = json!([{"user_id": person.id, "category": "fence", "name": marker, "value": "x"}]);
    person.put("/users/me/preferences", row).await.expect(200);
    socket.until("preferences_changed", |e| e["data"]["preferences"].as_str().is_some_and(|p| p.contains(&marker))).await
}

/// The events of this name.
pub fn named(events: &[Value], name: &str) -> Vec<Value> {
    events.iter().filter(|e| e["event"] == name).cloned().collect()
}

/// The broadcast of an event with one target.
pub fn broadcast(user: &str, channel: &str, team: &str) -> Value {
    json!({"omit_users": null, "user_id": user, "channel_id": channel, "team_id": team})
}

pub const FORBIDDEN: &str = "api.context.permissions.app_error";
pub const BAD_BODY: &str = "api.context.invalid_body_param.app_error";
