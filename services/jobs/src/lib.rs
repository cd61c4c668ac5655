//! The jobs service: background jobs and schedules, the product configuration with its history, the registry of nodes.

pub mod config;
mod jobs;
mod mail;
mod nodes;
mod notifications;
mod push;
mod slack;

use muster_events::{Bus, OUTBOX_MIGRATION, Outbox};
use muster_proto::jobs::{config_server::ConfigServer, jobs_server::JobsServer, mail_server::MailServer, nodes_server::NodesServer};
use muster_runtime::{
    ConfigFeed, Peer, ProcessConfig,
    config::{ConfigError, Role},
    health::Readiness,
    peers::MESSAGE_MAX,
    postgres::{self, MigrationFile},
};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

const MIGRATIONS: &[MigrationFile] = &[
    OUTBOX_MIGRATION,
    (2, "config", include_str!("../migrations/0002_config.sql")),
    (3, "jobs", include_str!("../migrations/0003_jobs.sql")),
    (4, "nodes", include_str!("../migrations/0004_nodes.sql")),
    (5, "mail", include_str!("../migrations/0005_mail.sql")),
    (6, "notifications", include_str!("../migrations/0006_notifications.sql")),
    (7, "imports", include_str!("../migrations/0007_imports.sql")),
];

/// What the process gives its jobs service.
pub struct Deps {
    pub config: Arc<ProcessConfig>,
    pub feed: ConfigFeed,
    pub bus: Bus,
    pub readiness: Readiness,
    pub stop: CancellationToken,
    pub identity: Peer,
    pub teams: Peer,
    pub posts: Peer,
    pub files: Peer,
}

/// The configuration alone, for commands that work on the database: migrates the schema, starts no work.
pub async fn configuration(config: &ProcessConfig, bus: Bus, stop: CancellationToken) -> Result<Routes, ConfigError> {
    let url = config.database_url(Role::Jobs)?;
    let pool = postgres::connect(&url, "jobs", config.database_connections, MIGRATIONS).await?;
    let outbox = Outbox::start(pool.clone(), bus, stop);
    config::prepare(&pool).await.map_err(|e| ConfigError(format!("storing the first configuration: {e}")))?;
    let mut routes = Routes::builder();
    routes.add_service(
        ConfigServer::new(config::Config::new(pool, outbox)).max_decoding_message_size(MESSAGE_MAX).max_encoding_message_size(MESSAGE_MAX),
    );
    Ok(routes.routes())
}

/// Migrates the schema, starts workers and the scheduler (ended by `stop`) and returns the gRPC services.
pub async fn start(deps: Deps) -> Result<Routes, ConfigError> {
    deps.readiness.set("jobs", false);
    let url = deps.config.database_url(Role::Jobs)?;
    let pool = postgres::connect(&url, "jobs", deps.config.database_connections, MIGRATIONS).await?;
    let outbox = Outbox::start(pool.clone(), deps.bus.clone(), deps.stop.clone());
    config::prepare(&pool).await.map_err(|e| ConfigError(format!("storing the first configuration: {e}")))?;
    let importer = slack::Importer {
        identity: deps.identity.clone(),
        teams: deps.teams.clone(),
        posts: deps.posts.clone(),
        files: deps.files,
        directory: deps.config.data_dir.join("imports"),
    };
    jobs::work(pool.clone(), importer, deps.bus.clone(), deps.feed.clone(), deps.stop.clone());
    let directory = deps.config.data_dir.join("mail");
    let (bus, feed, identity) = (deps.bus.clone(), deps.feed, deps.identity);
    let worker = mail::Worker { pool: pool.clone(), bus: bus.clone(), feed: feed.clone(), identity: identity.clone(), directory };
    mail::work(worker, deps.stop.clone());
    let worker = push::Worker { pool: pool.clone(), bus: bus.clone(), feed: feed.clone(), identity: identity.clone() };
    push::work(worker, deps.stop.clone())?;
    let worker = notifications::Worker { pool: pool.clone(), bus, feed, identity, teams: deps.teams, posts: deps.posts };
    notifications::work(worker, deps.stop);

    let mut routes = Routes::builder();
    routes.add_service(
        ConfigServer::new(config::Config::new(pool.clone(), outbox))
            .max_decoding_message_size(MESSAGE_MAX)
            .max_encoding_message_size(MESSAGE_MAX),
    );
    routes.add_service(MailServer::new(mail::Mail::new(pool.clone(), deps.bus.clone())).max_decoding_message_size(MESSAGE_MAX));
    routes.add_service(JobsServer::new(jobs::Jobs::new(pool.clone(), deps.bus)).max_decoding_message_size(MESSAGE_MAX));
    routes.add_service(NodesServer::new(nodes::Nodes::new(pool)));
    deps.readiness.set("jobs", true);
    Ok(routes.routes())
}
