//! Tag `roles`. Reads come from the table in memory that permissions are decided by.

use super::ApiRoutes;
use crate::{
    error::{ApiError, ApiResult},
    extract::{Json, RoleId, Session, path_param},
    state::Gateway,
    wire::ApiJson,
};
use axum::extract::{FromRequestParts, State};
use http::request::Parts;
use muster_domain::permissions::Permission;
use muster_error::{AppError, ErrorId};
use muster_proto::{identity::PatchRoleRequest, model::Role};
use serde::Deserialize;

/// Characters a role's name may have.
const NAME_MAX: usize = 64;

pub fn routes() -> ApiRoutes {
    ApiRoutes::new()
        .get("/roles/{role_id}", get)
        .get("/roles/name/{role_name}", get_by_name)
        .put("/roles/{role_id}/patch", patch)
        .post("/roles/names", get_by_names)
}

/// Any session.
async fn get(State(gateway): State<Gateway>, _: Session, RoleId(id): RoleId) -> ApiResult<ApiJson<Role>> {
    find(&gateway, |role| role.id == id, ErrorId::RoleNotFound)
}

/// Any session.
async fn get_by_name(State(gateway): State<Gateway>, _: Session, RoleName(name): RoleName) -> ApiResult<ApiJson<Role>> {
    find(&gateway, |role| role.name == name, ErrorId::RoleNameNotFound)
}

/// Any session: the roles with these names; unknown ones are left out, none found is `null`.
async fn get_by_names(State(gateway): State<Gateway>, _: Session, Json(names): Json<Vec<String>>) -> ApiResult<ApiJson<Option<Vec<Role>>>> {
    if names.is_empty() {
        return Err(AppError::body("rolenames").into());
    }
    let names: Vec<&str> = names.iter().map(|name| name.trim()).filter(|name| !name.is_empty()).collect();
    if names.iter().any(|name| !is_name(name)) {
        return Err(AppError::body("rolename").into());
    }
    let table = gateway.access.roles();
    let found: Vec<Role> = table.roles.iter().filter(|role| names.contains(&role.name.as_str())).cloned().collect();
    Ok(ApiJson((!found.is_empty()).then_some(found)))
}

/// What a patch may change: the list of permissions, replaced whole.
#[derive(Deserialize)]
struct RolePatch {
    permissions: Option<Vec<String>>,
}

/// `manage_system`. Takes effect at once; an equal list changes nothing.
async fn patch(
    State(gateway): State<Gateway>,
    session: Session,
    RoleId(role_id): RoleId,
    Json(patch): Json<RolePatch>,
) -> ApiResult<ApiJson<Role>> {
    gateway.access.system(&session, Permission::ManageSystem)?;
    let request =
        PatchRoleRequest { role_id, has_permissions: patch.permissions.is_some(), permissions: patch.permissions.unwrap_or_default() };
    let role = gateway.clients.roles().patch(session.call(request)).await?.into_inner();
    // The invalidation reaches the other gateways; this one answers its next request by the new table.
    gateway.access.reload_roles().await?;
    Ok(ApiJson(role))
}

fn find(gateway: &Gateway, matches: impl Fn(&Role) -> bool, missing: ErrorId) -> ApiResult<ApiJson<Role>> {
    let table = gateway.access.roles();
    table.roles.iter().find(|role| matches(role)).cloned().map(ApiJson).ok_or_else(|| missing.into())
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= NAME_MAX && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// `{role_name}`: another alphabet is no route, a longer name 400.
struct RoleName(String);

impl FromRequestParts<Gateway> for RoleName {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Gateway) -> Result<Self, ApiError> {
        let name = path_param(parts, "role_name").await?;
        if is_name(&name) {
            return Ok(Self(name));
        }
        let readable = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        Err(if readable { AppError::url("role_name").into() } else { ErrorId::NotFound.into() })
    }
}
