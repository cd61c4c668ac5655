//! One truth about who is online, across gateways. Redis holds it; PostgreSQL keeps a copy that lags a second and
//! answers while Redis is away.

mod live;
mod record;
mod store;
mod transition;

use muster_domain::{statuses::Status as Kind, time::now_ms};
use muster_error::{AppError, ErrorId};
use muster_proto::{
    identity::{
        ActivityRequest, ConnectionRequest, GetStatusesRequest, ListActiveRequest, RenewRequest, SetStatusRequest, StatusDone, StatusList,
        statuses_server::Statuses,
    },
    model::Status as UserStatus,
};
use muster_runtime::Caller;
use tonic::{Request, Response, Status};

pub(crate) use live::Live;

/// Users one call may ask about.
const GET_MAX: usize = 10_000;

pub(crate) struct StatusesService {
    pub(crate) live: Live,
}

#[tonic::async_trait]
impl Statuses for StatusesService {
    async fn get(&self, request: Request<GetStatusesRequest>) -> Result<Response<StatusList>, Status> {
        Caller::of(&request)?;
        let ids = request.into_inner().user_ids;
        if ids.len() > GET_MAX {
            return Err(AppError::body("user_ids").into());
        }
        if !self.live.enabled() {
            return Ok(Response::new(StatusList::default()));
        }
        Ok(Response::new(StatusList { statuses: self.live.get(&ids).await? }))
    }

    async fn list_active(&self, request: Request<ListActiveRequest>) -> Result<Response<StatusList>, Status> {
        Caller::of(&request)?;
        if !self.live.enabled() {
            return Ok(Response::new(StatusList::default()));
        }
        Ok(Response::new(StatusList { statuses: self.live.list_active().await? }))
    }

    async fn set(&self, request: Request<SetStatusRequest>) -> Result<Response<UserStatus>, Status> {
        Caller::of(&request)?;
        let SetStatusRequest { user_id, status } = request.into_inner();
        let chosen = status.parse::<Kind>().ok().filter(|s| s.is_settable()).ok_or_else(|| AppError::body("status"))?;
        if !self.live.enabled() {
            return Err(AppError::new(ErrorId::StatusUserNotFound).into());
        }
        self.live.end_out_of_office(&user_id).await?;
        Ok(Response::new(self.live.set(&user_id, chosen).await?))
    }

    async fn connected(&self, request: Request<ConnectionRequest>) -> Result<Response<StatusDone>, Status> {
        Caller::of(&request)?;
        self.live.connected(request.get_ref(), now_ms()).await?;
        Ok(Response::new(StatusDone {}))
    }

    async fn renew(&self, request: Request<RenewRequest>) -> Result<Response<StatusDone>, Status> {
        Caller::of(&request)?;
        self.live.renew(request.into_inner().connections, now_ms()).await?;
        Ok(Response::new(StatusDone {}))
    }

    async fn disconnected(&self, request: Request<ConnectionRequest>) -> Result<Response<StatusDone>, Status> {
        Caller::of(&request)?;
        self.live.disconnected(request.get_ref()).await?;
        Ok(Response::new(StatusDone {}))
    }

    async fn activity(&self, request: Request<ActivityRequest>) -> Result<Response<StatusDone>, Status> {
        Caller::of(&request)?;
        self.live.active(&request.get_ref().user_id).await?;
        Ok(Response::new(StatusDone {}))
    }
}
