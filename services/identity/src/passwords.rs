//! Password policy and hashing. Hashing is slow on purpose, so it waits its turn in a bounded queue.

use muster_domain::config::Settings;
use muster_error::{AppError, ErrorId};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes of a password, at most (bcrypt reads 72).
const PASSWORD_MAX: usize = 64;
/// Bytes of a password, at least, whatever the settings say.
const PASSWORD_MIN: i64 = 5;
/// Requests that may wait for a turn; about five seconds' worth on two cores.
const WAITING_MAX: usize = 200;
const SYMBOLS: &str = " !\"\\#$%&'()*+,-./:;<=>?@[]^_`|~";

/// Whether a password may be set (reference: identity, section 4).
pub(crate) fn check_policy(password: &str, settings: &Settings) -> Result<(), AppError> {
    let minimum = settings.password_minimum_length.clamp(PASSWORD_MIN, PASSWORD_MAX as i64);
    let wants = [settings.password_lowercase, settings.password_uppercase, settings.password_number, settings.password_symbol];
    let lacks = [
        !password.chars().any(char::is_lowercase),
        !password.chars().any(char::is_uppercase),
        !password.chars().any(|c| c.is_ascii_digit()),
        !password.chars().any(|c| SYMBOLS.contains(c)),
    ];
    let length_fits = password.len() >= minimum as usize && password.len() <= PASSWORD_MAX;
    if length_fits && !wants.iter().zip(lacks).any(|(wanted, lacking)| *wanted && lacking) {
        return Ok(());
    }
    use ErrorId::*;
    let id = match wants {
        [false, false, false, false] => PasswordInvalid,
        [true, false, false, false] => PasswordInvalidLowercase,
        [true, true, false, false] => PasswordInvalidLowercaseUppercase,
        [true, true, true, false] => PasswordInvalidLowercaseUppercaseNumber,
        [true, true, true, true] => PasswordInvalidLowercaseUppercaseNumberSymbol,
        [true, true, false, true] => PasswordInvalidLowercaseUppercaseSymbol,
        [true, false, true, false] => PasswordInvalidLowercaseNumber,
        [true, false, true, true] => PasswordInvalidLowercaseNumberSymbol,
        [true, false, false, true] => PasswordInvalidLowercaseSymbol,
        [false, true, false, false] => PasswordInvalidUppercase,
        [false, true, true, false] => PasswordInvalidUppercaseNumber,
        [false, true, true, true] => PasswordInvalidUppercaseNumberSymbol,
        [false, true, false, true] => PasswordInvalidUppercaseSymbol,
        [false, false, true, false] => PasswordInvalidNumber,
        [false, false, true, true] => PasswordInvalidNumberSymbol,
        [false, false, false, true] => PasswordInvalidSymbol,
    };
    Err(AppError::new(id).param("Min", minimum))
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
    fn length_counts_bytes() {
        let settings = Settings::default();
        for (password, fits) in
            [("", false), ("abcd", false), ("abcde", true), ("ééé", true), (&"x".repeat(64), true), (&"x".repeat(65), false)]
        {
            assert_eq!(check_policy(password, &settings).is_ok(), fits, "{password}");
        }
    }

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
