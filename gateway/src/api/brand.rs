//! Tag `brand`: the picture of the log-in page (reference: files, section 2).

use super::ApiRoutes;
use crate::{
    error::ApiResult,
    extract::{MaybeSession, RequestFacts, Session},
    pictures::{self, PictureErrors},
    state::Gateway,
    wire::Created,
};
use axum::{
    extract::{DefaultBodyLimit, Request, State},
    response::{IntoResponse, Response},
};
use http::StatusCode;
use muster_domain::permissions::Permission;
use muster_error::ErrorId;
use muster_proto::files::GetImageRequest;
use serde_json::{Value, json};

const KIND: &str = "brand";
const ERRORS: PictureErrors =
    PictureErrors { too_large: ErrorId::BrandImageTooLarge, unreadable: ErrorId::BrandImageParse, no_file: ErrorId::BrandImageNoFile };

pub fn routes() -> ApiRoutes {
    ApiRoutes::new()
        .post("/brand/image", set)
        // Pictures are streamed and limited by `FileSettings.MaxFileSize`.
        .map(|router| router.layer(DefaultBodyLimit::disable()))
        .get("/brand/image", get)
}

/// Anyone; 404 without a body when none was set.
async fn get(State(gateway): State<Gateway>, session: MaybeSession, facts: RequestFacts) -> ApiResult<Response> {
    let request = GetImageRequest { kind: KIND.into(), ..GetImageRequest::default() };
    let reply = gateway.clients.images().get(session.caller(&facts).call(request)).await?.into_inner();
    Ok(if reply.found { pictures::body(reply) } else { StatusCode::NOT_FOUND.into_response() })
}

/// `manage_system`, asked for once the form turned out to hold a file; form field `image`.
async fn set(State(gateway): State<Gateway>, session: Session, request: Request) -> ApiResult<Created<Value>> {
    let allowed = gateway.access.system(&session, Permission::ManageSystem);
    pictures::receive(&gateway, &session, request, (KIND, ""), ERRORS, allowed).await?;
    Ok(Created(json!({"status": "OK"})))
}
