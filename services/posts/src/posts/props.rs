//! What the server reads from and does to a post's `props`, which stay text otherwise. Pure.

use muster_error::{AppError, ErrorId};
use muster_proto::model::Channel;
use serde_json::{Map, Value, json};

/// Set by the server only; removed from what clients send.
const ADD_CHANNEL_MEMBER: &str = "add_channel_member";
const CHANNEL_MENTIONS: &str = "channel_mentions";
const FROM_WEBHOOK: &str = "from_webhook";
const OVERRIDE_USERNAME: &str = "override_username";
const ATTACHMENTS: &str = "attachments";
const INTEGRATION: &str = "integration";

/// What props say about a post that came through a webhook.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Webhook {
    /// Any `from_webhook` key: posting does not mark the channel read.
    pub marked: bool,
    /// `from_webhook` is `"true"`.
    pub genuine: bool,
    pub override_username: Option<String>,
}

pub fn webhook(props: &str) -> Webhook {
    if !props.contains(FROM_WEBHOOK) {
        return Webhook::default();
    }
    let map = parse(props).unwrap_or_default();
    Webhook {
        marked: map.contains_key(FROM_WEBHOOK),
        genuine: map.get(FROM_WEBHOOK).and_then(Value::as_str) == Some("true"),
        override_username: text(&map, OVERRIDE_USERNAME).filter(|name| !name.is_empty()),
    }
}

/// A string among the props.
pub fn string(props: &str, key: &str) -> Option<String> {
    if props.contains(key) { text(&parse(props).ok()?, key) } else { None }
}

/// Props as they are stored: without what only the server sets, with the channels the message mentions.
pub fn stored(props: &str, mentioned: &[Channel]) -> Result<String, AppError> {
    // A key may be written with escapes; what is stored never is, so that looking for its letters finds it.
    let plain = mentioned.is_empty() && ![ADD_CHANNEL_MEMBER, CHANNEL_MENTIONS, ATTACHMENTS, "\\u"].iter().any(|mark| props.contains(mark));
    if plain {
        return Ok(if props == "{}" { String::new() } else { props.to_owned() });
    }
    let mut map = parse(props)?;
    map.remove(ADD_CHANNEL_MEMBER);
    map.remove(CHANNEL_MENTIONS);
    if !mentioned.is_empty() {
        let named: Map<String, Value> = mentioned.iter().map(|c| (c.name.clone(), json!({ "display_name": c.display_name }))).collect();
        map.insert(CHANNEL_MENTIONS.into(), Value::Object(named));
    }
    if let Some(attachments) = map.get_mut(ATTACHMENTS) {
        *attachments = super::attachments::normalised(attachments);
    }
    written(&map)
}

/// Props as anybody may see them: the integrations of buttons are the server's business.
pub fn shown(props: String) -> String {
    if !props.contains(INTEGRATION) {
        return props;
    }
    let Ok(mut map) = parse(&props) else { return props };
    let actions = map
        .get_mut(ATTACHMENTS)
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
        .filter_map(|attachment| attachment.get_mut("actions").and_then(Value::as_array_mut))
        .flatten();
    for action in actions.filter_map(Value::as_object_mut) {
        action.remove(INTEGRATION);
    }
    written(&map).unwrap_or_default()
}

fn parse(props: &str) -> Result<Map<String, Value>, AppError> {
    if props.is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_str(props).map_err(|e| AppError::new(ErrorId::PostInvalidProps).detail(e))
}

fn written(map: &Map<String, Value>) -> Result<String, AppError> {
    if map.is_empty() { Ok(String::new()) } else { serde_json::to_string(map).map_err(AppError::internal) }
}

fn text(map: &Map<String, Value>, key: &str) -> Option<String> {
    map.get(key).and_then(Value::as_str).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_webhook_marks() {
        assert_eq!(webhook(r#"{"x":1}"#), Webhook::default());
        assert_eq!(webhook(r#"{"from_webhook":"false"}"#), Webhook { marked: true, ..Webhook::default() });
        let genuine = webhook(r#"{"from_webhook":"true","override_username":"bot"}"#);
        assert_eq!(genuine, Webhook { marked: true, genuine: true, override_username: Some("bot".into()) });
    }

    #[test]
    fn stores_what_clients_may_say_and_recomputes_the_rest() {
        let off_topic = Channel { name: "off-topic".into(), display_name: "Off-Topic".into(), ..Channel::default() };
        for (given, mentioned, expected) in [
            ("", &[][..], ""),
            ("{}", &[], ""),
            (r#"{"b":1.50,"a":2}"#, &[], r#"{"b":1.50,"a":2}"#),
            (r#"{"add_channel_member":{"x":1},"a":2}"#, &[], r#"{"a":2}"#),
            (r#"{"channel_mentions":{"x":{}}}"#, &[], ""),
            (r#"{"\u0061dd_channel_member":1,"\u0061":2}"#, &[], r#"{"a":2}"#),
            ("", &[off_topic.clone()], r#"{"channel_mentions":{"off-topic":{"display_name":"Off-Topic"}}}"#),
        ] {
            assert_eq!(stored(given, mentioned).expect("props"), expected, "{given}");
        }
        assert!(stored("{not json, attachments", &[]).is_err());
    }

    #[test]
    fn integrations_are_never_shown() {
        let props = r#"{"attachments":[{"actions":[{"id":"a","integration":{"url":"http://secret"}}]}],"k":"integration"}"#;
        assert_eq!(shown(props.into()), r#"{"attachments":[{"actions":[{"id":"a"}]}],"k":"integration"}"#);
        assert_eq!(shown(r#"{"a":1}"#.into()), r#"{"a":1}"#);
    }
}
