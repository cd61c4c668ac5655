//! The files service: uploads, thumbnails, previews, profile pictures and other images.

mod files;
mod images;
pub mod imaging;
mod incoming;
pub mod objects;
mod stores;
mod sweeper;

use files::Files;
use images::Images;
use imaging::Workers;
use muster_proto::files::{files_server::FilesServer, images_server::ImagesServer, stores_server::StoresServer};
use muster_runtime::{
    ConfigFeed, ProcessConfig,
    config::{ConfigError, Role, setting},
    peers::MESSAGE_MAX,
    postgres::{self, MigrationFile},
};
use objects::{ObjectSettings, Objects};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

const MIGRATIONS: &[MigrationFile] = &[
    (1, "files", include_str!("../migrations/0001_files.sql")),
    (2, "channel_files", include_str!("../migrations/0002_channel_files.sql")),
];

/// What the process gives this service.
pub struct Deps {
    pub config: Arc<ProcessConfig>,
    pub feed: ConfigFeed,
    pub stop: CancellationToken,
}

/// Migrates the schema, opens the object store, starts the sweeper (ended by `stop`) and returns the gRPC services.
pub async fn start(deps: Deps) -> Result<Routes, ConfigError> {
    let objects = Objects::open(&ObjectSettings::read(&deps.config.data_dir, setting)?)
        .map_err(|e| ConfigError(format!("object store: {}", e.detail)))?;
    let url = deps.config.database_url(Role::Files)?;
    let pool = postgres::connect(&url, "files", deps.config.database_connections, MIGRATIONS).await?;
    tokio::spawn(sweeper::run(pool.clone(), objects.clone(), deps.stop));
    let workers = Workers::new();
    let files = Files { pool, objects: objects.clone(), workers: workers.clone(), feed: deps.feed.clone() };
    let stores = stores::Stores { objects: objects.clone() };
    let images = Images::new(objects, workers, deps.feed);
    let mut routes = Routes::builder();
    routes
        .add_service(StoresServer::new(stores))
        .add_service(FilesServer::new(files).max_decoding_message_size(MESSAGE_MAX).max_encoding_message_size(MESSAGE_MAX))
        .add_service(ImagesServer::new(images).max_decoding_message_size(MESSAGE_MAX).max_encoding_message_size(MESSAGE_MAX));
    Ok(routes.routes())
}
