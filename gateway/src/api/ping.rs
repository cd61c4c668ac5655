//! `GET /system/ping`.

use super::ApiRoutes;
use crate::{state::Gateway, wire::ApiJson};
use axum::extract::State;
use serde_json::{Value, json};

pub fn routes() -> ApiRoutes {
    ApiRoutes::new().get("/system/ping", ping)
}

/// Anyone: `status` and the newest and oldest client versions welcome here.
async fn ping(State(gateway): State<Gateway>) -> ApiJson<Value> {
    let snapshot = gateway.settings();
    let mut body = json!({"status": "OK"});
    if let (Some(body), Some(clients)) = (body.as_object_mut(), snapshot.tree["ClientRequirements"].as_object()) {
        body.extend(clients.clone());
    }
    ApiJson(body)
}
