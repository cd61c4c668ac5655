//! Changing and deleting posts.

use super::{in_channel_of, refused};
use crate::{
    error::ApiResult,
    extract::{Json, PostId, Session},
    state::Gateway,
    wire::{ApiJson, StatusOk},
};
use axum::extract::State;
use muster_domain::permissions::Permission;
use muster_error::{AppError, ErrorId};
use muster_proto::{
    model::Post,
    posts::{DeletePostRequest, FileIds, GetPostRequest, SetPinnedRequest, UpdatePostRequest},
};
use serde::Deserialize;
use serde_json::{Map, Value};

/// `edit_post` in the channel, and author or `edit_others_posts`: full replacement, what is missing becomes empty.
pub async fn update(State(gateway): State<Gateway>, session: Session, id: PostId, Json(body): Json<Post>) -> ApiResult<ApiJson<Post>> {
    let request = UpdatePostRequest {
        message: Some(body.message),
        props: Some(body.props),
        is_pinned: Some(body.is_pinned),
        file_ids: Some(FileIds { ids: body.file_ids }),
        ..UpdatePostRequest::default()
    };
    change(&gateway, &session, id, request).await
}

/// The fields a patch may bring; others are ignored.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Patch {
    message: Option<String>,
    props: Option<Map<String, Value>>,
    is_pinned: Option<bool>,
    file_ids: Option<Vec<String>>,
}

/// As [`update`], for the fields that are present.
pub async fn patch(State(gateway): State<Gateway>, session: Session, id: PostId, Json(body): Json<Patch>) -> ApiResult<ApiJson<Post>> {
    let request = UpdatePostRequest {
        message: body.message,
        props: body.props.map(|props| Value::Object(props).to_string()),
        is_pinned: body.is_pinned,
        file_ids: body.file_ids.map(|ids| FileIds { ids }),
        ..UpdatePostRequest::default()
    };
    change(&gateway, &session, id, request).await
}

/// A post that is unknown or deleted counts as refused, also to system administrators.
async fn change(gateway: &Gateway, session: &Session, id: PostId, request: UpdatePostRequest) -> ApiResult<ApiJson<Post>> {
    let post = existing(gateway, session, id, Permission::EditOthersPosts).await?;
    let grant = gateway.access.channel(session, &post.channel_id, Permission::EditPost).await?;
    if post.user_id != session.user_id {
        gateway.access.channel(session, &post.channel_id, Permission::EditOthersPosts).await?;
    }
    let request = UpdatePostRequest { post_id: post.id, team_id: grant.channel.team_id.clone(), ..request };
    Ok(ApiJson(gateway.clients.posts().update(session.call(request)).await?.into_inner()))
}

/// The author (also after leaving the channel), or `delete_others_posts`.
pub async fn delete(State(gateway): State<Gateway>, session: Session, id: PostId) -> ApiResult<StatusOk> {
    let post = existing(&gateway, &session, id, Permission::DeleteOthersPosts).await?;
    if post.user_id != session.user_id {
        gateway.access.channel(&session, &post.channel_id, Permission::DeleteOthersPosts).await?;
    }
    gateway.clients.posts().delete(session.call(DeletePostRequest { post_id: post.id })).await?;
    Ok(StatusOk)
}

/// `read_channel` in the post's channel: any member.
pub async fn pin(State(gateway): State<Gateway>, session: Session, id: PostId) -> ApiResult<StatusOk> {
    set_pinned(&gateway, &session, id, true).await
}

/// As [`pin`].
pub async fn unpin(State(gateway): State<Gateway>, session: Session, id: PostId) -> ApiResult<StatusOk> {
    set_pinned(&gateway, &session, id, false).await
}

async fn set_pinned(gateway: &Gateway, session: &Session, id: PostId, pinned: bool) -> ApiResult<StatusOk> {
    let (post, _) = in_channel_of(gateway, session, &id, Permission::ReadChannel).await?;
    gateway.clients.posts().set_pinned(session.call(SetPinnedRequest { post_id: post.id, pinned })).await?;
    Ok(StatusOk)
}

async fn existing(gateway: &Gateway, session: &Session, id: PostId, permission: Permission) -> ApiResult<Post> {
    match gateway.clients.posts().get(session.call(GetPostRequest { post_id: id.0 })).await.map_err(AppError::from) {
        Ok(reply) => Ok(reply.into_inner()),
        Err(error) if error.id == ErrorId::PostNotFound => Err(refused(permission)),
        Err(error) => Err(error.into()),
    }
}
