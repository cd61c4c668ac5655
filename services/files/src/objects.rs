//! Bytes at rest: one interface over a local directory and S3.

mod layout;
mod settings;

pub use layout::{StoredFile, image_key};
pub use settings::{Backend, ObjectSettings, S3Settings};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, TryStreamExt, stream::BoxStream};
use muster_error::{AppError, ErrorId, Result};
use object_store::{Error, MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload, WriteMultipart, path::Path};
use std::sync::Arc;

/// Bytes of one part of a large upload: the least that S3 accepts for a part that is not the last. Smaller objects are written in one request.
pub const PART_BYTES: usize = 5 * 1024 * 1024;
/// Parts of one upload that may be on the way at once: with the one being filled, an upload holds at most three parts.
const PARTS_IN_FLIGHT: usize = 2;

/// The store of a process; cheap to clone.
#[derive(Clone)]
pub struct Objects {
    store: Arc<dyn ObjectStore>,
}

/// What [`Objects::put_stream`] wrote.
#[derive(Debug)]
pub struct Written {
    /// Bytes.
    pub size: u64,
    /// The content, when it was so small (at most [`PART_BYTES`]) that it was held anyway.
    pub content: Option<Bytes>,
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

    /// Writes a stream of unknown length in bounded memory. The object appears whole or not at all; more than `limit` bytes are
    /// refused with [`ErrorId::BodyTooLarge`], and an error of the stream is passed on.
    pub async fn put_stream(&self, key: &str, chunks: impl Stream<Item = Result<Bytes>>, limit: u64) -> Result<Written> {
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
        let content = head.freeze();
        self.put(key, content.clone()).await?;
        Ok(Written { size: content.len() as u64, content: Some(content) })
    }

    /// `None` when there is no such object.
    pub async fn get(&self, key: &str) -> Result<Option<Download>> {
        match self.store.get(&path(key)?).await {
            Ok(found) => Ok(Some(Download { size: found.meta.size, chunks: found.into_stream().map_err(unavailable).boxed() })),
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
}

async fn write_parts(
    upload: Box<dyn MultipartUpload>,
    head: Bytes,
    mut chunks: impl Stream<Item = Result<Bytes>> + Unpin,
) -> Result<Written> {
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
            Ok(Written { size, content: None })
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
