//! Every event: its keys, what its broadcast shows, and who hears it, on both gateways (reference: posts and real time,
//! sections 12.4 and 12.5). One table of causes, in an order in which each can follow the one before.

use crate::scene::{id, post_in};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use testkit::{Cluster, Event, Person, Socket, keys, pictures::png, unique};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    /// Made the team and the channel, and causes most.
    Sender,
    /// In the channel.
    Member,
    /// In the team only.
    Teammate,
    /// In another team.
    Outsider,
}
use Who::{Member, Outsider, Sender, Teammate};

const EVERYBODY: &[Who] = &[Sender, Member, Teammate, Outsider];

/// One socket and all it has heard.
struct Listener {
    socket: Socket,
    heard: Vec<Event>,
}

impl Listener {
    /// The first event that is wanted, now or by the deadline.
    async fn wait(&mut self, event: &str, wanted: &impl Fn(&Event) -> bool) -> Event {
        if let Some(found) = self.heard.iter().find(|e| e["event"] == event && wanted(e)) {
            return found.clone();
        }
        let mut more = self.socket.until(event, wanted).await;
        self.heard.append(&mut more);
        self.heard.last().cloned().expect("the marker")
    }
}

struct Stage {
    people: BTreeMap<Who, Person>,
    ears: BTreeMap<(Who, usize), Listener>,
    team: Value,
    channel: String,
}

