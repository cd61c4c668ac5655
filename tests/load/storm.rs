//! All connections are lost at once and everybody comes back immediately, while others go on posting.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde::Serialize;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::args::{Spread, Storm};
use crate::context::Context;
use crate::fanout::{channels, open_sockets};
use crate::poster::{self, Plan};
use crate::report::{Outcome, Progress, Recorder};
use crate::socket::{self, Socket, Trouble};
use crate::state::State;

/// Posting alone before the sockets are dropped, so that there is something to compare with.
const CALM: Duration = Duration::from_secs(3);
/// Pause of one client after a failed attempt.
const RETRY: Duration = Duration::from_millis(250);
/// One attempt; after it a client tries again.
const ATTEMPT: Duration = Duration::from_secs(10);

/// The result of `storm`.
#[derive(Debug, Serialize)]
pub struct StormReport {
    pub sockets: u32,
    /// Until the last socket had its `hello`; none when some never did.
    pub all_back_seconds: Option<f64>,
    pub back: u64,
    /// Attempts that failed and were repeated.
    pub retries: u64,
    /// Time of one client from the drop to its `hello`.
    pub reconnect: Outcome,
    pub posting_calm: Outcome,
    pub posting_storm: Outcome,
}

pub async fn run(context: &Context, state: &State, args: &Storm) -> Result<StormReport> {
    let sockets = open_sockets(context, state, args.sockets, args.auth).await?;
    // Read what arrives, or the server would rightly cut off slow readers before the storm.
    let mut readers = JoinSet::new();
    for socket in sockets {
        readers.spawn(read_on(socket));
    }
    let mut plan = Plan {
        run: rand::random(),
        clock: Instant::now(),
        rate: args.rate,
        channels: channels(state, Spread::All),
        stop: CancellationToken::new(),
    };
    let (calm, ()) = tokio::join!(poster::post(context, state, &plan), async {
        tokio::time::sleep(CALM).await;
        plan.stop.cancel();
    });
    let calm = calm?;

    plan.run = rand::random();
    plan.stop = CancellationToken::new();
    let start = Instant::now();
    let deadline = start + Duration::from_secs(args.limit.into());
    let (stormy, back) = tokio::join!(poster::post(context, state, &plan), async {
        // Aborting the readers drops their streams: closed without a close frame, as a failing network does.
        readers.shutdown().await;
        let back = return_all(context, state, args, start, deadline).await;
        plan.stop.cancel();
        back
    });
    let (stormy, back) = (stormy?, back?);
    let seconds = back.last.unwrap_or_else(|| start.elapsed()).as_secs_f64();
    Ok(StormReport {
        sockets: args.sockets,
        all_back_seconds: back.last.filter(|_| back.recorder.failures() == 0).map(|last| last.as_secs_f64()),
        back: back.recorder.latency.len(),
        retries: back.retries,
        reconnect: back.recorder.outcome("reconnect", seconds),
        posting_calm: calm.recorder.outcome("post, calm", CALM.as_secs_f64()),
        posting_storm: stormy.recorder.outcome("post, storm", seconds),
    })
}

async fn read_on(mut socket: Socket) {
    let _ = socket.listen(|_| ControlFlow::Continue(())).await;
}

struct Returned {
    recorder: Recorder,
    retries: u64,
    last: Option<Duration>,
}

async fn return_all(context: &Context, state: &State, args: &Storm, start: Instant, deadline: Instant) -> Result<Returned> {
    let (progress, _ticker) = Progress::start("reconnect");
    let mut clients = JoinSet::new();
    for n in 0..args.sockets as usize {
        let (target, token, auth) = (context.target(n).clone(), state.users[n % state.users.len()].token.clone(), args.auth);
        clients.spawn(async move {
            let mut retries = 0;
            loop {
                let attempt = tokio::time::timeout(ATTEMPT, socket::open(&target, &token, auth)).await;
                match attempt.unwrap_or(Err(Trouble::Handshake("timeout".into()))) {
                    Ok(socket) => return (retries, Ok((start.elapsed(), socket))),
                    Err(trouble) if Instant::now() > deadline => return (retries, Err(trouble)),
                    Err(_) => retries += 1,
                }
                tokio::time::sleep(RETRY).await;
            }
        });
    }
    let mut all = Returned { recorder: Recorder::new()?, retries: 0, last: None };
    let mut kept = JoinSet::new();
    while let Some(done) = clients.join_next().await {
        let (retries, outcome) = done?;
        all.retries += retries;
        progress.count(outcome.is_ok());
        match outcome {
            Ok((took, socket)) => {
                all.recorder.success(took);
                all.last = all.last.max(Some(took));
                kept.spawn(read_on(socket));
            }
            Err(trouble) => all.recorder.failure(trouble.to_string()),
        }
    }
    kept.shutdown().await;
    Ok(all)
}

impl StormReport {
    /// For people.
    pub fn text(&self) -> String {
        let all = self.all_back_seconds.map_or_else(|| "not all came back".to_owned(), |s| format!("all back after {s:.2} s"));
        format!(
            "{} sockets dropped at once: {all} ({} back, {} retries)\n{}\n{}\n{}",
            self.sockets,
            self.back,
            self.retries,
            self.reconnect.line(),
            self.posting_calm.line(),
            self.posting_storm.line()
        )
    }
}
