//! Uploads as they arrive: a stream of messages between a start and an end.

use bytes::Bytes;
use futures_util::{Stream, stream::try_unfold};
use muster_error::{AppError, ErrorId, Result};
use muster_proto::files::{ImageRef, PutImageRequest, UploadRequest, UploadStart, put_image_request, upload_request};
use tonic::Streaming;

/// What one message of an upload says.
pub enum Part<S> {
    Start(S),
    Chunk(Bytes),
    End,
}

/// A message type of an upload.
pub trait UploadMessage {
    type Start;

    /// `None` for a message of a version that knows more parts than we do.
    fn part(self) -> Option<Part<Self::Start>>;
}

impl UploadMessage for UploadRequest {
    type Start = UploadStart;

    fn part(self) -> Option<Part<UploadStart>> {
        Some(match self.part? {
            upload_request::Part::Start(start) => Part::Start(start),
            upload_request::Part::Chunk(bytes) => Part::Chunk(bytes),
            upload_request::Part::End(_) => Part::End,
        })
    }
}

impl UploadMessage for PutImageRequest {
    type Start = ImageRef;

    fn part(self) -> Option<Part<ImageRef>> {
        Some(match self.part? {
            put_image_request::Part::Start(start) => Part::Start(start),
            put_image_request::Part::Chunk(bytes) => Part::Chunk(bytes),
            put_image_request::Part::End(_) => Part::End,
        })
    }
}

/// The first message.
pub async fn start<M: UploadMessage>(messages: &mut Streaming<M>) -> Result<M::Start> {
    match messages.message().await?.and_then(UploadMessage::part) {
        Some(Part::Start(start)) => Ok(start),
        _ => Err(AppError::internal("an upload without a start")),
    }
}

/// The bytes after the start. A stream that stops without its end is an error: the sender broke off, and what came must not be kept.
pub fn chunks<M: UploadMessage>(messages: Streaming<M>) -> impl Stream<Item = Result<Bytes>> {
    try_unfold(messages, |mut messages| async move {
        match messages.message().await?.and_then(UploadMessage::part) {
            Some(Part::Chunk(bytes)) => Ok(Some((bytes, messages))),
            Some(Part::End) => Ok(None),
            _ => Err(AppError::new(ErrorId::Unavailable).detail("the upload broke off")),
        }
    })
}
