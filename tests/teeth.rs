//! Caches with teeth: whoever loses a session, a role, a token or a membership is refused on every gateway within a second,
//! and their WebSockets hear nothing more; whether all is well, Redis is away, or the bus is.

use serde_json::{Value, json};
use std::time::{Duration, Instant};
use testkit::{Client, Cluster, Options, Person, Socket, eventually, unique};

const PASSWORD: &str = "correct-horse-1";
/// The promise.
const WITHIN: Duration = Duration::from_secs(1);

/// What somebody loses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loss {
    Session,
    AllSessions,
    Account,
    TokenRevoked,
    TokenDisabled,
    Team,
    Channel,
    SystemRole,
    TeamRole,
    ChannelRole,
    /// A permission of a role that everybody has.
    Permission,
}

const LOSSES: [Loss; 11] = [
    Loss::Session,
    Loss::AllSessions,
    Loss::Account,
    Loss::TokenRevoked,
    Loss::TokenDisabled,
    Loss::Team,
    Loss::Channel,
    Loss::SystemRole,
    Loss::TeamRole,
    Loss::ChannelRole,
    // The last: the others must not lack it.
    Loss::Permission,
];

impl Loss {
    /// Nothing the session may do is left.
    fn ends_the_session(self) -> bool {
        matches!(self, Self::Session | Self::AllSessions | Self::Account | Self::TokenRevoked | Self::TokenDisabled)
    }

    /// The channel is out of hearing.
    fn silences(self) -> bool {
        self.ends_the_session() || matches!(self, Self::Team | Self::Channel)
    }

    fn by_token(self) -> bool {
        matches!(self, Self::TokenRevoked | Self::TokenDisabled)
    }
}

/// A cluster of separate processes with a team, a private channel of it, and one victim for each loss.
struct Scene {
    cluster: Cluster,
    admin: Person,
    alice: Person,
    team_id: String,
    channel_id: String,
    /// Of the role that everybody has.
    role_id: String,
    victims: Vec<Victim>,
}

struct Victim {
    loss: Loss,
    person: Person,
    /// Of a login session, or a personal access token.
    token: String,
    /// What revoking names: the id of the session or token.
    key: String,
    sockets: Vec<Socket>,
}

impl Victim {
    fn clients(&self, cluster: &Cluster) -> Vec<Client> {
        (0..2).map(|i| cluster.anonymous(i).with_token(&self.token)).collect()
    }

    /// Opens a socket on each gateway.
    async fn listen(&mut self, cluster: &Cluster) {
        self.sockets.clear();
        for gateway in &cluster.gateways {
            self.sockets.push(Socket::open(gateway, &self.token).await);
        }
    }
}

fn id(value: &Value) -> String {
    value["id"].as_str().unwrap_or_else(|| panic!("no id: {value}")).to_owned()
}

async fn scene() -> Scene {
    let options = Options { split: true, own_engines: true, ..Options::default() }.env("MM_PRIVACYSETTINGS_SHOWEMAILADDRESS", "false");
    let cluster = Cluster::start(options).await;
    let (admin, alice) = (cluster.admin().await, cluster.person("alice").await);
    let team = cluster.team(&alice).await;
    let team_id = id(&team);
    let channel_id = id(&cluster.channel_of(&alice, &team_id, "P").await);
    let role_id = id(&admin.get("/roles/name/system_user").await.expect(200));
    let mut victims = Vec::new();
    for loss in LOSSES {
        let person = cluster.person("victim").await;
        cluster.join_team(&person, &team).await;
        alice.post(&format!("/channels/{channel_id}/members"), json!({"user_id": person.id})).await.expect(201);
        if loss == Loss::SystemRole {
            admin.put(&format!("/users/{}/roles", person.id), json!({"roles": "system_user system_admin"})).await.expect(200);
        }
        if loss == Loss::TeamRole {
            let path = format!("/teams/{team_id}/members/{}/roles", person.id);
            alice.put(&path, json!({"roles": "team_user team_admin"})).await.expect(200);
        }
        if loss == Loss::ChannelRole {
            let path = format!("/channels/{channel_id}/members/{}/roles", person.id);
            alice.put(&path, json!({"roles": "channel_user channel_admin"})).await.expect(200);
        }
        let (token, key) = if loss.by_token() {
            let made = admin.post(&format!("/users/{}/tokens", person.id), json!({"description": "d"})).await.expect(200);
            (made["token"].as_str().unwrap().to_owned(), id(&made))
        } else {
            let answer = cluster.anonymous(1).post("/users/login", json!({"login_id": person.username, "password": PASSWORD})).await;
            let token = answer.header("token").expect("Token").to_owned();
            (token, id(&person.get("/users/me/sessions").await.expect(200)[0]))
        };
        victims.push(Victim { loss, person, token, key, sockets: Vec::new() });
    }
    let mut scene = Scene { cluster, admin, alice, team_id, channel_id, role_id, victims };
    scene.everybody_may_and_listens().await;
    scene
}

