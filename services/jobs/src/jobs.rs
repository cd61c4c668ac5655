//! Background jobs: asked for by administrators or due by a schedule, claimed by any replica.

mod cleanup;
mod rules;
mod schedule;
mod store;
mod worker;

pub use worker::work;

use muster_domain::{ids, time::now_ms};
use muster_error::{AppError, ErrorId};
use muster_events::{Bus, JOBS_WAKE};
use muster_proto::{
    jobs::{CreateJobRequest, JobIdRequest, JobList, ListJobsRequest, jobs_server},
    model::Job,
};
use muster_runtime::{Caller, postgres::sql_error};
use sqlx::PgPool;
use tonic::{Request, Response, Status};

/// The gRPC service.
pub struct Jobs {
    pool: PgPool,
    bus: Bus,
}

impl Jobs {
    pub fn new(pool: PgPool, bus: Bus) -> Self {
        Self { pool, bus }
    }

    /// A worker that does not hear it finds the work at its next poll.
    async fn wake(&self) {
        self.bus.wake(JOBS_WAKE).await;
    }
}

#[tonic::async_trait]
impl jobs_server::Jobs for Jobs {
    async fn create(&self, request: Request<CreateJobRequest>) -> Result<Response<Job>, Status> {
        Caller::of(&request)?;
        let CreateJobRequest { r#type, data } = request.into_inner();
        if !rules::is_type(&r#type) {
            return Err(AppError::new(ErrorId::JobInvalidType).into());
        }
        let data = rules::checked_data(&data)?;
        let job = Job { id: ids::new_id(), r#type, create_at: now_ms(), status: rules::PENDING.into(), data, ..Job::default() };
        store::insert(&self.pool, &job, None).await.map_err(sql_error)?;
        self.wake().await;
        Ok(Response::new(job))
    }

    async fn get(&self, request: Request<JobIdRequest>) -> Result<Response<Job>, Status> {
        Caller::of(&request)?;
        let job = store::get(&self.pool, &request.get_ref().job_id).await.map_err(sql_error)?;
        Ok(Response::new(job.ok_or_else(|| AppError::new(ErrorId::JobNotFound))?))
    }

    async fn list(&self, request: Request<ListJobsRequest>) -> Result<Response<JobList>, Status> {
        Caller::of(&request)?;
        let ListJobsRequest { r#type, offset, limit } = request.into_inner();
        let jobs = store::list(&self.pool, &r#type, offset, limit).await.map_err(sql_error)?;
        Ok(Response::new(JobList { jobs }))
    }

    async fn cancel(&self, request: Request<JobIdRequest>) -> Result<Response<Job>, Status> {
        Caller::of(&request)?;
        let canceled = store::cancel(&self.pool, &request.get_ref().job_id).await.map_err(sql_error)?;
        let job = canceled.ok_or_else(|| AppError::new(ErrorId::JobNotCancellable))?;
        self.wake().await;
        Ok(Response::new(job))
    }
}
