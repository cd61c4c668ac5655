//! Profile pictures (reference: files, section 2).

use crate::{
    api::ApiRoutes,
    error::ApiResult,
    extract::{IfNoneMatch, Session, UserId},
    pictures::{self, PictureErrors},
    state::Gateway,
    wire::StatusOk,
};
use axum::{
    extract::{DefaultBodyLimit, Request, State},
    response::Response,
};
use muster_error::ErrorId;
use muster_proto::{
    files::ProfileImageRequest,
    identity::{GetUserRequest, UserIdRequest, get_user_request::By},
    model,
};

const ERRORS: PictureErrors = PictureErrors {
    too_large: ErrorId::ProfileImageTooLarge,
    unreadable: ErrorId::ProfileImageParse,
    no_file: ErrorId::ProfileImageNoFile,
};

pub fn routes() -> ApiRoutes {
    ApiRoutes::new()
        .post("/users/{user_id}/image", set)
        // Pictures are streamed and limited by `FileSettings.MaxFileSize`.
        .map(|router| router.layer(DefaultBodyLimit::disable()))
        .get("/users/{user_id}/image", get)
}

/// Any session. Who has no picture gets a generated one; on its first read it is not to be kept for long.
async fn get(State(gateway): State<Gateway>, session: Session, id: UserId, if_none_match: IfNoneMatch) -> ApiResult<Response> {
    let user = user(&gateway, &session, &id).await?;
    let etag = user.last_picture_update.to_string();
    if if_none_match.as_deref() == Some(etag.as_str()) {
        return Ok(pictures::not_modified(&etag));
    }
    let request = ProfileImageRequest { user_id: user.id, username: user.username, version: user.last_picture_update };
    let reply = gateway.clients.images().profile(session.call(request)).await?.into_inner();
    Ok(if reply.generated { pictures::generated(reply) } else { pictures::found(reply, &etag) })
}

/// Oneself, or `edit_other_users`; form field `image`.
async fn set(State(gateway): State<Gateway>, session: Session, id: UserId, request: Request) -> ApiResult<StatusOk> {
    gateway.access.user(&session, &id)?;
    if *id != *session.user_id {
        user(&gateway, &session, &id).await?;
    }
    pictures::receive(&gateway, &session, request, ("profile", &id), ERRORS, Ok(())).await?;
    gateway.clients.users().picture_changed(session.call(UserIdRequest { user_id: id.0 })).await?;
    Ok(StatusOk)
}

async fn user(gateway: &Gateway, session: &Session, id: &str) -> ApiResult<model::User> {
    let request = GetUserRequest { by: Some(By::Id(id.to_owned())) };
    Ok(gateway.clients.users().get(session.call(request)).await?.into_inner())
}
