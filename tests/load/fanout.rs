//! Many sockets, few posts: how late, how often and in what order each post arrives.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures_util::{StreamExt, stream};
use serde::Serialize;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::args::{Auth, Fanout, Spread};
use crate::context::Context;
use crate::deliveries::{Deliveries, Summary, find_marker};
use crate::poster::{self, Plan};
use crate::process::{open_file_limit, resident_bytes};
use crate::report::Outcome;
use crate::socket::{self, Frame, Socket, Trouble};
use crate::state::State;

/// Sockets being opened at the same time; the storm is another command.
const OPENING: usize = 32;
/// Time given to the server to settle before its memory is read.
const SETTLE: Duration = Duration::from_secs(2);

/// The result of `fanout`.
#[derive(Debug, Serialize)]
pub struct FanoutReport {
    pub deliveries: Summary,
    pub posting: Outcome,
    pub memory: Option<Memory>,
}

/// Resident memory of the server's processes, in bytes.
#[derive(Debug, Serialize)]
pub struct Memory {
    pub before: u64,
    pub idle: u64,
    pub after: u64,
    /// Growth by opening the sockets, per socket, before any post.
    pub per_idle_connection: f64,
}

/// Opens `count` sockets, users and gateways in turn. All or nothing: fewer sockets would be another measurement.
pub async fn open_sockets(context: &Context, state: &State, count: u32, auth: Auth) -> Result<Vec<Socket>> {
    let limit = open_file_limit().unwrap_or(u64::MAX);
    ensure!(limit > u64::from(count) + 100, "{count} sockets need more open files than {limit}: raise it with `ulimit -n`");
    let begin = Instant::now();
    let opening = stream::iter(0..count as usize).map(|n| {
        let user = &state.users[n % state.users.len()];
        async move {
            let open = socket::open(context.target(n), &user.token, auth);
            tokio::time::timeout(context.limit, open).await.unwrap_or(Err(Trouble::Handshake("timeout".into())))
        }
    });
    let mut opening = opening.buffer_unordered(OPENING);
    let (mut sockets, mut troubles) = (Vec::with_capacity(count as usize), Vec::new());
    while let Some(outcome) = opening.next().await {
        match outcome {
            Ok(socket) => sockets.push(socket),
            Err(trouble) => troubles.push(trouble),
        }
        let tried = sockets.len() + troubles.len();
        if tried.is_multiple_of(500) {
            eprintln!("sockets {tried}/{count}  {:.1} s", begin.elapsed().as_secs_f64());
        }
    }
    ensure!(troubles.is_empty(), "{} of {count} sockets did not open; first: {}", troubles.len(), troubles[0]);
    eprintln!("sockets {count} open in {:.1} s", begin.elapsed().as_secs_f64());
    Ok(sockets)
}

/// Channels to post into.
pub fn channels(state: &State, spread: Spread) -> Vec<String> {
    match spread {
        Spread::One => state.channels[..1].to_vec(),
        Spread::All => state.channels.clone(),
    }
}

pub async fn run(context: &Context, state: &State, args: &Fanout) -> Result<FanoutReport> {
    let before = resident_bytes(&args.server_pid);
    ensure!(args.server_pid.is_empty() || before.is_some(), "the memory of process {:?} cannot be read", args.server_pid);
    let sockets = open_sockets(context, state, args.sockets, args.auth).await?;
    tokio::time::sleep(SETTLE).await;
    let idle = resident_bytes(&args.server_pid);

    let plan = Plan {
        run: rand::random(),
        clock: Instant::now(),
        rate: args.rate,
        channels: channels(state, args.channel),
        stop: CancellationToken::new(),
    };
    let deliveries = Arc::new(Mutex::new(Deliveries::new(sockets.len())?));
    let mut listeners = JoinSet::new();
    for (index, socket) in sockets.into_iter().enumerate() {
        listeners.spawn(listen(index, socket, plan.run, plan.clock, Arc::clone(&deliveries)));
    }
    let seconds = Duration::from_secs(args.seconds.into());
    let (posted, ()) = tokio::join!(poster::post(context, state, &plan), async {
        watch(seconds, &deliveries).await;
        plan.stop.cancel();
    });
    let posted = posted?;
    drain(Duration::from_secs(args.drain.into()), &deliveries, &posted.acknowledged).await;

    let after = resident_bytes(&args.server_pid);
    let memory = before.zip(idle).zip(after).map(|((before, idle), after)| Memory {
        before,
        idle,
        after,
        per_idle_connection: idle.saturating_sub(before) as f64 / f64::from(args.sockets),
    });
    let summary = locked(&deliveries).summary(&posted.acknowledged);
    listeners.shutdown().await;
    Ok(FanoutReport { deliveries: summary, posting: posted.recorder.outcome("post", seconds.as_secs_f64()), memory })
}

/// A listener that panicked has told so already; the figures of the others stand.
fn locked(deliveries: &Mutex<Deliveries>) -> std::sync::MutexGuard<'_, Deliveries> {
    deliveries.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn listen(index: usize, mut socket: Socket, run: u32, clock: Instant, deliveries: Arc<Mutex<Deliveries>>) {
    let end = socket.listen(|text| {
        let now_ns = u64::try_from(clock.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let frame = Frame::read(text);
        let marker = if frame.event == "posted" { find_marker(text, run) } else { None };
        let mut all = locked(&deliveries);
        if let Some(seq) = frame.seq {
            all.event(index, seq);
        }
        if let Some((post, sent_ns)) = marker {
            all.delivered(index, post, sent_ns, now_ns);
        }
        ControlFlow::Continue(())
    });
    let _ = end.await;
    locked(&deliveries).dropped();
}

async fn watch(length: Duration, deliveries: &Mutex<Deliveries>) {
    let end = Instant::now() + length;
    let mut before = 0;
    while Instant::now() < end {
        tokio::time::sleep(Duration::from_secs(1).min(end - Instant::now())).await;
        let count = locked(deliveries).count();
        eprintln!("deliveries {count}  {}/s", count - before);
        before = count;
    }
}

/// Waits until nothing is missing, or for `longest`; a moment more shows duplicates that come late.
async fn drain(longest: Duration, deliveries: &Mutex<Deliveries>, acknowledged: &BTreeSet<usize>) {
    let end = Instant::now() + longest;
    while Instant::now() < end && locked(deliveries).missing(acknowledged) > 0 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
}

impl FanoutReport {
    /// For people.
    pub fn text(&self) -> String {
        let d = &self.deliveries;
        let mut text = format!(
            "{} sockets, {} posts, {} deliveries: p50 {:.2}  p99 {:.2}  max {:.2} ms; last delivery median {:.2}, max {:.2} ms\n\
             lost {}  duplicated {}  out of sequence {}  dropped sockets {}\n{}",
            d.sockets,
            d.posts,
            d.delivered,
            d.p50_ms,
            d.p99_ms,
            d.max_ms,
            d.last_delivery_median_ms,
            d.last_delivery_max_ms,
            d.lost,
            d.duplicated,
            d.seq_gaps,
            d.dropped_sockets,
            self.posting.line(),
        );
        if let Some(m) = &self.memory {
            let mb = |bytes: u64| bytes as f64 / 1e6;
            text.push_str(&format!(
                "\nserver memory {:.1} MB, with idle sockets {:.1} MB ({:.1} kB per connection), after the posts {:.1} MB",
                mb(m.before),
                mb(m.idle),
                m.per_idle_connection / 1000.0,
                mb(m.after)
            ));
        }
        text
    }
}
