//! Tag `jobs`. Everything needs `manage_jobs`.

use super::ApiRoutes;
use crate::{
    error::ApiResult,
    extract::{JobId, Json, Page, Session, path_param},
    state::Gateway,
    wire::{ApiJson, Created, StatusOk},
};
use axum::extract::{FromRequestParts, State};
use http::request::Parts;
use muster_domain::permissions::Permission;
use muster_error::{AppError, ErrorId};
use muster_proto::{
    jobs::{CreateJobRequest, JobIdRequest, ListJobsRequest},
    model::Job,
};

/// Characters a job type in a URL may have.
const TYPE_MAX: usize = 32;

pub fn routes() -> ApiRoutes {
    ApiRoutes::new()
        .get("/jobs", list)
        .post("/jobs", create)
        .get("/jobs/{job_id}", get)
        .post("/jobs/{job_id}/cancel", cancel)
        .get("/jobs/type/{type}", list_of_type)
}

/// All jobs, newest first.
async fn list(State(gateway): State<Gateway>, session: Session, page: Page) -> ApiResult<ApiJson<Vec<Job>>> {
    list_jobs(&gateway, &session, page, String::new()).await
}

/// A pending job of the body's `type` with its `data`; the rest of the body is not read.
async fn create(State(gateway): State<Gateway>, session: Session, Json(job): Json<Job>) -> ApiResult<Created<Job>> {
    gateway.access.system(&session, Permission::ManageJobs)?;
    let request = CreateJobRequest { r#type: job.r#type, data: job.data };
    Ok(Created(gateway.clients.jobs().create(session.call(request)).await?.into_inner()))
}

/// One job.
async fn get(State(gateway): State<Gateway>, session: Session, JobId(job_id): JobId) -> ApiResult<ApiJson<Job>> {
    gateway.access.system(&session, Permission::ManageJobs)?;
    Ok(ApiJson(gateway.clients.jobs().get(session.call(JobIdRequest { job_id })).await?.into_inner()))
}

/// Cancels a pending job, asks a running one to stop; any other cannot be cancelled.
async fn cancel(State(gateway): State<Gateway>, session: Session, JobId(job_id): JobId) -> ApiResult<StatusOk> {
    gateway.access.system(&session, Permission::ManageJobs)?;
    gateway.clients.jobs().cancel(session.call(JobIdRequest { job_id })).await?;
    Ok(StatusOk)
}

/// The jobs of one type, newest first; none for an unknown type.
async fn list_of_type(
    State(gateway): State<Gateway>,
    session: Session,
    JobType(r#type): JobType,
    page: Page,
) -> ApiResult<ApiJson<Vec<Job>>> {
    list_jobs(&gateway, &session, page, r#type).await
}

async fn list_jobs(gateway: &Gateway, session: &Session, Page(page): Page, r#type: String) -> ApiResult<ApiJson<Vec<Job>>> {
    gateway.access.system(session, Permission::ManageJobs)?;
    let request = ListJobsRequest { r#type, offset: page.offset(), limit: page.limit() };
    Ok(ApiJson(gateway.clients.jobs().list(session.call(request)).await?.into_inner().jobs))
}

/// `{type}`: letters, digits, `_` and `-`.
struct JobType(String);

impl FromRequestParts<Gateway> for JobType {
    type Rejection = crate::error::ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Gateway) -> Result<Self, Self::Rejection> {
        let value = path_param(parts, "type").await?;
        if !value.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b)) {
            return Err(ErrorId::NotFound.into());
        }
        if value.len() > TYPE_MAX {
            return Err(AppError::url("job_type").into());
        }
        Ok(Self(value))
    }
}
