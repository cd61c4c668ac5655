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
use muster_proto::jobs::ListNodesRequest;
use muster_runtime::logs::{self, Line};
use std::{collections::BTreeMap, time::Duration};

/// The question for a process's newest lines; the body is their number.
pub const QUESTION: &str = "logs";
/// Bytes of lines in an answer: less than a message of the bus may have.
const ANSWER_MAX: usize = 700_000;
/// Lines per page, by default and at most.
const LINES_PER_PAGE: usize = 10_000;
/// Bytes of a client's message that are kept.
const MESSAGE_MAX: usize = 399;
/// A message up to this length is kept whole, bytes.
const MESSAGE_WHOLE: usize = 400;

pub fn routes() -> ApiRoutes {
    ApiRoutes::new().get("/logs", read).post("/logs", write)
}

/// What a process answers to [`QUESTION`].
pub fn answer(count: &[u8]) -> Vec<u8> {
    let count = std::str::from_utf8(count).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    // Lines are text and numbers: they always encode.
    serde_json::to_vec(&logs::newest(count, ANSWER_MAX)).unwrap_or_default()
}

/// `manage_system`: the newest lines of all processes by time, oldest of the page first; `null` past the end.
async fn read(State(gateway): State<Gateway>, session: Session, params: Params) -> ApiResult<ApiJson<Option<Vec<String>>>> {
    gateway.access.system(&session, Permission::ManageSystem)?;
    let snapshot = gateway.settings();
    if snapshot.tree["LogSettings"]["EnableFile"] == false {
        return Ok(ApiJson(Some(vec![String::new()])));
    }
    let number = |name: &str| params.get(name).parse::<usize>().ok();
    let page = number("page").unwrap_or(0);
    let per_page = match number("logs_per_page").unwrap_or(LINES_PER_PAGE) {
        0 => logs::KEPT,
        lines => lines.min(LINES_PER_PAGE),
    };
    let needed = page.saturating_add(1).saturating_mul(per_page).min(logs::KEPT);
    let within = snapshot.tree["ServiceSettings"]["ClusterLogTimeoutMilliseconds"].as_u64().unwrap_or_default();
    let nodes = gateway.clients.nodes().list(session.call(ListNodesRequest {})).await?.into_inner().nodes;
    let processes = nodes.iter().filter(|node| node.is_alive).count();
    let answers = gateway.bus.ask_all(QUESTION, needed.to_string().into(), processes, Duration::from_millis(within)).await?;
    let mut lines: Vec<Line> = answers.iter().flat_map(|answer| serde_json::from_slice::<Vec<Line>>(answer).unwrap_or_default()).collect();
    lines.sort_by_key(|line| line.at);
    let lines = page_of(lines, page, per_page);
    Ok(ApiJson((!lines.is_empty()).then_some(lines)))
}

/// Page 0 ends with the newest line.
fn page_of(lines: Vec<Line>, page: usize, per_page: usize) -> Vec<String> {
    let end = lines.len().saturating_sub(page.saturating_mul(per_page));
    let start = end.saturating_sub(per_page);
    lines.into_iter().take(end).skip(start).map(|line| line.text).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_count_from_the_newest_line() {
        let page = |page: usize, per_page: usize| {
            let lines = (0..5).map(|n| Line { at: n, text: n.to_string() }).collect();
            page_of(lines, page, per_page)
        };
        assert_eq!(page(0, 2), ["3", "4"]);
        assert_eq!(page(1, 2), ["1", "2"]);
        assert_eq!(page(2, 2), ["0"]);
        assert!(page(3, 2).is_empty());
        assert!(page(usize::MAX, 2).is_empty());
    }
}
