//! Accounts as this gateway last saw them. An entry is evicted by the invalidation that follows every change and lives
//! 30 s at most; while the bus is away nothing here is trusted.

use crate::clients::Clients;
use bytes::Bytes;
use moka::sync::Cache;
use muster_error::AppError;
use muster_proto::{
    identity::{GetUserRequest, get_user_request::By},
    model::User,
    views::{Viewer, user_for},
};
use muster_runtime::Caller;
use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::watch;

const TTL: Duration = Duration::from_secs(30);
const PEOPLE_MAX: u64 = 20_000;

/// An account, unsanitised, and what its owner is shown of it.
pub struct Person {
    pub user: User,
    own_json: OnceLock<Bytes>,
}

impl Person {
    /// The view of oneself as JSON, written once.
    pub fn own_json(&self) -> Result<Bytes, AppError> {
        if let Some(json) = self.own_json.get() {
            return Ok(json.clone());
        }
        let mut user = self.user.clone();
        user_for(&mut user, Viewer::Myself);
        let json = Bytes::from(muster_proto::json::to_vec(&user).map_err(AppError::internal)?);
        Ok(self.own_json.get_or_init(|| json).clone())
    }
}

#[derive(Clone)]
pub struct People {
    known: Cache<String, Arc<Person>>,
    clients: Clients,
    /// Moves with every eviction: an answer that was under way meanwhile is not kept.
    generation: Arc<AtomicU64>,
    bus_connected: watch::Receiver<bool>,
}

impl People {
    pub fn new(clients: Clients, bus_connected: watch::Receiver<bool>) -> Self {
        let known = Cache::builder().max_capacity(PEOPLE_MAX).time_to_live(TTL).build();
        Self { known, clients, generation: Arc::default(), bus_connected }
    }

    /// 404 for an unknown id.
    pub async fn get(&self, caller: &Caller, user_id: &str) -> Result<Arc<Person>, AppError> {
        match self.known.get(user_id) {
            Some(person) if self.trusted() => Ok(person),
            _ => self.get_anew(caller, user_id).await,
        }
    }

    /// As it is now, whatever is remembered.
    pub async fn get_anew(&self, caller: &Caller, user_id: &str) -> Result<Arc<Person>, AppError> {
        let before = self.generation.load(Ordering::Acquire);
        let request = GetUserRequest { by: Some(By::Id(user_id.to_owned())) };
        let user = self.clients.users().get(caller.call(request)).await?.into_inner();
        let person = Arc::new(Person { user, own_json: OnceLock::new() });
        if self.trusted() {
            self.known.insert(user_id.to_owned(), person.clone());
            // An eviction before the insertion has not seen it.
            if self.generation.load(Ordering::Acquire) != before {
                self.known.invalidate(user_id);
            }
        }
        Ok(person)
    }

    fn trusted(&self) -> bool {
        *self.bus_connected.borrow()
    }

    pub fn forget(&self, user_id: &str) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.known.invalidate(user_id);
    }

    pub fn forget_all(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.known.invalidate_all();
    }
}
