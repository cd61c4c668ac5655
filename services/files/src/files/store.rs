//! SQL over `files`. Pending uploads and deleted files are invisible except where said.

use muster_proto::model::FileInfo;
use muster_runtime::{from_row, postgres::PgRow};
use sqlx::{PgExecutor, Row};

/// A row with what never leaves the service.
#[derive(Debug, Clone, Default)]
pub struct FileRow {
    pub info: FileInfo,
    /// Of the post; "" while unattached.
    pub post_channel_id: String,
    pub path: String,
    /// "" for what is no picture; so is `preview_path`.
    pub thumbnail_path: String,
    pub preview_path: String,
}

const INFO: &str =
    "id, user_id, post_id, create_at, update_at, delete_at, name, extension, size, mime_type, width, height, has_preview_image";
const VISIBLE: &str = "NOT pending AND delete_at = 0";

fn info_of(row: &PgRow) -> sqlx::Result<FileInfo> {
    from_row!(row => FileInfo {
        id, user_id, post_id, create_at, update_at, delete_at, name, extension, size, mime_type, width, height, has_preview_image
    })
}

fn infos_of(rows: &[PgRow]) -> sqlx::Result<Vec<FileInfo>> {
    rows.iter().map(info_of).collect()
}

/// All keys of all rows, which must have the three path columns.
fn keys_of(rows: &[PgRow]) -> sqlx::Result<Vec<String>> {
    let mut keys = Vec::with_capacity(rows.len() * 3);
    for row in rows {
        for column in ["path", "thumbnail_path", "preview_path"] {
            keys.push(row.try_get::<String, _>(column)?);
        }
    }
    keys.retain(|key| !key.is_empty());
    Ok(keys)
}

/// `channel_id` is where it was uploaded.
pub async fn insert(db: impl PgExecutor<'_>, file: &FileRow, channel_id: &str, pending: bool) -> sqlx::Result<()> {
    let info = &file.info;
    sqlx::query(
        "INSERT INTO files (id, user_id, channel_id, pending, create_at, update_at, name, extension, size, mime_type, width, height,
             has_preview_image, path, thumbnail_path, preview_path)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
    )
    .bind(&info.id)
    .bind(&info.user_id)
    .bind(channel_id)
    .bind(pending)
    .bind(info.create_at)
    .bind(info.update_at)
    .bind(&info.name)
    .bind(&info.extension)
    .bind(info.size)
    .bind(&info.mime_type)
    .bind(info.width)
    .bind(info.height)
    .bind(info.has_preview_image)
    .bind(&file.path)
    .bind(&file.thumbnail_path)
    .bind(&file.preview_path)
    .execute(db)
    .await
    .map(drop)
}

pub async fn get(db: impl PgExecutor<'_>, file_id: &str) -> sqlx::Result<Option<FileRow>> {
    one(db, file_id, VISIBLE).await
}

/// One that is not committed.
pub async fn pending(db: impl PgExecutor<'_>, file_id: &str) -> sqlx::Result<Option<FileRow>> {
    one(db, file_id, "pending").await
}

async fn one(db: impl PgExecutor<'_>, file_id: &str, which: &str) -> sqlx::Result<Option<FileRow>> {
    let sql = format!("SELECT {INFO}, post_channel_id, path, thumbnail_path, preview_path FROM files WHERE id = $1 AND {which}");
    let Some(row) = sqlx::query(&sql).bind(file_id).fetch_optional(db).await? else { return Ok(None) };
    Ok(Some(FileRow {
        info: info_of(&row)?,
        post_channel_id: row.try_get("post_channel_id")?,
        path: row.try_get("path")?,
        thumbnail_path: row.try_get("thumbnail_path")?,
        preview_path: row.try_get("preview_path")?,
    }))
}

/// Order unspecified.
pub async fn infos(db: impl PgExecutor<'_>, file_ids: &[String]) -> sqlx::Result<Vec<FileInfo>> {
    let sql = format!("SELECT {INFO} FROM files WHERE id = ANY($1) AND {VISIBLE}");
    infos_of(&sqlx::query(&sql).bind(file_ids).fetch_all(db).await?)
}

