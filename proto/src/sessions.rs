//! What the facts of a session mean: rules of identity and the gateway alike.

use crate::model::Session;
use std::time::Duration;

/// Session property that names a kind of session.
pub const KIND: &str = "type";
/// Its value when a personal access token opened the session.
pub const ACCESS_TOKEN: &str = "UserAccessToken";
/// Session property with the id of that token.
pub const ACCESS_TOKEN_ID: &str = "user_access_token_id";

const MINUTE_MS: i64 = 60_000;
/// `last_activity_at` moves at most this often.
const TOUCH_EVERY: Duration = Duration::from_secs(300);
/// Of an idle timeout at most this part passes unrecorded.
const TOUCHES_PER_TIMEOUT: i64 = 4;

/// Whether a personal access token opened the session: it ends when the setting does, wherever it is cached.
pub fn is_access_token(session: &Session) -> bool {
    session.props.get(KIND).is_some_and(|kind| kind == ACCESS_TOKEN)
}

/// Whether the session has not been used for longer than `SessionIdleTimeoutInMinutes` (0 = no limit). OAuth applications,
/// devices and access tokens are exempt.
pub fn is_idle(session: &Session, timeout_minutes: i64, now_ms: i64) -> bool {
    timeout_minutes > 0
        && !session.is_oauth
        && session.device_id.is_empty()
        && !is_access_token(session)
        && now_ms - session.last_activity_at > timeout_minutes.saturating_mul(MINUTE_MS)
}

/// How often the use of a session is recorded.
pub fn touch_every(idle_timeout_minutes: i64) -> Duration {
    if idle_timeout_minutes <= 0 {
        return TOUCH_EVERY;
    }
    let part = idle_timeout_minutes.saturating_mul(MINUTE_MS) / TOUCHES_PER_TIMEOUT;
    TOUCH_EVERY.min(Duration::from_millis(part.unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_that_nobody_uses_end() {
        let session = Session { last_activity_at: 1_000, ..Session::default() };
        let at = |minutes: i64| 1_000 + minutes * MINUTE_MS;
        assert!(!is_idle(&session, 0, at(1_000)));
        assert!(!is_idle(&session, 10, at(10)));
        assert!(is_idle(&session, 10, at(10) + 1));
        for exempt in [
            Session { is_oauth: true, ..session.clone() },
            Session { device_id: "apple:x".into(), ..session.clone() },
            Session { props: [(KIND.to_owned(), ACCESS_TOKEN.to_owned())].into(), ..session.clone() },
        ] {
            assert!(!is_idle(&exempt, 10, at(11)));
        }
    }

    #[test]
    fn use_is_recorded_well_within_the_timeout() {
        assert_eq!(touch_every(0), TOUCH_EVERY);
        assert_eq!(touch_every(5), Duration::from_secs(75));
        assert_eq!(touch_every(43_200), TOUCH_EVERY);
    }
}
