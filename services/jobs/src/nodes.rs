//! The registry of processes: each renews a lease; one that stops is shown unreachable, then forgotten.

mod store;

use muster_domain::time::{MINUTE_MS, NODE_RENEWAL_MS};
use muster_error::AppError;
use muster_proto::jobs::{LeaveNodeRequest, ListNodesRequest, NodeList, NodeRenewed, RenewNodeRequest, nodes_server};
use muster_runtime::{Caller, postgres::sql_error};
use sqlx::PgPool;
use tonic::{Request, Response, Status};

/// Three renewals missed: shown unreachable.
const UNREACHABLE_AFTER_MS: i64 = 3 * NODE_RENEWAL_MS;
/// Forgotten.
const FORGOTTEN_AFTER_MS: i64 = 10 * MINUTE_MS;

/// The gRPC service.
pub struct Nodes {
    pool: PgPool,
}

impl Nodes {
    pub fn new(pool: PgPool) -> Self {
        Self { pool }
    }
}

#[tonic::async_trait]
impl nodes_server::Nodes for Nodes {
    async fn renew(&self, request: Request<RenewNodeRequest>) -> Result<Response<NodeRenewed>, Status> {
        Caller::of(&request)?;
        let node = request.into_inner().node.filter(|node| !node.id.is_empty()).ok_or_else(|| AppError::body("node"))?;
        store::renew(&self.pool, &node).await.map_err(sql_error)?;
        store::forget(&self.pool, FORGOTTEN_AFTER_MS).await.map_err(sql_error)?;
        Ok(Response::new(NodeRenewed {}))
    }

    async fn leave(&self, request: Request<LeaveNodeRequest>) -> Result<Response<NodeRenewed>, Status> {
        Caller::of(&request)?;
        store::leave(&self.pool, &request.get_ref().node_id).await.map_err(sql_error)?;
        Ok(Response::new(NodeRenewed {}))
    }

    async fn list(&self, request: Request<ListNodesRequest>) -> Result<Response<NodeList>, Status> {
        Caller::of(&request)?;
        let nodes = store::list(&self.pool, UNREACHABLE_AFTER_MS, FORGOTTEN_AFTER_MS).await.map_err(sql_error)?;
        Ok(Response::new(NodeList { nodes }))
    }
}
