//! A presence as text in Redis (`status|manual|last_activity_at`) and as the entity clients see.

use muster_domain::statuses::Presence;
use muster_proto::model::Status;

pub(super) fn shown(user_id: &str, presence: Presence) -> Status {
    let Presence { status, manual, last_activity_at } = presence;
    Status { user_id: user_id.to_owned(), status: status.as_str().to_owned(), manual, last_activity_at }
}

pub(super) fn encode(presence: Presence) -> String {
    format!("{}|{}|{}", presence.status.as_str(), u8::from(presence.manual), presence.last_activity_at)
}

/// `None` for text that is no record.
pub(super) fn decode(text: &str) -> Option<Presence> {
    let mut parts = text.split('|');
    let (status, manual, last) = (parts.next()?, parts.next()?, parts.next()?);
    Some(Presence { status: status.parse().ok()?, manual: manual == "1", last_activity_at: last.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_domain::statuses::Status;

    #[test]
    fn reads_back() {
        let presence = Presence { status: Status::Dnd, manual: true, last_activity_at: 9 };
        assert_eq!(encode(presence), "dnd|1|9");
        assert_eq!(decode("dnd|1|9"), Some(presence));
        assert_eq!(decode("garbage"), None);
    }
}
