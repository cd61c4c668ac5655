//! Receiving one file: bytes to the object store, a picture's measures and small versions, then the row.

use super::{Files, rules, store};
use crate::{
    imaging::{self, ImageFacts, ImagingError, renditions},
    objects::{Objects, StoredFile, TakenIn},
};
use bytes::Bytes;
use futures_util::Stream;
use muster_domain::{ids::new_id, mime, time::now_ms};
use muster_error::{AppError, ErrorId, Result};
use muster_proto::{files::UploadStart, model::FileInfo};
use muster_runtime::postgres::sql_error;

/// In place of the channel in the key of a file whose channel is not known yet.
const NO_CHANNEL: &str = "nochannel";

/// What a picture yields; everything is empty for what cannot be decoded.
#[derive(Default)]
struct Measured {
    facts: Option<ImageFacts>,
    thumbnail: Option<Vec<u8>>,
    preview: Option<Vec<u8>>,
}

enum Failure {
    Imaging(ImagingError),
    Other(AppError),
}

impl From<ImagingError> for Failure {
    fn from(error: ImagingError) -> Self {
        Self::Imaging(error)
    }
}

impl From<AppError> for Failure {
    fn from(error: AppError) -> Self {
        Self::Other(error)
    }
}

/// On any error nothing of the file remains visible, and what was written is removed again.
pub async fn receive(files: &Files, start: UploadStart, chunks: impl Stream<Item = Result<Bytes>>) -> Result<FileInfo> {
    if start.channel_id.is_empty() && !start.pending {
        return Err(AppError::internal("an upload into no channel"));
    }
    let name = rules::base_name(&start.name)?;
    let extension = mime::extension(&name);
    let (id, now) = (new_id(), now_ms());
    let channel = if start.channel_id.is_empty() { NO_CHANNEL } else { &start.channel_id };
    let keys = StoredFile::new(now, channel, &start.user_id, &id, &name);
    let info = FileInfo {
        id,
        user_id: start.user_id,
        create_at: now,
        update_at: now,
        mime_type: mime::mime_type(&extension).to_owned(),
        name,
        extension,
        ..FileInfo::default()
    };
    let limit = u64::try_from(files.feed.get().settings.max_file_size).unwrap_or(0);
    let content = files.objects.take_in(&keys.original, chunks, limit).await.map_err(too_large)?;
    match keep(files, info, &keys, content, &start.channel_id, start.pending).await {
        Ok(info) => Ok(info),
        Err(error) => {
            files.objects.delete_all(&[keys.original, keys.thumbnail, keys.preview]).await;
            Err(error)
        }
    }
}

async fn keep(files: &Files, mut info: FileInfo, keys: &StoredFile, content: TakenIn, channel_id: &str, pending: bool) -> Result<FileInfo> {
    info.size = content.size() as i64;
    let is_image = mime::is_image(&info.mime_type);
    let measured = if is_image { measure(files, &keys.original, &content, &info.name).await? } else { Measured::default() };
    if let Some(facts) = measured.facts {
        info.width = facts.width.into();
        info.height = facts.height.into();
        info.has_preview_image = facts.has_preview;
    }
    let original = match content {
        TakenIn::Small(bytes) => Some(bytes),
        TakenIn::Written(_) => None,
    };
    tokio::try_join!(
        write(&files.objects, &keys.original, original),
        write(&files.objects, &keys.thumbnail, measured.thumbnail.map(Bytes::from)),
        write(&files.objects, &keys.preview, measured.preview.map(Bytes::from)),
    )?;
    let mut row = store::FileRow { info, path: keys.original.clone(), ..store::FileRow::default() };
    if is_image {
        row.thumbnail_path.clone_from(&keys.thumbnail);
        row.preview_path.clone_from(&keys.preview);
    }
    store::insert(&files.pool, &row, channel_id, pending).await.map_err(sql_error)?;
    Ok(row.info)
}

async fn write(objects: &Objects, key: &str, content: Option<Bytes>) -> Result<()> {
    match content {
        Some(content) => objects.put(key, content).await,
        None => Ok(()),
    }
}

/// Undecodable content is no error: the file is kept without measures. Too many pixels are 400.
async fn measure(files: &Files, key: &str, content: &TakenIn, name: &str) -> Result<Measured> {
    let load = async {
        match content {
            TakenIn::Small(bytes) => Ok(bytes.clone()),
            TakenIn::Written(_) => {
                files.objects.get_all(key).await?.ok_or_else(|| AppError::new(ErrorId::Unavailable).detail("an upload vanished").into())
            }
        }
    };
    match files.workers.run_on(load, |bytes| look_at(&bytes)).await {
        Ok(measured) => Ok(measured),
        Err(Failure::Imaging(ImagingError::TooManyPixels { width, height })) => {
            Err(AppError::new(ErrorId::FileLargeImage).param("Filename", name).detail(format_args!("{width}x{height}")))
        }
        Err(Failure::Imaging(ImagingError::Undecodable(_))) => Ok(Measured::default()),
        Err(Failure::Other(error)) => Err(error),
    }
}

fn look_at(bytes: &[u8]) -> std::result::Result<Measured, ImagingError> {
    let facts = imaging::inspect(bytes)?;
    match renditions::render(bytes) {
        Ok(made) => Ok(Measured { facts: Some(facts), thumbnail: made.thumbnail, preview: made.preview }),
        Err(error) => {
            tracing::debug!(%error, "a picture whose header is better than its content");
            Ok(Measured { facts: Some(facts), ..Measured::default() })
        }
    }
}

fn too_large(error: AppError) -> AppError {
    if error.id == ErrorId::BodyTooLarge { AppError::new(ErrorId::FileTooLarge).detail(error.detail) } else { error }
}
