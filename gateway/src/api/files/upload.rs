//! `POST /files`.

use crate::{
    error::{ApiError, ApiResult},
    extract::{Params, Session},
    state::Gateway,
    uploads::{self, BodyError, Form, PassOnError, UPLOAD_DEADLINE},
    wire::Created,
};
use axum::extract::{Request, State};
use bytes::Bytes;
use futures_util::Stream;
use muster_domain::{ids::is_id, permissions::Permission};
use muster_error::{AppError, ErrorId};
use muster_proto::{
    files::{CommitRequest, DiscardRequest, UploadRequest, UploadStart, upload_request::Part},
    model::FileInfo,
};
use serde::Serialize;

/// Files of one request. A post can have five; more are uploaded only by mistake or malice.
const FILES_MAX: usize = 100;

/// The answer: in the order sent.
#[derive(Serialize)]
pub struct Uploaded {
    file_infos: Vec<FileInfo>,
    client_ids: Vec<String>,
}

/// `upload_file` in the channel. A multipart form (`channel_id`, `files`, `client_ids`), or the body as one file with `channel_id`
/// and `filename` in the query.
pub async fn upload(State(gateway): State<Gateway>, session: Session, params: Params, request: Request) -> ApiResult<Created<Uploaded>> {
    let snapshot = gateway.settings();
    let limit = u64::try_from(snapshot.settings.max_file_size).unwrap_or(0);
    let refused = if !snapshot.settings.enable_file_attachments {
        Some(ErrorId::FileAttachmentsDisabled)
    } else if uploads::announces_more(request.headers(), limit) {
        Some(ErrorId::FileTooLarge)
    } else {
        None
    };
    if let Some(id) = refused {
        uploads::linger(request.into_body()).await;
        return Err(id.into());
    }
    if uploads::is_multipart(request.headers()) {
        from_form(&gateway, &session, request, limit).await
    } else {
        from_body(&gateway, &session, &params, request, limit).await
    }
    .map(Created)
}

async fn from_body(gateway: &Gateway, session: &Session, params: &Params, request: Request, limit: u64) -> ApiResult<Uploaded> {
    let (channel_id, name) = (params.get("channel_id"), params.get("filename"));
    let allowed = if channel_id.is_empty() {
        Err(AppError::url("channel_id").into())
    } else if name.is_empty() {
        Err(AppError::url("filename").into())
    } else {
        may_upload(gateway, session, channel_id).await
    };
    if let Err(refusal) = allowed {
        uploads::linger(request.into_body()).await;
        return Err(refusal);
    }
    let start = UploadStart { user_id: session.user_id.clone(), channel_id: channel_id.to_owned(), name: name.to_owned(), pending: false };
    let info = store(gateway, session, start, uploads::raw(request.into_body(), limit)).await.map_err(refusal)?;
    Ok(Uploaded { file_infos: vec![info], client_ids: Vec::new() })
}

/// What a form has brought so far.
#[derive(Default)]
struct Received {
    channel_id: Option<String>,
    client_ids: Vec<String>,
    files: usize,
    /// Stored, but invisible until committed.
    pending: Vec<String>,
    permission: Option<ApiResult<()>>,
    failure: Option<ApiError>,
}

/// The fields come in any order (the web client sends its file before the channel), and every check is due before anything becomes
/// visible: files are stored as they come and committed at the end, all or none.
async fn from_form(gateway: &Gateway, session: &Session, request: Request, limit: u64) -> ApiResult<Uploaded> {
    let mut received = Received::default();
    let read = match Form::open(request, limit).await {
        Ok(form) => read_form(gateway, session, form, &mut received).await,
        Err(error) => Err(error),
    };
    let outcome = match read {
        Ok(()) => finish(gateway, session, &mut received).await,
        Err(error) => Err(error.refusal(ErrorId::FileTooLarge, ErrorId::FileUploadParse)),
    };
    if outcome.is_err() && !received.pending.is_empty() {
        let request = DiscardRequest { user_id: session.user_id.clone(), file_ids: received.pending };
        // What cannot be discarded now is swept later.
        if let Err(error) = gateway.clients.files().discard(session.call(request)).await {
            tracing::warn!(%error, "discarding the files of a refused upload failed");
        }
    }
    outcome
}

