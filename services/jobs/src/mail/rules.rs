//! When a mail is tried again, and when it is given up.

use muster_domain::time::{HOUR_MS, SECOND_MS};

/// A mail that failed this often (about ten hours) is given up.
pub const ATTEMPTS_MAX: i32 = 20;

const RETRY_FIRST_MS: i64 = SECOND_MS;
const RETRY_MAX_MS: i64 = HOUR_MS;

/// Pause before the next attempt after `attempts` failed ones, ms; `jitter` from 0 to 1 spreads those that failed
/// together over half of it.
pub fn retry_after(attempts: i32, jitter: f64) -> i64 {
    let pause = (RETRY_FIRST_MS << (attempts - 1).clamp(0, 20)).min(RETRY_MAX_MS);
    pause / 2 + (pause as f64 / 2.0 * jitter.clamp(0.0, 1.0)) as i64
}

/// Whether a server that answered with this SMTP code will never take the mail: the address or the content is refused.
/// Other permanent codes are about the server's or our set-up (credentials, TLS), which somebody may put right.
pub fn is_refusal(code: u16) -> bool {
    (550..=554).contains(&code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_an_hour() {
        assert_eq!([1, 2, 3, 12, 13, 100].map(|n| retry_after(n, 1.0)), [1_000, 2_000, 4_000, 2_048_000, HOUR_MS, HOUR_MS]);
        assert_eq!(retry_after(1, 0.0), 500);
    }

    #[test]
    fn all_attempts_take_hours_not_days() {
        let whole: i64 = (1..ATTEMPTS_MAX).map(|n| retry_after(n, 1.0)).sum();
        assert!((6 * HOUR_MS..12 * HOUR_MS).contains(&whole), "{whole}");
    }

    #[test]
    fn only_refused_mails_are_never_tried_again() {
        assert!(is_refusal(550) && is_refusal(554));
        assert!(!is_refusal(535) && !is_refusal(530) && !is_refusal(421) && !is_refusal(451));
    }
}
