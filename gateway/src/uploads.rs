//! Bodies too large for memory: multipart forms and raw bytes, passed on to a service as they arrive.

use crate::error::ApiError;
use axum::{
    body::Body,
    extract::{FromRequest, Multipart, Request, multipart::Field},
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt};
use http::{HeaderMap, header};
use muster_error::{AppError, ErrorId};
use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// Longest a whole upload may take: slow lines are welcome.
pub const UPLOAD_DEADLINE: Duration = Duration::from_secs(3600);
/// Longest pause of a sender.
const IDLE: Duration = Duration::from_secs(60);
/// Chunks between the client's connection and the service's.
const CHUNKS_AHEAD: usize = 4;
/// Bytes of one text field, and of all of a form.
const TEXT_MAX: usize = 64 * 1024;
const TEXTS_MAX: usize = 1024 * 1024;
/// What is read of a refused body, so that the sender gets to see the refusal.
const LINGER_BYTES: usize = 64 * 1024 * 1024;
const LINGER: Duration = Duration::from_secs(2);

/// Why a body did not arrive.
#[derive(Debug, Clone)]
pub enum BodyError {
    /// More than allowed.
    TooLarge,
    /// Not what the content type says, or broken off.
    Unreadable(String),
    /// Nothing came for [`IDLE`].
    Stalled,
}

impl BodyError {
    /// `too_large` and `unreadable` are the operation's own ids.
    pub fn refusal(self, too_large: ErrorId, unreadable: ErrorId) -> ApiError {
        match self {
            Self::TooLarge => too_large.into(),
            Self::Unreadable(why) => AppError::new(unreadable).detail(why).into(),
            Self::Stalled => AppError::new(ErrorId::Timeout).status(408).into(),
        }
    }
}

/// Whether the announced length is more than `limit` bytes.
pub fn announces_more(headers: &HeaderMap, limit: u64) -> bool {
    headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<u64>().ok()).is_some_and(|n| n > limit)
}

pub fn is_multipart(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("multipart/form-data"))
}

/// Reads on for a moment before a refusal: closing on a sender who is still sending loses the answer.
pub async fn linger(body: Body) {
    drain(body.into_data_stream()).await;
}

