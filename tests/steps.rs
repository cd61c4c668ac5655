//! What a change of membership means elsewhere (system posts, read states, default channels, identity's copies) happens
//! once, whichever process dies at whichever step.

use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use sqlx::PgPool;
use std::{sync::Arc, time::Duration};
use testkit::{Cluster, DEADLINE, Options, Person};
use tokio::task::JoinSet;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Join,
    Add,
    Leave,
    Remove,
    JoinTeam,
}

const CHANGES: [Change; 5] = [Change::Join, Change::Add, Change::Leave, Change::Remove, Change::JoinTeam];

struct World {
    cluster: Cluster,
    pool: PgPool,
    owner: Person,
    team: Value,
    town_square: String,
    off_topic: String,
}

/// One change that is going to be made, of one person in a channel of their own.
struct Case {
    change: Change,
    person: Person,
    channel: String,
    /// Posts that count in the channel beforehand.
    history: i64,
}

impl World {
    async fn start() -> Arc<Self> {
        let cluster = Cluster::start(Options { split: true, own_engines: true, ..Options::default() }).await;
        let pool = PgPool::connect(&cluster.database_url).await.unwrap();
        let owner = cluster.person("owner").await;
        let team = cluster.team(&owner).await;
        let named = async |name: &str| {
            let path = format!("/teams/{}/channels/name/{name}", team["id"].as_str().unwrap());
            owner.get(&path).await.expect(200)["id"].as_str().unwrap().to_owned()
        };
        let (town_square, off_topic) = (named("town-square").await, named("off-topic").await);
        Arc::new(Self { cluster, pool, owner, team, town_square, off_topic })
    }

    async fn cases(&self) -> Vec<Arc<Case>> {
        let mut cases = Vec::new();
        for change in CHANGES {
            let person = self.cluster.person("mover").await;
            let channel = self.cluster.channel(&self.owner, self.team["id"].as_str().unwrap()).await["id"].as_str().unwrap().to_owned();
            for _ in 0..2 {
                self.owner.say(&channel, "history").await;
            }
            if change != Change::JoinTeam {
                self.cluster.join_team(&person, &self.team).await;
            }
            if matches!(change, Change::Leave | Change::Remove) {
                self.cluster.join_channel(&person, &channel).await;
            }
            cases.push(Arc::new(Case { change, person, channel, history: 2 }));
        }
        cases
    }

    /// Makes the change once; the status, if there was an answer.
    async fn attempt(&self, case: &Case) -> Option<u16> {
        let members = format!("/channels/{}/members", case.channel);
        let who = json!({"user_id": case.person.id});
        let (actor, method, path) = match case.change {
            Change::Join => (&case.person, http::Method::POST, members),
            Change::Add => (&self.owner, http::Method::POST, members),
            Change::Leave => (&case.person, http::Method::DELETE, format!("{members}/{}", case.person.id)),
            Change::Remove => (&self.owner, http::Method::DELETE, format!("{members}/{}", case.person.id)),
            Change::JoinTeam => {
                let invite = self.team["invite_id"].as_str().unwrap();
                (&case.person, http::Method::POST, format!("/teams/members/invite?invite_id={invite}"))
            }
        };
        let request = actor.on(1).request(method, &path).timeout(DEADLINE).json(&who);
        actor.on(1).try_send(request).await.map(|answer| answer.status)
    }

