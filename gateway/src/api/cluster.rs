//! Tag `cluster`.

use super::ApiRoutes;
use crate::{error::ApiResult, extract::Session, state::Gateway, wire::ApiJson};
use axum::extract::State;
use muster_domain::permissions::Permission;
use muster_proto::{jobs::ListNodesRequest, model::ClusterNode};

pub fn routes() -> ApiRoutes {
    ApiRoutes::new().get("/cluster/status", status)
}

/// `manage_system`: every process of every role, those that stopped renewing included for ten minutes.
async fn status(State(gateway): State<Gateway>, session: Session) -> ApiResult<ApiJson<Vec<ClusterNode>>> {
    gateway.access.system(&session, Permission::ManageSystem)?;
    let reply = gateway.clients.nodes().list(session.call(ListNodesRequest {})).await?.into_inner();
    Ok(ApiJson(reply.nodes))
}
