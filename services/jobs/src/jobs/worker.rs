//! Doing the jobs: every replica polls, a claim is a lease, a lost worker's job is taken over.

use super::{
    cleanup,
    rules::{self, CANCEL_REQUESTED, CANCELED, CLEANUP, ERROR, FAILED_PROGRESS, PENDING, SUCCESS},
    schedule,
    store::{self, Claimed},
};
use crate::slack::{self, Importer};
use muster_domain::{ids, time::now_ms};
use muster_error::AppError;
use muster_events::{Bus, JOBS_WAKE};
use muster_proto::model::Job;
use muster_runtime::{ConfigFeed, postgres::sql_error};
use sqlx::PgPool;
use std::{collections::BTreeMap, time::Duration};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How often workers look for work without being woken.
const POLL: Duration = Duration::from_secs(15);
/// How often the clock is asked for due jobs.
const SCHEDULE: Duration = Duration::from_secs(60);
/// How often a worker renews its lease and hears of cancellation.
const RENEW: Duration = Duration::from_secs(5);
/// A worker that did not renew for this long is lost, ms.
const LEASE_MS: i64 = 30_000;

/// Types this version works on.
const WORKED: &[&str] = &[CLEANUP, slack::TYPE];

/// Starts the poller and the scheduler; they end with the token, running jobs give their place back.
pub fn work(pool: PgPool, importer: Importer, bus: Bus, feed: ConfigFeed, stop: CancellationToken) {
    tokio::spawn(poll(pool.clone(), importer, bus.clone(), feed.clone(), stop.clone()));
    tokio::spawn(keep_schedule(pool, bus, feed, stop));
}

async fn poll(pool: PgPool, importer: Importer, bus: Bus, feed: ConfigFeed, stop: CancellationToken) {
    let mut running = JoinSet::new();
    let mut every = tokio::time::interval(POLL);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut wakes = bus.wakes(JOBS_WAKE).await;
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            _ = every.tick() => {}
            () = wakes.next() => {}
            // A finished job may have held up another of its type.
            Some(_) = running.join_next() => {}
        }
        if !feed.get().settings.run_jobs {
            continue;
        }
        if let Err(error) = take_work(&pool, &importer, &stop, &mut running).await {
            tracing::warn!(%error, "looking for jobs failed");
        }
    }
    while running.join_next().await.is_some() {}
}

async fn take_work(pool: &PgPool, importer: &Importer, stop: &CancellationToken, running: &mut JoinSet<()>) -> Result<(), AppError> {
    store::give_up_lost(pool).await.map_err(sql_error)?;
    for r#type in WORKED {
        if let Some(claimed) = store::claim(pool, r#type, LEASE_MS).await.map_err(sql_error)? {
            running.spawn(run(pool.clone(), importer.clone(), claimed, stop.clone()));
        }
    }
    Ok(())
}

/// Why a job is left before it is done.
enum Interrupted {
    /// An administrator asked for it.
    Canceled,
    /// The lease ran out and somebody else has the job.
    Lost,
    /// This process stops.
    Stopping,
}

/// Runs one claimed job to its end.
async fn run(pool: PgPool, importer: Importer, claimed: Claimed, stop: CancellationToken) {
    let job = &claimed.job;
    tracing::info!(job = job.id, r#type = job.r#type, "a job begins");
    let outcome = tokio::select! {
        done = perform(&pool, &importer, job) => Ok(done),
        interrupted = hold(&pool, &claimed, &stop) => Err(interrupted),
    };
    let written = match outcome {
        Ok(Ok(data)) => store::finish(&pool, &claimed, SUCCESS, 100, &data).await,
        Ok(Err(error)) => {
            tracing::warn!(job = job.id, %error, "a job failed");
            store::finish(&pool, &claimed, ERROR, FAILED_PROGRESS, &rules::with_error(&job.data, &error.message())).await
        }
        Err(Interrupted::Canceled) => store::finish(&pool, &claimed, CANCELED, job.progress, &job.data).await,
        Err(Interrupted::Stopping) => store::give_back(&pool, &claimed).await,
        Err(Interrupted::Lost) => Ok(()),
    };
    if let Err(error) = written {
        tracing::warn!(job = job.id, %error, "a job's end could not be stored; its lease will run out");
    }
}

async fn perform(pool: &PgPool, importer: &Importer, job: &Job) -> Result<String, AppError> {
    match job.r#type.as_str() {
        CLEANUP => {
            let swept = cleanup::sweep(pool).await?;
            let mut data: BTreeMap<String, String> = serde_json::from_str(&job.data).unwrap_or_default();
            data.insert("jobs".into(), swept.jobs.to_string());
            data.insert("config_versions".into(), swept.config_versions.to_string());
            data.insert("mails".into(), swept.mails.to_string());
            data.insert("pushes".into(), swept.pushes.to_string());
            serde_json::to_string(&data).map_err(AppError::internal)
        }
        slack::TYPE => slack::perform(importer, pool, job).await,
        other => Err(AppError::internal(format_args!("no worker for {other}"))),
    }
}

/// Keeps the lease until the job must be left.
async fn hold(pool: &PgPool, claimed: &Claimed, stop: &CancellationToken) -> Interrupted {
    loop {
        tokio::select! {
            () = stop.cancelled() => return Interrupted::Stopping,
            () = tokio::time::sleep(RENEW) => {}
        }
        match store::renew(pool, claimed, LEASE_MS).await {
            Ok(Some(status)) if status == CANCEL_REQUESTED => return Interrupted::Canceled,
            Ok(Some(_)) => {}
            Ok(None) => return Interrupted::Lost,
            Err(error) => tracing::warn!(job = claimed.job.id, %error, "a lease could not be renewed"),
        }
    }
}

async fn keep_schedule(pool: PgPool, bus: Bus, feed: ConfigFeed, stop: CancellationToken) {
    let mut every = tokio::time::interval(SCHEDULE);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = every.tick() => {}
        }
        if !feed.get().settings.run_scheduler {
            continue;
        }
        for due in schedule::due(now_ms()) {
            let job = Job { id: ids::new_id(), r#type: due.r#type.into(), create_at: now_ms(), status: PENDING.into(), ..Job::default() };
            match store::insert(&pool, &job, Some(&due.key)).await {
                Ok(true) => {
                    bus.wake(JOBS_WAKE).await;
                }
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, key = due.key, "a due job could not be stored"),
            }
        }
    }
}
