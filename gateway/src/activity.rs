//! What moves in channels when somebody posts, asked for many requests at once: while one question is under way the next
//! ones gather, and one question answers them all. A question starts after everything it answers was asked, so nobody
//! reads an older state than alone.

use crate::clients::Clients;
use muster_error::{AppError, ErrorId};
use muster_proto::posts::{ChannelActivity, ChannelActivityRequest};
use muster_runtime::Caller;
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// Requests that may wait; the next one waits for room.
const QUEUE: usize = 1_024;
/// Requests answered by one question.
const GATHERED_MAX: usize = 64;
/// Questions under way at a time.
const ASKING: usize = 4;

/// What moves in a channel when somebody posts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Activity {
    /// ms
    pub last_post_at: i64,
    pub total_msg_count: i64,
}

impl From<&ChannelActivity> for Activity {
    fn from(activity: &ChannelActivity) -> Self {
        Self { last_post_at: activity.last_post_at, total_msg_count: activity.total_msg_count }
    }
}

/// By channel id; a channel nobody posted into may be missing.
pub type Known = Arc<HashMap<String, Activity>>;

struct Ask {
    channel_ids: Vec<String>,
    answer: oneshot::Sender<Result<Known, AppError>>,
}

#[derive(Clone)]
pub struct Activities {
    queue: mpsc::Sender<Ask>,
}

impl Activities {
    /// The tasks end with the token.
    pub fn start(clients: &Clients, stop: &CancellationToken) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..ASKING {
            tokio::spawn(answer(clients.clone(), waiting.clone(), stop.clone()));
        }
        Self { queue }
    }

    /// Of at least these channels.
    pub async fn of(&self, channel_ids: Vec<String>) -> Result<Known, AppError> {
        if channel_ids.is_empty() {
            return Ok(Known::default());
        }
        let closed = || AppError::new(ErrorId::Unavailable).detail("the gateway is stopping");
        let (answer, answered) = oneshot::channel();
        self.queue.send(Ask { channel_ids, answer }).await.map_err(|_| closed())?;
        answered.await.map_err(|_| closed())?
    }
}

async fn answer(clients: Clients, waiting: Arc<Mutex<mpsc::Receiver<Ask>>>, stop: CancellationToken) {
    let mut asks = Vec::new();
    loop {
        let received = async { waiting.lock().await.recv_many(&mut asks, GATHERED_MAX).await };
        let count = tokio::select! {
            () = stop.cancelled() => return,
            count = received => count,
        };
        if count == 0 {
            return;
        }
        let ids: BTreeSet<String> = asks.iter_mut().flat_map(|ask| std::mem::take(&mut ask.channel_ids)).collect();
        let known = ask(&clients, ids.into_iter().collect()).await;
        for ask in asks.drain(..) {
            // Who asked may be gone.
            let _ = ask.answer.send(known.clone());
        }
    }
}

async fn ask(clients: &Clients, channel_ids: Vec<String>) -> Result<Known, AppError> {
    let request = Caller::system("gateway").call(ChannelActivityRequest { channel_ids });
    let reply = clients.activity().channels(request).await?.into_inner();
    Ok(Arc::new(reply.channels.iter().map(|a| (a.channel_id.clone(), Activity::from(a))).collect()))
}