async fn drain<E>(mut chunks: impl Stream<Item = Result<Bytes, E>> + Unpin) {
    let reading = async {
        let mut left = LINGER_BYTES;
        while let Some(Ok(chunk)) = chunks.next().await {
            left = left.saturating_sub(chunk.len());
            if left == 0 {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(LINGER, reading).await;
}

/// A raw body of at most `limit` bytes, whether its length was announced or not.
pub fn raw(body: Body, limit: u64) -> impl Stream<Item = Result<Bytes, BodyError>> + Send {
    let exceeded = Exceeded::default();
    let chunks = limited(body, limit, exceeded.clone());
    patient(chunks.map_err(move |error| exceeded.or(error)))
}

/// Whether a body turned out to be too large: the error of a stream that passes through a parser says so no more.
#[derive(Clone, Default)]
struct Exceeded(Arc<AtomicBool>);

impl Exceeded {
    fn or(&self, error: impl std::fmt::Display) -> BodyError {
        if self.0.load(Ordering::Acquire) { BodyError::TooLarge } else { BodyError::Unreadable(error.to_string()) }
    }
}

fn limited(body: Body, limit: u64, exceeded: Exceeded) -> impl Stream<Item = Result<Bytes, axum::Error>> + Send {
    futures_util::stream::try_unfold((body.into_data_stream(), 0_u64), move |(mut chunks, seen)| {
        let exceeded = exceeded.clone();
        async move {
            let Some(chunk) = chunks.try_next().await? else { return Ok(None) };
            let seen = seen + chunk.len() as u64;
            if seen > limit {
                exceeded.0.store(true, Ordering::Release);
                drain(chunks).await;
                return Err(axum::Error::new(std::io::Error::other("too large")));
            }
            Ok(Some((chunk, (chunks, seen))))
        }
    })
}

/// A multipart form of at most `limit` bytes, read field by field.
pub struct Form {
    multipart: Multipart,
    exceeded: Exceeded,
    texts: usize,
}

/// A field of a [`Form`]; the next one can be had once this is dropped, read or not.
pub struct FormField<'a> {
    field: Field<'a>,
    exceeded: Exceeded,
    texts: &'a mut usize,
}

impl Form {
    /// The form of an operation that takes nothing else. What is refused unread is read on for a moment; both are the
    /// operation's own ids.
    pub async fn receive(request: Request, limit: u64, too_large: ErrorId, unreadable: ErrorId) -> Result<Self, ApiError> {
        let refused = if announces_more(request.headers(), limit) {
            Some(too_large)
        } else if !is_multipart(request.headers()) {
            Some(unreadable)
        } else {
            None
        };
        if let Some(id) = refused {
            linger(request.into_body()).await;
            return Err(id.into());
        }
        Self::open(request, limit).await.map_err(|error| error.refusal(too_large, unreadable))
    }

    pub async fn open(request: Request, limit: u64) -> Result<Self, BodyError> {
        let exceeded = Exceeded::default();
        let request = request.map(|body| Body::from_stream(limited(body, limit, exceeded.clone())));
        let multipart = Multipart::from_request(request, &()).await.map_err(|e| BodyError::Unreadable(e.to_string()))?;
        Ok(Self { multipart, exceeded, texts: 0 })
    }

    pub async fn next(&mut self) -> Result<Option<FormField<'_>>, BodyError> {
        // Skipping the rest of a large field may take long; it makes progress, so only the whole is limited.
        let field = match tokio::time::timeout(UPLOAD_DEADLINE, self.multipart.next_field()).await {
            Ok(field) => field.map_err(|error| self.exceeded.or(error))?,
            Err(_) => return Err(BodyError::Stalled),
        };
        Ok(field.map(|field| FormField { field, exceeded: self.exceeded.clone(), texts: &mut self.texts }))
    }
}

impl<'a> FormField<'a> {
    pub fn name(&self) -> &str {
        self.field.name().unwrap_or_default()
    }

    /// Only a part with a file name is a file.
    pub fn file_name(&self) -> Option<&str> {
        self.field.file_name()
    }

    pub fn chunks(self) -> impl Stream<Item = Result<Bytes, BodyError>> + 'a {
        let exceeded = self.exceeded;
        patient(self.field.map_err(move |error| exceeded.or(error)))
    }

    /// The value of a text field; invalid UTF-8 is replaced.
    pub async fn text(self) -> Result<String, BodyError> {
        let Self { field, exceeded, texts } = self;
        let mut value = Vec::new();
        let mut chunks = std::pin::pin!(patient(field.map_err(|error| exceeded.or(error))));
        while let Some(chunk) = chunks.try_next().await? {
            value.extend_from_slice(&chunk);
            *texts += chunk.len();
            if value.len() > TEXT_MAX || *texts > TEXTS_MAX {
                return Err(BodyError::Unreadable("too much text in the form".to_owned()));
            }
        }
        Ok(String::from_utf8_lossy(&value).into_owned())
    }
}

fn patient<'a>(
    chunks: impl Stream<Item = Result<Bytes, BodyError>> + Send + 'a,
) -> impl Stream<Item = Result<Bytes, BodyError>> + Send + 'a {
    futures_util::stream::try_unfold(Box::pin(chunks), |mut chunks| async move {
        match tokio::time::timeout(IDLE, chunks.try_next()).await {
            Ok(chunk) => Ok(chunk?.map(|chunk| (chunk, chunks))),
            Err(_) => Err(BodyError::Stalled),
        }
    })
}

/// How an upload to a service failed.
pub enum PassOnError {
    Body(BodyError),
    Service(ApiError),
}

/// Sends `start`, the chunks and `end` through `call` as they come, with a few chunks in memory. When the body breaks the call is
/// dropped before its `end`, so that the service keeps nothing.
pub async fn pass_on<M, T, C>(
    chunks: impl Stream<Item = Result<Bytes, BodyError>>,
    (start, wrap, end): (M, fn(Bytes) -> M, M),
    call: impl FnOnce(ReceiverStream<M>) -> C,
) -> Result<T, PassOnError>
where
    C: Future<Output = Result<tonic::Response<T>, tonic::Status>>,
{
    let (sender, messages) = mpsc::channel(CHUNKS_AHEAD);
    let mut call = std::pin::pin!(call(ReceiverStream::new(messages)));
    let mut chunks = std::pin::pin!(chunks);
    let feed = async {
        // A closed channel: the service has answered, and the answer says why.
        if sender.send(start).await.is_err() {
            return Ok(());
        }
        while let Some(chunk) = chunks.try_next().await? {
            if sender.send(wrap(chunk)).await.is_err() {
                return Ok(());
            }
        }
        let _ = sender.send(end).await;
        Ok::<(), BodyError>(())
    };
    let early = tokio::select! {
        answer = &mut call => Some(answer),
        fed = feed => {
            fed.map_err(PassOnError::Body)?;
            None
        }
    };
    match early {
        Some(answer) => {
            drain(chunks).await;
            answered(answer)
        }
        None => {
            drop(sender);
            answered(call.await)
        }
    }
}

