//! What requests say about their users' presence, told to identity without holding the requests up: a bounded queue, and
//! at most one message per user and second.

use crate::{clients::Clients, extract::Session};
use moka::sync::Cache;
use muster_error::AppError;
use muster_proto::identity::{ActivityRequest, TouchSessionRequest};
use muster_runtime::Caller;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Messages that may wait; more are dropped (the next request tells the same).
const QUEUE_MAX: usize = 4_096;
/// A user is told of once in this time.
const ACTIVITY_EVERY: Duration = Duration::from_secs(1);
/// A session is touched once in this time; identity itself writes every five minutes.
const TOUCH_EVERY: Duration = Duration::from_secs(60);
const REMEMBERED_MAX: u64 = 100_000;

struct Active {
    caller: Caller,
    touch: bool,
}

/// The way into the task that tells identity.
#[derive(Clone)]
pub struct Presence {
    queue: mpsc::Sender<Active>,
    told: Cache<String, ()>,
    touched: Cache<String, ()>,
}

impl Presence {
    /// The task ends with the token.
    pub fn start(clients: Clients, stop: CancellationToken) -> Self {
        let (queue, mut waiting) = mpsc::channel::<Active>(QUEUE_MAX);
        tokio::spawn(async move {
            loop {
                let active = tokio::select! {
                    () = stop.cancelled() => return,
                    active = waiting.recv() => match active {
                        Some(active) => active,
                        None => return,
                    },
                };
                if let Err(error) = tell(&clients, active).await {
                    tracing::debug!(%error, "a user's activity was not noted");
                }
            }
        });
        let remembered = |every| Cache::builder().max_capacity(REMEMBERED_MAX).time_to_live(every).build();
        Self { queue, told: remembered(ACTIVITY_EVERY), touched: remembered(TOUCH_EVERY) }
    }

    /// The user did something that makes them online.
    pub fn active(&self, session: &Session) {
        if self.told.contains_key(&session.user_id) {
            return;
        }
        let touch = !self.touched.contains_key(&session.id);
        if self.queue.try_send(Active { caller: session.caller(), touch }).is_ok() {
            self.told.insert(session.user_id.clone(), ());
            if touch {
                self.touched.insert(session.id.clone(), ());
            }
        }
    }
}

async fn tell(clients: &Clients, Active { caller, touch }: Active) -> Result<(), AppError> {
    let (user_id, session_id) = (caller.user_id.clone(), caller.session_id.clone());
    clients.statuses().activity(caller.call(ActivityRequest { user_id, session_id: session_id.clone() })).await?;
    if touch {
        clients.sessions().touch(caller.call(TouchSessionRequest { session_id })).await?;
    }
    Ok(())
}
