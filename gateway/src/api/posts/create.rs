//! `POST /posts` and `POST /posts/ephemeral`.

use super::refused;
use crate::{
    access::ChannelGrant,
    error::ApiResult,
    extract::{Json, Session},
    state::Gateway,
    wire::Created,
};
use axum::extract::State;
use muster_domain::{
    channels::TOWN_SQUARE,
    ids::is_id,
    permissions::Permission,
    posts::{FILE_IDS_MAX, unique_file_ids},
    time::now_ms,
};
use muster_error::{AppError, ErrorId};
use muster_proto::{
    files::FileInfosRequest,
    model::{FileInfo, Post},
    posts::{CreatePostRequest, SendEphemeralRequest},
};
use serde::Deserialize;

/// `create_post` in the channel, or `create_post_public` in an open one. Repeating a `pending_post_id` answers the first post.
pub async fn create(State(gateway): State<Gateway>, session: Session, Json(post): Json<Post>) -> ApiResult<Created<Post>> {
    let grant = may_post(&gateway, &session, &post.channel_id).await?;
    if is_read_only(&gateway, &grant) && !gateway.access.is_allowed(&session, Permission::ManageSystem) {
        tell_read_only(&gateway, &session, &post).await?;
        return Err(ErrorId::PostTownSquareReadOnly.into());
    }
    let request = CreatePostRequest {
        files: known_files(&gateway, &session, &post.file_ids).await?,
        keep_create_at: gateway.access.is_allowed(&session, Permission::ManageSystem),
        channel: Some((*grant.channel).clone()),
        post: Some(post),
    };
    let post = gateway.clients.posts().create(session.call(request)).await?.into_inner();
    gateway.presence.active(&session);
    Ok(Created(post))
}

fn is_read_only(gateway: &Gateway, grant: &ChannelGrant) -> bool {
    grant.channel.name == TOWN_SQUARE && gateway.settings().settings.experimental_town_square_is_read_only
}

/// The author sees why nothing appears.
async fn tell_read_only(gateway: &Gateway, session: &Session, post: &Post) -> ApiResult<()> {
    let notice = Post {
        channel_id: post.channel_id.clone(),
        root_id: post.root_id.clone(),
        parent_id: post.parent_id.clone(),
        user_id: session.user_id.clone(),
        create_at: now_ms(),
        message: ErrorId::PostTownSquareReadOnly.message().to_owned(),
        ..Post::default()
    };
    let request = SendEphemeralRequest { user_id: session.user_id.clone(), post: Some(notice) };
    gateway.clients.posts().send_ephemeral(session.call(request)).await?;
    Ok(())
}

/// What `POST /posts/ephemeral` takes.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Ephemeral {
    user_id: Option<String>,
    post: Option<Post>,
}

/// `create_post_ephemeral`: a message only one user sees, once.
pub async fn create_ephemeral(State(gateway): State<Gateway>, session: Session, Json(body): Json<Ephemeral>) -> ApiResult<Created<Post>> {
    let user_id = body.user_id.filter(|id| is_id(id)).ok_or_else(|| AppError::body("user_id"))?;
    let post = body.post.ok_or_else(|| AppError::body("post"))?;
    gateway.access.system(&session, Permission::CreatePostEphemeral)?;
    let post = Post { user_id: session.user_id.clone(), create_at: now_ms(), ..post };
    let request = SendEphemeralRequest { user_id, post: Some(post) };
    Ok(Created(gateway.clients.posts().send_ephemeral(session.call(request)).await?.into_inner()))
}

async fn may_post(gateway: &Gateway, session: &Session, channel_id: &str) -> ApiResult<ChannelGrant> {
    if !is_id(channel_id) {
        // An unknown channel is refused to everyone.
        return Err(refused(Permission::CreatePost));
    }
    match gateway.access.channel(session, channel_id, Permission::CreatePost).await {
        Err(denied) if denied.0.id == ErrorId::Permissions => {
            let grant = gateway.access.channel(session, channel_id, Permission::CreatePostPublic).await.map_err(|_| denied)?;
            if grant.channel.r#type == "O" { Ok(grant) } else { Err(refused(Permission::CreatePost)) }
        }
        decided => decided,
    }
}

/// The named files that exist. Too many are the posts service's to refuse.
async fn known_files(gateway: &Gateway, session: &Session, ids: &[String]) -> ApiResult<Vec<FileInfo>> {
    let wanted: Vec<String> = match unique_file_ids(ids) {
        Ok(unique) => unique.into_iter().filter(|id| is_id(id)).take(FILE_IDS_MAX).map(str::to_owned).collect(),
        Err(_) => return Ok(Vec::new()),
    };
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    Ok(gateway.clients.files().infos(session.call(FileInfosRequest { file_ids: wanted })).await?.into_inner().infos)
}
