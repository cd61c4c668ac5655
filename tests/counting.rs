//! A property: whatever twenty people do on two gateways, and whatever service dies meanwhile, in the end every channel's
//! totals and every member's read state equal a recount from the posts table.
//!
//! `MUSTER_PROPERTY_OPERATIONS` sets how many operations are done (600 by default), `MUSTER_PROPERTY_SEED` repeats a run as
//! far as twenty people at once can be repeated.

use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::{Value, json};
use sqlx::{PgPool, Row};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use testkit::{Cluster, DEADLINE, Options, Person, unique};
use tokio::{
    sync::{Mutex, RwLock},
    task::JoinSet,
};

const PEOPLE: usize = 20;
const OPERATIONS: usize = 600;
/// Types that do not raise `total_msg_count`.
const UNCOUNTED: [&str; 8] = [
    "system_join_leave",
    "system_add_remove",
    "system_join_channel",
    "system_leave_channel",
    "system_join_team",
    "system_leave_team",
    "system_add_to_channel",
    "system_remove_from_channel",
];

fn setting<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

struct Room {
    id: String,
    direct: bool,
    /// Changes of membership are alone with mentions: which of two requests that overlap comes first is nobody's to say.
    gate: RwLock<()>,
    posts: Mutex<Vec<(String, usize)>>,
}

struct World {
    cluster: Cluster,
    pool: PgPool,
    people: Vec<Person>,
    team_id: String,
    rooms: RwLock<Vec<Arc<Room>>>,
    done: AtomicUsize,
    most: usize,
}

impl World {
    async fn room(&self, id: String, direct: bool) {
        let mut rooms = self.rooms.write().await;
        if !rooms.iter().any(|room| room.id == id) {
            rooms.push(Arc::new(Room { id, direct, gate: RwLock::default(), posts: Mutex::default() }));
        }
    }

