//! Tag `system`: caches, audits, time zones, connection tests, and other small operations.

use super::ApiRoutes;
use crate::{
    error::ApiResult,
    extract::{Page, Session},
    state::Gateway,
    wire::{ApiJson, NoCache, StatusOk},
};
use axum::extract::State;
use bytes::Bytes;
use muster_domain::{
    config::{Settings, defaults, license, mask},
    permissions::Permission,
    time::{DAY_MS, now_ms},
};
use muster_error::ErrorId;
use muster_events::{Announcement, audience, everyone_subject, frame, invalidation::What};
use muster_proto::{
    files::TestStoreRequest,
    identity::{GetUserRequest, ListAuditsRequest, get_user_request::By},
    jobs::TestMailRequest,
    model::Audit,
};
use serde_json::{Value, json};
use std::sync::LazyLock;

pub fn routes() -> ApiRoutes {
    ApiRoutes::new()
        .get("/system/timezones", timezones)
        .post("/database/recycle", recycle)
        .post("/email/test", test_email)
        .post("/file/s3_test", test_files)
        .get("/audits", audits)
        .post("/caches/invalidate", invalidate)
        .get("/webrtc/token", webrtc_token)
        .get("/data_retention/policy", retention_policy)
}

static TIME_ZONES: LazyLock<Vec<&'static str>> = LazyLock::new(|| include_str!("timezones.txt").lines().collect());

/// Logged in: the names of the time zones (tz database).
async fn timezones(_: Session) -> ApiJson<&'static [&'static str]> {
    ApiJson(&TIME_ZONES)
}

/// `manage_system`. The pools replace their connections by themselves as they age or break.
async fn recycle(State(gateway): State<Gateway>, session: Session) -> ApiResult<StatusOk> {
    gateway.access.system(&session, Permission::ManageSystem)?;
    Ok(StatusOk)
}

/// `manage_system`: a mail to the caller, by the configuration in the body or the running one.
async fn test_email(State(gateway): State<Gateway>, session: Session, body: Bytes) -> ApiResult<StatusOk> {
    gateway.access.system(&session, Permission::ManageSystem)?;
    let snapshot = gateway.settings();
    let tree = tree_to_test(&snapshot.tree, &body);
    let (settings, running) = (Settings::from_tree(&tree), &snapshot.settings);
    if settings.smtp_server.is_empty() {
        return Err(ErrorId::TestEmailMissingServer.into());
    }
    // A stored password goes to the server it was stored for, to no other.
    let account = |s: &Settings| (s.smtp_server.clone(), s.smtp_port.clone(), s.smtp_username.clone());
    if password_is_masked(&body) && account(&settings) != account(running) {
        return Err(ErrorId::TestEmailReenterPassword.into());
    }
    if !settings.send_email_notifications {
        return Ok(StatusOk);
    }
    let by = Some(By::Id(session.user_id.clone()));
    let to = gateway.clients.users().get(session.call(GetUserRequest { by })).await?.into_inner().email;
    gateway.clients.mail().test(session.call(TestMailRequest { to, config: tree.to_string().into() })).await?;
    Ok(StatusOk)
}

/// `manage_system`: whether the file store of the configuration in the body (or the running one) works.
async fn test_files(State(gateway): State<Gateway>, session: Session, body: Bytes) -> ApiResult<StatusOk> {
    gateway.access.system(&session, Permission::ManageSystem)?;
    let tree = tree_to_test(&gateway.settings().tree, &body);
    let request = TestStoreRequest { file_settings: tree["FileSettings"].to_string().into() };
    gateway.clients.stores().test(session.call(request)).await?;
    Ok(StatusOk)
}

fn password_is_masked(body: &[u8]) -> bool {
    serde_json::from_slice::<Value>(body).is_ok_and(|sent| sent["EmailSettings"]["SMTPPassword"] == mask::MASK)
}

/// The configuration sent to be tested, with masked secrets as they are; the running one when nothing readable was sent.
fn tree_to_test(running: &Value, body: &[u8]) -> Value {
    match serde_json::from_slice(body).ok().and_then(|sent| defaults::complete(&sent)) {
        Some(mut tree) => {
            mask::restore(&mut tree, running);
            tree
        }
        None => running.clone(),
    }
}

/// `manage_system`: everybody's audits, newest first.
async fn audits(State(gateway): State<Gateway>, session: Session, Page(page): Page) -> ApiResult<ApiJson<Vec<Audit>>> {
    gateway.access.system(&session, Permission::ManageSystem)?;
    let request = ListAuditsRequest { user_id: String::new(), offset: page.offset(), limit: page.limit() };
    Ok(ApiJson(gateway.clients.audits().list(session.call(request)).await?.into_inner().audits))
}

/// `manage_system`: every process drops what it cached, and clients read the licence again.
async fn invalidate(State(gateway): State<Gateway>, session: Session) -> ApiResult<NoCache<StatusOk>> {
    gateway.access.system(&session, Permission::ManageSystem)?;
    gateway.bus.invalidate(What::Everything(true)).await;
    let data = json!({"license": license::client_map(&gateway.settings().diagnostic_id, false)});
    let item = frame("license_changed", &data, audience::everyone());
    gateway.bus.publish(Announcement::new(everyone_subject(), vec![item])).await;
    Ok(NoCache(StatusOk))
}

/// Any session, while video calls are on.
async fn webrtc_token(State(gateway): State<Gateway>, _: Session) -> ApiResult<StatusOk> {
    let on = gateway.settings().settings.enable_webrtc;
    Err(if on { ErrorId::NotImplemented } else { ErrorId::WebrtcDisabled }.into())
}

/// Any session: what is deleted at which age.
async fn retention_policy(State(gateway): State<Gateway>, _: Session) -> ApiJson<Value> {
    let snapshot = gateway.settings();
    let settings = &snapshot.settings;
    let cutoff = |days: i64| now_ms().saturating_sub(days.saturating_mul(DAY_MS));
    ApiJson(json!({
        "message_deletion_enabled": settings.enable_message_deletion,
        "file_deletion_enabled": settings.enable_file_deletion,
        "message_retention_cutoff": cutoff(settings.message_retention_days),
        "file_retention_cutoff": cutoff(settings.file_retention_days),
    }))
}