async fn read_form(gateway: &Gateway, session: &Session, mut form: Form, received: &mut Received) -> Result<(), BodyError> {
    while let Some(field) = form.next().await? {
        match (field.name(), field.file_name()) {
            ("files", Some(name)) => {
                let name = name.to_owned();
                received.files += 1;
                if received.permission.is_none()
                    && let Some(channel_id) = &received.channel_id
                {
                    received.permission = Some(may_upload(gateway, session, channel_id).await);
                }
                // After a failure the rest is read only for what the earlier checks need.
                if received.files > FILES_MAX || received.failure.is_some() || matches!(received.permission, Some(Err(_))) {
                    continue;
                }
                let channel_id = received.channel_id.clone().filter(|id| is_id(id)).unwrap_or_default();
                let start = UploadStart { user_id: session.user_id.clone(), channel_id, name, pending: true };
                match store(gateway, session, start, field.chunks()).await {
                    Ok(info) => received.pending.push(info.id),
                    Err(PassOnError::Body(error)) => return Err(error),
                    Err(PassOnError::Service(error)) => received.failure = Some(error),
                }
            }
            ("channel_id", None) => {
                let value = field.text().await?;
                received.channel_id.get_or_insert(value);
            }
            ("client_ids", None) => received.client_ids.push(field.text().await?),
            _ => {}
        }
    }
    Ok(())
}

/// The checks in the reference's order, then the commit.
async fn finish(gateway: &Gateway, session: &Session, received: &mut Received) -> ApiResult<Uploaded> {
    let channel_id = received.channel_id.take().filter(|id| !id.is_empty()).ok_or_else(|| AppError::body("channel_id"))?;
    match received.permission.take() {
        Some(permission) => permission?,
        None => may_upload(gateway, session, &channel_id).await?,
    }
    let client_ids = std::mem::take(&mut received.client_ids);
    if received.files > FILES_MAX || (!client_ids.is_empty() && client_ids.len() != received.files) {
        return Err(ErrorId::FileClientIdsMismatch.into());
    }
    if let Some(failure) = received.failure.take() {
        return Err(failure);
    }
    if received.pending.is_empty() {
        return Ok(Uploaded { file_infos: Vec::new(), client_ids });
    }
    let request = CommitRequest { user_id: session.user_id.clone(), channel_id, file_ids: received.pending.clone() };
    let file_infos = gateway.clients.files().commit(session.call(request)).await?.into_inner().infos;
    Ok(Uploaded { file_infos, client_ids })
}

/// Membership counts even in an archived channel; an unknown or malformed channel is 403 for everyone.
async fn may_upload(gateway: &Gateway, session: &Session, channel_id: &str) -> ApiResult<()> {
    let refused = || Err(AppError::permissions(Permission::UploadFile.as_str()).into());
    if !is_id(channel_id) {
        return refused();
    }
    match gateway.access.channel_grant(session, channel_id).await? {
        Some(grant) if grant.allows(Permission::UploadFile) => Ok(()),
        Some(grant) if gateway.access.roles().permissions_of(&grant.channel_roles).contains(Permission::UploadFile) => Ok(()),
        _ => refused(),
    }
}

async fn store(
    gateway: &Gateway,
    session: &Session,
    start: UploadStart,
    chunks: impl Stream<Item = Result<Bytes, BodyError>>,
) -> Result<FileInfo, PassOnError> {
    let message = |part| UploadRequest { part: Some(part) };
    let wrap = |bytes| UploadRequest { part: Some(Part::Chunk(bytes)) };
    let mut files = gateway.clients.files();
    uploads::pass_on(chunks, (message(Part::Start(start)), wrap, message(Part::End(true))), |messages| {
        let mut request = session.call(messages);
        request.set_timeout(UPLOAD_DEADLINE);
        async move { files.upload(request).await }
    })
    .await
}

fn refusal(error: PassOnError) -> ApiError {
    match error {
        PassOnError::Body(error) => error.refusal(ErrorId::FileTooLarge, ErrorId::FileUploadParse),
        PassOnError::Service(error) => error,
    }
}
