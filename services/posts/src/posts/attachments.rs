//! The fixed shape of message attachments. Pure.

use muster_domain::ids::new_id;
use serde_json::{Map, Value, json};

/// Text keys that are always present.
const TEXTS: [&str; 13] = [
    "fallback",
    "color",
    "pretext",
    "author_name",
    "author_link",
    "author_icon",
    "title",
    "title_link",
    "text",
    "image_url",
    "thumb_url",
    "footer",
    "footer_icon",
];

/// `props.attachments` as stored: known keys only, each present; `null` when nothing in it is an attachment.
pub fn normalised(attachments: &Value) -> Value {
    let valid: Vec<Value> = attachments.as_array().into_iter().flatten().filter_map(Value::as_object).map(attachment).collect();
    if valid.is_empty() { Value::Null } else { Value::Array(valid) }
}

fn attachment(given: &Map<String, Value>) -> Value {
    let mut kept = Map::new();
    kept.insert("id".into(), given.get("id").filter(|id| id.is_i64()).cloned().unwrap_or(json!(0)));
    for key in TEXTS {
        kept.insert(key.into(), given.get(key).filter(|text| text.is_string()).cloned().unwrap_or(json!("")));
    }
    let fields: Option<Vec<Value>> =
        given.get("fields").and_then(Value::as_array).map(|fields| fields.iter().filter_map(Value::as_object).map(field).collect());
    kept.insert("fields".into(), fields.map_or(Value::Null, Value::Array));
    kept.insert("ts".into(), given.get("ts").cloned().unwrap_or(Value::Null));
    let actions: Vec<Value> =
        given.get("actions").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object).map(action).collect();
    if !actions.is_empty() {
        kept.insert("actions".into(), Value::Array(actions));
    }
    Value::Object(kept)
}

fn field(given: &Map<String, Value>) -> Value {
    json!({
        "title": given.get("title").and_then(Value::as_str).unwrap_or_default(),
        "value": given.get("value").cloned().unwrap_or(Value::Null),
        "short": given.get("short").and_then(Value::as_bool).unwrap_or_default(),
    })
}

fn action(given: &Map<String, Value>) -> Value {
    let id = given.get("id").and_then(Value::as_str).filter(|id| !id.is_empty()).map_or_else(new_id, str::to_owned);
    let mut kept = Map::new();
    kept.insert("id".into(), id.into());
    kept.insert("name".into(), given.get("name").and_then(Value::as_str).unwrap_or_default().into());
    if let Some(integration) = given.get("integration").and_then(Value::as_object) {
        let mut target = Map::new();
        target.insert("url".into(), integration.get("url").and_then(Value::as_str).unwrap_or_default().into());
        if let Some(context) = integration.get("context").filter(|c| c.is_object()) {
            target.insert("context".into(), context.clone());
        }
        kept.insert("integration".into(), Value::Object(target));
    }
    Value::Object(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_known_keys_and_fills_the_rest() {
        let given =
            json!([{"text": "t", "color": 5, "unknown": 1, "fields": [{"title": "a", "value": 1}], "actions": [{"name": "Go"}]}, 7]);
        let kept = normalised(&given);
        assert_eq!(kept.as_array().map(Vec::len), Some(1));
        let first = &kept[0];
        assert_eq!((&first["text"], &first["color"], &first["id"], &first["ts"]), (&json!("t"), &json!(""), &json!(0), &Value::Null));
        assert_eq!(first["fields"], json!([{"title": "a", "value": 1, "short": false}]));
        assert!(first.get("unknown").is_none());
        assert_eq!(first["actions"][0]["id"].as_str().map(str::len), Some(26));
    }

    #[test]
    fn what_is_no_attachment_is_null() {
        for given in [json!("x"), json!([]), json!([1]), json!({})] {
            assert_eq!(normalised(&given), Value::Null, "{given}");
        }
        assert!(normalised(&json!([{}]))[0].get("actions").is_none());
    }
}
