//! Importing the export of another product into a team.

use crate::{
    api::ApiRoutes,
    error::{ApiError, ApiResult},
    extract::{Session, TeamId},
    state::Gateway,
    uploads::{self, Form, PassOnError, UPLOAD_DEADLINE},
    wire::ApiJson,
};
use axum::extract::{DefaultBodyLimit, Request, State};
use base64::{Engine, engine::general_purpose::STANDARD};
use muster_domain::permissions::Permission;
use muster_error::{AppError, ErrorId};
use muster_proto::{
    files::{DiscardRequest, UploadRequest, UploadStart, upload_request::Part},
    jobs::{JobIdRequest, StartImportRequest},
};
use serde::Serialize;
use std::time::Duration;

/// The only one that is understood.
const SLACK: &str = "slack";
/// Longest the answer waits for the import; a longer one goes on behind it.
const WAIT: Duration = Duration::from_secs(50);
/// First and longest pause between two looks.
const LOOK_FIRST: Duration = Duration::from_millis(100);
const LOOK_MAX: Duration = Duration::from_secs(1);

/// Bytes that everything but the file may take.
const FIELDS_MAX: u64 = 64 * 1024;

pub fn routes() -> ApiRoutes {
    ApiRoutes::new()
        .post("/teams/{team_id}/import", import)
        // Streamed, and limited by `FileSettings.MaxFileSize`.
        .map(|router| router.layer(DefaultBodyLimit::disable()))
}

#[derive(Serialize)]
struct Results {
    /// Base64 of the log.
    results: String,
}

/// What the form said besides the file.
#[derive(Default)]
struct Fields {
    import_from: Option<String>,
    file_size: Option<String>,
}

impl Fields {
    fn check(&self) -> Result<(), AppError> {
        let from = self.import_from.as_deref().filter(|from| !from.is_empty()).ok_or(ErrorId::TeamImportNoFrom)?;
        let size = self.file_size.as_deref().filter(|size| !size.is_empty()).ok_or(ErrorId::TeamImportUnavailable)?;
        size.parse::<i64>().map_err(|e| AppError::new(ErrorId::TeamImportInteger).detail(e))?;
        if from == SLACK { Ok(()) } else { Err(AppError::body("importFrom")) }
    }
}

/// `import_team`; form fields `importFrom`, `filesize` and `file`.
async fn import(
    State(gateway): State<Gateway>,
    session: Session,
    TeamId(team_id): TeamId,
    request: Request,
) -> ApiResult<ApiJson<Results>> {
    gateway.access.team(&session, &team_id, Permission::ImportTeam).await?;
    let (fields, file_id) = receive(&gateway, &session, request).await?;
    let checked = fields.check().and_then(|()| file_id.clone().ok_or_else(|| ErrorId::TeamImportNoFile.into()));
    let file_id = match checked {
        Ok(file_id) => file_id,
        Err(error) => {
            discard(&gateway, &session, file_id).await;
            return Err(error.into());
        }
    };
    let conversations = gateway.access.is_allowed(&session, Permission::ManageSystem);
    let start = StartImportRequest { team_id, file_id: file_id.clone(), conversations };
    let job = match gateway.clients.jobs().start_import(session.call(start)).await {
        Ok(job) => job.into_inner(),
        Err(status) => {
            discard(&gateway, &session, Some(file_id)).await;
            return Err(status.into());
        }
    };
    results(&gateway, &session, job.id).await
}

/// Waits for the end of the job; what takes too long is told so.
async fn results(gateway: &Gateway, session: &Session, job_id: String) -> ApiResult<ApiJson<Results>> {
    let (deadline, mut pause) = (tokio::time::Instant::now() + WAIT, LOOK_FIRST);
    loop {
        let late = tokio::time::Instant::now() > deadline;
        let state = match gateway.clients.jobs().import_state(session.call(JobIdRequest { job_id: job_id.clone() })).await {
            Ok(state) => Some(state.into_inner()),
            // It goes on when jobs is back.
            Err(status) if late => return Err(status.into()),
            Err(_) => None,
        };
        if let Some(state) = state {
            if state.refused {
                return Err(AppError::new(ErrorId::TeamImportZip).detail(state.reason).into());
            }
            let mut log = state.log;
            if state.failed {
                log.push_str(&format!("\r\nThe import was given up before its end. Job: {job_id}\r\n"));
            } else if !state.ended {
                log.push_str(&format!("\r\nThe import goes on. Job: {job_id}\r\n"));
            }
            if state.ended || late {
                return Ok(ApiJson(Results { results: STANDARD.encode(log) }));
            }
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LOOK_MAX);
    }
}

/// The fields may come in any order: the file is kept aside until they are known.
async fn receive(gateway: &Gateway, session: &Session, request: Request) -> ApiResult<(Fields, Option<String>)> {
    let limit = u64::try_from(gateway.settings().settings.max_file_size).unwrap_or(0);
    let (too_large, unreadable) = (ErrorId::FileTooLarge, ErrorId::TeamImportParse);
    let mut form = Form::receive(request, limit.saturating_add(FIELDS_MAX), too_large, unreadable).await?;
    let unread = |error: uploads::BodyError| error.refusal(too_large, unreadable);
    let (mut fields, mut file_id) = (Fields::default(), None);
    loop {
        let taken = async {
            let Some(field) = form.next().await.map_err(unread)? else { return Ok(false) };
            match field.name() {
                "importFrom" => fields.import_from = Some(field.text().await.map_err(unread)?),
                "filesize" => fields.file_size = Some(field.text().await.map_err(unread)?),
                "file" if file_id.is_none() && field.file_name().is_some() => {
                    let message = |part| UploadRequest { part: Some(part) };
                    let wrap = |bytes| UploadRequest { part: Some(Part::Chunk(bytes)) };
                    let start = UploadStart {
                        user_id: session.user_id.clone(),
                        channel_id: String::new(),
                        name: "export.zip".to_owned(),
                        pending: true,
                    };
                    let mut files = gateway.clients.files();
                    let put = uploads::pass_on(field.chunks(), (message(Part::Start(start)), wrap, message(Part::End(true))), |messages| {
                        let mut request = session.call(messages);
                        request.set_timeout(UPLOAD_DEADLINE);
                        async move { files.upload(request).await }
                    });
                    let info = put.await.map_err(|error| match error {
                        PassOnError::Body(error) => unread(error),
                        PassOnError::Service(error) => error,
                    })?;
                    file_id = Some(info.id);
                }
                _ => {}
            }
            Ok::<bool, ApiError>(true)
        };
        match taken.await {
            Ok(true) => {}
            Ok(false) => return Ok((fields, file_id)),
            Err(error) => {
                discard(gateway, session, file_id).await;
                return Err(error);
            }
        }
    }
}

/// If this fails, the file goes with other abandoned uploads.
async fn discard(gateway: &Gateway, session: &Session, file_id: Option<String>) {
    let Some(file_id) = file_id else { return };
    let request = DiscardRequest { user_id: session.user_id.clone(), file_ids: vec![file_id] };
    if let Err(status) = gateway.clients.files().discard(session.call(request)).await {
        tracing::warn!(%status, "an upload that is not wanted stays for some hours");
    }
}
