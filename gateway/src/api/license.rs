//! Licence operations: every feature is on for everyone, there is nothing to install.

use super::ApiRoutes;
use crate::{
    audit,
    error::ApiResult,
    extract::{IfNoneMatch, MaybeSession, Params, Session},
    state::Gateway,
    version::{SERVER_VERSION, md5_hex},
    wire::{ApiJson, NotModifiedOr, StatusOk},
};
use axum::extract::{Multipart, State, multipart::MultipartRejection};
use muster_domain::{config::license, permissions::Permission};
use muster_error::{AppError, ErrorId};
use std::collections::BTreeMap;

pub fn routes() -> ApiRoutes {
    ApiRoutes::new().post("/license", add).delete("/license", remove).get("/license/client", client)
}

/// `manage_system`. No file is a licence of Muster.
async fn add(State(gateway): State<Gateway>, session: Session, form: Result<Multipart, MultipartRejection>) -> ApiResult<StatusOk> {
    audit::record(&gateway, &session, "attempt").await;
    gateway.access.system(&session, Permission::ManageSystem)?;
    let Ok(mut form) = form else { return Err(ErrorId::LicenseNoFile.into()) };
    while let Ok(Some(field)) = form.next_field().await {
        if field.name() == Some("license") {
            audit::record(&gateway, &session, "failed - invalid license").await;
            return Err(ErrorId::LicenseInvalid.into());
        }
    }
    Err(ErrorId::LicenseNoFile.into())
}

/// `manage_system`. OK, as the original says when there is none.
async fn remove(State(gateway): State<Gateway>, session: Session) -> ApiResult<StatusOk> {
    audit::record(&gateway, &session, "attempt").await;
    gateway.access.system(&session, Permission::ManageSystem)?;
    audit::record(&gateway, &session, "success").await;
    Ok(StatusOk)
}

type ClientLicense = ApiJson<BTreeMap<&'static str, String>>;

/// Anyone: which features clients may show. Administrators get the licence's identity too.
async fn client(
    State(gateway): State<Gateway>,
    MaybeSession(session): MaybeSession,
    params: Params,
    if_none_match: IfNoneMatch,
) -> ApiResult<NotModifiedOr<ClientLicense>> {
    match params.get("format") {
        "old" => {}
        "" => return Err(ErrorId::LicenseFormat.into()),
        _ => return Err(AppError::url("format").into()),
    }
    let is_admin = session.is_some_and(|session| gateway.access.is_allowed(&session, Permission::ManageSystem));
    let map = license::client_map(&gateway.settings().diagnostic_id, is_admin);
    // A map of strings always encodes.
    let etag = format!("{SERVER_VERSION}.{}", md5_hex(&serde_json::to_vec(&map).unwrap_or_default()));
    Ok(NotModifiedOr::new(if_none_match.as_deref(), etag, || ApiJson(map)))
}
