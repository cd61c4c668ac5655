//! What Muster's processes tell each other on NATS: WebSocket events by audience, and invalidations of caches.
//!
//! A service that changes something records its announcements in its [`Outbox`] within the same transaction, then
//! publishes them at once; what a crash left behind is published again by a sweeper.

mod bus;
mod frames;
mod outbox;
mod subjects;
mod wakes;

pub use bus::{Bus, Invalidations};
pub use frames::{Announcement, audience, frame, item, trace_with};
pub use muster_proto::event::*;
pub use outbox::{Encoded, OUTBOX_MIGRATION, Outbox};
pub use subjects::{
    INVALIDATE, INVALIDATE_ALL, JOBS_WAKE, MAIL_WAKE, NOTIFICATIONS_WAKE, PUSH_WAKE, channel_subject, everyone_subject, team_subject,
    user_subject,
};
pub use wakes::Wakes;
