//! Single operations at a fixed concurrency: what is sent, and the closed loop that sends it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Result, bail};
use clap::ValueEnum;
use serde::Deserialize;
use serde_json::json;
use tokio::task::JoinSet;

use crate::args::OpArgs;
use crate::context::Context;
use crate::corpus;
use crate::http::{Call, Connection};
use crate::report::{Outcome, Progress, Recorder};
use crate::state::State;

/// Statuses asked for at once, as a client does for the names on its screen.
const STATUSES: usize = 60;

#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    CreatePost,
    #[value(name = "page-60")]
    Page60,
    Me,
    MyChannels,
    GetPost,
    View,
    Statuses,
    Search,
    MixedRead,
}

impl Op {
    pub fn name(self) -> &'static str {
        match self {
            Self::CreatePost => "create-post",
            Self::Page60 => "page-60",
            Self::Me => "me",
            Self::MyChannels => "my-channels",
            Self::GetPost => "get-post",
            Self::View => "view",
            Self::Statuses => "statuses",
            Self::Search => "search",
            Self::MixedRead => "mixed-read",
        }
    }

    fn needs_posts(self) -> bool {
        matches!(self, Self::GetPost | Self::MixedRead)
    }

    /// The share of each read in the mixture, by a number below 100.
    fn of_mixture(self, draw: u32) -> Self {
        match (self, draw) {
            (Self::MixedRead, 0..40) => Self::Page60,
            (Self::MixedRead, 40..60) => Self::MyChannels,
            (Self::MixedRead, 60..75) => Self::Me,
            (Self::MixedRead, 75..90) => Self::GetPost,
            (Self::MixedRead, _) => Self::Statuses,
            (other, _) => other,
        }
    }
}

/// What an operation may touch.
pub struct Fixture {
    pub state: State,
    pub posts: Vec<String>,
    statuses: Call,
    run: u32,
}

impl Fixture {
    pub fn new(mut state: State, channels: Option<u32>, posts: Vec<String>) -> Self {
        if let Some(most) = channels {
            state.channels.truncate(most as usize);
        }
        let ids: Vec<&str> = state.users.iter().take(STATUSES).map(|u| u.id.as_str()).collect();
        let statuses = Call::post("/api/v4/users/status/ids".into(), &json!(ids), 200);
        Self { state, posts, statuses, run: rand::random() }
    }

    /// The `n`-th request of the run and the token to send it with. Pure but for the draw of the mixture.
    pub fn build(&self, op: Op, n: u64, draw: u32) -> (Call, &str) {
        // Channels advance once per round of users, so that every pair comes up.
        let users = self.state.users.len() as u64;
        let user = &self.state.users[(n % users) as usize];
        let channel = &self.state.channels[((n + n / users) % self.state.channels.len() as u64) as usize];
        let call = match op.of_mixture(draw) {
            Op::CreatePost => Call::post(
                "/api/v4/posts".into(),
                &json!({
                    "channel_id": channel,
                    "message": format!("load {n}: the quick brown fox jumps over the lazy dog near the old river"),
                    "pending_post_id": format!("{}:{}{:x}{n}", user.id, millis(), self.run),
                }),
                201,
            ),
            Op::Page60 => Call::get(format!("/api/v4/channels/{channel}/posts?page=0&per_page=60")),
            Op::Me => Call::get("/api/v4/users/me".into()),
            Op::MyChannels => Call::get(format!("/api/v4/users/me/teams/{}/channels", self.state.team_id)),
            Op::GetPost => Call::get(format!("/api/v4/posts/{}", self.posts[(n % self.posts.len() as u64) as usize])),
            Op::View => {
                Call::post("/api/v4/channels/members/me/view".into(), &json!({ "channel_id": channel, "prev_channel_id": "" }), 200)
            }
            Op::Search => {
                let terms = corpus::terms(&user.username, &format!("load-{:04}", n % self.state.channels.len() as u64));
                let body = json!({ "terms": terms, "is_or_search": false });
                Call::post(format!("/api/v4/teams/{}/posts/search", self.state.team_id), &body, 200)
            }
            // The mixture is resolved above; as an operation of its own it is the cheapest read.
            Op::Statuses | Op::MixedRead => self.statuses.clone(),
        };
        (call, &user.token)
    }
}

fn millis() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis()
}

/// Ids of a page of posts.
#[derive(Deserialize)]
pub struct Order {
    pub order: Vec<String>,
}

/// Ids of the newest posts of each channel, for the operations that read single posts.
pub async fn sample_posts(context: &Context, state: &State) -> Result<Vec<String>> {
    let mut connection = context.connection(0);
    let mut found = Vec::new();
    for channel in &state.channels {
        let call = Call::get(format!("/api/v4/channels/{channel}/posts?page=0&per_page=60"));
        let answer = connection.fetch(&call, Some(&state.users[0].token)).await?;
        if answer.status == 200 {
            found.extend(serde_json::from_slice::<Order>(&answer.body)?.order);
        }
    }
    if found.is_empty() {
        bail!("there are no posts to read; seed some with --posts");
    }
    Ok(found)
}

