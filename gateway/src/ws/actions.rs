//! What clients may send, and the replies (reference: posts and real time, section 12.2).

use super::connection::Live;
use crate::{state::Gateway, version::SERVER_VERSION};
use muster_error::{AppError, ErrorId};
use muster_events::{Announcement, audience, channel_subject, frame, user_subject};
use muster_proto::identity::{GetStatusesRequest, ListActiveRequest};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::atomic::Ordering;

/// A client's frame.
#[derive(Debug, Deserialize)]
#[serde(default)]
#[derive(Default)]
pub struct Action {
    pub seq: i64,
    pub action: String,
    pub data: Option<Map<String, Value>>,
}

impl Action {
    fn text(&self, key: &str) -> &str {
        self.data.as_ref().and_then(|d| d.get(key)).and_then(Value::as_str).unwrap_or_default()
    }
}

/// What a frame leads to.
pub enum Outcome {
    Reply(String),
    Silence,
    Authenticate(String),
    /// The connection ends without a word.
    Drop,
}

/// An unauthenticated connection may only authenticate.
pub fn before_authentication(action: &Action) -> Outcome {
    if let Some(reply) = malformed(action) {
        return Outcome::Reply(reply);
    }
    if action.action != "authentication_challenge" {
        return Outcome::Reply(unauthenticated(action.seq));
    }
    match action.text("token") {
        "" => Outcome::Drop,
        token => Outcome::Authenticate(token.to_owned()),
    }
}

/// An action of an authenticated connection.
pub async fn perform(gateway: &Gateway, live: &Live, action: &Action) -> Outcome {
    if let Some(reply) = malformed(action) {
        return Outcome::Reply(reply);
    }
    let result = match action.action.as_str() {
        "authentication_challenge" => return Outcome::Silence,
        "ping" => Ok(Some(ping())),
        "user_typing" => typing(gateway, live, action).await,
        "get_statuses" => statuses(gateway, live).await,
        "get_statuses_by_ids" => statuses_by_ids(gateway, live, action).await,
        "webrtc" => webrtc(gateway, action).await,
        _ => Err(AppError::new(ErrorId::WebSocketBadAction)),
    };
    Outcome::Reply(match result {
        Ok(data) => reply(action.seq, data),
        Err(error) => fail(action.seq, &error),
    })
}

fn malformed(action: &Action) -> Option<String> {
    if action.action.is_empty() {
        return Some(fail(action.seq, &ErrorId::WebSocketNoAction.into()));
    }
    (action.seq <= 0).then(|| fail(action.seq, &ErrorId::WebSocketBadSeq.into()))
}

fn ping() -> Value {
    json!({ "text": "pong", "version": SERVER_VERSION, "server_time": muster_domain::time::now_ms(), "node_id": "" })
}

type Data = Result<Option<Value>, AppError>;

/// Heard by the channel's other members. Unlike the original, strangers to a channel cannot type into it.
async fn typing(gateway: &Gateway, live: &Live, action: &Action) -> Data {
    let channel_id = action.text("channel_id");
    if !muster_domain::ids::is_id(channel_id) {
        return Err(invalid("channel_id"));
    }
    let user_id = live.connection.user_id.as_str();
    let deaf = live.connection.deaf.load(Ordering::Relaxed);
    if gateway.settings().settings.enable_user_typing_messages && !deaf && gateway.hub.is_channel_member(user_id, channel_id) {
        let mut to = audience::channel(channel_id);
        to.omit_users.push(user_id.to_owned());
        let data = json!({ "parent_id": action.text("parent_id"), "user_id": user_id });
        gateway.bus.publish(Announcement::new(channel_subject(channel_id), vec![frame("typing", &data, to)])).await;
    }
    Ok(None)
}

async fn statuses(gateway: &Gateway, live: &Live) -> Data {
    if !gateway.settings().settings.enable_user_statuses {
        return Ok(Some(json!({})));
    }
    let list = gateway.clients.statuses().list_active(live.caller.call(ListActiveRequest {})).await?.into_inner();
    Ok(Some(list.statuses.into_iter().map(|s| (s.user_id, Value::from(s.status))).collect::<Map<_, _>>().into()))
}

async fn statuses_by_ids(gateway: &Gateway, live: &Live, action: &Action) -> Data {
    let ids = action.data.as_ref().and_then(|d| d.get("user_ids")).and_then(Value::as_array).ok_or_else(|| invalid("user_ids"))?;
    let user_ids: Option<Vec<String>> = ids.iter().map(|id| id.as_str().map(str::to_owned)).collect();
    let user_ids = user_ids.filter(|ids| !ids.is_empty()).ok_or_else(|| invalid("user_ids"))?;
    let list = gateway.clients.statuses().get(live.caller.call(GetStatusesRequest { user_ids })).await?.into_inner();
    Ok(Some(list.statuses.into_iter().map(|s| (s.user_id, Value::from(s.status))).collect::<Map<_, _>>().into()))
}

/// Relayed as it is to the other user.
async fn webrtc(gateway: &Gateway, action: &Action) -> Data {
    let to = action.text("to_user_id");
    if !muster_domain::ids::is_id(to) {
        return Err(invalid("to_user_id"));
    }
    gateway.bus.publish(Announcement::new(user_subject(to), vec![frame("webrtc", &action.data, audience::user(to))])).await;
    Ok(None)
}

fn invalid(name: &str) -> AppError {
    AppError::new(ErrorId::WebSocketInvalidParam).param("Name", name)
}

/// `{"status":"OK","seq_reply":…}`
pub fn ok(seq: i64) -> String {
    reply(seq, None)
}

fn reply(seq: i64, data: Option<Value>) -> String {
    let mut body = json!({ "status": "OK", "seq_reply": seq });
    if let Some(data) = data.filter(|d| d.as_object().is_none_or(|o| !o.is_empty())) {
        body["data"] = data;
    }
    body.to_string()
}

/// FAIL 401.
pub fn unauthenticated(seq: i64) -> String {
    fail(seq, &ErrorId::WebSocketNotAuthenticated.into())
}

/// FAIL with the error.
pub fn fail(seq: i64, error: &AppError) -> String {
    let mut body = json!({
        "status": "FAIL",
        "error": { "id": error.id.wire(), "message": error.message(), "detailed_error": "", "status_code": error.status },
    });
    if seq != 0 {
        body["seq_reply"] = seq.into();
    }
    body.to_string()
}