impl Scene {
    /// Fills every cache, and opens the sockets.
    async fn everybody_may_and_listens(&mut self) {
        let mut victims = std::mem::take(&mut self.victims);
        for victim in &mut victims {
            for client in victim.clients(&self.cluster) {
                eventually("what will be lost is there", || async { (self.probe(victim.loss, &client).await < 300).then_some(()) }).await;
            }
            victim.listen(&self.cluster).await;
        }
        self.victims = victims;
    }

    /// Does what the loss takes away; the status.
    async fn probe(&self, loss: Loss, client: &Client) -> u16 {
        let answer = match loss {
            Loss::Team => client.get(&format!("/teams/{}/members", self.team_id)).await,
            Loss::Channel => client.get(&format!("/channels/{}/posts", self.channel_id)).await,
            Loss::SystemRole => client.get("/audits?per_page=1").await,
            Loss::TeamRole => client.put(&format!("/teams/{}/patch", self.team_id), json!({"description": unique("d")})).await,
            Loss::ChannelRole => {
                let path = format!("/channels/{}/members/{}/roles", self.channel_id, self.alice.id);
                client.put(&path, json!({"roles": "channel_user channel_admin"})).await
            }
            Loss::Permission => {
                let name = unique("mine");
                client.post("/teams", json!({"name": name, "display_name": name, "type": "O"})).await
            }
            _ => client.get("/users/me").await,
        };
        answer.status
    }

    /// Takes it away.
    async fn take(&self, victim: &Victim) {
        let (admin, alice, user_id) = (&self.admin, &self.alice, &victim.person.id);
        let (of_team, of_channel) =
            (format!("/teams/{}/members/{user_id}", self.team_id), format!("/channels/{}/members/{user_id}", self.channel_id));
        let answer = match victim.loss {
            Loss::Session => victim.person.post("/users/me/sessions/revoke", json!({"session_id": victim.key})).await,
            Loss::AllSessions => admin.post(&format!("/users/{user_id}/sessions/revoke/all"), json!({})).await,
            Loss::Account => admin.put(&format!("/users/{user_id}/active"), json!({"active": false})).await,
            Loss::TokenRevoked => admin.post("/users/tokens/revoke", json!({"token_id": victim.key})).await,
            Loss::TokenDisabled => admin.post("/users/tokens/disable", json!({"token_id": victim.key})).await,
            Loss::Team => alice.delete(&of_team).await,
            Loss::Channel => alice.delete(&of_channel).await,
            Loss::SystemRole => admin.put(&format!("/users/{user_id}/roles"), json!({"roles": "system_user"})).await,
            Loss::TeamRole => alice.put(&format!("{of_team}/roles"), json!({"roles": "team_user"})).await,
            Loss::ChannelRole => alice.put(&format!("{of_channel}/roles"), json!({"roles": "channel_user"})).await,
            Loss::Permission => {
                let rest = json!({"permissions": ["create_direct_channel", "create_group_channel", "permanent_delete_user"]});
                admin.put(&format!("/roles/{}/patch", self.role_id), rest).await
            }
        };
        answer.expect(200);
    }

