//! The teams service: teams, channels, and who is in them. It owns their structure; what moves when a message is
//! posted belongs to posts, and accounts to identity.

mod access;
mod channel_directory;
mod channel_members;
mod channels;
mod effects;
mod events;
mod people;
mod statistics;
mod system_posts;
mod team_members;
mod teams;
mod writer;

use effects::Effects;
use muster_events::{Bus, OUTBOX_MIGRATION, Outbox};
use muster_proto::teams::{
    access_server::AccessServer, channel_directory_server::ChannelDirectoryServer, channel_members_server::ChannelMembersServer,
    channels_server::ChannelsServer, statistics_server::StatisticsServer, team_members_server::TeamMembersServer,
    teams_server::TeamsServer,
};
use muster_runtime::{
    ConfigFeed, Peer, ProcessConfig,
    config::{ConfigError, Role},
    health::Readiness,
    peers::MESSAGE_MAX,
    postgres::{self, MigrationFile},
};
use people::People;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use writer::Writer;

const MIGRATIONS: &[MigrationFile] = &[
    OUTBOX_MIGRATION,
    (2, "teams", include_str!("../migrations/0002_teams.sql")),
    (3, "effects", include_str!("../migrations/0003_effects.sql")),
    (4, "member_count", include_str!("../migrations/0004_member_count.sql")),
];

/// Every statement here has an index, but plans made while the tables are young would read them whole, and be kept.
const PLANNER: &[(&str, &str)] = &[("enable_seqscan", "off"), ("jit", "off")];

/// What the service is started with.
pub struct Deps {
    pub config: Arc<ProcessConfig>,
    pub feed: ConfigFeed,
    pub bus: Bus,
    pub readiness: Readiness,
    pub stop: CancellationToken,
    /// Accounts, asked directly.
    pub identity: Peer,
    /// Told of changes through the effects outbox only.
    pub posts: Peer,
    /// As posts.
    pub files: Peer,
}

/// Migrates the schema, starts background tasks (ended by `stop`) and returns the gRPC services.
pub async fn start(deps: Deps) -> Result<Routes, ConfigError> {
    let pool =
        postgres::connect_with(&deps.config.database_url(Role::Teams)?, "teams", deps.config.database_connections, MIGRATIONS, PLANNER)
            .await?;
    let outbox = Outbox::start(pool.clone(), deps.bus.clone(), deps.stop.clone());
    let told = (deps.identity.clone(), deps.posts, deps.files);
    let effects = Effects::start(pool.clone(), told, deps.config.database_connections, deps.stop.clone());
    let people = People::new(deps.identity);
    let writer = Writer::new(pool.clone(), outbox, effects);
    deps.readiness.set("teams", true);

    macro_rules! sized {
        ($server:ident, $service:expr) => {
            $server::new($service).max_decoding_message_size(MESSAGE_MAX).max_encoding_message_size(MESSAGE_MAX)
        };
    }
    let mut routes = Routes::builder();
    routes
        .add_service(sized!(StatisticsServer, statistics::Statistics { pool: pool.clone() }))
        .add_service(sized!(AccessServer, access::Access { pool: pool.clone() }))
        .add_service(sized!(TeamsServer, teams::Teams { writer: writer.clone(), people: people.clone(), feed: deps.feed.clone() }))
        .add_service(sized!(
            TeamMembersServer,
            team_members::TeamMembers { writer: writer.clone(), people: people.clone(), feed: deps.feed.clone() }
        ))
        .add_service(sized!(ChannelsServer, channels::Channels { writer: writer.clone(), people: people.clone(), feed: deps.feed.clone() }))
        .add_service(sized!(ChannelDirectoryServer, channel_directory::ChannelDirectory { pool, people: people.clone() }))
        .add_service(sized!(ChannelMembersServer, channel_members::ChannelMembers { writer, people, feed: deps.feed }));
    Ok(routes.routes())
}
