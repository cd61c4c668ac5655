//! Overrides from the environment: `MM_<SECTION>_<SETTING>`, upper-cased. They win whenever the tree is loaded.

use super::defaults;
use serde_json::{Map, Value, json};

const PREFIX: &str = "MM";

/// What an overlay did.
#[derive(Debug, Default, PartialEq)]
pub struct Overridden {
    /// Nested like the configuration, with `true` at each overridden setting; `{}` if none.
    pub tree: Map<String, Value>,
    /// Variables whose text is no value of their setting's type; they were ignored.
    pub unreadable: Vec<String>,
}

/// Puts the variables that `lookup` knows over `tree`. An empty variable is ignored; lists are comma separated.
pub fn overlay(tree: &mut Value, lookup: impl Fn(&str) -> Option<String>) -> Overridden {
    let mut unreadable = Vec::new();
    let overridden = descend(defaults::shipped(), tree, PREFIX, &lookup, &mut unreadable);
    Overridden { tree: overridden, unreadable }
}

fn descend(
    schema: &Value,
    tree: &mut Value,
    name: &str,
    lookup: &impl Fn(&str) -> Option<String>,
    unreadable: &mut Vec<String>,
) -> Map<String, Value> {
    let mut overridden = Map::new();
    let (Some(schema), Some(tree)) = (schema.as_object(), tree.as_object_mut()) else { return overridden };
    for (key, default) in schema {
        let name = format!("{name}_{}", key.to_uppercase());
        if default.is_object() {
            let below = descend(default, tree.entry(key).or_insert_with(|| json!({})), &name, lookup, unreadable);
            if !below.is_empty() {
                overridden.insert(key.clone(), Value::Object(below));
            }
        } else if let Some(text) = lookup(&name).filter(|text| !text.is_empty()) {
            match parse(default, &text) {
                Some(value) => {
                    tree.insert(key.clone(), value);
                    overridden.insert(key.clone(), Value::Bool(true));
                }
                None => unreadable.push(name),
            }
        }
    }
    overridden
}

fn parse(default: &Value, text: &str) -> Option<Value> {
    match default {
        Value::Bool(_) => match text {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true.into()),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false.into()),
            _ => None,
        },
        Value::Number(_) => text.trim().parse::<i64>().ok().map(Value::from),
        Value::Array(_) => Some(text.split(',').map(|item| Value::from(item.trim())).collect()),
        Value::String(_) => Some(text.into()),
        Value::Null | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overlaid(variables: &[(&str, &str)]) -> (Value, Overridden) {
        let mut tree = defaults::shipped().clone();
        let overridden = overlay(&mut tree, |name| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()));
        (tree, overridden)
    }

    #[test]
    fn variables_take_the_type_of_their_setting() {
        let cases = [
            ("MM_TEAMSETTINGS_MAXUSERSPERTEAM", "123", "/TeamSettings/MaxUsersPerTeam", json!(123)),
            ("MM_TEAMSETTINGS_ENABLEOPENSERVER", "true", "/TeamSettings/EnableOpenServer", json!(true)),
            ("MM_TEAMSETTINGS_SITENAME", "12", "/TeamSettings/SiteName", json!("12")),
            ("MM_THEMESETTINGS_ALLOWEDTHEMES", "a, b", "/ThemeSettings/AllowedThemes", json!(["a", "b"])),
            (
                "MM_MESSAGEEXPORTSETTINGS_GLOBALRELAYSETTINGS_CUSTOMERTYPE",
                "A10",
                "/MessageExportSettings/GlobalRelaySettings/CustomerType",
                json!("A10"),
            ),
        ];
        for (name, text, pointer, expected) in cases {
            let (tree, overridden) = overlaid(&[(name, text)]);
            assert_eq!(tree.pointer(pointer), Some(&expected), "{name}");
            assert_eq!(Value::Object(overridden.tree).pointer(pointer), Some(&json!(true)), "{name}");
            assert!(overridden.unreadable.is_empty());
        }
    }

    #[test]
    fn empty_and_unreadable_variables_change_nothing() {
        let (tree, overridden) = overlaid(&[
            ("MM_TEAMSETTINGS_SITENAME", ""),
            ("MM_TEAMSETTINGS_MAXUSERSPERTEAM", "many"),
            ("MM_NOSUCHSECTION_X", "1"),
            ("MM_PLUGINSETTINGS_PLUGINS", "{}"),
        ]);
        assert_eq!(&tree, defaults::shipped());
        assert_eq!(overridden, Overridden { tree: Map::new(), unreadable: vec!["MM_TEAMSETTINGS_MAXUSERSPERTEAM".into()] });
    }

    #[test]
    fn only_overridden_settings_are_named() {
        let (_, overridden) = overlaid(&[("MM_TEAMSETTINGS_SITENAME", "x"), ("MM_SQLSETTINGS_TRACE", "false")]);
        assert_eq!(Value::Object(overridden.tree), json!({"TeamSettings": {"SiteName": true}, "SqlSettings": {"Trace": true}}));
    }
}
