//! A status as it is written in Redis: `status|manual|last_activity_at`.

use muster_proto::model::Status;

pub(super) const ONLINE: &str = "online";
pub(super) const AWAY: &str = "away";
pub(super) const DND: &str = "dnd";
pub(super) const OFFLINE: &str = "offline";
pub(super) const OUT_OF_OFFICE: &str = "ooo";

/// What a user never seen is.
pub(super) fn never_seen(user_id: &str) -> Status {
    Status { user_id: user_id.to_owned(), status: OFFLINE.to_owned(), ..Status::default() }
}

pub(super) fn encode(status: &Status) -> String {
    format!("{}|{}|{}", status.status, u8::from(status.manual), status.last_activity_at)
}

/// `None` for text that is no record.
pub(super) fn decode(user_id: &str, text: &str) -> Option<Status> {
    let mut parts = text.split('|');
    let (status, manual, last) = (parts.next()?, parts.next()?, parts.next()?);
    Some(Status { user_id: user_id.to_owned(), status: status.to_owned(), manual: manual == "1", last_activity_at: last.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back() {
        let status = Status { user_id: "u".into(), status: DND.into(), manual: true, last_activity_at: 9 };
        assert_eq!(encode(&status), "dnd|1|9");
        assert_eq!(decode("u", "dnd|1|9"), Some(status));
        assert_eq!(decode("u", "garbage"), None);
    }
}
