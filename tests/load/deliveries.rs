//! The book-keeping of fan-out: who got which post when, how often, and in which order. Pure; the clock is passed in.

use std::collections::BTreeSet;

use anyhow::Result;
use hdrhistogram::Histogram;
use serde::Serialize;

/// A marker inside a message: the run, the number of the post, and when it was sent (nanoseconds of the generator's clock).
pub fn marker(run: u32, post: usize, sent_ns: u64) -> String {
    format!("mload{run:08x} {post} {sent_ns} .")
}

/// Finds the marker of this run in a frame, without decoding the post inside.
pub fn find_marker(text: &str, run: u32) -> Option<(usize, u64)> {
    let tag = format!("mload{run:08x} ");
    let mut words = text[text.find(&tag)? + tag.len()..].splitn(3, ' ');
    Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}

/// What one socket has received.
#[derive(Debug, Clone, Default)]
struct Inbox {
    next_seq: u64,
    seen: Vec<u64>,
}

/// All sockets together.
pub struct Deliveries {
    inboxes: Vec<Inbox>,
    latency_us: Histogram<u64>,
    /// Per post: when sent, when last delivered.
    posts: Vec<(u64, u64)>,
    delivered: u64,
    duplicated: u64,
    seq_gaps: u64,
    dropped_sockets: u64,
}

impl Deliveries {
    /// Every socket has had its `hello`, which was seq 0.
    pub fn new(sockets: usize) -> Result<Self> {
        Ok(Self {
            inboxes: vec![Inbox { next_seq: 1, seen: Vec::new() }; sockets],
            latency_us: Histogram::new_with_bounds(1, 300_000_000, 3)?,
            posts: Vec::new(),
            delivered: 0,
            duplicated: 0,
            seq_gaps: 0,
            dropped_sockets: 0,
        })
    }

    /// Any event: seq must count up by one per connection.
    pub fn event(&mut self, socket: usize, seq: u64) {
        let inbox = &mut self.inboxes[socket];
        if seq != inbox.next_seq {
            self.seq_gaps += 1;
        }
        inbox.next_seq = seq + 1;
    }

    pub fn delivered(&mut self, socket: usize, post: usize, sent_ns: u64, now_ns: u64) {
        let (word, bit) = (post / 64, 1u64 << (post % 64));
        let seen = &mut self.inboxes[socket].seen;
        if seen.len() <= word {
            seen.resize(word + 1, 0);
        }
        if seen[word] & bit != 0 {
            self.duplicated += 1;
            return;
        }
        seen[word] |= bit;
        self.delivered += 1;
        self.latency_us.saturating_record((now_ns.saturating_sub(sent_ns) / 1000).max(1));
        if self.posts.len() <= post {
            self.posts.resize(post + 1, (0, 0));
        }
        let last = self.posts[post].1.max(now_ns);
        self.posts[post] = (sent_ns, last);
    }

    pub fn dropped(&mut self) {
        self.dropped_sockets += 1;
    }

    fn has(&self, socket: usize, post: usize) -> bool {
        self.inboxes[socket].seen.get(post / 64).is_some_and(|word| word & (1 << (post % 64)) != 0)
    }

    /// Deliveries of acknowledged posts still missing.
    pub fn missing(&self, acknowledged: &BTreeSet<usize>) -> u64 {
        (0..self.inboxes.len()).map(|socket| acknowledged.iter().filter(|post| !self.has(socket, **post)).count() as u64).sum()
    }

    /// Deliveries made so far: cheap, for the progress line and for waiting.
    pub fn count(&self) -> u64 {
        self.delivered
    }

    pub fn summary(&self, acknowledged: &BTreeSet<usize>) -> Summary {
        let mut last_ms: Vec<f64> = acknowledged
            .iter()
            .filter_map(|post| self.posts.get(*post).filter(|(sent, _)| *sent != 0))
            .map(|(sent, last)| last.saturating_sub(*sent) as f64 / 1e6)
            .collect();
        last_ms.sort_by(f64::total_cmp);
        let ms = |p| self.latency_us.value_at_percentile(p) as f64 / 1000.0;
        Summary {
            sockets: self.inboxes.len() as u64,
            posts: acknowledged.len() as u64,
            delivered: self.delivered,
            lost: self.missing(acknowledged),
            duplicated: self.duplicated,
            seq_gaps: self.seq_gaps,
            dropped_sockets: self.dropped_sockets,
            p50_ms: ms(50.0),
            p99_ms: ms(99.0),
            max_ms: if self.latency_us.is_empty() { 0.0 } else { self.latency_us.max() as f64 / 1000.0 },
            last_delivery_median_ms: last_ms.get(last_ms.len() / 2).copied().unwrap_or(0.0),
            last_delivery_max_ms: last_ms.last().copied().unwrap_or(0.0),
        }
    }
}

/// Figures of a fan-out. A delivery is one post on one socket.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    pub sockets: u64,
    pub posts: u64,
    pub delivered: u64,
    pub lost: u64,
    pub duplicated: u64,
    /// Events whose seq was not the predecessor's plus one.
    pub seq_gaps: u64,
    pub dropped_sockets: u64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
    /// From sending a post to its arrival at the last socket.
    pub last_delivery_median_ms: f64,
    pub last_delivery_max_ms: f64,
}

impl Summary {
    /// Everything that must be zero.
    pub fn faults(&self) -> u64 {
        self.lost + self.duplicated + self.seq_gaps + self.dropped_sockets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn the_marker_survives_json_inside_json() {
        let post = serde_json::json!({ "message": marker(0xab, 17, 123_456) }).to_string();
        let frame = serde_json::json!({ "event": "posted", "data": { "post": post }, "seq": 3 }).to_string();
        assert_eq!(find_marker(&frame, 0xab), Some((17, 123_456)));
        assert_eq!(find_marker(&frame, 0xac), None);
        assert_eq!(find_marker("mload000000ab x", 0xab), None);
    }

    #[test]
    fn losses_duplicates_and_gaps_are_told_apart() {
        let mut all = Deliveries::new(2).expect("deliveries");
        all.event(0, 1);
        all.delivered(0, 0, MS, 3 * MS);
        all.event(0, 2);
        all.delivered(0, 0, MS, 4 * MS);
        all.event(0, 4);
        all.delivered(0, 100, MS, 2 * MS);
        all.event(1, 1);
        all.delivered(1, 0, MS, 9 * MS);
        let acknowledged = BTreeSet::from([0, 100]);
        let summary = all.summary(&acknowledged);
        assert_eq!((summary.delivered, summary.duplicated, summary.lost, summary.seq_gaps), (3, 1, 1, 1));
        assert_eq!(summary.last_delivery_max_ms, 8.0);
        assert_eq!(summary.faults(), 3);
    }

    #[test]
    fn posts_that_were_refused_are_not_missed() {
        let mut all = Deliveries::new(1).expect("deliveries");
        all.event(0, 1);
        all.delivered(0, 5, 0, MS);
        assert_eq!(all.missing(&BTreeSet::from([5])), 0);
        assert_eq!(all.missing(&BTreeSet::new()), 0);
        assert_eq!(all.missing(&BTreeSet::from([4, 5])), 1);
    }
}
