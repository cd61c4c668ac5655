//! Password policy and hashing. Hashing is slow on purpose, so it waits its turn in a bounded queue.

use muster_domain::{config::Settings, passwords::PasswordSettings};
use muster_error::{AppError, ErrorId};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Requests that may wait for a turn; about five seconds' worth on two cores.
const WAITING_MAX: usize = 200;

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

/// The queue to the processor's cores.
#[derive(Clone)]
pub(crate) struct Passwords {
    permits: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    cost: u32,
}

/// A turn. What is decided on a result should be recorded before it ends: no more guesses than turns are under way.
pub(crate) struct Turn {
    permit: Arc<OwnedSemaphorePermit>,
    cost: u32,
}

impl Passwords {
    pub(crate) fn new(cost: u32) -> Self {
        let cores = std::thread::available_parallelism().map(usize::from).unwrap_or(1);
        Self { permits: Arc::new(Semaphore::new(cores)), waiting: Arc::default(), cost }
    }

    /// Waits for a turn; `Busy` when too many already wait.
    pub(crate) async fn turn(&self) -> Result<Turn, AppError> {
        let waiting = Waiting::enter(&self.waiting)?;
        let permit = self.permits.clone().acquire_owned().await.map_err(AppError::internal)?;
        drop(waiting);
        Ok(Turn { permit: Arc::new(permit), cost: self.cost })
    }
}

/// Counts one waiter, also when its request is abandoned.
struct Waiting(Arc<AtomicUsize>);

impl Waiting {
    fn enter(count: &Arc<AtomicUsize>) -> Result<Self, AppError> {
        let waiting = Self(count.clone());
        if count.fetch_add(1, Ordering::Relaxed) >= WAITING_MAX {
            return Err(AppError::new(ErrorId::Busy).detail("password hashing"));
        }
        Ok(waiting)
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
        // The permit stays with the work: an abandoned request still occupies its core.
        let permit = self.permit.clone();
        tokio::task::spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        })
        .await
        .map_err(AppError::internal)
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
        let turn = Passwords::new(4).turn().await.expect("turn");
        let hash = turn.hash("secret".into()).await.expect("hash");
        assert!(turn.verify("secret".into(), hash.clone()).await.expect("verify"));
        assert!(!turn.verify("Secret".into(), hash).await.expect("verify"));
        assert!(!turn.verify("secret".into(), "garbage".into()).await.expect("verify"));
    }

    #[tokio::test]
    async fn a_full_queue_answers_busy() {
        let passwords = Passwords::new(4);
        passwords.waiting.store(WAITING_MAX, Ordering::Relaxed);
        assert_eq!(passwords.turn().await.err().map(|e| e.id), Some(ErrorId::Busy));
        assert_eq!(passwords.waiting.load(Ordering::Relaxed), WAITING_MAX);
    }
}
