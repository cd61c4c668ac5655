//! The measurements of docs/benchmarks.md, one after the other.

use anyhow::Result;
use serde::Serialize;

use crate::args::{Auth, Bench, Fanout, OpArgs, Spread};
use crate::context::Context;
use crate::fanout::{self, FanoutReport};
use crate::ops::{self, Op};
use crate::report::Outcome;
use crate::state::State;

/// The result of `bench`.
#[derive(Debug, Serialize)]
pub struct BenchReport {
    pub concurrency: u16,
    pub operations: Vec<Outcome>,
    pub fanout: FanoutReport,
}

pub async fn run(context: &Context, state: &State, args: &Bench) -> Result<BenchReport> {
    let mut operations = Vec::new();
    let set = [
        (Op::CreatePost, "create post, all channels", args.concurrency, None),
        (Op::CreatePost, "create post, one channel", args.concurrency, Some(1)),
        (Op::CreatePost, "create post, alone", 1, None),
        (Op::Page60, "page of 60 posts", args.concurrency, None),
        (Op::Me, "/users/me", args.concurrency, None),
        (Op::MyChannels, "my channels", args.concurrency, None),
        (Op::MixedRead, "mixed reads", args.concurrency, None),
    ];
    for (op, name, concurrency, channels) in set {
        let one = OpArgs { op, concurrency, seconds: args.seconds, warmup: 2, channels, max_requests: u64::MAX };
        let mut outcome = ops::run(context, state, &one).await?;
        name.clone_into(&mut outcome.name);
        eprintln!("{}", outcome.line());
        operations.push(outcome);
    }
    let fan = Fanout {
        sockets: args.sockets,
        rate: 5.0,
        seconds: args.seconds.max(10),
        channel: Spread::One,
        auth: Auth::Bearer,
        drain: 10,
        server_pid: args.server_pid.clone(),
    };
    let fanout = fanout::run(context, state, &fan).await?;
    Ok(BenchReport { concurrency: args.concurrency, operations, fanout })
}

impl BenchReport {
    /// Tables for docs/benchmarks.md.
    pub fn markdown(&self) -> String {
        let mut text = format!(
            "| Operation ({} concurrent unless alone) | per second | p50 ms | p90 ms | p99 ms | max ms | failed |\n|---|---|---|---|---|---|---|\n",
            self.concurrency
        );
        for o in &self.operations {
            text.push_str(&format!(
                "| {} | {:.0} | {:.2} | {:.2} | {:.2} | {:.1} | {} |\n",
                o.name,
                o.rate,
                o.p50_ms,
                o.p90_ms,
                o.p99_ms,
                o.max_ms,
                o.failures()
            ));
        }
        let d = &self.fanout.deliveries;
        let memory = self.fanout.memory.as_ref().map_or_else(|| "–".to_owned(), |m| format!("{:.1}", m.per_idle_connection / 1000.0));
        text.push_str(&format!(
            "\n| Fan-out | posts | p50 ms | p99 ms | max ms | last delivery, median ms | lost | duplicated | out of sequence | kB per idle connection |\n\
             |---|---|---|---|---|---|---|---|---|---|\n\
             | {} sockets, one channel, 5 posts/s | {} | {:.2} | {:.2} | {:.1} | {:.2} | {} | {} | {} | {memory} |",
            d.sockets, d.posts, d.p50_ms, d.p99_ms, d.max_ms, d.last_delivery_median_ms, d.lost, d.duplicated, d.seq_gaps
        ));
        text
    }
}
