//! Bytes at rest: one interface over a local directory and S3.

mod layout;
mod settings;

pub use layout::{StoredFile, image_key};
pub use settings::{Backend, ObjectSettings, S3Settings};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, TryStreamExt, stream::BoxStream};
use muster_error::{AppError, ErrorId, Result};
use object_store::{
    Error, GetResult, GetResultPayload, MultipartUpload, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, WriteMultipart,
    path::Path,
};
use std::sync::Arc;
use tokio_util::io::ReaderStream;

/// Bytes of one part of a large upload: the least that S3 accepts for a part that is not the last. Smaller objects are written in one request.
pub const PART_BYTES: usize = 5 * 1024 * 1024;
/// Parts of one upload that may be on the way at once: with the one being filled, an upload holds at most three parts.
const PARTS_IN_FLIGHT: usize = 2;
/// Bytes read from a local file at a time.
const READ_BYTES: usize = 128 * 1024;

/// The store of a process; cheap to clone.
#[derive(Clone)]
pub struct Objects {
    store: Arc<dyn ObjectStore>,
}

/// What became of a stream.
#[derive(Debug)]
pub enum TakenIn {
    /// The whole content; nothing was written.
    Small(Bytes),
    /// Written under the key: this many bytes.
    Written(u64),
}

impl TakenIn {
    /// Bytes.
    pub fn size(&self) -> u64 {
        match self {
            Self::Small(content) => content.len() as u64,
            Self::Written(size) => *size,
        }
    }
}

/// An object being read.
pub struct Download {
    /// Bytes.
    pub size: u64,
    pub chunks: BoxStream<'static, Result<Bytes>>,
}

impl Objects {
    /// Opens the back end and creates the directory of a local one; S3 is not contacted yet.
    pub fn open(settings: &ObjectSettings) -> Result<Self> {
        Ok(Self { store: settings.build()? })
    }

    /// Writes a small object, replacing an older one.
    pub async fn put(&self, key: &str, content: Bytes) -> Result<()> {
        self.store.put(&path(key)?, PutPayload::from_bytes(content)).await.map(drop).map_err(unavailable)
    }

    /// Writes a small object unless there is one; false when there was.
    pub async fn put_new(&self, key: &str, content: Bytes) -> Result<bool> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.store.put_opts(&path(key)?, PutPayload::from_bytes(content), options).await {
            Ok(_) => Ok(true),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(false),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// Takes in a stream of unknown length in bounded memory. At most [`PART_BYTES`] are handed back and not written; more are
    /// written, and the object appears whole or not at all. More than `limit` bytes are refused with [`ErrorId::BodyTooLarge`];
    /// an error of the stream is passed on.
    pub async fn take_in(&self, key: &str, chunks: impl Stream<Item = Result<Bytes>>, limit: u64) -> Result<TakenIn> {
        let location = path(key)?;
        let mut chunks = std::pin::pin!(limited(chunks, limit));
        let mut head = BytesMut::new();
        while let Some(chunk) = chunks.try_next().await? {
            head.extend_from_slice(&chunk);
            if head.len() > PART_BYTES {
                let upload = self.store.put_multipart(&location).await.map_err(unavailable)?;
                return write_parts(upload, head.freeze(), chunks).await;
            }
        }
        Ok(TakenIn::Small(head.freeze()))
    }

    /// `None` when there is no such object.
    pub async fn get(&self, key: &str) -> Result<Option<Download>> {
        match self.store.get(&path(key)?).await {
            Ok(found) => Ok(Some(Download { size: found.meta.size, chunks: chunks_of(found) })),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// The whole object in memory; for pictures, whose size is limited.
    pub async fn get_all(&self, key: &str) -> Result<Option<Bytes>> {
        match self.store.get(&path(key)?).await {
            Ok(found) => found.bytes().await.map(Some).map_err(unavailable),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// Removing what is not there is fine.
    pub async fn delete(&self, key: &str) -> Result<()> {
        match self.store.delete(&path(key)?).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// Cleans up after something that failed or is over: failures are only logged, what stays is unreachable anyway.
    pub async fn delete_all(&self, keys: &[String]) {
        for key in keys {
            if let Err(error) = self.delete(key).await {
                tracing::warn!(%error, %key, "an object that is no longer needed could not be removed");
            }
        }
    }
}

fn chunks_of(found: GetResult) -> BoxStream<'static, Result<Bytes>> {
    match found.payload {
        // The library would read 8 KiB at a time, each on a blocking thread.
        GetResultPayload::File(file, _) => ReaderStream::with_capacity(tokio::fs::File::from_std(file), READ_BYTES)
            .map_err(|e| AppError::new(ErrorId::Unavailable).detail(format_args!("object store: {e}")))
            .boxed(),
        GetResultPayload::Stream(chunks) => chunks.map_err(unavailable).boxed(),
    }
}

async fn write_parts(
    upload: Box<dyn MultipartUpload>,
    head: Bytes,
    mut chunks: impl Stream<Item = Result<Bytes>> + Unpin,
) -> Result<TakenIn> {
    let mut size = head.len() as u64;
    let mut writer = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
    writer.put(head);
    let outcome = loop {
        match chunks.try_next().await {
            Ok(Some(chunk)) => {
                if let Err(error) = writer.wait_for_capacity(PARTS_IN_FLIGHT).await {
                    break Err(unavailable(error));
                }
                size += chunk.len() as u64;
                writer.put(chunk);
            }
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    match outcome {
        Ok(()) => {
            writer.finish().await.map_err(unavailable)?;
            Ok(TakenIn::Written(size))
        }
        Err(error) => {
            if let Err(failure) = writer.abort().await {
                tracing::warn!(%failure, "parts of an abandoned upload are left in the object store");
            }
            Err(error)
        }
    }
}

fn limited(chunks: impl Stream<Item = Result<Bytes>>, limit: u64) -> impl Stream<Item = Result<Bytes>> {
    let mut seen = 0_u64;
    chunks.map(move |chunk| {
        let chunk = chunk?;
        seen += chunk.len() as u64;
        if seen > limit { Err(AppError::new(ErrorId::BodyTooLarge).detail(format_args!("more than {limit} bytes"))) } else { Ok(chunk) }
    })
}

/// Keys are made by [`layout`], so a bad one is a mistake of ours.
fn path(key: &str) -> Result<Path> {
    Path::parse(key).map_err(AppError::internal)
}

fn unavailable(error: Error) -> AppError {
    AppError::new(ErrorId::Unavailable).detail(format_args!("object store: {error}"))
}

#[cfg(test)]
mod tests;
