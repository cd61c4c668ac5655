//! Background jobs: asked for by administrators or due by a schedule, claimed by any replica.

mod cleanup;
mod rules;
mod schedule;
mod store;
mod worker;

pub use worker::work;

use crate::slack;
use muster_domain::{ids, time::now_ms};
use muster_error::{AppError, ErrorId};
use muster_events::{Bus, JOBS_WAKE};
use muster_proto::{
    jobs::{CreateJobRequest, ImportStateReply, JobIdRequest, JobList, ListJobsRequest, StartImportRequest, jobs_server},
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

    async fn start_import(&self, request: Request<StartImportRequest>) -> Result<Response<Job>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let data = serde_json::json!({ "team_id": request.team_id, "user_id": caller.user_id }).to_string();
        let job = Job {
            id: ids::new_id(),
            r#type: slack::TYPE.into(),
            create_at: now_ms(),
            status: rules::PENDING.into(),
            data,
            ..Job::default()
        };
        let mut tx = self.pool.begin().await.map_err(sql_error)?;
        store::insert(&mut *tx, &job, None).await.map_err(sql_error)?;
        slack::insert(&mut tx, &job.id, &caller.user_id, &request).await.map_err(sql_error)?;
        tx.commit().await.map_err(sql_error)?;
        self.wake().await;
        Ok(Response::new(job))
    }

    async fn import_state(&self, request: Request<JobIdRequest>) -> Result<Response<ImportStateReply>, Status> {
        Caller::of(&request)?;
        let id = &request.get_ref().job_id;
        // The job before its log: of one that has ended, the log is whole.
        let job = store::get(&self.pool, id).await.map_err(sql_error)?.ok_or_else(|| AppError::new(ErrorId::JobNotFound))?;
        let import = slack::get(&self.pool, id).await.map_err(sql_error)?.ok_or_else(|| AppError::new(ErrorId::JobNotFound))?;
        let ended = rules::has_ended(&job.status);
        let failed = ended && job.status != rules::SUCCESS;
        let reason = rules::error_of(&job.data);
        Ok(Response::new(ImportStateReply { ended, failed, refused: ended && import.refused, reason, log: import.log }))
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
