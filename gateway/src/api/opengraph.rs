//! Tag `OpenGraph`.

use super::ApiRoutes;
use crate::{error::ApiResult, extract::Session, state::Gateway, wire::RawJson};
use axum::extract::State;
use muster_error::{AppError, ErrorId};
use muster_proto::posts::PreviewRequest;
use serde::Deserialize;
use serde_json::Value;

pub fn routes() -> ApiRoutes {
    ApiRoutes::new().post("/opengraph", preview)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Link {
    url: Value,
}

/// Any session, while `EnableLinkPreviews` is on. A page that cannot be had is an answer with nothing in it.
async fn preview(State(gateway): State<Gateway>, session: Session, body: axum::body::Bytes) -> ApiResult<RawJson> {
    // Asked before the body is looked at.
    if !gateway.settings().settings.enable_link_previews {
        return Err(ErrorId::LinkPreviewDisabled.into());
    }
    let link: Link = crate::extract::from_json(&body).map_err(|e| AppError::body("url").detail(e))?;
    let url = link.url.as_str().filter(|url| !url.is_empty()).ok_or_else(|| AppError::body("url"))?;
    Ok(RawJson(gateway.clients.links().preview(session.call(PreviewRequest { url: url.to_owned() })).await?.into_inner().json))
}
