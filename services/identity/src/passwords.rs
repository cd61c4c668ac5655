//! Password policy and hashing. Hashing is slow on purpose: it waits its turn in a bounded queue, and is done by threads of
//! its own that give way to everything else on the machine.

use muster_domain::{config::Settings, passwords::PasswordSettings};
use muster_error::{AppError, ErrorId};
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// Requests that may wait for a turn.
const WAITING_MAX: usize = 200;
/// Longest wait for a turn: well below the deadline of a call, so that who is turned away is told so.
const TURN_WAIT: Duration = Duration::from_secs(5);
/// Added to the niceness of the hashing threads: a storm of logins takes what is left of the processor, not its share.
const NICENESS: i32 = 10;

/// Whether a password may be set.
pub(crate) fn check_policy(password: &str, settings: &Settings) -> Result<(), AppError> {
    let policy = PasswordSettings {
        minimum_length: usize::try_from(settings.password_minimum_length).unwrap_or_default(),
        lowercase: settings.password_lowercase,
        uppercase: settings.password_uppercase,
        number: settings.password_number,
        symbol: settings.password_symbol,
    };
    Ok(policy.check(password)?)
}

/// Something to compute.
type Job = Box<dyn FnOnce() + Send>;

/// The queue to the hashing threads, one per core.
#[derive(Clone)]
pub(crate) struct Passwords {
    permits: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    /// The threads end with the last of these.
    jobs: SyncSender<Job>,
    cost: u32,
}

/// A turn. What is decided on a result should be recorded before it ends: no more guesses than turns are under way.
pub(crate) struct Turn {
    permit: Arc<OwnedSemaphorePermit>,
    jobs: SyncSender<Job>,
    cost: u32,
}

impl Passwords {
    /// Fails when the system gives no threads.
    pub(crate) fn new(cost: u32) -> std::io::Result<Self> {
        let cores = std::thread::available_parallelism().map(usize::from).unwrap_or(1);
        // Never full: a job comes with a turn, and there are as many turns.
        let (jobs, queue) = sync_channel::<Job>(cores);
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..cores {
            let queue = queue.clone();
            std::thread::Builder::new().name("hashing".into()).spawn(move || compute_all(&queue))?;
        }
        Ok(Self { permits: Arc::new(Semaphore::new(cores)), waiting: Arc::default(), jobs, cost })
    }

    /// Waits for a turn; `Busy` when too many already wait, or it takes too long.
    pub(crate) async fn turn(&self) -> Result<Turn, AppError> {
        self.turn_within(TURN_WAIT).await
    }

    async fn turn_within(&self, longest: Duration) -> Result<Turn, AppError> {
        let busy = || AppError::new(ErrorId::Busy).detail("password hashing");
        let waiting = Waiting::enter(&self.waiting).ok_or_else(busy)?;
        let permit = tokio::time::timeout(longest, self.permits.clone().acquire_owned()).await;
        drop(waiting);
        let permit = permit.map_err(|_| busy())?.map_err(AppError::internal)?;
        Ok(Turn { permit: Arc::new(permit), jobs: self.jobs.clone(), cost: self.cost })
    }
}

/// One hashing thread. On Linux niceness belongs to the thread.
fn compute_all(queue: &Mutex<Receiver<Job>>) {
    if let Err(error) = rustix::process::nice(NICENESS) {
        tracing::warn!(%error, "hashing passwords competes with everything else");
    }
    loop {
        // The lock ends with the statement: others take jobs while this one computes.
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match job {
            Ok(job) => job(),
            Err(_) => return,
        }
    }
}

/// Counts one waiter, also when its request is abandoned.
struct Waiting(Arc<AtomicUsize>);

impl Waiting {
    fn enter(count: &Arc<AtomicUsize>) -> Option<Self> {
        let waiting = Self(count.clone());
        (count.fetch_add(1, Ordering::Relaxed) < WAITING_MAX).then_some(waiting)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Turn {
    pub(crate) async fn hash(&self, password: String) -> Result<String, AppError> {
        let cost = self.cost;
        self.compute(move || bcrypt::hash(password, cost)).await?.map_err(AppError::internal)
    }

    /// A hash that cannot be read fits no password.
    pub(crate) async fn verify(&self, password: String, hash: String) -> Result<bool, AppError> {
        self.compute(move || bcrypt::verify(password, &hash).unwrap_or(false)).await
    }

    async fn compute<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, AppError> {
        let (answer, result) = oneshot::channel();
        // The permit stays with the work: an abandoned request still occupies its core.
        let permit = self.permit.clone();
        let job: Job = Box::new(move || {
            let _ = answer.send(work());
            drop(permit);
        });
        self.jobs.try_send(job).map_err(AppError::internal)?;
        result.await.map_err(AppError::internal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configured_classes_are_wanted() {
        let settings = Settings { password_minimum_length: 8, password_uppercase: true, password_number: true, ..Settings::default() };
        assert!(check_policy("Abcdefg1", &settings).is_ok());
        let error = check_policy("abcdefg1", &settings).expect_err("no capital");
        assert_eq!(error.id, ErrorId::PasswordInvalidUppercaseNumber);
        assert_eq!(error.params["Min"], "8");
    }

    #[tokio::test]
    async fn a_hash_fits_its_password_only() {
        let turn = Passwords::new(4).expect("threads").turn().await.expect("turn");
        let hash = turn.hash("secret".into()).await.expect("hash");
        assert!(turn.verify("secret".into(), hash.clone()).await.expect("verify"));
        assert!(!turn.verify("Secret".into(), hash).await.expect("verify"));
        assert!(!turn.verify("secret".into(), "garbage".into()).await.expect("verify"));
    }

    #[tokio::test]
    async fn a_full_queue_answers_busy() {
        let passwords = Passwords::new(4).expect("threads");
        passwords.waiting.store(WAITING_MAX, Ordering::Relaxed);
        assert_eq!(passwords.turn().await.err().map(|e| e.id), Some(ErrorId::Busy));
        assert_eq!(passwords.waiting.load(Ordering::Relaxed), WAITING_MAX);
    }

    #[tokio::test]
    async fn who_waits_too_long_is_told_busy() {
        let passwords = Passwords::new(4).expect("threads");
        let mut turns = Vec::new();
        while passwords.permits.available_permits() > 0 {
            turns.push(passwords.turn().await.expect("turn"));
        }
        let late = passwords.turn_within(Duration::from_millis(20)).await;
        assert_eq!(late.err().map(|e| e.id), Some(ErrorId::Busy));
        assert_eq!(passwords.waiting.load(Ordering::Relaxed), 0);
        turns.pop();
        passwords.turn().await.expect("a turn ended");
    }

    #[test]
    fn a_job_that_nobody_waits_for_ends_its_turn() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
        let passwords = Passwords::new(4).expect("threads");
        let cores = passwords.permits.available_permits();
        runtime.block_on(async {
            let turn = passwords.turn().await.expect("turn");
            // Asked once, then abandoned.
            let hashing = turn.hash("secret".into());
            tokio::select! { biased; _ = hashing => {}, () = std::future::ready(()) => {} }
            drop(turn);
            let all = passwords.permits.acquire_many(u32::try_from(cores).expect("few")).await.expect("all turns");
            drop(all);
        });
    }
}
