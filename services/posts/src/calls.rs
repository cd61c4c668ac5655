//! Calls to other services that a change of ours causes: rows of the same transaction, made at once, and again until
//! they are acknowledged. The calls are idempotent.

use muster_domain::{ids::new_id, time::now_ms};
use muster_error::AppError;
use muster_proto::{
    files::{BindFilesRequest, DeleteFilesByPostsRequest, GetImageRequest, files_client::FilesClient, images_client::ImagesClient},
    identity::{ForgetPreferencesRequest, preferences_client::PreferencesClient},
    posts::PostMentions,
};
use muster_runtime::{Caller, Peer, peers::MESSAGE_MAX, postgres::sql_error};
use prost::Message;
use sqlx::{PgExecutor, PgPool, Row};
use std::{str::FromStr, time::Duration};
use tokio_util::sync::CancellationToken;

/// Head start of the process that recorded the call, ms; then any replica makes it.
const FIRST_TRY_MS: i64 = 5_000;
/// A claimed call is nobody else's for this long, ms.
const CLAIM_MS: i64 = 30_000;
/// Longest pause between two tries, ms.
const PAUSE_MAX_MS: i64 = 600_000;
const SWEEP_EVERY: Duration = Duration::from_secs(2);
/// Moments of calls that are fetched, not made, begin here: far beyond those at which calls are due.
pub const FETCHED_FROM: i64 = 1 << 52;
/// Calls taken at once.
const SWEEP_LIMIT: i64 = 50;

/// Which operation a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallKind {
    /// `files.Files.Bind`
    BindFiles,
    /// `files.Files.DeleteByPosts`
    DeleteFiles,
    /// `identity.Preferences.Forget`
    ForgetPreferences,
    /// `files.Images.Remove`
    RemoveImage,
    /// Not made but fetched: jobs comes for it (module `notify`).
    Notify,
}

impl CallKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BindFiles => "bind_files",
            Self::DeleteFiles => "delete_files",
            Self::ForgetPreferences => "forget_preferences",
            Self::RemoveImage => "remove_image",
            Self::Notify => "notify",
        }
    }
}

impl FromStr for CallKind {
    type Err = AppError;

    fn from_str(text: &str) -> Result<Self, AppError> {
        [Self::BindFiles, Self::DeleteFiles, Self::ForgetPreferences, Self::RemoveImage, Self::Notify]
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| AppError::internal(format_args!("unknown call {text}")))
    }
}

/// One call to be made.
#[derive(Debug, Clone)]
pub struct Call {
    pub id: String,
    pub kind: CallKind,
    /// The encoded request.
    pub body: Vec<u8>,
    /// When any replica may make it, ms.
    pub try_at: i64,
}

impl Call {
    fn new(kind: CallKind, body: Vec<u8>) -> Self {
        Self { id: new_id(), kind, body, try_at: now_ms() + FIRST_TRY_MS }
    }

    pub fn bind_files(request: &BindFilesRequest) -> Self {
        Self::new(CallKind::BindFiles, request.encode_to_vec())
    }

    pub fn delete_files(post_ids: Vec<String>) -> Self {
        Self::new(CallKind::DeleteFiles, DeleteFilesByPostsRequest { post_ids }.encode_to_vec())
    }

    pub fn remove_emoji_picture(emoji_id: &str) -> Self {
        let request = GetImageRequest { kind: "emoji".into(), id: emoji_id.to_owned(), version: 0 };
        Self::new(CallKind::RemoveImage, request.encode_to_vec())
    }

    /// Whom a post concerns, to be fetched from now on.
    pub fn notify(mentions: &PostMentions) -> Self {
        Self { id: new_id(), kind: CallKind::Notify, body: mentions.encode_to_vec(), try_at: FETCHED_FROM + now_ms() }
    }

    /// Everybody's flags of these posts go.
    pub fn forget_flags(post_ids: Vec<String>) -> Self {
        let request = ForgetPreferencesRequest { user_id: String::new(), category: "flagged_post".into(), names: post_ids };
        Self::new(CallKind::ForgetPreferences, request.encode_to_vec())
    }
}

/// Records a call in the transaction of its cause.
pub async fn record(executor: impl PgExecutor<'_>, call: &Call) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO calls (id, kind, body, try_at) VALUES ($1, $2, $3, $4)")
        .bind(&call.id)
        .bind(call.kind.as_str())
        .bind(&call.body)
        .bind(call.try_at)
        .execute(executor)
        .await?;
    Ok(())
}

/// Makes recorded calls.
#[derive(Clone)]
pub struct Calls {
    pool: PgPool,
    identity: Peer,
    files: Peer,
}

impl Calls {
    /// Starts the task that makes what was left behind; it ends with the token.
    pub fn start(pool: PgPool, identity: Peer, files: Peer, stop: CancellationToken) -> Self {
        let calls = Self { pool, identity, files };
        tokio::spawn(calls.clone().sweep(stop));
        calls
    }

