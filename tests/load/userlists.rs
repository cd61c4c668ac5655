//! Lists, search and autocompletion with very many users: rows written straight into identity's tables (a hundred thousand
//! sign-ups would take hours of hashing), then every kind of question over HTTP.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use tokio::task::JoinSet;

use crate::args::UserLists;
use crate::context::Context;
use crate::http::Call;
use crate::report::{Outcome, Progress, Recorder};
use crate::state::State;

/// Accounts with varied names. Their ids have the form of ids; they have no password.
const USERS: &str = "
    INSERT INTO identity.users (id, create_at, update_at, username, email, nickname, first_name, last_name, search_nickname,
        search_first_name, search_last_name, roles, locale, timezone, has_team)
    SELECT substr(md5('bulk' || n), 1, 26), 1600000000000 + n * 1000, 1600000000000 + n * 1000, first || lpad(n::text, 6, '0'),
        'bulk' || n || '@example.com', CASE WHEN n % 3 = 0 THEN 'Nick' || n ELSE '' END, initcap(first), initcap(last),
        CASE WHEN n % 3 = 0 THEN 'nick' || n ELSE '' END, first, last, 'system_user', 'en', '{}', n % 50 <> 0
    FROM (SELECT n, (ARRAY['anna','ben','carla','dirk','emil','frida','gus','hana','ivo','jana','kurt'])[1 + n % 11] AS first,
              (ARRAY['smith','jones','brown','miller','wilson','moore','taylor'])[1 + n / 7 % 7] || n % 1000 AS last
          FROM generate_series(1, $1) n) bulk
    ON CONFLICT DO NOTHING";
const STATUSES: &str = "
    INSERT INTO identity.statuses (user_id, status, manual, last_activity_at, update_at)
    SELECT substr(md5('bulk' || n), 1, 26), CASE WHEN n % 40 = 0 THEN 'online' WHEN n % 97 = 0 THEN 'away' ELSE 'offline' END, false,
        1700000000000 + (n::bigint * 7919 % 100003) * 1000, 1
    FROM generate_series(1, $1) n WHERE n % 10 <> 3 ON CONFLICT DO NOTHING";
/// Every `$3`-th user in a group.
const MEMBERS: &str = "
    INSERT INTO identity.group_members (group_id, user_id, kind, username, member, version, create_at)
    SELECT $2, id, $4, username, true, 1, create_at FROM identity.users WHERE email LIKE 'bulk%' AND create_at / 1000 % $3 = 0
        AND create_at < 1600000000000 + ($1 + 1) * 1000
    ON CONFLICT DO NOTHING";

/// The result of `user-lists`.
#[derive(Debug, Serialize)]
pub struct ListsReport {
    pub users: i64,
    pub questions: Vec<Outcome>,
}

pub async fn run(context: &Context, state: &State, args: &UserLists) -> Result<ListsReport> {
    ensure!(state.channels.len() >= 2, "two channels are needed: seed with --channels 2 or more");
    let mut sql = PgConnection::connect(&args.database_url).await.context("--database-url")?;
    let users = fill(&mut sql, state, i64::from(args.users)).await?;
    let token = context.log_in(&args.admin.admin_login, &args.admin.admin_password).await?;
    let mut questions = Vec::new();
    for (name, build) in questions_about(state) {
        questions.push(measure(context, args, &token, name, build).await?);
    }
    Ok(ListsReport { users, questions })
}

/// The team and the first channel hold everybody, the second channel every other user.
async fn fill(sql: &mut PgConnection, state: &State, users: i64) -> Result<i64> {
    eprintln!("user-lists: writing {users} users");
    sqlx::query(USERS).bind(users).execute(&mut *sql).await?;
    sqlx::query(STATUSES).bind(users).execute(&mut *sql).await?;
    for (group, every, kind) in [(&state.team_id, 1_i64, "team"), (&state.channels[0], 1, "channel"), (&state.channels[1], 2, "channel")] {
        sqlx::query(MEMBERS).bind(users).bind(group).bind(every).bind(kind).execute(&mut *sql).await?;
    }
    for table in ["users", "statuses", "group_members"] {
        sqlx::query(&format!("VACUUM ANALYZE identity.{table}")).execute(&mut *sql).await?;
    }
    Ok(sqlx::query_scalar("SELECT count(*) FROM identity.users").fetch_one(&mut *sql).await?)
}

