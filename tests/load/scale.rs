//! Very large groups: a team of many thousands, a channel of half of them, a user in very many channels. The crowd's rows are
//! written straight into the database (signing it up would take hours of hashing); then members are added and channels created
//! through the API, all of which must be there afterwards, and everyday operations are timed in a small group and in the large.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use tokio::task::JoinSet;

use crate::args::Scale;
use crate::context::Context;
use crate::http::Call;
use crate::report::{Outcome, Progress, Recorder};
use crate::seed;
use crate::state::State;

/// People of the small groups.
const SMALL: u32 = 10;
/// Users of one request that adds many to a team: the most the server takes.
const BATCH: usize = 20;

const USERS: &str = "
    INSERT INTO identity.users (id, create_at, update_at, username, email, roles, locale, timezone, has_team)
    SELECT substr(md5('scale' || n), 1, 26), 1600000000000 + n, 1600000000000 + n, 'scale' || lpad(n::text, 6, '0'),
        'scale' || n || '@example.com', 'system_user', 'en', '{}', true
    FROM generate_series(1, $1) n ON CONFLICT DO NOTHING";
const TEAM: &str = "
    WITH added AS (INSERT INTO teams.team_members (team_id, user_id, roles)
        SELECT $2, substr(md5('scale' || n), 1, 26), 'team_user' FROM generate_series(1, $1) n ON CONFLICT DO NOTHING RETURNING 1)
    UPDATE teams.teams SET member_count = member_count + (SELECT count(*) FROM added) WHERE id = $2";
const CHANNEL: &str = "
    WITH added AS (INSERT INTO teams.channel_members (channel_id, user_id, roles, notify_props, last_update_at)
        SELECT $2, substr(md5('scale' || n), 1, 26), 'channel_user', '{\"desktop\":\"default\",\"email\":\"default\",\"mark_unread\":\"all\",\"push\":\"default\"}', 1
        FROM generate_series(1, $1) n ON CONFLICT DO NOTHING RETURNING user_id)
    INSERT INTO posts.read_states (channel_id, user_id) SELECT $2, user_id FROM added ON CONFLICT DO NOTHING";
const COPY: &str = "
    INSERT INTO identity.group_members (group_id, user_id, kind, username, member, version, create_at)
    SELECT $2, id, $3, username, true, 1, create_at FROM identity.users WHERE username LIKE 'scale%' ORDER BY username LIMIT $1
    ON CONFLICT DO NOTHING";

/// The result of `scale`.
#[derive(Debug, Serialize)]
pub struct ScaleReport {
    pub users: u32,
    pub channels: u32,
    /// Seconds of the bulk operations, and what they did.
    pub bulk: Vec<(String, f64)>,
    /// Each operation in the small and in the large group.
    pub operations: Vec<(Outcome, Outcome)>,
}

/// The administrator's session and what was made.
struct Scene<'a> {
    context: &'a Context,
    token: String,
    team: String,
    small: String,
    large: String,
    /// Ids in the order of usernames.
    crowd: Vec<String>,
}

pub async fn run(context: &Context, state: &State, args: &Scale) -> Result<ScaleReport> {
    let token = context.log_in(&args.admin.admin_login, &args.admin.admin_password).await?;
    let mut scene = Scene { context, token, team: String::new(), small: String::new(), large: String::new(), crowd: Vec::new() };
    let mut config = scene.ask(&Call::get("/api/v4/config".into())).await?;
    if seed::raise(&mut config, 1_000_000, 1_000_000) {
        scene.ask(&Call::put("/api/v4/config".into(), &config)).await?;
    }
    scene.team = scene.create_team().await?;
    scene.small = scene.create_channel("small").await?;
    scene.large = scene.create_channel("large").await?;
    scene.crowd = scene.fill(args).await?;

    let mut bulk = Vec::new();
    bulk.push(scene.add_to_channel(args).await?);
    bulk.push(scene.add_to_team(args).await?);
    bulk.push(scene.create_channels(args).await?);

    let mut operations = Vec::new();
    for name in ["join and leave", "view", "members, first page", "members, last page", "users", "statistics", "post", "permission"] {
        let small = scene.time(name, &scene.small, SMALL, args).await?;
        operations.push((small, scene.time(name, &scene.large, args.users / 2, args).await?));
    }
    for (name, path) in [("my channels", "channels"), ("my memberships", "channels/members")] {
        let path = |team: &str| format!("/api/v4/users/me/teams/{team}/{path}");
        let few = scene.repeat(name, &state.users[0].token, args, |_| vec![Call::get(path(&state.team_id))]).await?;
        let many = scene.repeat(name, &scene.token, args, |_| vec![Call::get(path(&scene.team))]).await?;
        operations.push((few, many));
    }
    Ok(ScaleReport { users: args.users, channels: args.channels, bulk, operations })
}

