//! Public links: a file for whoever has its link, without a session.

use super::{readable, send};
use crate::{
    edge,
    error::ApiResult,
    extract::{FileId, Params, RequestFacts, Session},
    state::Gateway,
    web_error,
    wire::ApiJson,
};
use axum::{Router, extract::State, response::Response, routing::get};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::HeaderMap;
use muster_error::{AppError, ErrorId};
use muster_proto::files::GetFileRequest;
use muster_runtime::Caller;
use serde::Serialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

#[derive(Serialize)]
pub struct Link {
    link: String,
}

/// Whoever may read a file that is attached to a post.
pub async fn link(
    State(gateway): State<Gateway>,
    session: Session,
    facts: RequestFacts,
    id: FileId,
    headers: HeaderMap,
) -> ApiResult<ApiJson<Link>> {
    let snapshot = gateway.settings();
    if !snapshot.settings.enable_public_link {
        return Err(ErrorId::FilePublicLinkDisabled.into());
    }
    let info = readable(&gateway, &session, &id).await?;
    if info.post_id.is_empty() {
        return Err(ErrorId::FilePublicLinkNoPost.into());
    }
    let hash = link_hash(&snapshot.settings.public_link_salt, &info.id);
    Ok(ApiJson(Link { link: format!("{}/files/{}/public?h={hash}", facts.site_url(&headers), info.id) }))
}

/// What lies outside `/api/v4`: `/files/{file_id}/public`.
pub fn public_routes(gateway: Gateway) -> Router {
    Router::new()
        .route("/files/{file_id}/public", get(public))
        .route_layer(axum::middleware::from_fn_with_state(gateway.clone(), edge::operation))
        .with_state(gateway)
}

/// Anyone with the right `h`. The file always comes as an attachment.
async fn public(State(gateway): State<Gateway>, facts: RequestFacts, id: FileId, params: Params) -> ApiResult<Response> {
    let snapshot = gateway.settings();
    if !snapshot.settings.enable_public_link {
        return Err(ErrorId::FilePublicLinkDisabled.into());
    }
    let caller = Caller {
        request_id: facts.request_id.to_string(),
        ip: facts.client_ip.to_string(),
        path: facts.path.to_string(),
        ..Caller::default()
    };
    let request = GetFileRequest { file_id: id.0 };
    let record = gateway.clients.files().get(caller.call(request)).await?.into_inner();
    let info = record.info.ok_or(ErrorId::FileNotFound)?;
    let expected = link_hash(&snapshot.settings.public_link_salt, &info.id);
    if !bool::from(params.get("h").as_bytes().ct_eq(expected.as_bytes())) {
        return Ok(web_error::page(&AppError::new(ErrorId::FilePublicLinkInvalid)));
    }
    send(&gateway, caller, &info, "", true).await
}

/// Stable for a file as long as the salt stays.
fn link_hash(salt: &str, file_id: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::new().chain_update(salt).chain_update(file_id).finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_of_salt_and_id() {
        // printf saltid | openssl dgst -sha256 -binary | basenc --base64url
        assert_eq!(link_hash("salt", "id"), "aiZ-Jef3ySbh14pfHbrAuW9gWEgYpd2jPkm9Cy99qCc");
        assert_ne!(link_hash("other", "id"), link_hash("salt", "id"));
    }
}
