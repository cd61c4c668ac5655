//! What was measured: latencies, failures by cause, live progress, and the three ways it is printed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;
use hdrhistogram::Histogram;
use serde::Serialize;
use tokio_util::task::AbortOnDropHandle;

/// Longest latency told apart, in microseconds; longer ones count as this.
const LONGEST_US: u64 = 300_000_000;

/// Latencies and failures of one worker; workers keep their own and merge at the end.
#[derive(Debug, Clone)]
pub struct Recorder {
    pub latency: Histogram<u64>,
    pub errors: BTreeMap<String, u64>,
}

impl Recorder {
    pub fn new() -> Result<Self> {
        Ok(Self { latency: Histogram::new_with_bounds(1, LONGEST_US, 3)?, errors: BTreeMap::new() })
    }

    pub fn success(&mut self, took: Duration) {
        self.latency.saturating_record(u64::try_from(took.as_micros()).unwrap_or(LONGEST_US).clamp(1, LONGEST_US));
    }

    pub fn failure(&mut self, cause: String) {
        *self.errors.entry(cause).or_default() += 1;
    }

    pub fn merge(&mut self, other: &Self) -> Result<()> {
        self.latency.add(&other.latency)?;
        for (cause, count) in &other.errors {
            *self.errors.entry(cause.clone()).or_default() += count;
        }
        Ok(())
    }

    pub fn failures(&self) -> u64 {
        self.errors.values().sum()
    }

    /// `p` in percent, the answer in milliseconds.
    pub fn percentile(&self, p: f64) -> f64 {
        self.latency.value_at_percentile(p) as f64 / 1000.0
    }

    pub fn outcome(&self, name: &str, seconds: f64) -> Outcome {
        let requests = self.latency.len();
        Outcome {
            name: name.to_owned(),
            requests,
            seconds,
            rate: if seconds > 0.0 { requests as f64 / seconds } else { 0.0 },
            p50_ms: self.percentile(50.0),
            p90_ms: self.percentile(90.0),
            p99_ms: self.percentile(99.0),
            max_ms: if requests == 0 { 0.0 } else { self.latency.max() as f64 / 1000.0 },
            errors: self.errors.clone(),
        }
    }
}

/// The result of one operation; `requests` counts successes only.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    pub name: String,
    pub requests: u64,
    pub seconds: f64,
    pub rate: f64,
    pub p50_ms: f64,
    pub p90_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
    pub errors: BTreeMap<String, u64>,
}

impl Outcome {
    pub fn failures(&self) -> u64 {
        self.errors.values().sum()
    }

    /// One line for people.
    pub fn line(&self) -> String {
        let mut line = format!(
            "{:<16} {:>8} ok {:>9.0}/s   p50 {:>8.2}  p90 {:>8.2}  p99 {:>8.2}  max {:>8.2} ms",
            self.name, self.requests, self.rate, self.p50_ms, self.p90_ms, self.p99_ms, self.max_ms
        );
        for (cause, count) in &self.errors {
            line.push_str(&format!("   {count}× {cause}"));
        }
        line
    }
}

/// Share of failures; nothing done at all is a failure too.
pub fn error_rate(successes: u64, failures: u64) -> f64 {
    let all = successes + failures;
    if all == 0 { 1.0 } else { failures as f64 / all as f64 }
}

/// Counters shared with the once-a-second line on standard error.
#[derive(Debug, Default)]
pub struct Progress {
    pub done: AtomicU64,
    pub failed: AtomicU64,
}

impl Progress {
    pub fn start(name: &str) -> (Arc<Self>, AbortOnDropHandle<()>) {
        let shared = Arc::new(Self::default());
        let (seen, name) = (Arc::clone(&shared), name.to_owned());
        let ticker = tokio::spawn(async move {
            let mut every = tokio::time::interval(Duration::from_secs(1));
            every.tick().await;
            let (mut before, mut second) = (0, 0);
            loop {
                every.tick().await;
                second += 1;
                let done = seen.done.load(Ordering::Relaxed);
                eprintln!("{name} {second:>4} s  {:>7}/s  total {done}  failed {}", done - before, seen.failed.load(Ordering::Relaxed));
                before = done;
            }
        });
        (shared, AbortOnDropHandle::new(ticker))
    }

    pub fn count(&self, ok: bool) {
        if ok { &self.done } else { &self.failed }.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_come_from_all_workers() {
        let mut all = Recorder::new().expect("recorder");
        for worker in 0..10 {
            let mut one = Recorder::new().expect("recorder");
            for n in 1..=100 {
                one.success(Duration::from_micros(worker * 1000 + n * 10));
            }
            one.failure("status 500".into());
            all.merge(&one).expect("merge");
        }
        let outcome = all.outcome("x", 2.0);
        assert_eq!((outcome.requests, outcome.failures(), outcome.rate), (1000, 10, 500.0));
        assert!((outcome.p50_ms - 5.0).abs() < 0.1, "{}", outcome.p50_ms);
        assert!((outcome.max_ms - 10.0).abs() < 0.1, "{}", outcome.max_ms);
        assert!(outcome.line().contains("10× status 500"));
    }

    #[test]
    fn a_latency_beyond_the_scale_is_kept_as_the_longest() {
        let mut one = Recorder::new().expect("recorder");
        one.success(Duration::from_secs(100_000));
        one.success(Duration::ZERO);
        assert_eq!(one.latency.len(), 2);
    }

    #[test]
    fn doing_nothing_is_not_success() {
        assert_eq!(error_rate(0, 0), 1.0);
        assert_eq!(error_rate(3, 1), 0.25);
    }
}
