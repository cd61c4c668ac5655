//! What is asked of an integration, and how its answer reads. Pure.

use muster_error::AppError;
use muster_proto::model::Post;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// What stands behind a button.
#[derive(Debug, PartialEq, Eq)]
pub struct Integration {
    pub url: String,
    pub context: Map<String, Value>,
}

/// An integration's answer.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Response {
    pub update: Option<Post>,
    #[serde(deserialize_with = "muster_proto::serde_rules::null_as_default")]
    pub ephemeral_text: String,
}

/// The integration of the button with this id, if the post has such a one.
pub fn integration(props: &str, action_id: &str) -> Option<Integration> {
    let props: Map<String, Value> = serde_json::from_str(props).ok()?;
    let attachments = props.get("attachments")?.as_array()?;
    let mut actions = attachments.iter().filter_map(|a| a.get("actions").and_then(Value::as_array)).flatten();
    let action = actions.find(|action| action.get("id").and_then(Value::as_str) == Some(action_id))?;
    let integration = action.get("integration")?;
    let url = integration.get("url").and_then(Value::as_str).unwrap_or_default().to_owned();
    let context = integration.get("context").and_then(Value::as_object).cloned().unwrap_or_default();
    Some(Integration { url, context })
}

/// `{"user_id":…,"context":{…}}`, without an empty context.
pub fn question(user_id: &str, context: &Map<String, Value>) -> String {
    let mut question = json!({ "user_id": user_id });
    if !context.is_empty() {
        question["context"] = Value::Object(context.clone());
    }
    question.to_string()
}

/// The props of an answer: from a webhook, in the name and with the icon the old post has.
pub fn updated_props(given: &str, old: &str) -> Result<String, AppError> {
    let parse = |props: &str| -> Result<Map<String, Value>, AppError> {
        if props.is_empty() { Ok(Map::new()) } else { serde_json::from_str(props).map_err(AppError::internal) }
    };
    let (mut props, old) = (parse(given)?, parse(old)?);
    props.insert("from_webhook".into(), "true".into());
    for key in ["override_username", "override_icon_url"] {
        match old.get(key) {
            Some(value) => props.insert(key.into(), value.clone()),
            None => props.remove(key),
        };
    }
    serde_json::to_string(&props).map_err(AppError::internal)
}

/// `<url|text>` becomes `[text](url)`.
pub fn markdown_links(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        out.push_str(&rest[..start]);
        let inside = &rest[start + 1..];
        let link = inside.find('>').and_then(|end| Some((inside[..end].split_once('|')?, end)));
        match link {
            Some(((url, label), end)) if !url.is_empty() && !label.is_empty() && !url.contains('<') => {
                out.push_str(&format!("[{label}]({url})"));
                rest = &inside[end + 1..];
            }
            _ => {
                out.push('<');
                rest = inside;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_integration_of_a_button() {
        let props = r#"{"attachments":[{"text":"t"},{"actions":[{"id":"a","name":"n"},{"id":"b","integration":{"url":"http://x","context":{"k":1}}}]}]}"#;
        let found = integration(props, "b").expect("an integration");
        assert_eq!((found.url.as_str(), &found.context["k"]), ("http://x", &json!(1)));
        assert_eq!((integration(props, "a"), integration(props, "c"), integration("", "a")), (None, None, None));
    }

    #[test]
    fn asks_with_a_context_only_if_there_is_one() {
        assert_eq!(question("u", &Map::new()), r#"{"user_id":"u"}"#);
        let context = Map::from_iter([("k".to_owned(), json!([1]))]);
        assert_eq!(serde_json::from_str::<Value>(&question("u", &context)).expect("JSON"), json!({"user_id": "u", "context": {"k": [1]}}));
    }

    #[test]
    fn an_answer_cannot_choose_its_name() {
        let props = |given, old| serde_json::from_str::<Value>(&updated_props(given, old).expect("props")).expect("JSON");
        let given = r#"{"override_username":"fake","override_icon_url":"fake","a":1}"#;
        assert_eq!(props(given, ""), json!({"a": 1, "from_webhook": "true"}));
        let old = r#"{"override_username":"bot","override_icon_url":"i","b":2,"from_webhook":"false"}"#;
        assert_eq!(props(given, old), json!({"a": 1, "from_webhook": "true", "override_username": "bot", "override_icon_url": "i"}));
        assert_eq!(props("", ""), json!({"from_webhook": "true"}));
    }

    #[test]
    fn answers_read_as_go_reads_them() {
        let read = |text: &str| serde_json::from_str::<Response>(text).ok().map(|r| (r.update.map(|p| p.message), r.ephemeral_text));
        assert_eq!(read("{}"), Some((None, String::new())));
        assert_eq!(read(r#"{"update":null,"ephemeral_text":null}"#), Some((None, String::new())));
        assert_eq!(read(r#"{"update":{"message":"m","x":1},"ephemeral_text":"e"}"#), Some((Some("m".into()), "e".into())));
        assert_eq!((read(""), read("nonsense")), (None, None));
    }

    #[test]
    fn links_become_markdown() {
        for (text, expected) in [
            ("see <http://x|the page>!", "see [the page](http://x)!"),
            ("<http://x> a < b <|> <a|b", "<http://x> a < b <|> <a|b"),
            ("<<http://x|y>", "<[y](http://x)"),
            ("ä<ü|ö>", "ä[ö](ü)"),
        ] {
            assert_eq!(markdown_links(text), expected, "{text}");
        }
    }
}
