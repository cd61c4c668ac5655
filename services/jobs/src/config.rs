//! The product configuration: one tree for the cluster, stored with its history, overridden by the `MM_*` variables of
//! the jobs processes.

mod events;
mod keys;
mod store;

use muster_domain::{
    config::{self as rules, environment},
    ids,
    time::now_ms,
};
use muster_error::AppError;
use muster_events::{Outbox, invalidation::What};
use muster_proto::jobs::{ConfigReply, EnvironmentReply, GetConfigRequest, PutConfigRequest, config_server};
use muster_runtime::{Caller, postgres::sql_error};
use serde_json::Value;
use sqlx::PgPool;
use store::Stored;
use tonic::{Request, Response, Status};

/// How often a PUT announces the new configuration: clients of the original see it twice.
const ANNOUNCED_PER_PUT: usize = 2;
const ANNOUNCED_PER_RELOAD: usize = 1;

/// The gRPC service.
pub struct Config {
    pool: PgPool,
    outbox: Outbox,
}

/// Stores the first configuration and the installation's own values, once; safe when several replicas start together.
pub async fn prepare(pool: &PgPool) -> Result<(), AppError> {
    let mut tx = pool.begin().await.map_err(sql_error)?;
    store::lock(&mut tx).await.map_err(sql_error)?;
    if store::newest(&mut *tx).await?.is_none() {
        let mut tree = rules::defaults::shipped().clone();
        rules::secrets::fill(&mut tree, ids::new_code);
        store::insert(&mut tx, 1, &tree, "").await.map_err(sql_error)?;
    }
    let (key, public) = keys::generate()?;
    for (name, value) in [(store::DIAGNOSTIC_ID, ids::new_token()), (store::SIGNING_KEY, key), (store::SIGNING_PUBLIC_KEY, public)] {
        store::set_once(&mut tx, name, &value).await.map_err(sql_error)?;
    }
    tx.commit().await.map_err(sql_error)?;
    for name in environment::overlay(&mut rules::defaults::shipped().clone(), variable).unreadable {
        tracing::warn!(name, "the variable is no value of its setting's type and is ignored");
    }
    Ok(())
}

/// Versions of the configuration that are kept.
const HISTORY_KEPT: i64 = 500;

/// Forgets versions of the configuration beyond the newest 500; returns how many.
pub async fn prune_history(pool: &PgPool) -> Result<u64, AppError> {
    store::prune(pool, HISTORY_KEPT).await.map_err(sql_error)
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The stored tree with the environment over it.
fn running(stored: &Value) -> Value {
    let mut tree = stored.clone();
    environment::overlay(&mut tree, variable);
    tree
}

impl Config {
    pub fn new(pool: PgPool, outbox: Outbox) -> Self {
        Self { pool, outbox }
    }

    async fn newest(&self) -> Result<Stored, AppError> {
        store::newest(&self.pool).await?.ok_or_else(|| AppError::internal("no configuration is stored"))
    }

    async fn reply(&self, stored: &Stored) -> Result<ConfigReply, AppError> {
        let installation = store::installation(&self.pool).await.map_err(sql_error)?;
        let value = |name: &str| installation.get(name).cloned().unwrap_or_default();
        Ok(ConfigReply {
            json: running(&stored.tree).to_string().into(),
            version: stored.version,
            asymmetric_signing_public_key: value(store::SIGNING_PUBLIC_KEY),
            diagnostic_id: value(store::DIAGNOSTIC_ID),
        })
    }

    /// Makes every process read the configuration again, then tells clients.
    async fn announce(&self, reply: &ConfigReply, announcement: muster_events::Announcement) {
        self.outbox.bus().invalidate(What::Config(true)).await;
        tracing::info!(version = reply.version, "the configuration is announced");
        self.outbox.publish(vec![announcement]).await;
    }
}

#[tonic::async_trait]
impl config_server::Config for Config {
    async fn get(&self, request: Request<GetConfigRequest>) -> Result<Response<ConfigReply>, Status> {
        Caller::of(&request)?;
        let stored = self.newest().await?;
        Ok(Response::new(self.reply(&stored).await?))
    }

    async fn put(&self, request: Request<PutConfigRequest>) -> Result<Response<ConfigReply>, Status> {
        let caller = Caller::of(&request)?;
        let sent: Value = serde_json::from_slice(&request.into_inner().json).map_err(|e| AppError::body("config").detail(e))?;
        let mut tx = self.pool.begin().await.map_err(sql_error)?;
        store::lock(&mut tx).await.map_err(sql_error)?;
        let before = store::newest(&mut *tx).await?.ok_or_else(|| AppError::internal("no configuration is stored"))?;
        let tree = rules::accept(&sent, &before.tree, &running(&before.tree), now_ms(), ids::new_code).map_err(AppError::from)?;
        let stored = if tree == before.tree { before } else { Stored { version: before.version + 1, tree } };
        // An unchanged tree makes no history, but is announced: whoever saves expects clients to hear of it.
        store::insert(&mut tx, stored.version, &stored.tree, &caller.user_id).await.map_err(sql_error)?;
        let reply = self.reply(&stored).await?;
        let announcement = events::config_changed(&reply, ANNOUNCED_PER_PUT);
        self.outbox.record(&mut tx, std::slice::from_ref(&announcement)).await.map_err(sql_error)?;
        tx.commit().await.map_err(sql_error)?;
        self.announce(&reply, announcement).await;
        Ok(Response::new(reply))
    }

    async fn reload(&self, request: Request<GetConfigRequest>) -> Result<Response<ConfigReply>, Status> {
        Caller::of(&request)?;
        let stored = self.newest().await?;
        let reply = self.reply(&stored).await?;
        let announcement = events::config_changed(&reply, ANNOUNCED_PER_RELOAD);
        let mut tx = self.pool.begin().await.map_err(sql_error)?;
        self.outbox.record(&mut tx, std::slice::from_ref(&announcement)).await.map_err(sql_error)?;
        tx.commit().await.map_err(sql_error)?;
        self.announce(&reply, announcement).await;
        Ok(Response::new(reply))
    }

    async fn environment(&self, request: Request<GetConfigRequest>) -> Result<Response<EnvironmentReply>, Status> {
        Caller::of(&request)?;
        let overridden = environment::overlay(&mut rules::defaults::shipped().clone(), variable);
        Ok(Response::new(EnvironmentReply { json: Value::Object(overridden.tree).to_string().into() }))
    }
}
