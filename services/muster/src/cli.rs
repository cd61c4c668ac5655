//! The command line.

mod channels;
mod connect;
mod output;
mod teams;
mod users;

use crate::process;
use anyhow::{Context, bail};
use clap::{Args, Parser, Subcommand};
use connect::Connected;
use muster_runtime::config::{Role, setting};
use output::Output;
use std::process::ExitCode;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const ENVIRONMENT: &str = "\
Environment (a secret may also be read from the file named by VARIABLE_FILE):
  MUSTER_DATABASE_URL       PostgreSQL, such as postgres://user:password@localhost:5432/muster
                            (one service elsewhere: MUSTER_<SERVICE>_DATABASE_URL)
  MUSTER_REDIS_URL          Redis, such as redis://localhost:6379
  MUSTER_NATS_URL           NATS, such as nats://localhost:4222
  MUSTER_CLUSTER_SECRET     shared by all processes of a cluster, at least 16 characters
  MUSTER_HTTP_ADDR          where clients connect (gateway, all)        [0.0.0.0:8065]
  MUSTER_GRPC_ADDR          where other processes connect (services)    [0.0.0.0:9000]
  MUSTER_MANAGEMENT_ADDR    /healthz, /readyz, /metrics                 [0.0.0.0:9100]
  MUSTER_IDENTITY_URL, MUSTER_TEAMS_URL, MUSTER_POSTS_URL, MUSTER_FILES_URL, MUSTER_JOBS_URL
                            gRPC addresses of the services, such as http://10.0.0.5:9000,http://10.0.0.6:9000
                            (every role but all)
  MUSTER_ADVERTISE_ADDR     this process as shown in /cluster/status    [hostname:port]
  MUSTER_DATA_DIR           uploaded files, unless they go to S3        [./data]
  MUSTER_OBJECT_STORE       local, or s3 with MUSTER_S3_BUCKET, _REGION, _ENDPOINT,
                            _ACCESS_KEY_ID, _SECRET_ACCESS_KEY, _VIRTUAL_HOST
  MUSTER_CLIENT_DIR         a Mattermost web client to serve            [./client]
  MUSTER_LOG                log filter                                  [info]
  MUSTER_LOG_FORMAT         text or json                                [text]
  MUSTER_OTLP_ENDPOINT      send traces there (OTLP over gRPC)          [off]
  MUSTER_SHUTDOWN_GRACE_SECONDS                                         [20]
  MUSTER_DATABASE_CONNECTIONS  per service                              [16]
  MUSTER_BCRYPT_COST        work factor of password hashes              [10]
Product settings: Mattermost's configuration tree, in the database; MM_<SECTION>_<SETTING> overrides one,
such as MM_TEAMSETTINGS_ENABLEOPENSERVER=true.";

/// Muster: an open, clustered team-chat server that Mattermost clients use unchanged.
#[derive(Parser)]
#[command(version, after_help = ENVIRONMENT)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Serve clients: HTTP /api/v4 and the WebSocket
    Gateway,
    /// Users, sessions, roles, preferences, statuses
    Identity,
    /// Teams, channels and their members
    Teams,
    /// Posts, threads, reactions, read states
    Posts,
    /// Uploads, previews, profile pictures
    Files,
    /// Background jobs, the configuration, the registry of processes
    Jobs,
    /// Everything in one process
    All,
    /// Ask the process on this machine whether it is ready (for container health checks)
    Health,
    /// Manage accounts
    #[command(after_help = OPERATORS)]
    User(Manage<users::UserCommand>),
    /// Manage teams
    #[command(after_help = OPERATORS)]
    Team(Manage<teams::TeamCommand>),
    /// Manage channels
    #[command(after_help = OPERATORS)]
    Channel(Manage<channels::ChannelCommand>),
}

/// A command for operators.
#[derive(Args)]
pub struct Manage<C: Subcommand> {
    #[command(subcommand)]
    command: C,
    #[command(flatten)]
    output: Output,
}

const OPERATORS: &str = "\
Works through running services when MUSTER_IDENTITY_URL, MUSTER_TEAMS_URL and MUSTER_CLUSTER_SECRET are set, else on the
database itself: then it needs MUSTER_DATABASE_URL, MUSTER_REDIS_URL, MUSTER_NATS_URL and MUSTER_CLUSTER_SECRET, as the
server does. Either is safe while the server runs. What is done shows in the audits under the command's name.
Exit status: 0 done, 1 refused or failed (the reason is on standard error), 2 wrong usage.";

macro_rules! managed {
    ($manage:expr) => {{
        let Manage { command, output } = $manage;
        let outcome = async {
            let muster = Connected::open(command.name()).await?;
            let outcome = command.run(&muster, output).await;
            muster.close().await;
            outcome
        };
        return match outcome.await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                output.failure(&error);
                ExitCode::FAILURE
            }
        };
    }};
}

impl Command {
    pub async fn run(self) -> ExitCode {
        let role = match self {
            Command::Gateway => Role::Gateway,
            Command::Identity => Role::Identity,
            Command::Teams => Role::Teams,
            Command::Posts => Role::Posts,
            Command::Files => Role::Files,
            Command::Jobs => Role::Jobs,
            Command::All => Role::All,
            Command::Health => return ended(health().await),
            Command::User(manage) => managed!(manage),
            Command::Team(manage) => managed!(manage),
            Command::Channel(manage) => managed!(manage),
        };
        ended(process::run(role).await)
    }
}

fn ended(outcome: anyhow::Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("muster: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Succeeds when `/readyz` of the local management listener answers 200.
async fn health() -> anyhow::Result<()> {
    let address = setting("MUSTER_MANAGEMENT_ADDR")?.unwrap_or_else(|| "0.0.0.0:9100".into()).replace("0.0.0.0", "127.0.0.1");
    let mut stream = TcpStream::connect(&address).await.with_context(|| format!("nothing listens on {address}"))?;
    stream.write_all(b"GET /readyz HTTP/1.0\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    if !answer.starts_with("HTTP/1.0 200") && !answer.starts_with("HTTP/1.1 200") {
        bail!("not ready: {}", answer.lines().last().unwrap_or_default());
    }
    println!("ready");
    Ok(())
}
