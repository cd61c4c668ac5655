//! `GET /posts/{post_id}/files/info`.

use crate::{
    api::ApiRoutes,
    error::ApiResult,
    extract::{IfNoneMatch, PostId, Session},
    state::Gateway,
    version::SERVER_VERSION,
    wire::{ApiJson, NotModifiedOr},
};
use axum::{extract::State, response::IntoResponse};
use http::{HeaderValue, header};
use muster_domain::permissions::Permission;
use muster_proto::{
    files::FileInfosRequest,
    model::{FileInfo, Post},
    posts::GetPostRequest,
};

const CACHED: HeaderValue = HeaderValue::from_static("max-age=2592000, public");

pub fn routes() -> ApiRoutes {
    ApiRoutes::new().get("/posts/{post_id}/files/info", files_info)
}

/// `read_channel` in the post's channel; by creation time, `[]` when there are none.
async fn files_info(
    State(gateway): State<Gateway>,
    session: Session,
    id: PostId,
    if_none_match: IfNoneMatch,
) -> ApiResult<impl IntoResponse> {
    let post = gateway.clients.posts().get(session.call(GetPostRequest { post_id: id.0 })).await?.into_inner();
    gateway.access.channel(&session, &post.channel_id, Permission::ReadChannel).await?;
    let infos = if post.file_ids.is_empty() {
        Vec::new()
    } else {
        let request = FileInfosRequest { file_ids: post.file_ids.clone() };
        of_post(&post, gateway.clients.files().infos(session.call(request)).await?.into_inner().infos)
    };
    let newest = infos.iter().map(|info| info.update_at).max().unwrap_or(0);
    let etag = format!("{SERVER_VERSION}.{}.{newest}", post.id);
    Ok(([(header::CACHE_CONTROL, CACHED)], NotModifiedOr::new(if_none_match.as_deref(), etag, || ApiJson(infos))))
}

/// The files that are this post's. One that its author has just posted may not be bound yet: clients ask as soon as they see the
/// post, and keep the answer.
fn of_post(post: &Post, mut infos: Vec<FileInfo>) -> Vec<FileInfo> {
    infos.retain(|info| info.post_id == post.id || (info.post_id.is_empty() && info.user_id == post.user_id));
    for info in &mut infos {
        info.post_id.clone_from(&post.id);
    }
    infos.sort_by_key(|info| info.create_at);
    infos
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_another_post_or_another_uploader_are_not_shown() {
        let info = |id: &str, post: &str, user: &str, at| FileInfo {
            id: id.into(),
            post_id: post.into(),
            user_id: user.into(),
            create_at: at,
            ..FileInfo::default()
        };
        let post = Post { id: "p".into(), user_id: "u".into(), ..Post::default() };
        let infos = vec![info("late", "p", "u", 2), info("new", "", "u", 1), info("other", "q", "u", 1), info("theirs", "", "v", 1)];
        let shown: Vec<_> = of_post(&post, infos).into_iter().map(|info| (info.id, info.post_id)).collect();
        assert_eq!(shown, [("new".into(), "p".into()), ("late".into(), String::from("p"))]);
    }
}