/// Runs one operation and returns its figures.
pub async fn run(context: &Context, state: &State, args: &OpArgs) -> Result<Outcome> {
    let posts = if args.op.needs_posts() { sample_posts(context, state).await? } else { Vec::new() };
    let fixture = Arc::new(Fixture::new(state.clone(), args.channels, posts));
    let (progress, _ticker) = Progress::start(args.op.name());
    let counter = Arc::new(AtomicU64::new(0));
    let begin = Instant::now() + Duration::from_secs(args.warmup.into());
    let end = begin + Duration::from_secs(args.seconds.into());
    let mut workers = JoinSet::new();
    for worker in 0..usize::from(args.concurrency) {
        let mut load = Worker {
            op: args.op,
            fixture: Arc::clone(&fixture),
            connection: context.connection(worker),
            counter: Arc::clone(&counter),
            progress: Arc::clone(&progress),
            recorder: Recorder::new()?,
        };
        let most = args.max_requests;
        workers.spawn(async move {
            load.work(begin, end, most).await;
            load.recorder
        });
    }
    let mut all = Recorder::new()?;
    while let Some(done) = workers.join_next().await {
        all.merge(&done?)?;
    }
    let measured = Instant::now().min(end).saturating_duration_since(begin);
    Ok(all.outcome(args.op.name(), measured.as_secs_f64()))
}

struct Worker {
    op: Op,
    fixture: Arc<Fixture>,
    connection: Connection,
    counter: Arc<AtomicU64>,
    progress: Arc<Progress>,
    recorder: Recorder,
}

impl Worker {
    async fn work(&mut self, begin: Instant, end: Instant, most: u64) {
        loop {
            let n = self.counter.fetch_add(1, Ordering::Relaxed);
            let start = Instant::now();
            if n >= most || start >= end {
                return;
            }
            let (call, token) = self.fixture.build(self.op, n, rand::random_range(0..100));
            let outcome = self.connection.status(&call, Some(token)).await;
            let took = start.elapsed();
            let good = outcome == Ok(call.expect);
            self.progress.count(good);
            if start < begin {
                continue;
            }
            match outcome {
                Ok(_) if good && start + took <= end => self.recorder.success(took),
                // Finished after the bell: counting it would inflate the rate.
                Ok(_) if good => {}
                Ok(status) => self.recorder.failure(format!("status {status}")),
                Err(failure) => {
                    self.recorder.failure(failure.to_string());
                    // A dead server must not turn the loop into a spin.
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::state::Person;

    fn fixture(users: usize, channels: usize) -> Fixture {
        let users = (0..users).map(|n| Person { id: format!("u{n}"), username: format!("n{n}"), token: format!("t{n}") }).collect();
        let state = State { team_id: "team".into(), users, channels: (0..channels).map(|n| format!("c{n}")).collect() };
        Fixture::new(state, None, vec!["p0".into(), "p1".into()])
    }

    #[test]
    fn posts_reach_every_channel_from_every_user_with_distinct_pending_ids() {
        let fixture = fixture(4, 2);
        let (mut pairs, mut pending) = (BTreeSet::new(), BTreeSet::new());
        for n in 0..64 {
            let (call, token) = fixture.build(Op::CreatePost, n, 0);
            let body: serde_json::Value = serde_json::from_slice(&call.body).expect("json");
            pairs.insert((token.to_owned(), body["channel_id"].as_str().expect("channel").to_owned()));
            pending.insert(body["pending_post_id"].as_str().expect("pending").to_owned());
            assert_eq!(call.expect, 201);
        }
        assert_eq!((pairs.len(), pending.len()), (8, 64));
    }

    #[test]
    fn one_channel_means_one() {
        let one = Fixture::new(fixture(3, 5).state, Some(1), vec!["p".into()]);
        for n in 0..20 {
            assert!(one.build(Op::Page60, n, 0).0.path.contains("/c0/"), "{n}");
        }
    }

    #[test]
    fn the_mixture_has_its_shares() {
        let mut shares = BTreeMap::<&str, u32>::new();
        for draw in 0..100 {
            *shares.entry(Op::MixedRead.of_mixture(draw).name()).or_default() += 1;
        }
        assert_eq!(shares, BTreeMap::from([("page-60", 40), ("my-channels", 20), ("me", 15), ("get-post", 15), ("statuses", 10)]));
        assert_eq!(Op::Me.of_mixture(99), Op::Me);
    }

    #[test]
    fn paths_are_those_of_the_contract() {
        let fixture = fixture(1, 1);
        let path = |op| fixture.build(op, 0, 0).0.path;
        assert_eq!(path(Op::MyChannels), "/api/v4/users/me/teams/team/channels");
        assert_eq!(path(Op::GetPost), "/api/v4/posts/p0");
        assert_eq!(path(Op::View), "/api/v4/channels/members/me/view");
        assert_eq!(path(Op::Statuses), "/api/v4/users/status/ids");
    }
}