/// At most the few files a post can have.
pub async fn by_post(db: impl PgExecutor<'_>, post_id: &str) -> sqlx::Result<Vec<FileInfo>> {
    let sql = format!("SELECT {INFO} FROM files WHERE post_id = $1 AND post_id <> '' AND {VISIBLE} ORDER BY create_at, arrival");
    infos_of(&sqlx::query(&sql).bind(post_id).fetch_all(db).await?)
}

/// Makes the user's pending ones among these visible; order unspecified.
pub async fn commit(db: impl PgExecutor<'_>, user_id: &str, channel_id: &str, file_ids: &[String]) -> sqlx::Result<Vec<FileInfo>> {
    let sql = format!("UPDATE files SET pending = false, channel_id = $1 WHERE id = ANY($2) AND user_id = $3 AND pending RETURNING {INFO}");
    infos_of(&sqlx::query(&sql).bind(channel_id).bind(file_ids).bind(user_id).fetch_all(db).await?)
}

/// Removes the user's pending ones among these; the keys of what they had in the object store.
pub async fn discard(db: impl PgExecutor<'_>, user_id: &str, file_ids: &[String]) -> sqlx::Result<Vec<String>> {
    let sql = "DELETE FROM files WHERE id = ANY($1) AND user_id = $2 AND pending RETURNING path, thumbnail_path, preview_path";
    keys_of(&sqlx::query(sql).bind(file_ids).bind(user_id).fetch_all(db).await?)
}

/// `user_id` "" = whoever uploaded them.
pub async fn bind(db: impl PgExecutor<'_>, post_id: &str, channel_id: &str, user_id: &str, file_ids: &[String]) -> sqlx::Result<()> {
    let sql = format!(
        "UPDATE files SET post_id = $1, post_channel_id = $2
         WHERE id = ANY($3) AND post_id = '' AND ($4 = '' OR user_id = $4) AND {VISIBLE}"
    );
    sqlx::query(&sql).bind(post_id).bind(channel_id).bind(file_ids).bind(user_id).execute(db).await.map(drop)
}

/// Their bytes stay, as the text of a deleted post does.
pub async fn delete_by_posts(db: impl PgExecutor<'_>, post_ids: &[String], now: i64) -> sqlx::Result<()> {
    let sql = "UPDATE files SET delete_at = $2, update_at = $2 WHERE post_id = ANY($1) AND post_id <> '' AND delete_at = 0";
    sqlx::query(sql).bind(post_ids).bind(now).execute(db).await.map(drop)
}

/// Removes up to `limit` pending uploads older than `before` (ms); several replicas share the work. The keys of what they had in the
/// object store, and how many they were.
pub async fn take_stale(db: impl PgExecutor<'_>, before: i64, limit: i64) -> sqlx::Result<(Vec<String>, usize)> {
    let sql = "DELETE FROM files WHERE id IN (
                   SELECT id FROM files WHERE pending AND create_at < $1 ORDER BY create_at LIMIT $2 FOR UPDATE SKIP LOCKED)
               RETURNING path, thumbnail_path, preview_path";
    let rows = sqlx::query(sql).bind(before).bind(limit).fetch_all(db).await?;
    Ok((keys_of(&rows)?, rows.len()))
}

/// Files with what they have in the object store.
pub struct Batch {
    pub ids: Vec<String>,
    pub keys: Vec<String>,
}

/// Some files that were uploaded to, or hang on posts of, these channels: pending and deleted ones too.
pub async fn of_channels(db: impl PgExecutor<'_>, channel_ids: &[String], limit: i64) -> sqlx::Result<Batch> {
    let sql = "(SELECT id, path, thumbnail_path, preview_path FROM files WHERE channel_id = ANY($1) AND channel_id <> '' LIMIT $2)
               UNION (SELECT id, path, thumbnail_path, preview_path FROM files
                      WHERE post_channel_id = ANY($1) AND post_channel_id <> '' LIMIT $2)";
    let rows = sqlx::query(sql).bind(channel_ids).bind(limit).fetch_all(db).await?;
    let ids = rows.iter().map(|row| row.try_get("id")).collect::<sqlx::Result<_>>()?;
    Ok(Batch { ids, keys: keys_of(&rows)? })
}

pub async fn delete(db: impl PgExecutor<'_>, ids: &[String]) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM files WHERE id = ANY($1)").bind(ids).execute(db).await.map(drop)
}