    /// The answer of one of the gateways, tried until there is one that is not an outage's.
    async fn answer(&self, who: usize, rng: &mut StdRng, method: http::Method, path: &str, body: &Value) -> (u16, Value) {
        let end = tokio::time::Instant::now() + 6 * DEADLINE;
        loop {
            let client = self.people[who].on(rng.random_range(0..2));
            let request = client.request(method.clone(), path).timeout(DEADLINE).json(body);
            match client.try_send(request).await {
                Some(answer) if answer.status < 500 => return (answer.status, answer.body),
                answer => assert!(tokio::time::Instant::now() < end, "{method} {path}: the outage does not end: {answer:?}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until what a change of membership means elsewhere has been done.
    async fn settled(&self, room: &Room) {
        let end = tokio::time::Instant::now() + 9 * DEADLINE;
        loop {
            let sql = "SELECT count(*) FROM teams.effects WHERE key = $1 OR key = 'identity/' || $1";
            let left: i64 = sqlx::query_scalar(sql).bind(&room.id).fetch_one(&self.pool).await.unwrap();
            if left == 0 {
                return;
            }
            assert!(tokio::time::Instant::now() < end, "effects of {} are never done", room.id);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn act(&self, who: usize, rng: &mut StdRng) {
        use http::Method;
        let other = (who + rng.random_range(1..PEOPLE)) % PEOPLE;
        let (me, them) = (&self.people[who], &self.people[other]);
        let room = self.rooms.read().await.choose(rng).cloned().expect("a channel");
        let none = json!({});
        let member = |id: &str| format!("/channels/{}/members/{id}", room.id);
        match rng.random_range(0..100) {
            0..=1 => {
                let name = unique("room");
                let body = json!({"team_id": self.team_id, "name": name, "display_name": name, "type": "O"});
                let (status, channel) = self.answer(who, rng, Method::POST, "/channels", &body).await;
                // A lost answer's channel exists: it joins the game by its name.
                let channel = match status {
                    201 => channel,
                    _ => self.answer(who, rng, Method::GET, &format!("/teams/{}/channels/name/{name}", self.team_id), &none).await.1,
                };
                let id = channel["id"].as_str().unwrap_or_else(|| panic!("{channel}")).to_owned();
                self.room(id, false).await;
            }
            2..=4 => {
                let (status, channel) = self.answer(who, rng, Method::POST, "/channels/direct", &json!([me.id, them.id])).await;
                assert_eq!(status, 201, "{channel}");
                self.room(channel["id"].as_str().unwrap().to_owned(), true).await;
            }
            5..=12 if !room.direct => {
                let _alone = room.gate.write().await;
                let path = format!("/channels/{}/members", room.id);
                self.answer(who, rng, Method::POST, &path, &json!({"user_id": me.id})).await;
                self.settled(&room).await;
            }
            13..=18 if !room.direct => {
                let _alone = room.gate.write().await;
                let path = format!("/channels/{}/members", room.id);
                self.answer(who, rng, Method::POST, &path, &json!({"user_id": them.id})).await;
                self.settled(&room).await;
            }
            19..=21 if !room.direct => {
                let _alone = room.gate.write().await;
                self.answer(who, rng, Method::DELETE, &member(&me.id), &none).await;
                self.settled(&room).await;
            }
            22..=23 if !room.direct => {
                let _alone = room.gate.write().await;
                self.answer(who, rng, Method::DELETE, &member(&them.id), &none).await;
                self.settled(&room).await;
            }
            24..=38 => {
                self.answer(who, rng, Method::POST, "/channels/members/me/view", &json!({"channel_id": room.id})).await;
            }
            39..=43 => {
                let posts = room.posts.lock().await.clone();
                if let Some((post, author)) = posts.choose(rng) {
                    self.answer(*author, rng, Method::DELETE, &format!("/posts/{post}"), &none).await;
                }
            }
            44..=60 => {
                let _together = room.gate.read().await;
                self.post(who, rng, &room, &format!("hello @{}", them.username), "").await;
            }
            61..=70 => {
                let root = room.posts.lock().await.choose(rng).map(|(id, _)| id.clone()).unwrap_or_default();
                self.post(who, rng, &room, "a reply", &root).await;
            }
            _ => self.post(who, rng, &room, "words", "").await,
        }
    }

    async fn post(&self, who: usize, rng: &mut StdRng, room: &Room, message: &str, root: &str) {
        let pending = unique("pending");
        let body = json!({"channel_id": room.id, "message": message, "root_id": root, "pending_post_id": pending});
        let (status, post) = self.answer(who, rng, http::Method::POST, "/posts", &body).await;
        if status == 201 && root.is_empty() {
            room.posts.lock().await.push((post["id"].as_str().unwrap().to_owned(), who));
        }
    }
}

async fn person_at_work(world: Arc<World>, who: usize, seed: u64) {
    let mut rng = StdRng::seed_from_u64(seed.wrapping_mul(1_000).wrapping_add(who as u64));
    while world.done.fetch_add(1, Ordering::Relaxed) < world.most {
        world.act(who, &mut rng).await;
    }
}

/// Kills each service once, spread over the run.
async fn killer(world: Arc<World>, seed: u64) {
    let mut victims = vec!["posts", "teams", "identity"];
    victims.rotate_left((seed % 3) as usize);
    for (n, victim) in victims.into_iter().enumerate() {
        let at = world.most * (n + 1) / 4;
        while world.done.load(Ordering::Relaxed) < at {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let world = world.clone();
        let restart = move || {
            world.cluster.restart(victim);
        };
        tokio::task::spawn_blocking(restart).await.expect("a restart");
    }
}

/// What is stored of a post.
struct Stored {
    at: i64,
    counts: bool,
    author: String,
    kind: String,
    message: String,
    props: Value,
}

async fn stored(pool: &PgPool) -> HashMap<String, Vec<Stored>> {
    let sql = "SELECT channel_id, create_at, type, user_id, message, props FROM posts.posts WHERE original_id = '' ORDER BY create_at";
    let mut channels: HashMap<String, Vec<Stored>> = HashMap::new();
    for row in sqlx::query(sql).fetch_all(pool).await.unwrap() {
        let kind: String = row.get("type");
        channels.entry(row.get("channel_id")).or_default().push(Stored {
            at: row.get("create_at"),
            counts: !UNCOUNTED.contains(&kind.as_str()),
            author: row.get("user_id"),
            message: row.get("message"),
            props: serde_json::from_str(row.get("props")).unwrap_or_default(),
            kind,
        });
    }
    channels
}

impl Stored {
    /// Begins or ends a membership of this person.
    fn moves(&self, person: &Person) -> bool {
        match self.kind.as_str() {
            "system_join_channel" | "system_leave_channel" | "system_join_team" => self.author == person.id,
            "system_add_to_channel" => self.props["addedUserId"] == person.id.as_str(),
            "system_remove_from_channel" => self.props["removedUserId"] == person.id.as_str(),
            _ => false,
        }
    }

    fn mentions(&self, person: &Person, direct: bool) -> bool {
        let named = || match self.kind.as_str() {
            "" => self.message.split(' ').any(|word| word.strip_prefix('@') == Some(person.username.as_str())),
            "system_add_to_channel" => self.props["addedUserId"] == person.id.as_str(),
            _ => false,
        };
        self.author != person.id && (direct || named())
    }
}

/// Whether what the server shows is what a recount gives; `Err` says what is wrong. Posts of the very millisecond in which
/// something was last viewed may have come before or after it.
fn recount(person: &Person, channel: &Value, member: &Value, posts: &[Stored]) -> Result<(), String> {
    let number = |entity: &Value, name: &str| entity[name].as_i64().unwrap_or_else(|| panic!("no {name}: {entity}"));
    let direct = channel["type"] == "D";
    let counted = |until: i64| posts.iter().filter(|p| p.counts && p.at <= until).count() as i64;
    let total = counted(i64::MAX);
    let newest = posts.iter().map(|p| p.at).max().unwrap_or_default();
    let shown = (number(channel, "total_msg_count"), number(channel, "last_post_at"));
    // A channel without posts has the time of its creation, or none. Nobody edits here; deletions move nothing.
    if shown.0 != total || (newest > 0 && shown.1 != newest) {
        return Err(format!("total and last post {shown:?}, recounted {:?}", (total, newest)));
    }
    let viewed = number(member, "last_viewed_at");
    let read = number(member, "msg_count");
    if !(counted(viewed - 1)..=counted(viewed)).contains(&read) {
        return Err(format!("msg_count {read}, recounted {}..={}", counted(viewed - 1), counted(viewed)));
    }
    let since = posts.iter().filter(|p| p.moves(person)).map(|p| p.at).max().unwrap_or_default();
    let mentions = |after: i64| posts.iter().filter(|p| p.at >= since && p.at > after && p.mentions(person, direct)).count() as i64;
    let mentioned = number(member, "mention_count");
    if !(mentions(viewed)..=mentions(viewed - 1)).contains(&mentioned) {
        return Err(format!("mention_count {mentioned}, recounted {}..={}", mentions(viewed), mentions(viewed - 1)));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counters_equal_a_recount_whatever_happens() {
    let seed: u64 = setting("MUSTER_PROPERTY_SEED").unwrap_or_else(rand::random);
    let most = setting("MUSTER_PROPERTY_OPERATIONS").unwrap_or(OPERATIONS);
    println!("MUSTER_PROPERTY_SEED={seed} MUSTER_PROPERTY_OPERATIONS={most}");
    let options = Options { split: true, own_engines: true, ..Options::default() };
    let cluster = Cluster::start(options.env("MM_TEAMSETTINGS_MAXCHANNELSPERTEAM", "10000")).await;
    let pool = PgPool::connect(&cluster.database_url).await.unwrap();
    let mut people = Vec::new();
    for _ in 0..PEOPLE {
        people.push(cluster.person("prop").await);
    }
    let team = cluster.team(&people[0]).await;
    for person in &people[1..] {
        cluster.join_team(person, &team).await;
    }
    let team_id = team["id"].as_str().unwrap().to_owned();
    let world = Arc::new(World { cluster, pool, people, team_id, rooms: RwLock::default(), done: AtomicUsize::new(0), most });
    for creator in 0..4 {
        let channel = world.cluster.channel(&world.people[creator], &world.team_id).await;
        world.room(channel["id"].as_str().unwrap().to_owned(), false).await;
    }

    let mut tasks = JoinSet::new();
    for who in 0..PEOPLE {
        tasks.spawn(person_at_work(world.clone(), who, seed));
    }
    tasks.spawn(killer(world.clone(), seed));
    while let Some(done) = tasks.join_next().await {
        done.unwrap_or_else(|e| panic!("seed {seed}: {e}"));
    }
    for room in world.rooms.read().await.iter() {
        world.settled(room).await;
    }

    let posts = stored(&world.pool).await;
    let (mut wrong, mut memberships) = (Vec::new(), 0);
    for (n, person) in world.people.iter().enumerate() {
        let gateway = person.on(n % 2);
        let channels = gateway.get(&format!("/users/me/teams/{}/channels", world.team_id)).await.expect(200);
        let members = gateway.get(&format!("/users/me/teams/{}/channels/members", world.team_id)).await.expect(200);
        let members: BTreeMap<&str, &Value> = members.as_array().unwrap().iter().map(|m| (m["channel_id"].as_str().unwrap(), m)).collect();
        for channel in channels.as_array().unwrap() {
            let id = channel["id"].as_str().unwrap();
            memberships += 1;
            let none = Vec::new();
            if let Err(text) = recount(person, channel, members[id], posts.get(id).unwrap_or(&none)) {
                wrong.push(format!("{} in {} ({}): {text}: {}", person.username, channel["name"], id, members[id]));
            }
        }
    }
    assert!(memberships > 3 * PEOPLE, "{memberships} memberships were compared");
    assert!(wrong.is_empty(), "seed {seed}: {} of {memberships} differ:\n{}", wrong.len(), wrong.join("\n"));
}
