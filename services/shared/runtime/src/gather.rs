//! One question for many askers: while a question is under way the next askers gather, and the next question answers them
//! all. A question begins after everything it answers was asked, so nobody reads an older state than alone; an asker who is
//! alone does not wait.

use muster_error::{AppError, ErrorId};
use std::{
    collections::{BTreeSet, HashMap},
    future::Future,
    sync::Arc,
};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// Askers that may wait; the next one waits for room.
const QUEUE: usize = 1_024;
/// Askers answered by one question.
const GATHERED_MAX: usize = 64;
/// Questions under way at a time: a slow one does not hold up everybody.
const ASKING: usize = 4;

/// What was found, by key.
pub type Found<V> = Arc<HashMap<String, V>>;

struct Asker<V> {
    keys: Vec<String>,
    answer: oneshot::Sender<Result<Found<V>, AppError>>,
}

/// The way to ask.
pub struct Gather<V> {
    queue: mpsc::Sender<Asker<V>>,
}

impl<V> Clone for Gather<V> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone() }
    }
}

impl<V: Send + Sync + 'static> Gather<V> {
    /// `ask` gets distinct keys. The tasks end with the token.
    pub fn start<F, A>(stop: &CancellationToken, ask: F) -> Self
    where
        F: Fn(Vec<String>) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Result<HashMap<String, V>, AppError>> + Send + 'static,
    {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..ASKING {
            tokio::spawn(answer(waiting.clone(), ask.clone(), stop.clone()));
        }
        Self { queue }
    }

    /// Of at least these keys.
    pub async fn of(&self, keys: Vec<String>) -> Result<Found<V>, AppError> {
        if keys.is_empty() {
            return Ok(Found::default());
        }
        let closed = || AppError::new(ErrorId::Unavailable).detail("the process is stopping");
        let (answer, answered) = oneshot::channel();
        self.queue.send(Asker { keys, answer }).await.map_err(|_| closed())?;
        answered.await.map_err(|_| closed())?
    }
}

async fn answer<V, F, A>(waiting: Arc<Mutex<mpsc::Receiver<Asker<V>>>>, ask: F, stop: CancellationToken)
where
    F: Fn(Vec<String>) -> A,
    A: Future<Output = Result<HashMap<String, V>, AppError>>,
{
    let mut askers = Vec::new();
    loop {
        let gathered = async { waiting.lock().await.recv_many(&mut askers, GATHERED_MAX).await };
        let count = tokio::select! {
            () = stop.cancelled() => return,
            count = gathered => count,
        };
        if count == 0 {
            return;
        }
        let keys: BTreeSet<String> = askers.iter_mut().flat_map(|asker| std::mem::take(&mut asker.keys)).collect();
        let found = ask(keys.into_iter().collect()).await.map(Arc::new);
        for asker in askers.drain(..) {
            // Who asked may be gone.
            let _ = asker.answer.send(found.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::sync::Semaphore;

    #[tokio::test]
    async fn those_who_come_meanwhile_share_a_question() {
        let (asked, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
        let (count, door) = (asked.clone(), gate.clone());
        let gather = Gather::start(&CancellationToken::new(), move |keys: Vec<String>| {
            let (count, door) = (count.clone(), door.clone());
            async move {
                count.fetch_add(1, Ordering::SeqCst);
                door.acquire().await.map_err(AppError::internal)?.forget();
                Ok(keys.into_iter().map(|key| (key.clone(), key.len())).collect())
            }
        });
        let askers: Vec<_> = (0..50)
            .map(|n| {
                let gather = gather.clone();
                tokio::spawn(async move {
                    gather.of(vec!["k".repeat(n % 5 + 1)]).await.map(|found| found["k".repeat(n % 5 + 1).as_str()] == n % 5 + 1)
                })
            })
            .collect();
        gate.add_permits(50);
        for asker in askers {
            assert!(asker.await.expect("no panic").expect("an answer"));
        }
        assert!(asked.load(Ordering::SeqCst) < 50, "every asker asked alone");
    }
}
