//! The gRPC service of posts.

pub mod attachments;
mod cache;
pub mod edit;
pub mod events;
pub mod lists;
pub mod props;
pub mod rules;
pub mod store;

use crate::{
    calls::{CallKind, Calls},
    compose::Composer,
    notices::Notices,
    notify::Waker,
    writer::{Writer, Written},
};
pub use cache::Pages;
pub use lists::channel_versions;
use muster_domain::{ids::new_id, paging::PER_PAGE_MAX, time::now_ms};
use muster_error::{AppError, ErrorId};
use muster_events::{Announcement, Outbox, user_subject};
use muster_proto::{
    model::Post,
    posts::{
        ChannelPageRequest, CreatePostRequest, DeletePostRequest, GetPostRequest, PinnedRequest, PostDone, PostListReply,
        PostsByIdsRequest, SendEphemeralRequest, SetPinnedRequest, ThreadRequest, UpdatePostRequest, posts_server,
    },
};
use muster_runtime::{Caller, gather::Gather, postgres::sql_error};
use sqlx::PgPool;
use tonic::{Request, Response, Status};

pub struct Posts {
    pub pool: PgPool,
    pub outbox: Outbox,
    pub writer: Writer,
    pub composer: Composer,
    pub calls: Calls,
    pub notices: Notices,
    pub pages: Pages,
    /// ETag values of channels.
    pub versions: Gather<i64>,
    pub waker: Waker,
}

impl Posts {
    async fn create_post(&self, caller: &Caller, request: CreatePostRequest) -> Result<Post, AppError> {
        let composed = self.composer.user_post(caller, request).await?;
        let calls = composed.draft.calls.clone();
        let channel = composed.draft.channel.clone();
        let pending_post_id = composed.draft.post.pending_post_id.clone();
        match self.writer.write(composed.draft).await? {
            Written::New { post, held } => {
                // Whoever hears of the post may ask for its files at once; when it fails, it happens later.
                for call in &calls {
                    self.calls.make(call).await;
                }
                if calls.iter().any(|call| call.kind == CallKind::Notify) {
                    self.waker.wake();
                }
                self.outbox.publish_encoded(held).await;
                self.notices.after(caller, &post, channel, composed.outside);
                Ok(shown(*post))
            }
            Written::Before(id) => {
                let first = store::get(&self.pool, &id).await.map_err(sql_error)?.ok_or(ErrorId::PostNotFound)?;
                Ok(shown(Post { pending_post_id, ..first }))
            }
        }
    }

    async fn undeleted(&self, id: &str) -> Result<Post, AppError> {
        let post = store::get(&self.pool, id).await.map_err(sql_error)?;
        Ok(post.filter(|p| p.delete_at == 0).ok_or(ErrorId::PostNotFound)?)
    }

    async fn page(&self, request: ChannelPageRequest) -> Result<PostListReply, AppError> {
        check_page(request.page, request.per_page)?;
        if request.since > 0 {
            let list = lists::since(&self.pool, &request.channel_id, request.since).await?;
            return Ok(PostListReply { json: list.to_json()?, ..PostListReply::default() });
        }
        let versions = self.versions.of(vec![request.channel_id.clone()]).await?;
        let version = versions.get(&request.channel_id).copied().unwrap_or(0);
        let etag = format!("{}.{version}", lists::VERSION);
        if etag == request.if_none_match {
            return Ok(PostListReply { etag, not_modified: true, ..PostListReply::default() });
        }
        let json = match self.pages.get(&request, version) {
            Some(json) => json,
            None => {
                let json = lists::page(&self.pool, &request).await?.to_json()?;
                self.pages.put(&request, version, json.clone());
                json
            }
        };
        Ok(PostListReply { json, etag, not_modified: false })
    }
}

