//! The Images service: profile pictures, team icons, the brand picture, custom emoji.

use crate::{
    imaging::{ImagingError, Workers, avatar, emoji, icon},
    incoming,
    objects::{Objects, TakenIn, image_key},
};
use bytes::Bytes;
use moka::sync::Cache;
use muster_domain::ids::new_id;
use muster_error::{AppError, ErrorId};
use muster_proto::files::{GetImageRequest, ImageDone, ImageReply, ProfileImageRequest, PutImageRequest, images_server};
use muster_runtime::{Caller, ConfigFeed};
use tonic::{Request, Response, Status, Streaming};

const PNG: &str = "image/png";

/// Bytes of pictures kept in memory: every client shows dozens of them.
const KEPT_BYTES: u64 = 32 * 1024 * 1024;

pub struct Images {
    objects: Objects,
    workers: Workers,
    feed: ConfigFeed,
    /// By key and version. A version's picture is stored before the version is announced, and never changes after.
    kept: Cache<(String, i64), Bytes>,
}

impl Images {
    pub fn new(objects: Objects, workers: Workers, feed: ConfigFeed) -> Self {
        let weight = |_: &(String, i64), data: &Bytes| u32::try_from(data.len()).unwrap_or(u32::MAX);
        Self { objects, workers, feed, kept: Cache::builder().weigher(weight).max_capacity(KEPT_BYTES).build() }
    }
}

/// The pictures there are, each with its own refusals.
#[derive(Clone, Copy)]
enum Kind {
    Profile,
    Team,
    Brand,
    Emoji,
}

impl Kind {
    fn parse(text: &str) -> Result<Self, AppError> {
        match text {
            "profile" => Ok(Self::Profile),
            "team" => Ok(Self::Team),
            "brand" => Ok(Self::Brand),
            "emoji" => Ok(Self::Emoji),
            other => Err(AppError::internal(format_args!("no kind of picture is called {other}"))),
        }
    }

    fn undecodable(self) -> ErrorId {
        match self {
            Self::Profile => ErrorId::ProfileImageDecode,
            Self::Team => ErrorId::TeamIconDecode,
            Self::Brand => ErrorId::BrandImageDecode,
            Self::Emoji => ErrorId::EmojiImage,
        }
    }

    fn too_large(self) -> ErrorId {
        match self {
            Self::Profile => ErrorId::ProfileImageTooLarge,
            Self::Team => ErrorId::TeamIconTooLarge,
            Self::Brand => ErrorId::BrandImageTooLarge,
            Self::Emoji => ErrorId::EmojiImageTooLarge,
        }
    }

    fn process(self, data: &[u8]) -> Result<Vec<u8>, ImagingError> {
        match self {
            Self::Profile | Self::Team => icon::make(data),
            Self::Brand => icon::as_png(data),
            Self::Emoji => emoji::make(data),
        }
    }

    fn refusal(self, error: ImagingError) -> AppError {
        match error {
            // 400 whatever the status of the id: the bytes were few, the pixels many.
            ImagingError::TooManyPixels { .. } => AppError::new(self.too_large()).status(400).detail(error),
            ImagingError::Undecodable(_) => AppError::new(self.undecodable()).detail(error),
        }
    }
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

#[tonic::async_trait]
impl images_server::Images for Images {
    async fn put(&self, request: Request<Streaming<PutImageRequest>>) -> Result<Response<ImageDone>, Status> {
        Caller::of(&request)?;
        let mut messages = request.into_inner();
        let start = incoming::start(&mut messages).await?;
        let (kind, key) = (Kind::parse(&start.kind)?, key(&start.kind, &start.id)?);
        let limit = u64::try_from(self.feed.get().settings.max_file_size).unwrap_or(0);
        let aside = format!("incoming/{}", new_id());
        let content = self.objects.take_in(&aside, incoming::chunks(messages), limit).await.map_err(|error| match error.id {
            ErrorId::BodyTooLarge => AppError::new(kind.too_large()).detail(error.detail),
            _ => error,
        })?;
        let outcome = self.process(kind, &content, &aside).await;
        if matches!(content, TakenIn::Written(_)) {
            self.objects.delete_all(&[aside]).await;
        }
        self.objects.put(&key, outcome?).await?;
        Ok(Response::new(ImageDone {}))
    }

    async fn get(&self, request: Request<GetImageRequest>) -> Result<Response<ImageReply>, Status> {
        Caller::of(&request)?;
        let GetImageRequest { kind, id, version } = request.into_inner();
        Ok(Response::new(self.stored(key(&kind, &id)?, (version > 0).then_some(version)).await?.unwrap_or_default()))
    }

    async fn profile(&self, request: Request<ProfileImageRequest>) -> Result<Response<ImageReply>, Status> {
        Caller::of(&request)?;
        let ProfileImageRequest { user_id, username, version } = request.into_inner();
        let key = key("profile", &user_id)?;
        if let Some(stored) = self.stored(key.clone(), Some(version)).await? {
            return Ok(Response::new(stored));
        }
        let drawn = self.workers.run(move || avatar::draw(&user_id, &username)).await.map_err(AppError::internal)?;
        let data = Bytes::from(drawn);
        // A picture uploaded meanwhile must win.
        if !self.objects.put_new(&key, data.clone()).await?
            && let Some(stored) = self.stored(key, Some(version)).await?
        {
            return Ok(Response::new(stored));
        }
        Ok(Response::new(ImageReply { found: true, data, content_type: PNG.into(), generated: true }))
    }

    async fn remove(&self, request: Request<GetImageRequest>) -> Result<Response<ImageDone>, Status> {
        Caller::of(&request)?;
        let GetImageRequest { kind, id, .. } = request.into_inner();
        self.objects.delete(&key(&kind, &id)?).await?;
        Ok(Response::new(ImageDone {}))
    }
}

impl Images {
    async fn stored(&self, key: String, version: Option<i64>) -> Result<Option<ImageReply>, AppError> {
        let is_emoji = key.starts_with("emoji/");
        let reply = |data: Bytes| {
            let content_type = if is_emoji { emoji::content_type(&data) } else { PNG };
            ImageReply { found: true, content_type: content_type.into(), data, generated: false }
        };
        let Some(version) = version else { return Ok(self.objects.get_all(&key).await?.map(reply)) };
        let wanted = (key, version);
        if let Some(data) = self.kept.get(&wanted) {
            return Ok(Some(reply(data)));
        }
        let Some(data) = self.objects.get_all(&wanted.0).await? else { return Ok(None) };
        self.kept.insert(wanted, data.clone());
        Ok(Some(reply(data)))
    }

    async fn process(&self, kind: Kind, content: &TakenIn, aside: &str) -> Result<Bytes, AppError> {
        let load = async {
            match content {
                TakenIn::Small(bytes) => Ok(bytes.clone()),
                TakenIn::Written(_) => match self.objects.get_all(aside).await {
                    Ok(Some(bytes)) => Ok(bytes),
                    Ok(None) => Err(Failure::Other(AppError::new(ErrorId::Unavailable).detail("an upload vanished"))),
                    Err(error) => Err(Failure::Other(error)),
                },
            }
        };
        match self.workers.run_on(load, move |bytes| kind.process(&bytes)).await {
            Ok(made) => Ok(made.into()),
            Err(Failure::Imaging(error)) => Err(kind.refusal(error)),
            Err(Failure::Other(error)) => Err(error),
        }
    }
}

fn key(kind: &str, id: &str) -> Result<String, AppError> {
    image_key(kind, id).ok_or_else(|| AppError::internal(format_args!("no kind of picture is called {kind}")))
}
