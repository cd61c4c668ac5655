//! The posts service: messages, threads, reactions, and what moves when they are written and read.

mod actions;
mod activity;
mod calls;
mod compose;
mod draft;
mod effects;
mod emojis;
mod import;
mod links;
mod mentions;
mod notices;
mod notify;
mod posts;
mod reactions;
mod search;
mod statistics;
mod writer;

use calls::Calls;
use compose::Composer;
use mentions::Directory;
use muster_domain::time::{DAY_MS, now_ms};
use muster_error::AppError;
use muster_events::{Bus, OUTBOX_MIGRATION, Outbox};
use muster_proto::posts::{
    actions_server::ActionsServer, activity_server::ActivityServer, effects_server::EffectsServer, emojis_server::EmojisServer,
    imports_server::ImportsServer, links_server::LinksServer, notifications_server::NotificationsServer, posts_server::PostsServer,
    reactions_server::ReactionsServer, search_server::SearchServer, statistics_server::StatisticsServer,
};
use muster_runtime::{
    ConfigFeed, Peer, ProcessConfig,
    config::{ConfigError, Role},
    gather::Gather,
    health::Readiness,
    outbound::Outbound,
    peers::MESSAGE_MAX,
    postgres::{self, MigrationFile},
};
use notices::Notices;
use sqlx::PgPool;
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use writer::Writer;

const MIGRATIONS: &[MigrationFile] = &[
    OUTBOX_MIGRATION,
    (2, "posts", include_str!("../migrations/0002_posts.sql")),
    (3, "activity", include_str!("../migrations/0003_activity.sql")),
    (4, "reactions", include_str!("../migrations/0004_reactions.sql")),
    (5, "search", include_str!("../migrations/0005_search.sql")),
    (6, "emoji", include_str!("../migrations/0006_emoji.sql")),
    (7, "notify", include_str!("../migrations/0007_notify.sql")),
];

/// Every statement here has an index, but plans made while the tables are young would read them whole, and be kept.
const PLANNER: &[(&str, &str)] = &[("enable_seqscan", "off"), ("jit", "off")];

/// How long a `pending_post_id` is remembered, ms.
const KEYS_KEPT_MS: i64 = DAY_MS;
/// How long an effect of another service is remembered, ms: longer than an outage during which it is retried.
const EFFECTS_KEPT_MS: i64 = 14 * DAY_MS;
const SWEEP_EVERY: Duration = Duration::from_secs(600);

/// What the service is made of.
pub struct Deps {
    pub config: Arc<ProcessConfig>,
    pub feed: ConfigFeed,
    pub bus: Bus,
    pub readiness: Readiness,
    pub stop: CancellationToken,
    pub identity: Peer,
    pub teams: Peer,
    pub files: Peer,
}

/// Migrates the schema, starts background tasks (ended by `stop`, the writers once everything queued is written) and
/// returns the gRPC services.
pub async fn start(deps: Deps) -> Result<Routes, ConfigError> {
    let Deps { config, feed, bus, readiness, stop, identity, teams, files } = deps;
    let pool =
        postgres::connect_with(&config.database_url(Role::Posts)?, "posts", config.database_connections, MIGRATIONS, PLANNER).await?;
    let outbox = Outbox::start(pool.clone(), bus.clone(), stop.clone());
    let failed = |error: AppError| ConfigError(format!("listening to invalidations: {error}"));
    let directory = Directory::start(&bus, identity.clone(), teams.clone(), stop.clone()).await.map_err(failed)?;
    let calls = Calls::start(pool.clone(), identity.clone(), files, stop.clone());
    let search = search::Search { pool: pool.clone(), identity: identity.clone(), teams: teams.clone() };
    let outbound = Outbound::new(feed.clone())?;
    let links = links::Links::new(outbound.clone());
    let composer = Composer { pool: pool.clone(), feed, directory, identity, teams };
    let writer = Writer::start(&pool, &outbox);
    let notices = Notices::start(composer.clone(), writer.clone(), outbox.clone());
    tokio::spawn(search::indexer::run(pool.clone(), stop.clone()));
    let waker = notify::Waker::start(bus, stop.clone());
    tokio::spawn(sweep(pool.clone(), stop.clone()));
    let reader = pool.clone();
    let versions = Gather::start(&stop, move |ids: Vec<String>| {
        let pool = reader.clone();
        async move { posts::channel_versions(&pool, &ids).await }
    });

    let mut routes = Routes::builder();
    let effects = effects::Effects { pool: pool.clone(), composer: composer.clone(), writer: writer.clone() };
    let activity = activity::Activity { pool: pool.clone(), outbox: outbox.clone() };
    let reactions = reactions::Reactions { pool: pool.clone(), outbox: outbox.clone() };
    let imports = import::Imports { pool: pool.clone() };
    let statistics = statistics::Statistics { pool: pool.clone() };
    let emojis = emojis::Emojis { pool: pool.clone(), outbox: outbox.clone(), calls: calls.clone() };
    let actions = actions::Actions { pool: pool.clone(), outbox: outbox.clone(), composer: composer.clone(), outbound };
    let notifications = notify::Notifications { pool: pool.clone(), directory: composer.directory.clone(), feed: composer.feed.clone() };
    let posts = posts::Posts { pool, outbox, writer, composer, calls, notices, pages: posts::Pages::default(), versions, waker };
    routes
        .add_service(StatisticsServer::new(statistics))
        .add_service(ActionsServer::new(actions))
        .add_service(ImportsServer::new(imports).max_decoding_message_size(MESSAGE_MAX))
        .add_service(LinksServer::new(links))
        .add_service(NotificationsServer::new(notifications).max_encoding_message_size(MESSAGE_MAX))
        .add_service(EmojisServer::new(emojis).max_encoding_message_size(MESSAGE_MAX))
        .add_service(SearchServer::new(search).max_encoding_message_size(MESSAGE_MAX))
        .add_service(PostsServer::new(posts).max_decoding_message_size(MESSAGE_MAX).max_encoding_message_size(MESSAGE_MAX))
        .add_service(EffectsServer::new(effects).max_decoding_message_size(MESSAGE_MAX).max_encoding_message_size(MESSAGE_MAX))
        .add_service(ActivityServer::new(activity).max_decoding_message_size(MESSAGE_MAX).max_encoding_message_size(MESSAGE_MAX))
        .add_service(ReactionsServer::new(reactions).max_decoding_message_size(MESSAGE_MAX).max_encoding_message_size(MESSAGE_MAX));
    readiness.set("posts", true);
    Ok(routes.routes())
}

async fn sweep(pool: PgPool, stop: CancellationToken) {
    let mut every = tokio::time::interval(SWEEP_EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = every.tick() => {}
        }
        if let Err(error) = activity::store::sweep_keys(&pool, now_ms() - KEYS_KEPT_MS, now_ms() - EFFECTS_KEPT_MS).await {
            tracing::warn!(%error, "sweeping old keys failed");
        }
    }
}