/// Makes the n-th request of a kind.
type Build = Box<dyn Fn(u64) -> Call + Send + Sync>;

fn questions_about(state: &State) -> Vec<(&'static str, Build)> {
    let (team, all, half) = (state.team_id.clone(), state.channels[0].clone(), state.channels[1].clone());
    // Prefixes of every length: common, middling and rare ones.
    let term = |n: u64| {
        let first = ["anna", "ben", "carla", "dirk", "emil", "frida", "gus", "hana", "ivo", "jana", "kurt"][(n % 11) as usize];
        match n % 6 {
            0 => first[..1].to_owned(),
            1 => first[..2].to_owned(),
            2 => first.to_owned(),
            3 => format!("{first}{:03}", n * 37 % 1000),
            4 => format!("smith{}", n % 100),
            _ => format!("nick{}", n * 101 % 10_000),
        }
    };
    let list = |query: String| -> Build { Box::new(move |n| Call::get(format!("/api/v4/users?{query}&per_page=60&page={}", n % 5))) };
    let complete = |scope: String| -> Build { Box::new(move |n| Call::get(format!("/api/v4/users/autocomplete?name={}{scope}", term(n)))) };
    let search = |scope: Value| -> Build {
        Box::new(move |n| {
            let mut body = scope.clone();
            body["term"] = json!(term(n));
            Call::post("/api/v4/users/search".into(), &body, 200)
        })
    };
    vec![
        ("everybody", list(String::new())),
        ("in_team", list(format!("in_team={team}"))),
        ("in_team, create_at", list(format!("in_team={team}&sort=create_at"))),
        ("in_team, activity", list(format!("in_team={team}&sort=last_activity_at"))),
        ("in_channel", list(format!("in_channel={all}"))),
        ("in_channel, status", list(format!("in_channel={all}&sort=status"))),
        ("not_in_channel", list(format!("in_team={team}&not_in_channel={half}"))),
        // The worst case: everybody is in the team, so all are looked at to find nobody.
        ("not_in_team, none", list(format!("not_in_team={team}"))),
        ("without_team", list("without_team=true".into())),
        ("search", search(json!({}))),
        ("search in team", search(json!({ "team_id": team }))),
        ("search in channel", search(json!({ "in_channel_id": half }))),
        ("search outside", search(json!({ "team_id": team, "not_in_channel_id": half }))),
        ("autocomplete", complete(String::new())),
        ("… in team", complete(format!("&in_team={team}"))),
        ("… in channel", complete(format!("&in_team={team}&in_channel={half}"))),
    ]
}

async fn measure(context: &Context, args: &UserLists, token: &str, name: &str, build: Build) -> Result<Outcome> {
    let (progress, _ticker) = Progress::start(name);
    let build = std::sync::Arc::new(build);
    let span = Duration::from_secs(args.seconds.into());
    let (begin, mut workers) = (Instant::now(), JoinSet::new());
    for worker in 0..usize::from(args.concurrency) {
        let (build, progress, token) = (build.clone(), progress.clone(), token.to_owned());
        let (mut connection, mut recorder) = (context.connection(worker), Recorder::new()?);
        let step = u64::from(args.concurrency);
        workers.spawn(async move {
            let mut n = worker as u64;
            while begin.elapsed() < span {
                let (call, start) = (build(n), Instant::now());
                let outcome = connection.status(&call, Some(&token)).await;
                let good = outcome == Ok(call.expect);
                progress.count(good);
                match outcome {
                    Ok(_) if good => recorder.success(start.elapsed()),
                    Ok(status) => recorder.failure(format!("status {status}")),
                    Err(failure) => recorder.failure(failure.to_string()),
                }
                n += step;
            }
            recorder
        });
    }
    let mut all = Recorder::new()?;
    while let Some(done) = workers.join_next().await {
        all.merge(&done?)?;
    }
    Ok(all.outcome(name, begin.elapsed().as_secs_f64()))
}

impl ListsReport {
    /// A Markdown table.
    pub fn text(&self) -> String {
        let mut text = format!("{} users\n\n| question | per second | p50 ms | p99 ms | max ms |\n|---|---|---|---|---|\n", self.users);
        for o in &self.questions {
            text.push_str(&format!("| {} | {:.0} | {:.1} | {:.1} | {:.1} |\n", o.name, o.rate, o.p50_ms, o.p99_ms, o.max_ms));
        }
        text
    }
}
