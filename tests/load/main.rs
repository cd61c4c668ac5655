//! `muster-load`: load for a server that speaks API v4, and figures about how it bore it.
//!
//! It shares the machine with the server, so it is frugal: keep-alive connections without a pool, no decoding of answers on the measured
//! paths, small WebSocket buffers, one thread unless told otherwise.

mod actor;
mod api;
mod args;
mod bench;
mod context;
mod corpus;
mod deliveries;
mod fanout;
mod history;
mod http;
mod logins;
mod ops;
mod poster;
mod process;
mod report;
mod scale;
mod seed;
mod socket;
mod state;
mod storm;
mod target;
mod userlists;
mod users;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::Parser;
use serde::Serialize;

use crate::args::{Cli, Command};
use crate::context::Context;
use crate::report::error_rate;
use crate::state::State;

/// How long a thread with many sockets lets frames gather before it reads them; latencies include it.
const GATHERING: Duration = Duration::from_millis(1);

fn main() -> ExitCode {
    let cli = Cli::parse();
    match start(&cli) {
        Ok(failed) if failed <= cli.common.max_error_rate => ExitCode::SUCCESS,
        Ok(failed) => {
            eprintln!("too many failures: {:.3} % (allowed {:.3} %)", failed * 100.0, cli.common.max_error_rate * 100.0);
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("muster-load: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(cli: &Cli) -> Result<f64> {
    let mut builder = match cli.common.threads {
        1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    if cli.common.threads > 1 {
        builder.worker_threads(cli.common.threads.into());
    }
    if matches!(cli.command, Command::Fanout(_) | Command::Storm(_)) {
        // Everything that is there is read at once: a wake-up per frame would cost the server's core as much as sending it.
        builder.on_thread_park(gather);
    }
    builder.enable_all().build()?.block_on(run(cli))
}

#[expect(clippy::disallowed_methods, reason = "the thread has nothing else to do")]
fn gather() {
    std::thread::sleep(GATHERING);
}

/// Runs the command, prints its result and returns the share of failures.
async fn run(cli: &Cli) -> Result<f64> {
    let context = Context::new(&cli.common)?;
    if let Command::Seed(args) = &cli.command {
        let state = seed::run(&context, args).await?;
        state.save(&cli.common.state)?;
        let text = format!("{} users in {} channels; state in {}", state.users.len(), state.channels.len(), cli.common.state.display());
        // The state holds tokens: it is written to its file only.
        print(cli, &serde_json::json!({ "users": state.users.len(), "channels": state.channels.len() }), text)?;
        return Ok(0.0);
    }
    let state = State::load(&cli.common.state)?;
    match &cli.command {
        Command::Seed(_) => Ok(0.0),
        Command::History(args) => {
            history::run(&state, args).await?;
            print(cli, &serde_json::json!({ "posts": args.posts }), format!("{} posts of history", args.posts))?;
            Ok(0.0)
        }
        Command::Op(args) => {
            let outcome = ops::run(&context, &state, args).await?;
            print(cli, &outcome, outcome.line())?;
            Ok(error_rate(outcome.requests, outcome.failures()))
        }
        Command::Fanout(args) => {
            let report = fanout::run(&context, &state, args).await?;
            print(cli, &report, report.text())?;
            Ok(fanout_rate(&report))
        }
        Command::Users(args) => {
            let report = users::run(&context, &state, args).await?;
            print(cli, &report, report.text())?;
            let (good, bad) = report.actions.iter().fold((0, 0), |(good, bad), a| (good + a.requests, bad + a.failures()));
            Ok(error_rate(good, bad + report.dropped_sockets))
        }
        Command::Storm(args) => {
            let report = storm::run(&context, &state, args).await?;
            print(cli, &report, report.text())?;
            let good = report.back + report.posting_calm.requests + report.posting_storm.requests;
            let bad = report.reconnect.failures() + report.posting_calm.failures() + report.posting_storm.failures();
            Ok(error_rate(good, bad))
        }
        Command::Logins(args) => {
            let report = logins::run(&context, &state, args).await?;
            print(cli, &report, report.text())?;
            let good = report.me_calm.requests + report.me_storm.requests + report.logins.requests;
            Ok(error_rate(good, report.me_calm.failures() + report.me_storm.failures() + report.logins.failures()))
        }
        Command::UserLists(args) => {
            let report = userlists::run(&context, &state, args).await?;
            print(cli, &report, report.text())?;
            let (good, bad) = report.questions.iter().fold((0, 0), |(good, bad), o| (good + o.requests, bad + o.failures()));
            Ok(error_rate(good, bad))
        }
        Command::Scale(args) => {
            let report = scale::run(&context, &state, args).await?;
            print(cli, &report, report.text())?;
            let all = report.operations.iter().flat_map(|(small, large)| [small, large]);
            let (good, bad) = all.fold((0, 0), |(good, bad), o| (good + o.requests, bad + o.failures()));
            Ok(error_rate(good, bad))
        }
        Command::Bench(args) => {
            let report = bench::run(&context, &state, args).await?;
            print(cli, &report, report.markdown())?;
            let worst = report.operations.iter().map(|o| error_rate(o.requests, o.failures())).fold(fanout_rate(&report.fanout), f64::max);
            Ok(worst)
        }
    }
}

fn fanout_rate(report: &fanout::FanoutReport) -> f64 {
    error_rate(report.deliveries.delivered, report.deliveries.faults() + report.posting.failures())
}

fn print(cli: &Cli, result: &impl Serialize, text: String) -> Result<()> {
    if cli.common.json {
        println!("{}", serde_json::to_string_pretty(result)?);
    } else {
        println!("{text}");
    }
    Ok(())
}