    /// Makes a recorded call now. When it fails, it stays recorded and will be made later.
    pub async fn make(&self, call: &Call) {
        if call.kind == CallKind::Notify {
            return;
        }
        match self.send(call.kind, &call.body).await {
            Ok(()) => self.forget(&call.id).await,
            Err(error) => tracing::warn!(%error, kind = call.kind.as_str(), "a call failed and will be made again"),
        }
    }

    async fn send(&self, kind: CallKind, body: &[u8]) -> Result<(), AppError> {
        let caller = Caller::system("posts");
        match kind {
            CallKind::BindFiles => {
                let request = BindFilesRequest::decode(body).map_err(AppError::internal)?;
                let post_id = request.post_id.clone();
                FilesClient::new(self.files.channel()).max_decoding_message_size(MESSAGE_MAX).bind(caller.call(request)).await?;
                // Whoever deleted the post meanwhile found no files to delete with it.
                if self.is_deleted(&post_id).await.map_err(sql_error)? {
                    self.delete_files(&caller, DeleteFilesByPostsRequest { post_ids: vec![post_id] }).await?;
                }
            }
            CallKind::DeleteFiles => {
                self.delete_files(&caller, DeleteFilesByPostsRequest::decode(body).map_err(AppError::internal)?).await?;
            }
            CallKind::ForgetPreferences => {
                let request = ForgetPreferencesRequest::decode(body).map_err(AppError::internal)?;
                PreferencesClient::new(self.identity.channel()).forget(caller.call(request)).await?;
            }
            CallKind::Notify => return Err(AppError::internal("notifications are fetched")),
            CallKind::RemoveImage => {
                let request = GetImageRequest::decode(body).map_err(AppError::internal)?;
                ImagesClient::new(self.files.channel()).remove(caller.call(request)).await?;
            }
        }
        Ok(())
    }

    async fn is_deleted(&self, post_id: &str) -> sqlx::Result<bool> {
        let row = sqlx::query("SELECT 1 FROM posts WHERE id = $1 AND delete_at > 0").bind(post_id).fetch_optional(&self.pool).await?;
        Ok(row.is_some())
    }

    async fn delete_files(&self, caller: &Caller, request: DeleteFilesByPostsRequest) -> Result<(), AppError> {
        FilesClient::new(self.files.channel()).delete_by_posts(caller.call(request)).await?;
        Ok(())
    }

    /// Losing this deletion in a crash only repeats an idempotent call, so it does not wait for the disk.
    async fn forget(&self, id: &str) {
        let deleted = sqlx::query(
            "WITH relaxed AS (SELECT set_config('synchronous_commit', 'off', true) AS s) DELETE FROM calls USING relaxed WHERE id = $1 AND s = 'off'",
        )
        .bind(id)
        .execute(&self.pool)
        .await;
        if let Err(error) = deleted {
            tracing::warn!(%error, "a call that was made will be made again");
        }
    }

    async fn sweep(self, stop: CancellationToken) {
        let mut every = tokio::time::interval(SWEEP_EVERY);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = every.tick() => {}
            }
            if let Err(error) = self.make_due().await {
                tracing::warn!(%error, "making the calls that were left behind failed");
            }
        }
    }

    async fn make_due(&self) -> Result<(), AppError> {
        let rows = sqlx::query(
            "UPDATE calls SET attempts = attempts + 1, try_at = $1 + $2 WHERE id IN \
             (SELECT id FROM calls WHERE try_at <= $1 ORDER BY try_at LIMIT $3 FOR UPDATE SKIP LOCKED) RETURNING id, kind, body, attempts",
        )
        .bind(now_ms())
        .bind(CLAIM_MS)
        .bind(SWEEP_LIMIT)
        .fetch_all(&self.pool)
        .await
        .map_err(sql_error)?;
        for row in rows {
            let id: String = row.try_get("id").map_err(sql_error)?;
            let kind: CallKind = row.try_get::<&str, _>("kind").map_err(sql_error)?.parse()?;
            let attempts: i32 = row.try_get("attempts").map_err(sql_error)?;
            match self.send(kind, row.try_get("body").map_err(sql_error)?).await {
                Ok(()) => self.forget(&id).await,
                Err(error) => {
                    tracing::warn!(%error, kind = kind.as_str(), attempts, "a call failed again");
                    sqlx::query("UPDATE calls SET try_at = $2 WHERE id = $1")
                        .bind(&id)
                        .bind(now_ms() + pause_ms(attempts))
                        .execute(&self.pool)
                        .await
                        .map_err(sql_error)?;
                }
            }
        }
        Ok(())
    }
}

/// Doubles from two seconds up to [`PAUSE_MAX_MS`].
fn pause_ms(attempts: i32) -> i64 {
    (1_000_i64 << attempts.clamp(1, 20)).min(PAUSE_MAX_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit() {
        assert_eq!((pause_ms(1), pause_ms(2), pause_ms(100)), (2_000, 4_000, PAUSE_MAX_MS));
    }
}