fn answered<T>(answer: Result<tonic::Response<T>, tonic::Status>) -> Result<T, PassOnError> {
    answer.map(tonic::Response::into_inner).map_err(|status| PassOnError::Service(status.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;

    fn chunk(size: usize) -> Result<Bytes, BodyError> {
        Ok(Bytes::from(vec![1; size]))
    }

    #[tokio::test]
    async fn a_raw_body_is_limited_without_an_announced_length() {
        let body = |sizes: &'static [usize]| Body::from_stream(stream::iter(sizes.iter().map(|n| Ok::<_, std::io::Error>(vec![0; *n]))));
        let whole: Vec<_> = raw(body(&[4, 6]), 10).try_collect().await.unwrap();
        assert_eq!(whole.iter().map(Bytes::len).sum::<usize>(), 10);
        let refused: Result<Vec<_>, _> = raw(body(&[4, 7]), 10).try_collect().await;
        assert!(matches!(refused, Err(BodyError::TooLarge)));
    }

    async fn form(content_type: &str, body: &str, limit: u64) -> Result<Vec<(String, Option<String>, String)>, BodyError> {
        let request = Request::builder().header("content-type", content_type).body(Body::from(body.to_owned())).unwrap();
        let mut form = Form::open(request, limit).await?;
        let mut fields = Vec::new();
        while let Some(field) = form.next().await? {
            fields.push((field.name().to_owned(), field.file_name().map(str::to_owned), field.text().await?));
        }
        Ok(fields)
    }

    #[tokio::test]
    async fn forms() {
        let body = "--b\r\nContent-Disposition: form-data; name=\"files\"; filename=\"ü \\\"x\\\".txt\"\r\n\r\ncontent\r\n\
                    --b\r\nContent-Disposition: form-data; name=\"channel_id\"\r\n\r\nc1\r\n--b--\r\n";
        let kind = "multipart/form-data; boundary=b";
        let fields = form(kind, body, 10_000).await.unwrap();
        assert_eq!(fields.len(), 2);
        assert_eq!((fields[0].0.as_str(), fields[0].2.as_str()), ("files", "content"));
        assert!(fields[0].1.as_deref().is_some_and(|name| name.starts_with('ü')), "{:?}", fields[0].1);
        assert_eq!(fields[1], ("channel_id".into(), None, "c1".into()));
        assert!(matches!(form(kind, body, 100).await, Err(BodyError::TooLarge)));
        assert!(matches!(form("multipart/form-data", body, 10_000).await, Err(BodyError::Unreadable(_))));
        assert!(matches!(form(kind, &body[..60], 10_000).await, Err(BodyError::Unreadable(_))));
        assert!(matches!(form(kind, "", 10_000).await, Err(BodyError::Unreadable(_))));
    }

    #[tokio::test]
    async fn passes_on_in_order_and_ends() {
        let sum = pass_on(stream::iter([chunk(3), chunk(5)]), (100, |b| b.len(), 1000), |messages| async move {
            Ok(tonic::Response::new(messages.collect::<Vec<_>>().await))
        });
        assert!(matches!(sum.await, Ok(messages) if messages == [100, 3, 5, 1000]));
    }

    #[tokio::test]
    async fn a_broken_body_never_reaches_its_end() {
        let seen = std::sync::Mutex::new(Vec::new());
        let outcome = pass_on(stream::iter([chunk(3), Err(BodyError::TooLarge)]), (100, |b| b.len(), 1000), |mut messages| {
            let seen = &seen;
            async move {
                while let Some(message) = messages.next().await {
                    seen.lock().unwrap().push(message);
                }
                std::future::pending::<Result<tonic::Response<()>, tonic::Status>>().await
            }
        });
        assert!(matches!(outcome.await, Err(PassOnError::Body(BodyError::TooLarge))));
        assert!(!seen.lock().unwrap().contains(&1000));
    }

    #[tokio::test]
    async fn an_early_answer_ends_the_sending() {
        let endless = stream::repeat_with(|| chunk(1024));
        let outcome = pass_on(endless, (0, |b| b.len(), 0), |messages| async move {
            drop(messages);
            Err::<tonic::Response<()>, _>(AppError::new(ErrorId::FileLargeImage).into())
        });
        assert!(matches!(outcome.await, Err(PassOnError::Service(ApiError(error))) if error.id == ErrorId::FileLargeImage));
    }
}
