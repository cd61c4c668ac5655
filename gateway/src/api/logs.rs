//! Log operations of tag `system`.

use super::ApiRoutes;
use crate::{
    error::ApiResult,
    extract::{MaybeSession, Params, Session},
    state::Gateway,
    wire::ApiJson,
};
use axum::extract::State;
use bytes::Bytes;
use muster_domain::permissions::Permission;
use muster_error::AppError;
use muster_runtime::logs;
use std::collections::BTreeMap;

/// Lines per page, by default and at most.
const LINES_PER_PAGE: usize = 10_000;
/// Bytes of a client's message that are kept.
const MESSAGE_MAX: usize = 399;
/// A message up to this length is kept whole, bytes.
const MESSAGE_WHOLE: usize = 400;

pub fn routes() -> ApiRoutes {
    ApiRoutes::new().get("/logs", read).post("/logs", write)
}

/// `manage_system`: this gateway's newest lines, oldest of the page first; `null` past the end.
async fn read(State(gateway): State<Gateway>, session: Session, params: Params) -> ApiResult<ApiJson<Option<Vec<String>>>> {
    gateway.access.system(&session, Permission::ManageSystem)?;
    if gateway.settings().tree["LogSettings"]["EnableFile"] == false {
        return Ok(ApiJson(Some(vec![String::new()])));
    }
    let number = |name: &str| params.get(name).parse::<usize>().ok();
    let per_page = number("logs_per_page").unwrap_or(LINES_PER_PAGE).min(LINES_PER_PAGE);
    let lines = logs::page(number("page").unwrap_or(0), per_page);
    Ok(ApiJson((!lines.is_empty()).then_some(lines)))
}

/// A client's message into the log: administrators as error or debug, others as debug; without a session only in
/// developer mode. Answers what was logged.
async fn write(
    State(gateway): State<Gateway>,
    MaybeSession(session): MaybeSession,
    body: Bytes,
) -> ApiResult<ApiJson<BTreeMap<String, String>>> {
    let developer = gateway.settings().settings.enable_developer;
    if session.is_none() && !developer {
        return Err(AppError::permissions("no session").into());
    }
    let mut sent: BTreeMap<String, String> = serde_json::from_slice(&body).unwrap_or_default();
    let message = sent.entry("message".to_owned()).or_default();
    if message.len() > MESSAGE_WHOLE {
        message.truncate(message.floor_char_boundary(MESSAGE_MAX));
    }
    let may_raise = developer || session.as_ref().is_some_and(|s| gateway.access.is_allowed(s, Permission::ManageSystem));
    let user = session.as_ref().map(|s| s.user_id.as_str()).unwrap_or_default();
    if may_raise && sent.get("level").is_some_and(|level| level == "ERROR") {
        tracing::error!(target: "client", user, "{}", sent["message"]);
    } else {
        tracing::debug!(target: "client", user, "{}", sent["message"]);
    }
    Ok(ApiJson(sent))
}
