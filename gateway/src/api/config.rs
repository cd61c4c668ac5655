//! Configuration operations of tag `system`.

use super::ApiRoutes;
use crate::{
    audit,
    error::{ApiError, ApiResult},
    extract::{Json, Params, RequestFacts, Session},
    state::Gateway,
    version,
    wire::{ApiJson, NoCache, RawJson, StatusOk},
};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use muster_domain::{config::mask, permissions::Permission};
use muster_error::{AppError, ErrorId};
use muster_proto::{
    identity::UserCountsRequest,
    jobs::{ConfigReply, GetConfigRequest, PutConfigRequest},
};
use muster_runtime::Caller;
use serde_json::Value;
use std::time::Duration;

/// Longest an administrator waits for this gateway to apply what was just stored.
const APPLIED_WITHIN: Duration = Duration::from_secs(2);

pub fn routes() -> ApiRoutes {
    ApiRoutes::new()
        .get("/config", get)
        .put("/config", put)
        .post("/config/reload", reload)
        .get("/config/client", client)
        .get("/config/environment", environment)
}

/// `manage_system`: the effective configuration, secrets masked.
async fn get(State(gateway): State<Gateway>, session: Session) -> ApiResult<NoCache<ApiJson<Value>>> {
    gateway.access.system(&session, Permission::ManageSystem)?;
    let reply = gateway.clients.config().get(session.call(GetConfigRequest {})).await?.into_inner();
    masked(&reply)
}

/// `manage_system`: replaces everything; what the body leaves out takes its built-in default.
async fn put(State(gateway): State<Gateway>, session: Session, Json(sent): Json<Value>) -> ApiResult<NoCache<ApiJson<Value>>> {
    if !sent.is_object() {
        return Err(AppError::body("config").into());
    }
    gateway.access.system(&session, Permission::ManageSystem)?;
    let request = PutConfigRequest { json: sent.to_string().into() };
    let reply = gateway.clients.config().put(session.call(request)).await?.into_inner();
    audit::record(&gateway, &session, "updateConfig").await;
    applied_here(&gateway, reply.version).await;
    masked(&reply)
}

/// `manage_system`: every process reads the stored configuration again.
async fn reload(State(gateway): State<Gateway>, session: Session) -> ApiResult<NoCache<StatusOk>> {
    gateway.access.system(&session, Permission::ManageSystem)?;
    gateway.clients.config().reload(session.call(GetConfigRequest {})).await?;
    Ok(NoCache(StatusOk))
}

/// Anyone: what clients need to know, all values strings.
async fn client(State(gateway): State<Gateway>, facts: RequestFacts, params: Params) -> ApiResult<Response> {
    match params.get("format") {
        "old" => {}
        "" => return Err(ErrorId::ConfigFormat.into()),
        _ => return Err(AppError::url("format").into()),
    }
    if no_accounts(&gateway, &facts).await {
        return Ok(ApiJson(version::client_config_map(&gateway.settings(), true)).into_response());
    }
    Ok(RawJson(gateway.version.client_config()).into_response())
}

/// `manage_system`: `true` at each setting that the environment overrides.
async fn environment(State(gateway): State<Gateway>, session: Session) -> ApiResult<NoCache<RawJson>> {
    gateway.access.system(&session, Permission::ManageSystem)?;
    let reply = gateway.clients.config().environment(session.call(GetConfigRequest {})).await?.into_inner();
    Ok(NoCache(RawJson(reply.json)))
}

fn masked(reply: &ConfigReply) -> ApiResult<NoCache<ApiJson<Value>>> {
    let mut tree: Value = serde_json::from_slice(&reply.json).map_err(|e| ApiError(AppError::internal(e)))?;
    mask::mask(&mut tree);
    Ok(NoCache(ApiJson(tree)))
}

/// Waits until this gateway works with `version`, so that the administrator's next request sees the change.
async fn applied_here(gateway: &Gateway, version: i64) {
    let mut feed = gateway.config.clone();
    let applied = async { while feed.get().version < version && feed.changed().await {} };
    if tokio::time::timeout(APPLIED_WITHIN, applied).await.is_err() {
        tracing::warn!(version, "the new configuration has not arrived here yet");
    }
}

/// Whether nobody has an account yet. Asked until somebody has; when nobody can tell, the usual answer holds.
async fn no_accounts(gateway: &Gateway, facts: &RequestFacts) -> bool {
    if gateway.accounts_exist.load(std::sync::atomic::Ordering::Relaxed) {
        return false;
    }
    let caller = Caller { request_id: facts.request_id.to_string(), ..Caller::default() };
    match gateway.clients.users().counts(caller.call(UserCountsRequest {})).await {
        Ok(reply) if reply.get_ref().total == 0 => true,
        Ok(_) => {
            gateway.accounts_exist.store(true, std::sync::atomic::Ordering::Relaxed);
            false
        }
        Err(status) => {
            tracing::warn!(%status, "accounts could not be counted");
            false
        }
    }
}
