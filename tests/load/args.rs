//! The command line. Every amount has an upper bound, so that a slip of the hand stays a slip.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::ops::Op;

/// Load generator for any server that speaks API v4.
///
/// Start with `seed`; it makes users, a team, channels and history and remembers them in a state file that the other commands read.
#[derive(Parser, Debug)]
#[command(name = "muster-load", version)]
pub struct Cli {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Args, Debug, Clone)]
pub struct Common {
    /// Base URL of a gateway; repeat it for several, they are used in turn.
    #[arg(long, global = true, default_values_t = [String::from("http://localhost:8065")])]
    pub url: Vec<String>,
    /// Where `seed` writes and the others read ids and tokens (file mode 0600).
    #[arg(long, global = true, default_value = "target/load-state.json")]
    pub state: PathBuf,
    /// Print the result as JSON on standard output.
    #[arg(long, global = true)]
    pub json: bool,
    /// Exit with 1 when a larger share of requests (or deliveries) failed.
    #[arg(long, global = true, default_value_t = 0.001)]
    pub max_error_rate: f64,
    /// Needed to aim at anything but this machine.
    #[arg(long, global = true)]
    pub i_own_this_server: bool,
    /// Threads of the generator; 1 leaves the other cores to the server.
    #[arg(long, global = true, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub threads: u16,
    /// Seconds after which one request counts as failed.
    #[arg(long, global = true, default_value_t = 15, value_parser = clap::value_parser!(u16).range(1..=120))]
    pub timeout: u16,
}

#[derive(Subcommand, Debug)]
pub enum Command {
    /// Make (or find again) users, one team, channels, memberships and history.
    Seed(Seed),
    /// Write a long history in many languages straight into the database of a running Muster, and wait until it is indexed.
    History(History),
    /// One operation at a fixed concurrency.
    Op(OpArgs),
    /// Many WebSockets, few posts: delivery latency, losses, duplicates, order.
    Fanout(Fanout),
    /// People who read, scroll, post and search with pauses in between.
    Users(Users),
    /// Drop every WebSocket at once and time their return while posting goes on.
    Storm(Storm),
    /// Many logins at once, and what people who are signed in notice of them.
    Logins(Logins),
    /// Lists, search and autocompletion with very many users (writes rows into the database), as a Markdown table.
    UserLists(UserLists),
    /// Very large teams and channels against small ones (writes rows into the database), as Markdown tables.
    Scale(Scale),
    /// The set behind docs/benchmarks.md, as a Markdown table.
    Bench(Bench),
}

/// Who sets up what is measured.
#[derive(Args, Debug, Clone)]
pub struct Admin {
    #[arg(long, default_value = "loadadmin")]
    pub admin_login: String,
    /// Used to log in; `seed` signs the first user up with it when there is none.
    #[arg(long, default_value = "muster-load-1", env = "MUSTER_LOAD_ADMIN_PASSWORD", hide_env_values = true)]
    pub admin_password: String,
}

#[derive(Args, Debug)]
pub struct Seed {
    #[command(flatten)]
    pub admin: Admin,
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub users: u32,
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=2_000))]
    pub channels: u32,
    /// Posts of history, spread evenly over the channels.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(0..=2_000_000))]
    pub posts: u32,
    #[arg(long, default_value = "load")]
    pub team: String,
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub concurrency: u16,
}

#[derive(Args, Debug)]
pub struct History {
    #[arg(long, default_value_t = 2_000_000, value_parser = clap::value_parser!(u32).range(1..=20_000_000))]
    pub posts: u32,
    /// The database of the posts service.
    #[arg(long, env = "MUSTER_DATABASE_URL", hide_env_values = true)]
    pub database_url: String,
}

#[derive(Args, Debug, Clone)]
pub struct OpArgs {
    #[arg(long, value_enum)]
    pub op: Op,
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub concurrency: u16,
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=3600))]
    pub seconds: u16,
    /// Seconds run before anything is recorded.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(0..=60))]
    pub warmup: u16,
    /// Use only the first N channels (all when absent).
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=2_000))]
    pub channels: Option<u32>,
    /// Stop after this many requests even if time is left.
    #[arg(long, default_value_t = 50_000_000)]
    pub max_requests: u64,
}

#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// `Authorization: Bearer` at the handshake, as apps do.
    Bearer,
    /// `authentication_challenge` as the first frame, as drivers do.
    Challenge,
}

