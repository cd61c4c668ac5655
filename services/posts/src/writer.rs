//! Group commit: posts that arrive while a commit is under way share the next one.
//!
//! A channel always goes through the same of the [`WRITERS`] tasks, so that its posts are written in the order they
//! came and two commits of one process never wait for each other's locks. A lone post is written at once; under load
//! up to [`BATCH_MAX`] share one statement and one flush of the log. A batch that fails is taken apart, so that one bad
//! post fails alone.

mod clock;
mod plan;
mod store;

use crate::draft::Draft;
use clock::AuthorClock;
use muster_domain::time::now_ms;
use muster_error::{AppError, ErrorId};
use muster_events::{Encoded, Outbox};
use muster_proto::model::Post;
use muster_runtime::{
    postgres::{sql_error, violated_constraint},
    telemetry,
};
use plan::Plan;
use sqlx::{PgPool, Postgres, pool::PoolConnection};
use std::{
    collections::{HashSet, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};
use tokio::sync::{mpsc, oneshot};
use tracing::Instrument;

/// Tasks, each with a connection of its own.
const WRITERS: usize = 2;
/// Posts of one commit.
const BATCH_MAX: usize = 128;
/// Posts that may wait for one writer; more are refused with `Busy`.
const QUEUE_MAX: usize = 2_048;
/// Attempts at one batch before it is taken apart or given up.
const ATTEMPTS_MAX: u32 = 3;

/// What became of a draft.
#[derive(Debug)]
pub enum Written {
    /// It is stored. `held` is left to be announced, once its files are bound.
    New { post: Box<Post>, held: Vec<Encoded> },
    /// Its key had been used before, by the post of this id.
    Before(String),
}

struct Job {
    draft: Draft,
    reply: oneshot::Sender<Result<Written, AppError>>,
}

/// The way into the writer tasks. They end when the last clone is gone and everything queued is written.
#[derive(Clone)]
pub struct Writer(Arc<[mpsc::Sender<Job>]>);

impl Writer {
    pub fn start(pool: &PgPool, outbox: &Outbox) -> Self {
        let queues = (0..WRITERS).map(|_| {
            let (sender, queue) = mpsc::channel(QUEUE_MAX);
            let task = Task { pool: pool.clone(), outbox: outbox.clone(), connection: None, clock: AuthorClock::default() };
            tokio::spawn(task.run(queue));
            sender
        });
        Self(queues.collect())
    }

    /// Returns when the post is committed and handed to the bus.
    pub async fn write(&self, mut draft: Draft) -> Result<Written, AppError> {
        draft.traceparent = telemetry::traceparent();
        let mut hasher = DefaultHasher::new();
        draft.post.channel_id.hash(&mut hasher);
        let queue = &self.0[hasher.finish() as usize % self.0.len()];
        let (reply, answer) = oneshot::channel();
        queue.try_send(Job { draft, reply }).map_err(|_| AppError::new(ErrorId::Busy).detail("the queue of posts is full"))?;
        answer.await.map_err(|_| AppError::new(ErrorId::Unavailable).detail("the writer ended"))?
    }
}

/// Jobs tried together.
struct Group {
    jobs: Vec<Job>,
    attempts: u32,
}

struct Task {
    pool: PgPool,
    outbox: Outbox,
    connection: Option<PoolConnection<Postgres>>,
    clock: AuthorClock,
}

impl Task {
    async fn run(mut self, mut queue: mpsc::Receiver<Job>) {
        let batch_size = metrics::histogram!("muster_posts_batch_size");
        let mut jobs = Vec::with_capacity(BATCH_MAX);
        while queue.recv_many(&mut jobs, BATCH_MAX).await > 0 {
            // Whoever gave up waiting will try again; writing it now would make two of it.
            jobs.retain(|job| !job.reply.is_closed());
            if jobs.is_empty() {
                continue;
            }
            batch_size.record(jobs.len() as f64);
            for job in &mut jobs {
                self.clock.stamp(&mut job.draft.post, now_ms());
            }
            let (filed, plain): (Vec<Job>, Vec<Job>) = std::mem::take(&mut jobs).into_iter().partition(|job| job.draft.waits_for_files());
            // A post with files goes alone: its event is held back until they are bound, and nobody else's with it.
            let mut groups: VecDeque<Group> = if plain.is_empty() { VecDeque::new() } else { without_repeats(plain).into() };
            groups.extend(filed.into_iter().map(|job| Group { jobs: vec![job], attempts: 0 }));
            while let Some(group) = groups.pop_front() {
                for rest in self.attempt(group).await.into_iter().rev() {
                    groups.push_front(rest);
                }
            }
        }
    }

    /// Writes a group and answers its jobs; returns what has to be tried again, in order.
    async fn attempt(&mut self, mut group: Group) -> Vec<Group> {
        let plan = match Plan::of(group.jobs.iter().map(|job| &job.draft)) {
            Ok(plan) => plan,
            Err(error) => return taken_apart(group, error),
        };
        group.attempts += 1;
        let inserted = match self.connection().await {
            Ok(connection) => {
                let span = telemetry::span_from("SQL insert posts", plan.traceparent());
                store::insert(connection, &plan).instrument(span).await
            }
            // The pool has waited for the database already.
            Err(error) => {
                let error = sql_error(error);
                return answer_all(group.jobs, &error);
            }
        };
        let (announcements, first_id) = (plan.announcements, plan.first_id);
        let Err(error) = inserted else { return self.done(group.jobs, announcements).await };
        let may_retry = group.attempts < ATTEMPTS_MAX;
        if violated_constraint(&error) == Some("post_keys_pkey") && may_retry {
            return self.answer_repeated(group).await;
        }
        if is_connection_lost(&error) && may_retry {
            tracing::warn!(%error, "writing posts: the connection broke");
            self.connection = None;
            // The commit may have gone through before the connection broke.
            return match self.is_written(&first_id).await {
                Ok(true) => self.done(group.jobs, announcements).await,
                Ok(false) => vec![group],
                Err(error) => answer_all(group.jobs, &sql_error(error)),
            };
        }
        let error = sql_error(error);
        if error.id == ErrorId::Unavailable && may_retry {
            return vec![group];
        }
        taken_apart(group, error)
    }

    async fn done(&self, jobs: Vec<Job>, announcements: Vec<Encoded>) -> Vec<Group> {
        let mut held = announcements;
        if !jobs.iter().any(|job| job.draft.waits_for_files()) {
            self.outbox.publish_encoded(std::mem::take(&mut held)).await;
        }
        for job in jobs {
            let written = Written::New { post: Box::new(job.draft.post), held: std::mem::take(&mut held) };
            // Whoever waited is gone: the calls will be made by the sweeper, the event need not wait for it.
            if let Err(Ok(Written::New { held, .. })) = job.reply.send(Ok(written)) {
                self.outbox.publish_encoded(held).await;
            }
        }
        Vec::new()
    }

    async fn is_written(&mut self, first_id: &str) -> sqlx::Result<bool> {
        store::exists(self.connection().await?, first_id).await
    }

    async fn connection(&mut self) -> sqlx::Result<&mut PoolConnection<Postgres>> {
        match self.connection.take() {
            Some(connection) => Ok(self.connection.insert(connection)),
            None => {
                let connection = self.pool.acquire().await?;
                Ok(self.connection.insert(connection))
            }
        }
    }

    /// Some keys were used before: answers those jobs with the first post, the rest is to be tried again.
    async fn answer_repeated(&mut self, group: Group) -> Vec<Group> {
        let keys: Vec<_> = group.jobs.iter().filter_map(|job| job.draft.key.as_ref()).collect();
        let found = match self.connection().await {
            Ok(connection) => store::posts_by_key(connection, &keys).await,
            Err(error) => Err(error),
        };
        let found = match found {
            Ok(found) => found,
            Err(error) => return answer_all(group.jobs, &sql_error(error)),
        };
        let mut rest = Vec::with_capacity(group.jobs.len());
        for job in group.jobs {
            match job.draft.key.as_ref().and_then(|key| found.get(key)) {
                Some(post_id) => {
                    let _ = job.reply.send(Ok(Written::Before(post_id.clone())));
                }
                None => rest.push(job),
            }
        }
        if rest.is_empty() { Vec::new() } else { vec![Group { jobs: rest, attempts: group.attempts }] }
    }
}

/// The jobs as one group; those whose key occurs earlier in it follow in a second one, where they will be found repeated.
fn without_repeats(jobs: Vec<Job>) -> Vec<Group> {
    let mut seen = HashSet::new();
    let (first, repeats): (Vec<Job>, Vec<Job>) =
        jobs.into_iter().partition(|job| job.draft.key.as_ref().is_none_or(|key| seen.insert(key.clone())));
    // One by one: a key may occur more than twice.
    std::iter::once(first).chain(repeats.into_iter().map(|job| vec![job])).map(|jobs| Group { jobs, attempts: 0 }).collect()
}

/// Single jobs of a group that failed as a whole; a lone one is answered.
fn taken_apart(group: Group, error: AppError) -> Vec<Group> {
    if group.jobs.len() == 1 {
        if error.status >= 500 {
            tracing::error!(%error, "writing a post failed");
        }
        return answer_all(group.jobs, &error);
    }
    tracing::warn!(%error, posts = group.jobs.len(), "writing a batch of posts failed; writing them one by one");
    group.jobs.into_iter().map(|job| Group { jobs: vec![job], attempts: 0 }).collect()
}

/// Nothing is left to be tried.
fn answer_all(jobs: Vec<Job>, error: &AppError) -> Vec<Group> {
    for job in jobs {
        let _ = job.reply.send(Err(error.clone()));
    }
    Vec::new()
}

fn is_connection_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => true,
        // terminated by an administrator, crash of another backend
        sqlx::Error::Database(db) => matches!(db.code().as_deref(), Some("57P01" | "57P02")),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draft::Key;

    fn job(pending: &str) -> Job {
        let key = (!pending.is_empty()).then(|| Key { scope: "u".into(), name: pending.into() });
        Job { draft: Draft { key, ..Draft::default() }, reply: oneshot::channel().0 }
    }

    #[test]
    fn a_key_occurs_once_per_group() {
        let sizes =
            |keys: &[&str]| -> Vec<usize> { without_repeats(keys.iter().map(|k| job(k)).collect()).iter().map(|g| g.jobs.len()).collect() };
        assert_eq!(sizes(&["a", "b", "", ""]), [4]);
        assert_eq!(sizes(&["a", "b", "a", "a"]), [2, 1, 1]);
    }
}
