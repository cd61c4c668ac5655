//! Where pictures are processed: on blocking threads, as many at once as there are cores.

use super::ImagingError;
use std::{num::NonZeroUsize, sync::Arc};
use tokio::sync::Semaphore;

/// Bounds both the CPU and the memory that decoding takes. Cheap to clone.
#[derive(Clone)]
pub struct Workers {
    slots: Arc<Semaphore>,
}

impl Workers {
    /// One slot for each core.
    pub fn new() -> Self {
        Self::with_slots(std::thread::available_parallelism().map_or(1, NonZeroUsize::get))
    }

    pub fn with_slots(slots: usize) -> Self {
        Self { slots: Arc::new(Semaphore::new(slots.max(1))) }
    }

    /// Runs `work` on a blocking thread once a slot is free. A panic in a decoder is the picture's fault: undecodable.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T, ImagingError> + Send + 'static) -> Result<T, ImagingError> {
        self.run_on(async { Ok(()) }, move |()| work()).await
    }

    /// As [`Workers::run`], but first loads the input while holding the slot, so that no more inputs than slots are in memory.
    pub async fn run_on<I: Send + 'static, T: Send + 'static, E: From<ImagingError>>(
        &self,
        load: impl Future<Output = Result<I, E>>,
        work: impl FnOnce(I) -> Result<T, ImagingError> + Send + 'static,
    ) -> Result<T, E> {
        // The semaphore is never closed.
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(|e| ImagingError::Undecodable(e.to_string()))?;
        let input = load.await?;
        let done = tokio::task::spawn_blocking(move || {
            // Held by the thread: a caller that goes away does not free the core.
            let _slot = slot;
            work(input)
        });
        match done.await {
            Ok(result) => result.map_err(E::from),
            Err(failure) => {
                tracing::warn!(%failure, "a picture could not be processed");
                Err(ImagingError::Undecodable(failure.to_string()).into())
            }
        }
    }
}

impl Default for Workers {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_more_at_once_than_slots() {
        let workers = Workers::with_slots(2);
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..12 {
            let (workers, running, most) = (workers.clone(), running.clone(), most.clone());
            tasks.spawn(async move {
                workers
                    .run(move || {
                        most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        std::thread::yield_now();
                        running.fetch_sub(1, Ordering::SeqCst);
                        Ok(())
                    })
                    .await
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.unwrap().unwrap();
        }
        assert!((1..=2).contains(&most.load(Ordering::SeqCst)));
    }

    #[tokio::test]
    async fn a_panic_is_the_pictures_fault_and_frees_the_slot() {
        let workers = Workers::with_slots(1);
        let result: Result<(), _> = workers.run(|| panic!("decoder")).await;
        assert!(matches!(result, Err(ImagingError::Undecodable(_))));
        assert_eq!(workers.run(|| Ok(7)).await, Ok(7));
    }
}