    /// Refused on both gateways within the promised time.
    async fn refused_in_time(&self, victim: &Victim, mode: &str) {
        let since = Instant::now();
        let wanted = if victim.loss.ends_the_session() { 401 } else { 403 };
        for (i, client) in victim.clients(&self.cluster).iter().enumerate() {
            loop {
                let asked = since.elapsed();
                let status = self.probe(victim.loss, client).await;
                if status == wanted {
                    break;
                }
                assert!(status < 300, "{mode}, {:?}, gateway {i}: status {status}", victim.loss);
                assert!(asked < WITHIN, "{mode}, {:?}, gateway {i}: still allowed after {asked:?}", victim.loss);
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }

    async fn take_from_everybody(&self, mode: &str) {
        for victim in &self.victims {
            self.take(victim).await;
            self.refused_in_time(victim, mode).await;
        }
    }

    /// Posts what only those may hear who have lost nothing of the channel.
    async fn secrets_are_kept(&mut self, mode: &str) {
        let secret = unique("secret");
        self.alice.say(&self.channel_id, &secret).await;
        // Seen by everybody with two faces: administrators see the address.
        self.alice.put("/users/me/patch", json!({"nickname": secret})).await.expect(200);
        for victim in &mut self.victims {
            for socket in &mut victim.sockets {
                if victim.loss.silences() && !matches!(victim.loss, Loss::Team | Loss::Channel) {
                    continue;
                }
                let event = socket.expect_where("user_updated", |e| e["data"]["user"]["nickname"] == secret.as_str()).await;
                assert_eq!(event["data"]["user"]["email"], "", "{mode}, {:?}: the copy of administrators", victim.loss);
                if !victim.loss.silences() {
                    socket.expect_where("posted", |e| e["data"]["post"].as_str().is_some_and(|p| p.contains(&secret))).await;
                }
            }
        }
        for victim in self.victims.iter_mut().filter(|v| v.loss.silences()) {
            for socket in &mut victim.sockets {
                // Of a session that is over, nothing at all.
                let over = victim.loss.ends_the_session();
                let secret_heard = |e: &Value| (over || e["event"] == "posted") && e.to_string().contains(&secret);
                let heard: Vec<Value> = socket.drain().into_iter().filter(secret_heard).collect();
                assert!(heard.is_empty(), "{mode}, {:?} heard {heard:?}", victim.loss);
            }
        }
    }

    async fn tokens_closed_their_sockets(&mut self) {
        for victim in self.victims.iter_mut().filter(|v| v.loss.by_token()) {
            for socket in &mut victim.sockets {
                socket.closed().await;
            }
        }
    }
}

#[tokio::test]
async fn with_everything_up() {
    let mut scene = scene().await;
    scene.take_from_everybody("up").await;
    scene.secrets_are_kept("up").await;
    scene.tokens_closed_their_sockets().await;
}

#[tokio::test]
async fn with_redis_down() {
    let mut scene = scene().await;
    scene.cluster.engines().kill_redis();
    scene.take_from_everybody("without Redis").await;
    scene.secrets_are_kept("without Redis").await;
    scene.tokens_closed_their_sockets().await;
    scene.cluster.engines().start_redis();
    for victim in &scene.victims {
        scene.refused_in_time(victim, "with Redis again").await;
    }
}

#[tokio::test]
async fn with_the_bus_down() {
    let mut scene = scene().await;
    scene.cluster.engines().kill_nats();
    scene.take_from_everybody("without the bus").await;
    // A socket whose session is gone does nothing any more, although nobody could tell it.
    for victim in scene.victims.iter_mut().filter(|v| v.loss.ends_the_session()) {
        for socket in &mut victim.sockets {
            socket.send(&json!({"seq": 1, "action": "get_statuses"}).to_string()).await;
            socket.closed().await;
            assert!(socket.drain().iter().all(|frame| frame.get("seq_reply").is_none()), "{:?} was answered", victim.loss);
        }
    }
    let secret = unique("secret");
    scene.alice.say(&scene.channel_id, &secret).await;
    scene.cluster.engines().start_nats();
    for victim in &mut scene.victims {
        for socket in &mut victim.sockets {
            if !victim.loss.ends_the_session() {
                assert_eq!(socket.closed().await, Some(1012), "{:?}: everybody comes again", victim.loss);
            }
            assert!(!socket.drain().iter().any(|e| e.to_string().contains(&secret)), "{:?} heard what was said meanwhile", victim.loss);
        }
    }
    for victim in &scene.victims {
        scene.refused_in_time(victim, "with the bus again").await;
    }
}

#[tokio::test]
async fn after_the_bus_came_back() {
    let mut scene = scene().await;
    scene.cluster.engines().kill_nats();
    scene.cluster.engines().start_nats();
    for victim in &mut scene.victims {
        for socket in &mut victim.sockets {
            socket.closed().await;
        }
    }
    for name in ["gateway0", "gateway1"] {
        scene.cluster.wait_ready(name);
    }
    scene.everybody_may_and_listens().await;
    scene.take_from_everybody("after the bus").await;
    scene.secrets_are_kept("after the bus").await;
    scene.tokens_closed_their_sockets().await;
}
