//! What tests about messages begin with: a team, a channel, two members of it, and somebody of the team outside it.

use serde_json::{Value, json};
use testkit::{Cluster, Person, Socket};

pub struct Scene {
    pub cluster: &'static Cluster,
    pub team_id: String,
    /// An open channel of alice's.
    pub channel_id: String,
    /// Created team and channel: team administrator.
    pub alice: Person,
    /// Member of the channel.
    pub bob: Person,
    /// Member of the team only.
    pub carol: Person,
}

impl Scene {
    pub async fn new() -> Self {
        let cluster = Cluster::shared().await;
        let (alice, bob, carol) = (cluster.person("alice").await, cluster.person("bob").await, cluster.person("carol").await);
        let team = cluster.team(&alice).await;
        let team_id = id(&team);
        cluster.join_team(&bob, &team).await;
        cluster.join_team(&carol, &team).await;
        let channel_id = id(&cluster.channel(&alice, &team_id).await);
        cluster.join_channel(&bob, &channel_id).await;
        Self { cluster, team_id, channel_id, alice, bob, carol }
    }

    /// The direct channel of two people.
    pub async fn direct(&self, one: &Person, other: &Person) -> String {
        id(&one.post("/channels/direct", json!([one.id, other.id])).await.expect(201))
    }

    /// alice posts with these fields besides the channel.
    pub async fn alice_posts(&self, fields: Value) -> Value {
        self.alice.post("/posts", post_in(&self.channel_id, fields)).await.expect(201)
    }

    /// The membership of a person in the channel, as the second gateway shows it.
    pub async fn member(&self, person: &Person) -> Value {
        person.on(1).get(&format!("/channels/{}/members/{}", self.channel_id, person.id)).await.expect(200)
    }

    /// The channel, as the second gateway shows it.
    pub async fn channel(&self) -> Value {
        self.alice.on(1).get(&format!("/channels/{}", self.channel_id)).await.expect(200)
    }
}

/// The `id` of an entity.
#[track_caller]
pub fn id(entity: &Value) -> String {
    entity["id"].as_str().unwrap_or_else(|| panic!("no id: {entity}")).to_owned()
}

/// A post to a channel with these fields.
pub fn post_in(channel_id: &str, mut fields: Value) -> Value {
    fields["channel_id"] = json!(channel_id);
    fields
}

/// The post an event carries as JSON text.
#[track_caller]
pub fn post_of(event: &Value) -> Value {
    serde_json::from_str(event["data"]["post"].as_str().unwrap_or_else(|| panic!("no post: {event}"))).expect("JSON")
}

/// The next event of this name about this post.
pub async fn about(socket: &mut Socket, event: &str, post_id: &str) -> Value {
    socket.expect_where(event, |e| e["data"]["post"].as_str().is_some_and(|p| p.contains(post_id))).await
}

/// The user ids in `posted`'s `mentions`; none when it has no such key.
pub fn mentions_of(event: &Value) -> Vec<String> {
    event["data"]["mentions"].as_str().map(|text| serde_json::from_str(text).expect("a list")).unwrap_or_default()
}

/// The ids in a list's `order`.
pub fn order_of(list: &Value) -> Vec<String> {
    list["order"].as_array().expect("order").iter().map(|id| id.as_str().expect("id").to_owned()).collect()
}

/// The ids of a list's `posts`, sorted.
pub fn posts_of(list: &Value) -> Vec<String> {
    testkit::keys(&list["posts"])
}

/// Sorted copies of ids.
pub fn sorted<S: AsRef<str>>(ids: &[S]) -> Vec<String> {
    let mut ids: Vec<String> = ids.iter().map(|id| id.as_ref().to_owned()).collect();
    ids.sort();
    ids
}
