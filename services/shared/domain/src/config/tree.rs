//! Reading and writing single settings of a tree by JSON pointer (`/TeamSettings/SiteName`).

use serde_json::Value;

pub fn text<'t>(tree: &'t Value, pointer: &str) -> &'t str {
    tree.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

pub fn number(tree: &Value, pointer: &str) -> i64 {
    tree.pointer(pointer).and_then(Value::as_i64).unwrap_or_default()
}

pub fn flag(tree: &Value, pointer: &str) -> bool {
    tree.pointer(pointer).and_then(Value::as_bool).unwrap_or_default()
}

/// Overwrites an existing setting; a setting the tree lacks is left out.
pub fn set(tree: &mut Value, pointer: &str, value: impl Into<Value>) {
    if let Some(slot) = tree.pointer_mut(pointer) {
        *slot = value.into();
    }
}
