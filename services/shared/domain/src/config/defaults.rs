//! Default values: those a new installation ships with, and those a setting takes that a PUT leaves out.

use serde_json::Value;
use std::sync::LazyLock;

static SHIPPED: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(include_str!("defaults.json")).unwrap_or_default());

/// The configuration of a new installation. Its shape is the schema: sections, settings and their types.
pub fn shipped() -> &'static Value {
    &SHIPPED
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_file_parses() {
        assert_eq!(shipped().as_object().map(|sections| sections.len()), Some(32));
    }
}
