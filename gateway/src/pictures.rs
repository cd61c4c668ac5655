//! Pictures that belong to something (a user, a team): receiving them as form field `image`, sending them with their ETag.

use crate::{
    error::{ApiError, ApiResult},
    extract::Session,
    state::Gateway,
    uploads::{self, Form, PassOnError, UPLOAD_DEADLINE},
};
use axum::{
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use muster_error::ErrorId;
use muster_proto::files::{ImageRef, ImageReply, PutImageRequest, put_image_request::Part};

const CACHED_A_DAY: HeaderValue = HeaderValue::from_static("max-age=86400, public");
const CACHED_BRIEFLY: HeaderValue = HeaderValue::from_static("max-age=300, public");
const FIELD: &str = "image";

/// The refusals of one kind of picture.
#[derive(Clone, Copy)]
pub struct PictureErrors {
    pub too_large: ErrorId,
    /// Not a multipart form.
    pub unreadable: ErrorId,
    pub no_file: ErrorId,
}

/// Passes the first file in field `image` on to the files service, which stores it under (kind, id) once it is processed.
/// `allowed` is asked when there is such a file.
pub async fn receive(
    gateway: &Gateway,
    session: &Session,
    request: Request,
    (kind, id): (&'static str, &str),
    errors: PictureErrors,
    allowed: ApiResult<()>,
) -> ApiResult<()> {
    let limit = u64::try_from(gateway.settings().settings.max_file_size).unwrap_or(0);
    let mut form = Form::receive(request, limit, errors.too_large, errors.unreadable).await?;
    let unread = |error: uploads::BodyError| error.refusal(errors.too_large, errors.unreadable);
    while let Some(field) = form.next().await.map_err(unread)? {
        if field.name() != FIELD || field.file_name().is_none() {
            continue;
        }
        allowed?;
        let message = |part| PutImageRequest { part: Some(part) };
        let wrap = |bytes| PutImageRequest { part: Some(Part::Chunk(bytes)) };
        let start = message(Part::Start(ImageRef { kind: kind.to_owned(), id: id.to_owned() }));
        let mut images = gateway.clients.images();
        let put = uploads::pass_on(field.chunks(), (start, wrap, message(Part::End(true))), |messages| {
            let mut request = session.call(messages);
            request.set_timeout(UPLOAD_DEADLINE);
            async move { images.put(request).await }
        });
        return match put.await {
            Ok(_) => Ok(()),
            Err(PassOnError::Body(error)) => Err(unread(error)),
            Err(PassOnError::Service(error)) => Err(error),
        };
    }
    Err(ApiError::from(errors.no_file))
}

/// A stored picture: kept for a day, asked for again with its ETag.
pub fn found(reply: ImageReply, etag: &str) -> Response {
    let mut response = body(reply);
    cached_a_day(&mut response, etag);
    response
}

pub fn not_modified(etag: &str) -> Response {
    let mut response = StatusCode::NOT_MODIFIED.into_response();
    cached_a_day(&mut response, etag);
    response
}

/// A picture made just now, which its owner will soon replace.
pub fn generated(reply: ImageReply) -> Response {
    let mut response = body(reply);
    response.headers_mut().insert(header::CACHE_CONTROL, CACHED_BRIEFLY);
    response
}

/// The picture with its type.
pub fn body(reply: ImageReply) -> Response {
    let kind = HeaderValue::try_from(reply.content_type).unwrap_or(HeaderValue::from_static("application/octet-stream"));
    ([(header::CONTENT_TYPE, kind)], reply.data).into_response()
}

fn cached_a_day(response: &mut Response, etag: &str) {
    response.headers_mut().insert(header::CACHE_CONTROL, CACHED_A_DAY);
    if let Ok(etag) = HeaderValue::from_str(etag) {
        response.headers_mut().insert(header::ETAG, etag);
    }
}
