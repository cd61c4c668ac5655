//! Roles: rows seeded at first start, read by everybody into memory, changed by administrators.

mod store;

use crate::audits::AuditLog;
use muster_domain::{permissions::Permission, time::now_ms};
use muster_error::{AppError, ErrorId};
use muster_events::{Announcement, Outbox, audience, everyone_subject, frame, invalidation::What};
use muster_proto::{
    identity::{ListRolesRequest, PatchRoleRequest, RoleList, roles_server::Roles},
    model::Role,
};
use muster_runtime::{Caller, postgres::sql_error};
use serde_json::json;
use sqlx::PgPool;
use std::collections::BTreeSet;
use tonic::{Request, Response, Status};

pub(crate) use store::{all_exist, seed};

pub(crate) struct RolesService {
    pub(crate) pool: PgPool,
    pub(crate) outbox: Outbox,
    pub(crate) audit_log: AuditLog,
}

#[tonic::async_trait]
impl Roles for RolesService {
    async fn list_all(&self, request: Request<ListRolesRequest>) -> Result<Response<RoleList>, Status> {
        Caller::of(&request)?;
        let roles = store::all(&self.pool).await.map_err(sql_error)?;
        Ok(Response::new(RoleList { roles }))
    }

    async fn patch(&self, request: Request<PatchRoleRequest>) -> Result<Response<Role>, Status> {
        let caller = Caller::of(&request)?;
        let role = self.patch_role(request.into_inner()).await?;
        self.audit_log.record(&caller, &caller.user_id, "").await;
        Ok(Response::new(role))
    }
}

impl RolesService {
    async fn patch_role(&self, patch: PatchRoleRequest) -> Result<Role, AppError> {
        let permissions = patch.has_permissions.then(|| checked(patch.permissions)).transpose()?;
        let mut tx = self.pool.begin().await.map_err(sql_error)?;
        let mut role = store::lock(&mut tx, &patch.role_id).await.map_err(sql_error)?.ok_or(ErrorId::RoleNotFound)?;
        if let Some(permissions) = permissions {
            if same(&permissions, &role.permissions) {
                return Ok(role);
            }
            role.permissions = permissions;
        }
        role.update_at = now_ms().max(role.update_at + 1);
        store::update(&mut tx, &role).await.map_err(sql_error)?;
        let announcements = vec![updated(&role)?];
        self.outbox.record(&mut tx, &announcements).await.map_err(sql_error)?;
        tx.commit().await.map_err(sql_error)?;
        self.outbox.bus().invalidate(What::RoleName(role.name.clone())).await;
        self.outbox.publish(announcements).await;
        Ok(role)
    }
}

/// Known permissions, each once, in the order given.
fn checked(permissions: Vec<String>) -> Result<Vec<String>, AppError> {
    let mut seen = BTreeSet::new();
    let mut out = Vec::with_capacity(permissions.len());
    for permission in permissions {
        permission.parse::<Permission>().map_err(|_| AppError::body("permissions").detail(&permission))?;
        if seen.insert(permission.clone()) {
            out.push(permission);
        }
    }
    Ok(out)
}

/// The order of permissions does not count.
fn same(a: &[String], b: &[String]) -> bool {
    a.iter().collect::<BTreeSet<_>>() == b.iter().collect::<BTreeSet<_>>()
}

fn updated(role: &Role) -> Result<Announcement, AppError> {
    let text = muster_proto::json::to_string(role).map_err(AppError::internal)?;
    Ok(Announcement::new(everyone_subject(), vec![frame("role_updated", &json!({ "role": text }), audience::everyone())]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(list: &[&str]) -> Vec<String> {
        list.iter().map(|s| (*s).to_owned()).collect()
    }

    #[test]
    fn permissions_are_known_and_unique() {
        assert_eq!(
            checked(strings(&["create_team", "create_team", "manage_oauth"])).expect("known"),
            strings(&["create_team", "manage_oauth"])
        );
        assert_eq!(checked(strings(&["fly"])).expect_err("unknown").status, 400);
        assert!(same(&strings(&["a", "b"]), &strings(&["b", "a"])));
        assert!(!same(&strings(&["a"]), &strings(&["b", "a"])));
    }
}
