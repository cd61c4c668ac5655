//! The daily sweep of what has expired in this schema: ended jobs and old versions of the configuration. (Nodes are
//! forgotten as they go; sessions expire where they are kept.)

use super::store;
use crate::{config, mail, push};
use muster_domain::time::{DAY_MS, now_ms};
use muster_error::AppError;
use muster_runtime::postgres::sql_error;
use sqlx::PgPool;

/// Ended jobs are kept this long, ms.
const JOBS_KEPT_MS: i64 = 90 * DAY_MS;
/// Mails that were sent are recognised for this long, ms; those that failed are kept for people to look at.
const MAILS_SENT_KEPT_MS: i64 = DAY_MS;
const MAILS_FAILED_KEPT_MS: i64 = 30 * DAY_MS;
/// Pushes are recognised for this long, ms.
const PUSHES_KEPT_MS: i64 = DAY_MS;
/// Rows one statement deletes.
const BATCH: i64 = 1_000;

/// What was deleted.
#[derive(Debug, Default, PartialEq)]
pub struct Swept {
    pub jobs: u64,
    pub config_versions: u64,
    pub mails: u64,
    pub pushes: u64,
}

/// Sweeps until nothing is left.
pub async fn sweep(pool: &PgPool) -> Result<Swept, AppError> {
    let mut swept = Swept::default();
    let before = now_ms() - JOBS_KEPT_MS;
    loop {
        let deleted = store::delete_ended(pool, before, BATCH).await.map_err(sql_error)?;
        swept.jobs += deleted;
        if deleted < BATCH as u64 {
            break;
        }
    }
    loop {
        let now = now_ms();
        let deleted = mail::delete_ended(pool, now - MAILS_SENT_KEPT_MS, now - MAILS_FAILED_KEPT_MS, BATCH).await.map_err(sql_error)?;
        swept.mails += deleted;
        if deleted < BATCH as u64 {
            break;
        }
    }
    loop {
        let deleted = push::delete_gone(pool, now_ms() - PUSHES_KEPT_MS, BATCH).await.map_err(sql_error)?;
        swept.pushes += deleted;
        if deleted < BATCH as u64 {
            break;
        }
    }
    swept.config_versions = config::prune_history(pool).await?;
    Ok(swept)
}
