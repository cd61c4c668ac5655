//! What runs by the clock. Every replica looks; the first to store a moment's job wins, so nobody leads.

use super::rules::CLEANUP;
use muster_domain::time::{DAY_MS, HOUR_MS};

/// A daily job.
struct Daily {
    r#type: &'static str,
    /// After midnight UTC, ms.
    at: i64,
}

const DAILY: &[Daily] = &[Daily { r#type: CLEANUP, at: 3 * HOUR_MS }];

/// A moment that nobody was there for is made up for this long afterwards, then waits for the next day.
const GRACE_MS: i64 = HOUR_MS;

/// A job that is due, with the key that makes its moment unique.
#[derive(Debug, PartialEq)]
pub struct Due {
    pub r#type: &'static str,
    pub key: String,
}

/// What is due at `now` (ms).
pub fn due(now: i64) -> Vec<Due> {
    DAILY
        .iter()
        .filter_map(|daily| {
            let day = (now - daily.at).div_euclid(DAY_MS);
            let since = now - daily.at - day * DAY_MS;
            (since < GRACE_MS).then(|| Due { r#type: daily.r#type, key: format!("{}/{day}", daily.r#type) })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_key_per_day_from_the_moment_to_the_end_of_the_grace() {
        let day = 20_000 * DAY_MS;
        let key = |now: i64| due(now).pop().map(|d| d.key);
        assert_eq!(key(day + 3 * HOUR_MS - 1), None);
        let first = key(day + 3 * HOUR_MS);
        assert_eq!(first.as_deref(), Some("muster_cleanup/20000"));
        assert_eq!(key(day + 4 * HOUR_MS - 1), first);
        assert_eq!(key(day + 4 * HOUR_MS), None);
        assert_eq!(key(day + DAY_MS + 3 * HOUR_MS).as_deref(), Some("muster_cleanup/20001"));
    }
}