    /// Makes the change until it is answered; a repetition of what was done already may be refused.
    async fn insist(&self, case: &Case) {
        let end = tokio::time::Instant::now() + 3 * DEADLINE;
        loop {
            let status = self.attempt(case).await;
            if status.is_some_and(|status| status < 500) {
                return;
            }
            assert!(tokio::time::Instant::now() < end, "{:?} is never answered: {status:?}", case.change);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn number(&self, sql: &str, channel: &str, user: &str) -> i64 {
        sqlx::query_scalar(sql).bind(channel).bind(user).fetch_one(&self.pool).await.unwrap_or_else(|e| panic!("{sql}: {e}"))
    }

    /// System posts about a person in a channel: of the author, or with the person in the props.
    async fn told(&self, kind: &str, channel: &str, user: &str) -> i64 {
        let sql = format!(
            "SELECT count(*) FROM posts.posts WHERE channel_id = $1 AND type = '{kind}' AND (user_id = $2 OR props LIKE '%' || $2 || '%')"
        );
        self.number(&sql, channel, user).await
    }

    async fn is_member(&self, table: &str, key: &str, group: &str, user: &str) -> i64 {
        self.number(&format!("SELECT count(*) FROM {table} WHERE {key} = $1 AND user_id = $2"), group, user).await
    }

    /// What identity knows: 1 = member.
    async fn copied(&self, group: &str, user: &str) -> i64 {
        self.number("SELECT count(*) FROM identity.group_members WHERE group_id = $1 AND user_id = $2 AND member", group, user).await
    }

    /// What there is: memberships, their copies, system posts, and the read state (messages read, mentions).
    async fn state(&self, case: &Case) -> Vec<i64> {
        let (user, channel) = (case.person.id.as_str(), case.channel.as_str());
        if case.change == Change::JoinTeam {
            let mut state = vec![self.is_member("teams.team_members", "team_id", self.team["id"].as_str().unwrap(), user).await];
            state.push(self.copied(self.team["id"].as_str().unwrap(), user).await);
            for (channel, kind) in [(&self.town_square, "system_join_team"), (&self.off_topic, "system_join_channel")] {
                state.push(self.is_member("teams.channel_members", "channel_id", channel, user).await);
                state.push(self.copied(channel, user).await);
                state.push(self.told(kind, channel, user).await);
            }
            return state;
        }
        let kind = match case.change {
            Change::Join => "system_join_channel",
            Change::Add => "system_add_to_channel",
            Change::Leave => "system_leave_channel",
            _ => "system_remove_from_channel",
        };
        let read = "SELECT coalesce(sum(msg_count), -1)::bigint FROM posts.read_states WHERE channel_id = $1 AND user_id = $2";
        let mentions = "SELECT coalesce(sum(mention_count), -1)::bigint FROM posts.read_states WHERE channel_id = $1 AND user_id = $2";
        vec![
            self.is_member("teams.channel_members", "channel_id", channel, user).await,
            self.copied(channel, user).await,
            self.told(kind, channel, user).await,
            self.number(read, channel, user).await,
            self.number(mentions, channel, user).await,
        ]
    }

    fn wanted(case: &Case) -> Vec<i64> {
        match case.change {
            Change::Join => vec![1, 1, 1, case.history, 0],
            Change::Add => vec![1, 1, 1, 0, 1],
            Change::Leave | Change::Remove => vec![0, 0, 1, -1, -1],
            Change::JoinTeam => vec![1; 8],
        }
    }

    /// Nothing is left to be done, and what was done was done once.
    async fn verify(&self, cases: &[Arc<Case>], when: &str) {
        let end = tokio::time::Instant::now() + 3 * DEADLINE;
        loop {
            let left: i64 = sqlx::query_scalar("SELECT count(*) FROM teams.effects").fetch_one(&self.pool).await.unwrap();
            if left == 0 {
                break;
            }
            assert!(tokio::time::Instant::now() < end, "{when}: {left} effects are never done");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        for case in cases {
            assert_eq!(self.state(case).await, Self::wanted(case), "{when}: {:?} of {}", case.change, case.person.username);
        }
    }

    async fn restart(self: &Arc<Self>, names: &'static [&'static str]) {
        let world = self.clone();
        let start = move || {
            for name in names {
                world.cluster.kill(name);
                world.cluster.launch(name);
            }
            names.iter().for_each(|name| world.cluster.wait_ready(name));
        };
        tokio::task::spawn_blocking(start).await.expect("restarted");
    }

    /// All changes at once, one attempt each.
    fn attempt_all(self: &Arc<Self>, cases: &[Arc<Case>]) -> JoinSet<()> {
        let mut attempts = JoinSet::new();
        for case in cases {
            let (world, case) = (self.clone(), case.clone());
            attempts.spawn(async move {
                world.attempt(&case).await;
            });
        }
        attempts
    }

    async fn insist_all(self: &Arc<Self>, cases: &[Arc<Case>]) {
        let mut all = JoinSet::new();
        for case in cases {
            let (world, case) = (self.clone(), case.clone());
            all.spawn(async move { world.insist(&case).await });
        }
        while let Some(done) = all.join_next().await {
            done.unwrap();
        }
    }
}

/// The commit is made, what follows is not, and the process that would see to it dies.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_follows_a_change_survives_the_death_of_who_does_it_and_of_who_asks_for_it() {
    let world = World::start().await;
    for away in ["posts", "identity"] {
        let cases = world.cases().await;
        world.cluster.kill(away);
        let mut attempts = world.attempt_all(&cases);
        while attempts.join_next().await.is_some() {}
        world.cluster.kill("teams");
        let names: &'static [&'static str] = if away == "posts" { &["teams", "posts"] } else { &["teams", "identity"] };
        world.restart(names).await;
        world.insist_all(&cases).await;
        world.verify(&cases, &format!("{away} was away and teams died")).await;
    }
}

/// Each process dies at some moment while changes are on their way: before, between and after their steps.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_happens_once_whenever_a_process_dies() {
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let world = World::start().await;
    for names in [&["teams"], &["posts"], &["identity"], &["teams"], &["posts"], &["teams"]] {
        let cases = world.cases().await;
        let mut attempts = world.attempt_all(&cases);
        tokio::time::sleep(Duration::from_millis(rng.random_range(0..60))).await;
        world.restart(names).await;
        while attempts.join_next().await.is_some() {}
        world.insist_all(&cases).await;
        world.verify(&cases, &format!("seed {seed}: {names:?} died")).await;
    }
}