impl Scene<'_> {
    async fn ask(&self, call: &Call) -> Result<Value> {
        let answer = self.context.connection(0).fetch(call, Some(&self.token)).await?;
        ensure!(answer.status == call.expect, "{} {}: {} {}", call.method, call.path, answer.status, String::from_utf8_lossy(&answer.body));
        Ok(serde_json::from_slice(&answer.body)?)
    }

    async fn create_team(&self) -> Result<String> {
        let body = json!({ "name": format!("scale-{:x}", rand::random::<u32>()), "display_name": "Scale", "type": "O" });
        id(&self.ask(&Call::post("/api/v4/teams".into(), &body, 201)).await?)
    }

    async fn create_channel(&self, name: &str) -> Result<String> {
        id(&self.ask(&self.channel(name)).await?)
    }

    fn channel(&self, name: &str) -> Call {
        Call::post("/api/v4/channels".into(), &json!({ "team_id": self.team, "name": name, "display_name": name, "type": "O" }), 201)
    }

    async fn fill(&self, args: &Scale) -> Result<Vec<String>> {
        eprintln!("scale: writing {} users", args.users);
        let mut sql = PgConnection::connect(&args.database_url).await.context("--database-url")?;
        let (all, half) = (i64::from(args.users), i64::from(args.users / 2));
        sqlx::query(USERS).bind(all).execute(&mut sql).await?;
        sqlx::query(TEAM).bind(all).bind(&self.team).execute(&mut sql).await?;
        sqlx::query(COPY).bind(all).bind(&self.team).bind("team").execute(&mut sql).await?;
        for (channel, count) in [(&self.small, i64::from(SMALL)), (&self.large, half)] {
            sqlx::query(CHANNEL).bind(count).bind(channel).execute(&mut sql).await?;
            sqlx::query(COPY).bind(count).bind(channel).bind("channel").execute(&mut sql).await?;
        }
        for table in ["identity.users", "identity.group_members", "teams.team_members", "teams.channel_members", "posts.read_states"] {
            sqlx::query(&format!("VACUUM ANALYZE {table}")).execute(&mut sql).await?;
        }
        let ids = "SELECT id FROM identity.users WHERE username LIKE 'scale%' ORDER BY username LIMIT $1";
        Ok(sqlx::query_scalar(ids).bind(all).fetch_all(&mut sql).await?)
    }

    /// Makes the requests with several connections; every one must succeed.
    async fn all(&self, what: &str, calls: Vec<Call>) -> Result<f64> {
        let (progress, _ticker) = Progress::start(what);
        let calls = std::sync::Arc::new(std::sync::Mutex::new(calls));
        let (begin, mut workers) = (Instant::now(), JoinSet::new());
        for worker in 0..8 {
            let (calls, progress, token) = (calls.clone(), progress.clone(), self.token.clone());
            let mut connection = self.context.connection(worker);
            workers.spawn(async move {
                let next = || calls.lock().unwrap_or_else(std::sync::PoisonError::into_inner).pop();
                while let Some(call) = next() {
                    let status = connection.status(&call, Some(&token)).await?;
                    ensure!(status == call.expect, "{} {}: {status}", call.method, call.path);
                    progress.count(true);
                }
                Ok(())
            });
        }
        while let Some(done) = workers.join_next().await {
            done??;
        }
        Ok(begin.elapsed().as_secs_f64())
    }

    fn added(&self, args: &Scale) -> &[String] {
        &self.crowd[..(args.added as usize).min(self.crowd.len())]
    }

    async fn add_to_channel(&self, args: &Scale) -> Result<(String, f64)> {
        let channel = self.create_channel("bulk").await?;
        let path = format!("/api/v4/channels/{channel}/members");
        let calls = self.added(args).iter().map(|id| Call::post(path.clone(), &json!({ "user_id": id }), 201)).collect();
        let seconds = self.all("add to a channel", calls).await?;
        let stats = self.ask(&Call::get(format!("/api/v4/channels/{channel}/stats"))).await?;
        ensure!(stats["member_count"] == self.added(args).len() + 1, "members were lost: {stats}");
        Ok((format!("add {} members to a channel, one by one", args.added), seconds))
    }

    async fn add_to_team(&self, args: &Scale) -> Result<(String, f64)> {
        let team = self.create_team().await?;
        let path = format!("/api/v4/teams/{team}/members/batch");
        let batch = |some: &[String]| some.iter().map(|id| json!({ "team_id": team, "user_id": id })).collect::<Value>();
        let calls = self.added(args).chunks(BATCH).map(|some| Call::post(path.clone(), &batch(some), 201)).collect();
        let seconds = self.all("add to a team", calls).await?;
        let stats = self.ask(&Call::get(format!("/api/v4/teams/{team}/stats"))).await?;
        ensure!(stats["total_member_count"] == self.added(args).len() + 1, "members were lost: {stats}");
        Ok((format!("add {} members to a team, {BATCH} at a time", args.added), seconds))
    }

    async fn create_channels(&self, args: &Scale) -> Result<(String, f64)> {
        let calls = (0..args.channels).map(|n| self.channel(&format!("many-{n}"))).collect();
        let seconds = self.all("create channels", calls).await?;
        let mine = self.ask(&Call::get(format!("/api/v4/users/me/teams/{}/channels", self.team))).await?;
        let made = mine.as_array().into_iter().flatten().filter(|c| c["name"].as_str().is_some_and(|name| name.starts_with("many-")));
        ensure!(made.count() == args.channels as usize, "channels were lost");
        Ok((format!("create {} channels", args.channels), seconds))
    }

    async fn time(&self, name: &str, channel: &str, members: u32, args: &Scale) -> Result<Outcome> {
        let path = format!("/api/v4/channels/{channel}");
        // Of the team, of no channel.
        let outsider = self.crowd.last().context("no crowd")?;
        self.repeat(name, &self.token, args, |n| match name {
            "join and leave" => vec![
                Call::post(format!("{path}/members"), &json!({ "user_id": outsider }), 201),
                Call { method: ::http::Method::DELETE, ..Call::get(format!("{path}/members/{outsider}")) },
            ],
            "view" => vec![Call::post("/api/v4/channels/members/me/view".into(), &json!({ "channel_id": channel }), 200)],
            "members, first page" => vec![Call::get(format!("{path}/members?per_page=60"))],
            "members, last page" => vec![Call::get(format!("{path}/members?per_page=60&page={}", members / 60))],
            "users" => vec![Call::get(format!("/api/v4/users?in_channel={channel}&per_page=60"))],
            "statistics" => vec![Call::get(format!("{path}/stats"))],
            "post" => {
                vec![Call::post("/api/v4/posts".into(), &json!({ "channel_id": channel, "message": format!("@scale000001 and {n}") }), 201)]
            }
            _ => vec![Call::get(path.clone())],
        })
        .await
    }

    /// Makes the requests one after the other, as often as time allows.
    async fn repeat(&self, name: &str, token: &str, args: &Scale, calls: impl Fn(u64) -> Vec<Call>) -> Result<Outcome> {
        let (progress, _ticker) = Progress::start(name);
        let (mut connection, mut recorder) = (self.context.connection(0), Recorder::new()?);
        let (begin, span, mut n) = (Instant::now(), Duration::from_secs(args.seconds.into()), 0);
        while begin.elapsed() < span {
            for call in calls(n) {
                let start = Instant::now();
                match connection.status(&call, Some(token)).await {
                    Ok(status) if status == call.expect => recorder.success(start.elapsed()),
                    Ok(status) => recorder.failure(format!("status {status}")),
                    Err(failure) => recorder.failure(failure.to_string()),
                }
                progress.count(true);
            }
            n += 1;
        }
        Ok(recorder.outcome(name, begin.elapsed().as_secs_f64()))
    }
}

fn id(entity: &Value) -> Result<String> {
    Ok(entity["id"].as_str().context("an entity without an id")?.to_owned())
}

impl ScaleReport {
    /// Two Markdown tables.
    pub fn text(&self) -> String {
        let mut text = String::from("| bulk | seconds |\n|---|---|\n");
        for (what, seconds) in &self.bulk {
            text.push_str(&format!("| {what} | {seconds:.1} |\n"));
        }
        text.push_str(&format!(
            "\nA channel of {SMALL} and one of {} in a team of {}; a user in few channels and one in {}:\n\n\
             | operation | small p50 ms | p99 ms | large p50 ms | p99 ms |\n|---|---|---|---|---|\n",
            self.users / 2,
            self.users,
            self.channels
        ));
        for (small, large) in &self.operations {
            text.push_str(&format!(
                "| {} | {:.1} | {:.1} | {:.1} | {:.1} |\n",
                small.name, small.p50_ms, small.p99_ms, large.p50_ms, large.p99_ms
            ));
        }
        text
    }
}