/// What `broadcast` shows.
enum Scope<'a> {
    All,
    User(&'a str),
    Channel(&'a str),
    Team(&'a str),
    /// User, with the channel beside it.
    UserIn(&'a str, &'a str),
    ChannelWithout(&'a str, &'a str),
}

impl Scope<'_> {
    fn shown(&self) -> Value {
        let broadcast =
            |user: &str, channel: &str, team: &str| json!({"omit_users": null, "user_id": user, "channel_id": channel, "team_id": team});
        match self {
            Self::All => broadcast("", "", ""),
            Self::User(user) => broadcast(user, "", ""),
            Self::Channel(channel) => broadcast("", channel, ""),
            Self::Team(team) => broadcast("", "", team),
            Self::UserIn(user, channel) => broadcast(user, channel, ""),
            Self::ChannelWithout(channel, user) => {
                let mut shown = broadcast("", channel, "");
                shown["omit_users"] = json!({*user: true});
                shown
            }
        }
    }
}

impl Stage {
    async fn set(cluster: &Cluster) -> Self {
        let mut people = BTreeMap::new();
        for (who, name) in [(Sender, "sender"), (Member, "member"), (Teammate, "teammate"), (Outsider, "outsider")] {
            people.insert(who, cluster.person(name).await);
        }
        let team = cluster.team(&people[&Sender]).await;
        cluster.join_team(&people[&Member], &team).await;
        cluster.join_team(&people[&Teammate], &team).await;
        let channel = id(&cluster.channel(&people[&Sender], &id(&team)).await);
        cluster.join_channel(&people[&Member], &channel).await;
        cluster.team(&people[&Outsider]).await;
        let mut ears = BTreeMap::new();
        for (who, person) in &people {
            for gateway in 0..2 {
                ears.insert((*who, gateway), Listener { socket: person.socket(gateway).await, heard: Vec::new() });
            }
        }
        Self { people, ears, team, channel }
    }

    fn person(&self, who: Who) -> Person {
        self.people[&who].clone()
    }

    /// Checks one event that was just caused: those of `to` hear it on both gateways, the others on none.
    async fn hears(&mut self, to: &[Who], event: &str, data: &[&str], scope: Scope<'_>, wanted: impl Fn(&Event) -> bool) {
        for ((who, gateway), listener) in &mut self.ears {
            if to.contains(who) {
                let heard = listener.wait(event, &wanted).await;
                assert_eq!(keys(&heard), ["broadcast", "data", "event", "seq"], "{event}");
                assert_eq!(keys(&heard["data"]), data, "{event} to {who:?} on gateway {gateway}");
                assert_eq!(heard["broadcast"], scope.shown(), "{event} to {who:?} on gateway {gateway}");
            }
        }
        for who in EVERYBODY.iter().filter(|who| !to.contains(who)) {
            self.fence(*who).await;
            for gateway in 0..2 {
                let heard = &self.ears[&(*who, gateway)].heard;
                assert!(!heard.iter().any(|e| e["event"] == event && wanted(e)), "{who:?} heard {event} on gateway {gateway}");
            }
        }
    }

    /// Hears everything up to something this person causes now.
    async fn fence(&mut self, who: Who) {
        let (person, mark) = (self.person(who), unique("fence"));
        person
            .put("/users/me/preferences", json!([{"user_id": person.id, "category": "fence", "name": mark, "value": "x"}]))
            .await
            .expect(200);
        for gateway in 0..2 {
            let listener = self.ears.get_mut(&(who, gateway)).expect("a listener");
            listener.wait("preferences_changed", &|e: &Event| e.to_string().contains(&mark)).await;
        }
    }
}

/// Whether the event names this id anywhere.
fn about(needle: &str) -> impl Fn(&Event) -> bool {
    let needle = needle.to_owned();
    move |event| event["data"].to_string().contains(&needle) || event["broadcast"].to_string().contains(&needle)
}

const POSTED: [&str; 6] = ["channel_display_name", "channel_name", "channel_type", "post", "sender_name", "team_id"];

#[tokio::test]
async fn messages_and_reactions() {
    let cluster = Cluster::shared().await;
    let mut s = Stage::set(cluster).await;
    let (sender, member) = (s.person(Sender), s.person(Member));
    let channel = s.channel.clone();
    let both = [Sender, Member];

    let post = sender.on(1).post("/posts", post_in(&channel, json!({"message": "hello"}))).await.expect(201);
    let post_id = id(&post);
    s.hears(&both, "posted", &POSTED, Scope::Channel(&channel), about(&post_id)).await;
    s.hears(&[Sender], "channel_viewed", &["channel_id"], Scope::User(&sender.id), about(&channel)).await;

    let mentioning = member.post("/posts", post_in(&channel, json!({"message": format!("@{}", sender.username)}))).await.expect(201);
    let mut with_mentions = POSTED.to_vec();
    with_mentions.insert(3, "mentions");
    s.hears(&both, "posted", &with_mentions, Scope::Channel(&channel), about(&id(&mentioning))).await;

    sender.put(&format!("/posts/{post_id}/patch"), json!({"message": "edited"})).await.expect(200);
    s.hears(&both, "post_edited", &["post"], Scope::Channel(&channel), about("edited")).await;

    let reaction = json!({"user_id": member.id, "post_id": post_id, "emoji_name": "rocket"});
    member.post("/reactions", reaction).await.expect(200);
    s.hears(&both, "reaction_added", &["reaction"], Scope::Channel(&channel), about(&post_id)).await;
    member.delete(&format!("/users/me/posts/{post_id}/reactions/rocket")).await.expect(200);
    s.hears(&both, "reaction_removed", &["reaction"], Scope::Channel(&channel), about(&post_id)).await;

    let typing = json!({"channel_id": channel, "parent_id": post_id});
    s.ears.get_mut(&(Sender, 0)).expect("a listener").socket.action("user_typing", typing).await;
    s.hears(&[Member], "typing", &["parent_id", "user_id"], Scope::ChannelWithout(&channel, &sender.id), about(&post_id)).await;

    let whisper = json!({"user_id": member.id, "post": {"channel_id": channel, "message": "whispered"}});
    cluster.admin().await.post("/posts/ephemeral", whisper).await.expect(201);
    s.hears(&[Member], "ephemeral_message", &["post"], Scope::UserIn(&member.id, &channel), about("whispered")).await;

    sender.delete(&format!("/posts/{post_id}")).await.expect(200);
    s.hears(&both, "post_deleted", &["post"], Scope::Channel(&channel), about(&post_id)).await;

    let name = unique("heard");
    let form = reqwest::multipart::Form::new()
        .text("emoji", json!({"name": name, "creator_id": sender.id}).to_string())
        .part("image", reqwest::multipart::Part::bytes(png(5, 5)).file_name("e.png"));
    sender.send(sender.request(http::Method::POST, "/emoji").multipart(form)).await.expect(200);
    s.hears(EVERYBODY, "emoji_added", &["emoji"], Scope::All, about(&name)).await;

    let call = json!({"to_user_id": member.id, "action": "notify"});
    s.ears.get_mut(&(Outsider, 1)).expect("a listener").socket.action("webrtc", call).await;
    s.hears(&[Member], "webrtc", &["action", "to_user_id"], Scope::User(&member.id), about("notify")).await;
}

#[tokio::test]
async fn channels_and_their_members() {
    let cluster = Cluster::shared().await;
    let mut s = Stage::set(cluster).await;
    let (sender, member, teammate) = (s.person(Sender), s.person(Member), s.person(Teammate));
    let (team_id, channel) = (id(&s.team), s.channel.clone());

    let made = id(&cluster.channel(&sender, &team_id).await);
    s.hears(&[Sender], "channel_created", &["channel_id", "team_id"], Scope::User(&sender.id), about(&made)).await;

    sender.put(&format!("/channels/{channel}/patch"), json!({"header": "a new header"})).await.expect(200);
    s.hears(&[Sender, Member], "channel_updated", &["channel"], Scope::Channel(&channel), about("a new header")).await;

    member.post("/channels/members/me/view", json!({"channel_id": channel})).await.expect(200);
    s.hears(&[Member], "channel_viewed", &["channel_id"], Scope::User(&member.id), about(&channel)).await;

    let props = json!({"user_id": member.id, "channel_id": channel, "desktop": "none"});
    member.put(&format!("/channels/{channel}/members/{}/notify_props", member.id), props).await.expect(200);
    s.hears(&[Member], "channel_member_updated", &["channelMember"], Scope::User(&member.id), about(&channel)).await;

    let direct = id(&sender.post("/channels/direct", json!([sender.id, member.id])).await.expect(201));
    s.hears(&[Sender, Member], "direct_added", &["teammate_id"], Scope::Channel(&direct), about(&direct)).await;

    let group = id(&sender.post("/channels/group", json!([sender.id, member.id, teammate.id])).await.expect(201));
    s.hears(&[Sender, Member, Teammate], "group_added", &["teammate_ids"], Scope::Channel(&group), about(&group)).await;

    sender.post(&format!("/channels/{channel}/members"), json!({"user_id": teammate.id})).await.expect(201);
    let added = |e: &Event| e["data"]["user_id"] == teammate.id.as_str();
    s.hears(&[Sender, Member, Teammate], "user_added", &["team_id", "user_id"], Scope::Channel(&channel), added).await;

    sender.delete(&format!("/channels/{channel}/members/{}", teammate.id)).await.expect(200);
    let told = |e: &Event| e["data"]["user_id"] == teammate.id.as_str();
    s.hears(&[Sender, Member], "user_removed", &["remover_id", "user_id"], Scope::Channel(&channel), told).await;
    let own = |e: &Event| e["data"]["channel_id"] == channel.as_str();
    s.hears(&[Teammate], "user_removed", &["channel_id", "remover_id"], Scope::User(&teammate.id), own).await;

    sender.delete(&format!("/channels/{made}")).await.expect(200);
    s.hears(&[Sender, Member, Teammate], "channel_deleted", &["channel_id"], Scope::Team(&team_id), about(&made)).await;
}

#[tokio::test]
async fn teams_and_users() {
    let cluster = Cluster::shared().await;
    let mut s = Stage::set(cluster).await;
    let admin = cluster.admin().await;
    let (sender, member, teammate, outsider) = (s.person(Sender), s.person(Member), s.person(Teammate), s.person(Outsider));
    let team_id = id(&s.team);

    sender.put(&format!("/teams/{team_id}/patch"), json!({"description": "renewed"})).await.expect(200);
    s.hears(EVERYBODY, "update_team", &["team"], Scope::All, about(&team_id)).await;

    admin.post(&format!("/teams/{team_id}/members"), json!({"team_id": team_id, "user_id": outsider.id})).await.expect(201);
    s.hears(&[Outsider], "added_to_team", &["team_id", "user_id"], Scope::User(&outsider.id), about(&team_id)).await;

    outsider.delete(&format!("/teams/{team_id}/members/{}", outsider.id)).await.expect(200);
    let left = |e: &Event| e["data"]["user_id"] == outsider.id.as_str();
    s.hears(EVERYBODY, "leave_team", &["team_id", "user_id"], Scope::Team(&team_id), left).await;

    let roles = json!({"roles": "team_user team_admin"});
    sender.put(&format!("/teams/{team_id}/members/{}/roles", teammate.id), roles).await.expect(200);
    s.hears(&[Teammate], "memberrole_updated", &["member"], Scope::User(&teammate.id), about(&team_id)).await;

    let newcomer = cluster.person("newcomer").await;
    s.hears(EVERYBODY, "new_user", &["user_id"], Scope::All, about(&newcomer.id)).await;

    member.put("/users/me/patch", json!({"nickname": "Nick of time"})).await.expect(200);
    s.hears(EVERYBODY, "user_updated", &["user"], Scope::All, about("Nick of time")).await;

    admin.put(&format!("/users/{}/roles", member.id), json!({"roles": "system_user system_post_all"})).await.expect(200);
    s.hears(&[Member], "user_role_updated", &["roles", "user_id"], Scope::User(&member.id), about("system_post_all")).await;

    member.put("/users/me/status", json!({"user_id": member.id, "status": "dnd"})).await.expect(200);
    s.hears(&[Member], "status_change", &["status", "user_id"], Scope::User(&member.id), about("dnd")).await;

    let row = json!([{"user_id": sender.id, "category": "heard", "name": "by-whom", "value": "x"}]);
    sender.put("/users/me/preferences", row.clone()).await.expect(200);
    s.hears(&[Sender], "preferences_changed", &["preferences"], Scope::User(&sender.id), about("by-whom")).await;
    sender.post("/users/me/preferences/delete", row).await.expect(200);
    s.hears(&[Sender], "preferences_deleted", &["preferences"], Scope::User(&sender.id), about("by-whom")).await;
}
