//! Wake-ups: hints that there is work. Workers look by themselves, too, so one that is lost costs only time.

use crate::Bus;
use futures_util::StreamExt;

/// Wake-ups on one subject, from now on.
pub struct Wakes {
    bus: Bus,
    subject: &'static str,
    subscriber: Option<async_nats::Subscriber>,
}

impl Bus {
    /// Wakes whoever listens to the subject.
    pub async fn wake(&self, subject: &'static str) {
        self.publish_bytes(subject.to_owned(), bytes::Bytes::new()).await;
    }

    /// Listens to a subject's wake-ups.
    pub async fn wakes(&self, subject: &'static str) -> Wakes {
        let mut wakes = Wakes { bus: self.clone(), subject, subscriber: None };
        wakes.subscribe().await;
        wakes
    }
}

impl Wakes {
    /// Returns at the next wake-up; never while the bus cannot be listened to. May be dropped at any time, and asked anew.
    pub async fn next(&mut self) {
        loop {
            if self.subscriber.is_none() {
                self.subscribe().await;
            }
            let Some(subscriber) = &mut self.subscriber else { return std::future::pending().await };
            if subscriber.next().await.is_some() {
                return;
            }
            self.subscriber = None;
        }
    }

    async fn subscribe(&mut self) {
        match self.bus.client().subscribe(self.subject).await {
            Ok(subscriber) => self.subscriber = Some(subscriber),
            Err(error) => tracing::debug!(%error, subject = self.subject, "nobody can wake this worker"),
        }
    }
}