#[tonic::async_trait]
impl posts_server::Posts for Posts {
    async fn create(&self, request: Request<CreatePostRequest>) -> Result<Response<Post>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.create_post(&caller, request.into_inner()).await?))
    }

    async fn send_ephemeral(&self, request: Request<SendEphemeralRequest>) -> Result<Response<Post>, Status> {
        let caller = Caller::of(&request)?;
        let SendEphemeralRequest { user_id, post } = request.into_inner();
        let sent = post.unwrap_or_default();
        rules::check_text(&sent.message, &sent.props)?;
        let now = now_ms();
        let post = Post {
            id: new_id(),
            create_at: if sent.create_at > 0 { sent.create_at } else { now },
            user_id: if sent.user_id.is_empty() { caller.user_id } else { sent.user_id.clone() },
            r#type: muster_domain::system_posts::SystemPostType::Ephemeral.as_str().into(),
            ..sent
        };
        let item = events::ephemeral(&user_id, post.clone())?;
        // Never stored, so that nothing is left to announce again.
        self.outbox.bus().publish(Announcement::new(user_subject(&user_id), vec![item])).await;
        Ok(Response::new(shown(post)))
    }

    async fn get(&self, request: Request<GetPostRequest>) -> Result<Response<Post>, Status> {
        Caller::of(&request)?;
        Ok(Response::new(shown(self.undeleted(&request.into_inner().post_id).await?)))
    }

    async fn get_including_deleted(&self, request: Request<GetPostRequest>) -> Result<Response<Post>, Status> {
        Caller::of(&request)?;
        let post = store::get(&self.pool, &request.into_inner().post_id).await.map_err(sql_error)?;
        Ok(Response::new(shown(post.ok_or(AppError::new(ErrorId::PostNotFound))?)))
    }

    async fn update(&self, request: Request<UpdatePostRequest>) -> Result<Response<Post>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let now = edit::changeable(store::get(&self.pool, &request.post_id).await.map_err(sql_error)?)?;
        let message = request.message.as_deref().unwrap_or(&now.message);
        let mentioned = self.composer.open_channels(&caller, message, &request.team_id).await?;
        let id = request.post_id.clone();
        let limit = self.composer.feed.get().settings.post_edit_time_limit;
        let change = |post: &Post, now: i64| {
            edit::in_time(post, request.message.as_deref(), limit, now)?;
            edit::edited(post, request, &mentioned, now)
        };
        let post = edit::change(&self.pool, &self.outbox, &id, change).await?;
        Ok(Response::new(shown(post)))
    }

    async fn delete(&self, request: Request<DeletePostRequest>) -> Result<Response<PostDone>, Status> {
        Caller::of(&request)?;
        for call in edit::delete(&self.pool, &self.outbox, &request.into_inner().post_id).await? {
            self.calls.make(&call).await;
        }
        Ok(Response::new(PostDone {}))
    }

    async fn set_pinned(&self, request: Request<SetPinnedRequest>) -> Result<Response<Post>, Status> {
        Caller::of(&request)?;
        let SetPinnedRequest { post_id, pinned } = request.into_inner();
        let pin = |post: &Post, now: i64| Ok(Post { is_pinned: pinned, update_at: now.max(post.update_at + 1), ..post.clone() });
        Ok(Response::new(shown(edit::change(&self.pool, &self.outbox, &post_id, pin).await?)))
    }

    async fn thread(&self, request: Request<ThreadRequest>) -> Result<Response<PostListReply>, Status> {
        Caller::of(&request)?;
        let ThreadRequest { post_id, if_none_match } = request.into_inner();
        let post = self.undeleted(&post_id).await?;
        Ok(Response::new(lists::thread(&self.pool, &post).await?.reply(&if_none_match)?))
    }

    async fn channel_page(&self, request: Request<ChannelPageRequest>) -> Result<Response<PostListReply>, Status> {
        Caller::of(&request)?;
        Ok(Response::new(self.page(request.into_inner()).await?))
    }

    async fn pinned(&self, request: Request<PinnedRequest>) -> Result<Response<PostListReply>, Status> {
        Caller::of(&request)?;
        let PinnedRequest { channel_id, if_none_match } = request.into_inner();
        Ok(Response::new(lists::pinned(&self.pool, &channel_id).await?.reply(&if_none_match)?))
    }

    async fn by_ids(&self, request: Request<PostsByIdsRequest>) -> Result<Response<PostListReply>, Status> {
        Caller::of(&request)?;
        let request = request.into_inner();
        check_page(request.offset, request.limit)?;
        let json = lists::by_ids(&self.pool, &request).await?.to_json()?;
        Ok(Response::new(PostListReply { json, ..PostListReply::default() }))
    }
}

fn shown(post: Post) -> Post {
    Post { props: props::shown(post.props), ..post }
}

fn check_page(start: i64, size: i64) -> Result<(), AppError> {
    if start >= 0 && (0..=PER_PAGE_MAX).contains(&size) { Ok(()) } else { Err(AppError::url("per_page")) }
}
