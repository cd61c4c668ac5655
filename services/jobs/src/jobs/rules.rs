//! What a job may be, and what is done when its worker is lost.

use muster_error::AppError;
use std::collections::BTreeMap;

pub const PENDING: &str = "pending";
pub const IN_PROGRESS: &str = "in_progress";
pub const SUCCESS: &str = "success";
pub const ERROR: &str = "error";
pub const CANCEL_REQUESTED: &str = "cancel_requested";
pub const CANCELED: &str = "canceled";

/// Types of the original. They may be created; one that no worker of this version does stays pending.
const TYPES: &[&str] = &["data_retention", "message_export", "elasticsearch_post_indexing", "elasticsearch_post_aggregation", "ldap_sync"];

/// Sweeps what has expired.
pub const CLEANUP: &str = "muster_cleanup";

/// A job whose worker was lost this often has failed.
pub const ATTEMPTS_MAX: i64 = 3;

/// Progress of a failed job.
pub const FAILED_PROGRESS: i64 = -1;

pub fn is_type(name: &str) -> bool {
    TYPES.contains(&name) || name == CLEANUP
}

/// The data as stored: a JSON map of strings, or "" for null.
pub fn checked_data(data: &str) -> Result<String, AppError> {
    if data.is_empty() || data == "null" {
        return Ok(String::new());
    }
    let map: BTreeMap<String, String> = serde_json::from_str(data).map_err(|e| AppError::body("data").detail(e))?;
    serde_json::to_string(&map).map_err(AppError::internal)
}

/// The data of a failed job: what it had, and the reason.
pub fn with_error(data: &str, reason: &str) -> String {
    let mut map: BTreeMap<String, String> = serde_json::from_str(data).unwrap_or_default();
    map.insert("error".into(), reason.into());
    serde_json::to_string(&map).unwrap_or_default()
}

/// Whether nothing more happens to a job of this status.
pub fn has_ended(status: &str) -> bool {
    !matches!(status, PENDING | IN_PROGRESS | CANCEL_REQUESTED)
}

/// The reason that [`with_error`] has put into a job's data; "" = none.
pub fn error_of(data: &str) -> String {
    let map: BTreeMap<String, String> = serde_json::from_str(data).unwrap_or_default();
    map.get("error").cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_are_maps_of_strings() {
        for (sent, stored) in [("", Some("")), ("null", Some("")), ("{}", Some("{}")), (r#"{"a": "b"}"#, Some(r#"{"a":"b"}"#))] {
            assert_eq!(checked_data(sent).ok().as_deref(), stored, "{sent}");
        }
        for bad in [r#"{"a":1}"#, "[]", "1", "{", r#""x""#] {
            assert_eq!(checked_data(bad).map_err(|e| e.status), Err(400), "{bad}");
        }
    }

    #[test]
    fn a_reason_joins_the_data() {
        assert_eq!(with_error("", "why"), r#"{"error":"why"}"#);
        assert_eq!(with_error(r#"{"a":"b"}"#, "why"), r#"{"a":"b","error":"why"}"#);
    }

    #[test]
    fn types() {
        assert!(is_type("ldap_sync") && is_type(CLEANUP));
        assert!(!is_type("") && !is_type("LDAP_SYNC"));
    }
}
