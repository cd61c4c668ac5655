//! Pages this process has already written as JSON. Each is asked of the database by its channel's version, which every
//! change of a post moves, so a page is never older than what was committed when it was asked for.

use bytes::Bytes;
use moka::sync::Cache;
use muster_proto::posts::ChannelPageRequest;

/// Bytes of JSON held.
const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Which page.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    channel_id: String,
    page: i64,
    per_page: i64,
    before: String,
    after: String,
}

impl Key {
    fn of(request: &ChannelPageRequest) -> Self {
        Self {
            channel_id: request.channel_id.clone(),
            page: request.page,
            per_page: request.per_page,
            before: request.before.clone(),
            after: request.after.clone(),
        }
    }
}

#[derive(Clone)]
pub struct Pages(Cache<Key, (i64, Bytes)>);

impl Default for Pages {
    fn default() -> Self {
        let weigher = |_: &Key, (_, json): &(i64, Bytes)| u32::try_from(json.len()).unwrap_or(u32::MAX).saturating_add(256);
        Self(Cache::builder().max_capacity(BYTES_MAX).weigher(weigher).build())
    }
}

impl Pages {
    /// The page as of this version of the channel.
    pub fn get(&self, request: &ChannelPageRequest, version: i64) -> Option<Bytes> {
        self.0.get(&Key::of(request)).filter(|(held, _)| *held == version).map(|(_, json)| json)
    }

    /// `version` was read before the page.
    pub fn put(&self, request: &ChannelPageRequest, version: i64, json: Bytes) {
        self.0.insert(Key::of(request), (version, json));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_holds_for_its_version_only() {
        let pages = Pages::default();
        let request = |page| ChannelPageRequest { channel_id: "c".into(), page, per_page: 60, ..ChannelPageRequest::default() };
        pages.put(&request(0), 5, Bytes::from_static(b"x"));
        assert_eq!(pages.get(&request(0), 5).as_deref(), Some(&b"x"[..]));
        assert_eq!(pages.get(&request(0), 6), None);
        assert_eq!(pages.get(&request(1), 5), None);
    }
}
