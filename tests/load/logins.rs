//! A storm of logins: hashing passwords is slow, and must not slow down anybody who is signed in.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde::Serialize;
use serde_json::json;
use tokio::task::JoinSet;

use crate::args::Logins;
use crate::context::Context;
use crate::http::{Call, Connection};
use crate::report::{Outcome, Recorder};
use crate::seed::PASSWORD;
use crate::state::State;

/// Pause of a client that was told to come again, as `Retry-After` says.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The result of `logins`.
#[derive(Debug, Serialize)]
pub struct LoginsReport {
    /// `GET /users/me` alone, and during the storm.
    pub me_calm: Outcome,
    pub me_storm: Outcome,
    pub logins: Outcome,
    /// Logins answered 429 or 503 with `Retry-After`: refused in order, not failed.
    pub turned_away: u64,
}

pub async fn run(context: &Context, state: &State, args: &Logins) -> Result<LoginsReport> {
    let seconds = Duration::from_secs(args.seconds.into());
    let calm = read(context, state, args, Instant::now() + seconds).await?;
    let end = Instant::now() + seconds;
    let (storm, logins) = tokio::join!(read(context, state, args, end), log_in(context, state, args, end));
    let (storm, (logins, turned_away)) = (storm?, logins?);
    let seconds = seconds.as_secs_f64();
    Ok(LoginsReport {
        me_calm: calm.outcome("me, calm", seconds),
        me_storm: storm.outcome("me, storm", seconds),
        logins: logins.outcome("login", seconds),
        turned_away,
    })
}

/// People who are signed in, each asking at a steady pace: a closed loop would slow down with the server and hide it.
async fn read(context: &Context, state: &State, args: &Logins, end: Instant) -> Result<Recorder> {
    let mut readers = JoinSet::new();
    let pause = Duration::from_secs_f64(f64::from(args.readers) / args.rate);
    for n in 0..usize::from(args.readers) {
        let (mut connection, token) = (context.connection(n), state.users[n % state.users.len()].token.clone());
        let mut recorder = Recorder::new()?;
        readers.spawn(async move {
            let call = Call::get("/api/v4/users/me".into());
            let mut due = Instant::now() + pause.mul_f64(rand::random_range(0.0..1.0));
            while due < end {
                tokio::time::sleep_until(due.into()).await;
                let outcome = connection.status(&call, Some(&token)).await;
                match outcome {
                    // From when it was due: waiting behind a late answer counts.
                    Ok(status) if status == call.expect => recorder.success(due.elapsed()),
                    Ok(status) => recorder.failure(format!("status {status}")),
                    Err(failure) => recorder.failure(failure.to_string()),
                }
                due += pause;
            }
            recorder
        });
    }
    merged(readers).await
}

async fn merged(mut workers: JoinSet<Recorder>) -> Result<Recorder> {
    let mut all = Recorder::new()?;
    while let Some(done) = workers.join_next().await {
        all.merge(&done?)?;
    }
    Ok(all)
}

/// Logs in again and again until the end, `concurrency` at a time; how many attempts were turned away.
async fn log_in(context: &Context, state: &State, args: &Logins, end: Instant) -> Result<(Recorder, u64)> {
    let mut workers = JoinSet::new();
    for n in 0..usize::from(args.concurrency) {
        let (mut connection, mut recorder) = (context.connection(n), Recorder::new()?);
        let names: Vec<String> = state.users.iter().skip(n % state.users.len()).step_by(7).map(|u| u.username.clone()).collect();
        workers.spawn(async move {
            let mut turned_away = 0;
            for name in names.iter().cycle() {
                let start = Instant::now();
                if start >= end {
                    break;
                }
                match attempt(&mut connection, name).await {
                    Ok(200) => recorder.success(start.elapsed()),
                    Ok(429 | 503) => {
                        turned_away += 1;
                        tokio::time::sleep(RETRY_AFTER).await;
                    }
                    Ok(status) => recorder.failure(format!("status {status}")),
                    Err(failure) => recorder.failure(failure),
                }
            }
            (recorder, turned_away)
        });
    }
    let (mut all, mut turned_away) = (Recorder::new()?, 0);
    while let Some(done) = workers.join_next().await {
        let (recorder, refused) = done?;
        all.merge(&recorder)?;
        turned_away += refused;
    }
    Ok((all, turned_away))
}

/// The status; a refusal without `Retry-After` or without the standard body is a failure.
async fn attempt(connection: &mut Connection, name: &str) -> Result<u16, String> {
    let call = Call::post("/api/v4/users/login".into(), &json!({ "login_id": name, "password": PASSWORD }), 200);
    let answer = connection.fetch(&call, None).await.map_err(|failure| failure.to_string())?;
    if matches!(answer.status, 429 | 503) {
        let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        if !answer.headers.contains_key("retry-after") || body["id"].as_str().is_none() {
            return Err(format!("status {} without Retry-After or error body", answer.status));
        }
    }
    Ok(answer.status)
}

impl LoginsReport {
    /// For people.
    pub fn text(&self) -> String {
        let slower = self.me_storm.p99_ms / self.me_calm.p99_ms.max(0.001);
        format!(
            "{}\n{}   p99 ×{slower:.1}\n{}   {} turned away",
            self.me_calm.line(),
            self.me_storm.line(),
            self.logins.line(),
            self.turned_away
        )
    }
}
