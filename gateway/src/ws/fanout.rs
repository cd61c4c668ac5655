//! A frame is encoded once for everybody; only `seq` differs per connection.

use bytes::Bytes;
use muster_proto::event::{Broadcast, Frame};
use serde::{Serialize, Serializer, ser::SerializeMap};
use std::io::Write as _;

/// An event as every recipient gets it, up to its `seq`.
#[derive(Debug)]
pub struct Encoded {
    pub event: String,
    /// The JSON up to and including `"seq":`.
    head: Bytes,
    /// The trace it belongs to, "" = none.
    pub traceparent: String,
}

impl Encoded {
    pub fn new(frame: &Frame, traceparent: &str) -> Self {
        let broadcast = frame.broadcast.clone().unwrap_or_default();
        let mut head = Vec::with_capacity(frame.data.len() + 220);
        head.extend_from_slice(b"{\"event\":");
        head.extend_from_slice(&json(&frame.event));
        head.extend_from_slice(b",\"data\":");
        head.extend_from_slice(if frame.data.is_empty() { b"{}" } else { &frame.data });
        head.extend_from_slice(b",\"broadcast\":");
        head.extend_from_slice(&json(&WireBroadcast(&broadcast)));
        head.extend_from_slice(b",\"seq\":");
        Self { event: frame.event.clone(), head: head.into(), traceparent: traceparent.to_owned() }
    }

    /// Bytes of the text with this number, which is not negative.
    pub fn length(&self, seq: i64) -> usize {
        self.head.len() + seq.checked_ilog10().unwrap_or(0) as usize + 2
    }

    /// Appends the text of the frame with this connection's number.
    pub fn write(&self, seq: i64, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.head);
        // Writing to a vector cannot fail.
        let _ = write!(out, "{seq}}}");
    }

    /// What a congested connection may do without: newer ones replace them.
    pub fn is_droppable(&self) -> bool {
        matches!(self.event.as_str(), "typing" | "status_change" | "channel_viewed")
    }
}

fn json<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    muster_proto::json::to_vec(value).unwrap_or_else(|_| b"null".to_vec())
}

struct WireBroadcast<'a>(&'a Broadcast);

impl Serialize for WireBroadcast<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(Some(4))?;
        let omitted: std::collections::BTreeMap<&str, bool> = self.0.omit_users.iter().map(|id| (id.as_str(), true)).collect();
        map.serialize_entry("omit_users", &(!omitted.is_empty()).then_some(omitted))?;
        map.serialize_entry("user_id", &self.0.user_id)?;
        map.serialize_entry("channel_id", &self.0.channel_id)?;
        map.serialize_entry("team_id", &self.0.team_id)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_seq(encoded: &Encoded, seq: i64) -> String {
        let mut text = Vec::new();
        encoded.write(seq, &mut text);
        assert_eq!(text.len(), encoded.length(seq));
        String::from_utf8(text).expect("text")
    }

    #[test]
    fn is_the_recorded_form() {
        let frame = Frame {
            event: "typing".into(),
            data: Bytes::from_static(br#"{"parent_id":"","user_id":"u"}"#),
            broadcast: Some(Broadcast { omit_users: vec!["u".into()], channel_id: "c".into(), ..Broadcast::default() }),
            audience: None,
        };
        assert_eq!(
            with_seq(&Encoded::new(&frame, ""), 10),
            r#"{"event":"typing","data":{"parent_id":"","user_id":"u"},"broadcast":{"omit_users":{"u":true},"user_id":"","channel_id":"c","team_id":""},"seq":10}"#
        );
        let plain = with_seq(&Encoded::new(&Frame { event: "hello".into(), ..Frame::default() }, ""), 0);
        assert!(plain.contains(r#""data":{},"broadcast":{"omit_users":null,"#), "{plain}");
    }
}
