//! Marked posts at a steady rate, while something else is measured.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::deliveries::marker;
use crate::http::{Call, Connection};
use crate::report::Recorder;
use crate::state::{Person, State};

/// Posts per second one connection is asked for; more means more connections.
const RATE_PER_CONNECTION: f64 = 25.0;

/// How to post.
#[derive(Clone)]
pub struct Plan {
    pub run: u32,
    /// Zero of the times inside the markers.
    pub clock: Instant,
    /// Posts per second, all connections together.
    pub rate: f64,
    pub channels: Vec<String>,
    pub stop: CancellationToken,
}

/// What was acknowledged (numbers of posts) and how long that took.
pub struct Posted {
    pub acknowledged: BTreeSet<usize>,
    pub recorder: Recorder,
}

/// Posts until `plan.stop`. A post on the way at that moment is waited for.
pub async fn post(context: &Context, state: &State, plan: &Plan) -> Result<Posted> {
    let connections = ((plan.rate / RATE_PER_CONNECTION).ceil() as usize).clamp(1, 64);
    let pause = Duration::from_secs_f64(connections as f64 / plan.rate.clamp(0.01, 100_000.0));
    let numbers = Arc::new(AtomicUsize::new(0));
    let mut posters = JoinSet::new();
    for n in 0..connections {
        let mut poster = Poster {
            plan: plan.clone(),
            numbers: Arc::clone(&numbers),
            connection: context.connection(n),
            author: state.users[n % state.users.len()].clone(),
            posted: Posted { acknowledged: BTreeSet::new(), recorder: Recorder::new()? },
        };
        // Spread the starts, so that the posts are evenly apart.
        let offset = pause.mul_f64(n as f64 / connections as f64);
        posters.spawn(async move {
            poster.work(offset, pause).await;
            poster.posted
        });
    }
    let mut all = Posted { acknowledged: BTreeSet::new(), recorder: Recorder::new()? };
    while let Some(done) = posters.join_next().await {
        let mut done = done?;
        all.acknowledged.append(&mut done.acknowledged);
        all.recorder.merge(&done.recorder)?;
    }
    Ok(all)
}

struct Poster {
    plan: Plan,
    numbers: Arc<AtomicUsize>,
    connection: Connection,
    author: Person,
    posted: Posted,
}

impl Poster {
    async fn work(&mut self, offset: Duration, pause: Duration) {
        let mut every = tokio::time::interval_at(tokio::time::Instant::now() + offset, pause);
        // After a stall the missed posts are sent at once: a slow server gets no discount.
        every.set_missed_tick_behavior(MissedTickBehavior::Burst);
        loop {
            tokio::select! {
                biased;
                () = self.plan.stop.cancelled() => return,
                _ = every.tick() => self.send().await,
            }
        }
    }

    async fn send(&mut self) {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let start = Instant::now();
        let sent_ns = u64::try_from((start - self.plan.clock).as_nanos()).unwrap_or(u64::MAX);
        let call = Call::post(
            "/api/v4/posts".into(),
            &json!({
                "channel_id": self.plan.channels[number % self.plan.channels.len()],
                "message": marker(self.plan.run, number, sent_ns),
                "pending_post_id": format!("{}:{:08x}{number}", self.author.id, self.plan.run),
            }),
            201,
        );
        match self.connection.status(&call, Some(&self.author.token)).await {
            Ok(201) => {
                self.posted.acknowledged.insert(number);
                self.posted.recorder.success(start.elapsed());
            }
            Ok(status) => self.posted.recorder.failure(format!("post: status {status}")),
            Err(failure) => self.posted.recorder.failure(format!("post: {failure}")),
        }
    }
}