#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spread {
    /// Every post into the first channel.
    One,
    /// Posts go round all channels.
    All,
}

#[derive(Args, Debug, Clone)]
pub struct Fanout {
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=50_000))]
    pub sockets: u32,
    /// Posts per second.
    #[arg(long, default_value_t = 5.0)]
    pub rate: f64,
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=3600))]
    pub seconds: u16,
    #[arg(long, value_enum, default_value = "one")]
    pub channel: Spread,
    #[arg(long, value_enum, default_value = "bearer")]
    pub auth: Auth,
    /// Longest wait for stragglers after the last post, in seconds.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=120))]
    pub drain: u16,
    /// Process of the server, for its memory before and after; repeat it for several.
    #[arg(long)]
    pub server_pid: Vec<u32>,
}

#[derive(Args, Debug, Clone)]
pub struct Users {
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub users: u32,
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub seconds: u32,
    /// 1 = a mean pause of 20 seconds; 4 = people four times as busy.
    #[arg(long, default_value_t = 1.0)]
    pub rate: f64,
}

#[derive(Args, Debug, Clone)]
pub struct Storm {
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=50_000))]
    pub sockets: u32,
    /// Posts per second while it goes on.
    #[arg(long, default_value_t = 20.0)]
    pub rate: f64,
    /// Give up after this many seconds.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u16).range(1..=600))]
    pub limit: u16,
    #[arg(long, value_enum, default_value = "bearer")]
    pub auth: Auth,
}

#[derive(Args, Debug, Clone)]
pub struct Logins {
    /// Logins under way at any moment.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=2_000))]
    pub concurrency: u16,
    /// People who are signed in and read their own account meanwhile.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub readers: u16,
    /// Their requests per second, all together.
    #[arg(long, default_value_t = 200.0)]
    pub rate: f64,
    /// Of each of the two phases, without and with logins.
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u16).range(1..=600))]
    pub seconds: u16,
}

#[derive(Args, Debug, Clone)]
pub struct UserLists {
    /// The server's database, into which users are written. Only for a server under test.
    #[arg(long, env = "MUSTER_DATABASE_URL", hide_env_values = true)]
    pub database_url: String,
    #[command(flatten)]
    pub admin: Admin,
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub users: u32,
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub concurrency: u16,
    /// Of each question.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=600))]
    pub seconds: u16,
}

#[derive(Args, Debug, Clone)]
pub struct Scale {
    /// The server's database, into which users and members are written. Only for a server under test.
    #[arg(long, env = "MUSTER_DATABASE_URL", hide_env_values = true)]
    pub database_url: String,
    #[command(flatten)]
    pub admin: Admin,
    /// Members of the team; half of them are in its large channel.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    pub users: u32,
    /// Channels created through the API.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub channels: u32,
    /// Members added through the API.
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub added: u32,
    /// Of each operation.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=600))]
    pub seconds: u16,
}

#[derive(Args, Debug, Clone)]
pub struct Bench {
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=600))]
    pub seconds: u16,
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub concurrency: u16,
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=50_000))]
    pub sockets: u32,
    #[arg(long)]
    pub server_pid: Vec<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_commands_parse() {
        for line in [
            "muster-load seed --users 200 --channels 20 --posts 10",
            "muster-load --url http://127.0.0.1:1 --url http://127.0.0.1:2 op --op page-60 --concurrency 32 --seconds 10",
            "muster-load op --op create-post --channels 1 --json",
            "muster-load fanout --sockets 1000 --rate 5 --seconds 20 --channel one --server-pid 1",
            "muster-load users --users 200 --seconds 60 --rate 1.0",
            "muster-load storm --sockets 2000",
            "muster-load logins --concurrency 50 --seconds 15",
            "muster-load user-lists --database-url postgres://localhost/muster --users 100000",
            "muster-load bench",
        ] {
            assert!(Cli::try_parse_from(line.split(' ')).is_ok(), "{line}");
        }
    }

    #[test]
    fn amounts_beyond_their_bound_are_refused() {
        for line in
            ["muster-load op --op me --seconds 99999", "muster-load op --op me --concurrency 0", "muster-load fanout --sockets 60000"]
        {
            assert!(Cli::try_parse_from(line.split(' ')).is_err(), "{line}");
        }
    }
}
