//! Subject = audience, so that a gateway receives only what its own connections may hear.

/// Prefix of invalidations.
pub const INVALIDATE: &str = "invalidate";
/// Prefix of questions that many processes answer.
pub(crate) const ASK: &str = "ask";
/// Every invalidation.
pub const INVALIDATE_ALL: &str = "invalidate.>";

pub fn channel_subject(id: &str) -> String {
    format!("ws.channel.{id}")
}

pub fn team_subject(id: &str) -> String {
    format!("ws.team.{id}")
}

pub fn user_subject(id: &str) -> String {
    format!("ws.user.{id}")
}

pub fn everyone_subject() -> String {
    "ws.all".to_owned()
}

/// Tells the mail workers of jobs that there is something to fetch or to send. Who does not hear it looks by himself soon.
pub const MAIL_WAKE: &str = "wake.mail";
/// Tells jobs that posts has notifications to be fetched.
pub const NOTIFICATIONS_WAKE: &str = "wake.notifications";
/// Tells the push workers of jobs that there is something to send.
pub const PUSH_WAKE: &str = "wake.push";
/// Tells the workers of jobs that there is a job.
pub const JOBS_WAKE: &str = "wake.jobs";
