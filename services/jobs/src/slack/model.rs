//! What a Slack export says, as far as it is taken. Unknown keys are passed over.

use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct User {
    pub id: String,
    pub name: String,
    pub profile: Profile,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Profile {
    pub email: Option<String>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub title: Option<String>,
}

/// Of `channels.json`, `groups.json`, `dms.json` and `mpims.json`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Channel {
    pub id: String,
    pub name: String,
    pub members: Option<Vec<String>>,
    pub topic: Text,
    pub purpose: Text,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Text {
    pub value: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Message {
    pub r#type: String,
    pub subtype: Option<String>,
    pub user: Option<String>,
    pub bot_id: Option<String>,
    pub username: Option<String>,
    pub text: Option<String>,
    /// `<seconds>.<microseconds>`, unique in its channel.
    pub ts: String,
    pub thread_ts: Option<String>,
    pub edited: Option<Edited>,
    pub reactions: Option<Vec<Reaction>>,
    pub attachments: Option<Vec<Value>>,
    pub files: Option<Vec<File>>,
    pub file: Option<File>,
    pub comment: Option<Comment>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Edited {
    pub ts: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Reaction {
    pub name: String,
    pub users: Vec<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct File {
    pub title: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Comment {
    pub user: Option<String>,
    pub comment: Option<String>,
}

/// `<seconds>.<microseconds>` as ms; `None` for what is no moment of Slack's time.
pub fn moment(ts: &str) -> Option<i64> {
    /// The year 5138: eleven digits of seconds.
    const SECONDS_MAX: i64 = 99_999_999_999;
    let (seconds, fraction) = ts.split_once('.').unwrap_or((ts, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if seconds.is_empty() || !digits(seconds) || !digits(fraction) || fraction.len() > 9 {
        return None;
    }
    let whole: i64 = seconds.parse().ok().filter(|s| (1..=SECONDS_MAX).contains(s))?;
    let thousandths: String = fraction.chars().chain("000".chars()).take(3).collect();
    Some(whole * 1000 + thousandths.parse::<i64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments() {
        assert_eq!(moment("1355517523.000005"), Some(1_355_517_523_000));
        assert_eq!(moment("1355517523.123456"), Some(1_355_517_523_123));
        assert_eq!(moment("1355517523"), Some(1_355_517_523_000));
        for bad in ["", ".", "0.1", "-5.0", "1e9", "999999999999", "1.x", "1.0000000000", "9223372036854775807"] {
            assert_eq!(moment(bad), None, "{bad}");
        }
    }
}
