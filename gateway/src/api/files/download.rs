//! Reading files: bytes, small versions, facts.

use crate::{
    error::ApiResult,
    extract::{FileId, Params, Session},
    state::Gateway,
    wire::ApiJson,
};
use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use futures_util::StreamExt;
use http::{HeaderValue, header};
use muster_domain::{mime, permissions::Permission};
use muster_error::{AppError, ErrorId};
use muster_proto::{
    files::{FileRecord, GetFileRequest, ReadFileRequest, ReadReply, read_reply::Part},
    model::FileInfo,
};
use muster_runtime::Caller;

const CACHED_PRIVATELY: HeaderValue = HeaderValue::from_static("max-age=2592000, private");
const CACHED_BY_ALL: HeaderValue = HeaderValue::from_static("max-age=2592000, public");
const JPEG: &str = "image/jpeg";

/// The stored bytes as they were sent.
pub async fn file(State(gateway): State<Gateway>, session: Session, id: FileId, params: Params) -> ApiResult<Response> {
    let info = readable(&gateway, &session, &id).await?;
    send(&gateway, session.caller(), &info, "", mime::is_true(params.get("download"))).await
}

/// 400 for what is no picture, 404 for a picture that could not be decoded.
pub async fn thumbnail(State(gateway): State<Gateway>, session: Session, id: FileId, params: Params) -> ApiResult<Response> {
    let info = readable(&gateway, &session, &id).await?;
    send(&gateway, session.caller(), &info, "thumbnail", mime::is_true(params.get("download"))).await
}

/// As the thumbnail, at most 1024 pixels wide.
pub async fn preview(State(gateway): State<Gateway>, session: Session, id: FileId, params: Params) -> ApiResult<Response> {
    let info = readable(&gateway, &session, &id).await?;
    send(&gateway, session.caller(), &info, "preview", mime::is_true(params.get("download"))).await
}

/// Name, size, type, dimensions.
pub async fn info(State(gateway): State<Gateway>, session: Session, id: FileId) -> ApiResult<impl IntoResponse> {
    let info = readable(&gateway, &session, &id).await?;
    Ok(([(header::CACHE_CONTROL, CACHED_BY_ALL)], ApiJson(info)))
}

/// The file, if the caller may read it: the uploader always, others with `read_channel` in the channel of the post it is attached
/// to. While unattached: besides the uploader only who may read every channel.
pub async fn readable(gateway: &Gateway, session: &Session, file_id: &str) -> ApiResult<FileInfo> {
    let request = GetFileRequest { file_id: file_id.to_owned() };
    let FileRecord { info, channel_id, .. } = gateway.clients.files().get(session.call(request)).await?.into_inner();
    let info = info.ok_or(ErrorId::FileNotFound)?;
    if info.user_id == session.user_id {
        return Ok(info);
    }
    if channel_id.is_empty() {
        gateway.access.system(session, Permission::ReadChannel)?;
    } else {
        gateway.access.channel(session, &channel_id, Permission::ReadChannel).await?;
    }
    Ok(info)
}

/// Streams a variant ("", `thumbnail`, `preview`) with the headers of every download.
pub async fn send(gateway: &Gateway, caller: Caller, info: &FileInfo, variant: &str, as_attachment: bool) -> ApiResult<Response> {
    let request = ReadFileRequest { file_id: info.id.clone(), variant: variant.to_owned(), pending: false };
    let mut replies = gateway.clients.files().read(caller.call(request)).await?.into_inner();
    let Some(ReadReply { part: Some(Part::Size(size)) }) = replies.message().await? else {
        return Err(AppError::internal("a file without its size").into());
    };
    let kind = if variant.is_empty() { info.mime_type.as_str() } else { JPEG };
    let chunks = replies.filter_map(|reply| async move {
        match reply {
            Ok(ReadReply { part: Some(Part::Chunk(bytes)) }) => Some(Ok(bytes)),
            Ok(_) => None,
            Err(status) => Some(Err(AppError::from(status))),
        }
    });
    let headers = [
        (header::CACHE_CONTROL, CACHED_PRIVATELY),
        (header::CONTENT_TYPE, header_value(mime::download_type(kind))?),
        (header::CONTENT_LENGTH, HeaderValue::from(size)),
        (header::CONTENT_DISPOSITION, header_value(&mime::disposition(kind, &info.name, as_attachment))?),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("Frame-ancestors 'none'")),
    ];
    Ok((headers, Body::from_stream(chunks)).into_response())
}

/// Types come from our table and names are percent-encoded, so this does not fail.
fn header_value(text: &str) -> Result<HeaderValue, AppError> {
    HeaderValue::from_str(text).map_err(AppError::internal)
}
