//! Tag `emoji`. Every operation answers 501 while `EnableCustomEmoji` is off.

use super::ApiRoutes;
use crate::{
    error::{ApiError, ApiResult},
    extract::{EmojiId, Json, Page, Params, Session, path_param},
    pictures,
    state::Gateway,
    uploads::{BodyError, Form, FormField, UPLOAD_DEADLINE},
    wire::{ApiJson, StatusOk},
};
use axum::{
    extract::{DefaultBodyLimit, FromRequestParts, Request, State},
    response::{IntoResponse, Response},
};
use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt;
use http::{HeaderValue, header, request::Parts};
use muster_domain::{
    emojis::{BODY_MAX, is_custom_name},
    ids::new_id,
    permissions::Permission,
};
use muster_error::{AppError, ErrorId};
use muster_proto::{
    files::{GetImageRequest, ImageRef, PutImageRequest, put_image_request::Part},
    model::Emoji,
    posts::{EmojiKey, ListEmojiRequest, SearchEmojiRequest},
    teams::TeamMembershipsOfUserRequest,
};
use serde::Deserialize;

const KIND: &str = "emoji";
const CACHED: HeaderValue = HeaderValue::from_static("max-age=2592000, public");
const SEARCH_MAX: i64 = 200;
const AUTOCOMPLETE_MAX: i64 = 100;

pub fn routes() -> ApiRoutes {
    ApiRoutes::new()
        .post("/emoji", create)
        // Limited by itself, with its own refusal.
        .map(|router| router.layer(DefaultBodyLimit::disable()))
        .get("/emoji", list)
        .get("/emoji/autocomplete", autocomplete)
        .post("/emoji/search", search)
        .get("/emoji/name/{emoji_name}", by_name)
        .get("/emoji/{emoji_id}", get)
        .delete("/emoji/{emoji_id}", delete)
        .get("/emoji/{emoji_id}/image", image)
}

/// A session on a server that has custom emoji.
struct Enabled(Session);

impl FromRequestParts<Gateway> for Enabled {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, ApiError> {
        let session = Session::from_request_parts(parts, gateway).await?;
        if gateway.settings().settings.enable_custom_emoji { Ok(Self(session)) } else { Err(ErrorId::EmojiDisabled.into()) }
    }
}

/// A form with the emoji as JSON (`emoji`) and its picture (`image`). Its creator must be the caller.
async fn create(State(gateway): State<Gateway>, Enabled(session): Enabled, request: Request) -> ApiResult<ApiJson<Emoji>> {
    let (emoji, image) = receive(request).await?;
    may_create(&gateway, &session).await?;
    let mut emoji = serde_json::from_str::<Emoji>(&emoji).map_err(|e| AppError::body("emoji").detail(e))?;
    if emoji.creator_id != session.user_id {
        return Err(ErrorId::EmojiOtherUser.into());
    }
    if !is_custom_name(&emoji.name) {
        return Err(ErrorId::EmojiInvalidName.into());
    }
    let taken = gateway.clients.emojis().get(session.call(EmojiKey { id: String::new(), name: emoji.name.clone() })).await;
    match taken.map_err(AppError::from) {
        Ok(_) => return Err(ErrorId::EmojiDuplicate.into()),
        Err(error) if error.id == ErrorId::EmojiNameNotFound => {}
        Err(error) => return Err(error.into()),
    }
    emoji.id = new_id();
    store(&gateway, &session, &emoji.id, image).await?;
    let id = emoji.id.clone();
    match gateway.clients.emojis().create(session.call(emoji)).await {
        Ok(reply) => Ok(ApiJson(reply.into_inner())),
        Err(status) => {
            let request = GetImageRequest { kind: KIND.into(), id, version: 0 };
            if let Err(status) = gateway.clients.images().remove(session.call(request)).await {
                tracing::warn!(%status, "the picture of an emoji that was refused stays");
            }
            Err(status.into())
        }
    }
}

/// The two parts, in either order.
async fn receive(request: Request) -> ApiResult<(String, Bytes)> {
    let mut form = Form::receive(request, BODY_MAX, ErrorId::EmojiTooLarge, ErrorId::EmojiParse).await?;
    let unread = |error: BodyError| error.refusal(ErrorId::EmojiTooLarge, ErrorId::EmojiParse);
    let (mut emoji, mut image) = (None, None);
    while let Some(field) = form.next().await.map_err(unread)? {
        match field.name() {
            "emoji" if emoji.is_none() => emoji = Some(field.text().await.map_err(unread)?),
            "image" if image.is_none() && field.file_name().is_some() => image = Some(whole(field).await.map_err(unread)?),
            _ => {}
        }
    }
    match (emoji, image) {
        (Some(emoji), Some(image)) => Ok((emoji, image)),
        (None, _) => Err(AppError::body("emoji").into()),
        (_, None) => Err(AppError::body("image").into()),
    }
}

async fn whole(field: FormField<'_>) -> Result<Bytes, BodyError> {
    let mut all = BytesMut::new();
    let mut chunks = std::pin::pin!(field.chunks());
    while let Some(chunk) = chunks.try_next().await? {
        all.extend_from_slice(&chunk);
    }
    Ok(all.freeze())
}

/// `RestrictCustomEmojiCreation`: everybody, administrators of any team, or those of the system.
async fn may_create(gateway: &Gateway, session: &Session) -> ApiResult<()> {
    let settings = gateway.settings();
    let who = settings.settings.restrict_custom_emoji_creation.as_str();
    if !matches!(who, "admin" | "system_admin") || gateway.access.is_allowed(session, Permission::ManageSystem) {
        return Ok(());
    }
    if who == "admin" {
        let request = TeamMembershipsOfUserRequest { user_id: session.user_id.clone() };
        let teams = gateway.clients.team_members().of_user(session.call(request)).await?.into_inner().members;
        let roles = gateway.access.roles();
        if teams.iter().any(|team| team.delete_at == 0 && roles.permissions_of(&team.roles).contains(Permission::ManageTeam)) {
            return Ok(());
        }
    }
    Err(ErrorId::EmojiCreateRefused.into())
}

async fn store(gateway: &Gateway, session: &Session, id: &str, image: Bytes) -> ApiResult<()> {
    let message = |part| PutImageRequest { part: Some(part) };
    let parts =
        [message(Part::Start(ImageRef { kind: KIND.into(), id: id.to_owned() })), message(Part::Chunk(image)), message(Part::End(true))];
    let mut request = session.call(tokio_stream::iter(parts));
    request.set_timeout(UPLOAD_DEADLINE);
    gateway.clients.images().put(request).await?;
    Ok(())
}

/// `sort` is empty or `name`; either way by name.
async fn list(
    State(gateway): State<Gateway>,
    Enabled(session): Enabled,
    Page(page): Page,
    params: Params,
) -> ApiResult<ApiJson<Vec<Emoji>>> {
    if !matches!(params.get("sort"), "" | "name") {
        return Err(AppError::url("sort").into());
    }
    let request = ListEmojiRequest { offset: page.offset(), limit: page.limit() };
    Ok(ApiJson(gateway.clients.emojis().list(session.call(request)).await?.into_inner().emojis))
}

/// Any session, while custom emoji are on.
async fn get(State(gateway): State<Gateway>, Enabled(session): Enabled, id: EmojiId) -> ApiResult<ApiJson<Emoji>> {
    Ok(ApiJson(find(&gateway, &session, id).await?))
}

async fn find(gateway: &Gateway, session: &Session, id: EmojiId) -> ApiResult<Emoji> {
    Ok(gateway.clients.emojis().get(session.call(EmojiKey { id: id.0, name: String::new() })).await?.into_inner())
}

/// `{emoji_name}`: other characters than those of a name are no route.
struct EmojiName(String);

impl FromRequestParts<Gateway> for EmojiName {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Gateway) -> Result<Self, ApiError> {
        let name = path_param(parts, "emoji_name").await?;
        let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-+_".contains(&b));
        if is_name { Ok(Self(name)) } else { Err(ErrorId::NotFound.into()) }
    }
}

/// Any session, while custom emoji are on; 404 also for built-in ones.
async fn by_name(State(gateway): State<Gateway>, Enabled(session): Enabled, EmojiName(name): EmojiName) -> ApiResult<ApiJson<Emoji>> {
    Ok(ApiJson(gateway.clients.emojis().get(session.call(EmojiKey { id: String::new(), name })).await?.into_inner()))
}

/// The creator, or `manage_system`; others get 401, as from the original.
async fn delete(State(gateway): State<Gateway>, Enabled(session): Enabled, id: EmojiId) -> ApiResult<StatusOk> {
    let emoji = find(&gateway, &session, id).await?;
    if emoji.creator_id != session.user_id && !gateway.access.is_allowed(&session, Permission::ManageSystem) {
        return Err(ErrorId::EmojiDeleteRefused.into());
    }
    gateway.clients.emojis().delete(session.call(EmojiKey { id: emoji.id, name: String::new() })).await?;
    Ok(StatusOk)
}

/// The picture never changes.
async fn image(State(gateway): State<Gateway>, Enabled(session): Enabled, id: EmojiId) -> ApiResult<Response> {
    let emoji = find(&gateway, &session, id).await?;
    let request = GetImageRequest { kind: KIND.into(), id: emoji.id, version: emoji.create_at };
    let reply = gateway.clients.images().get(session.call(request)).await?.into_inner();
    if !reply.found {
        return Err(ErrorId::EmojiImageNotFound.into());
    }
    Ok(([(header::CACHE_CONTROL, CACHED)], pictures::body(reply)).into_response())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Search {
    term: String,
    prefix_only: bool,
}

/// By name; the term is taken literally.
async fn search(State(gateway): State<Gateway>, Enabled(session): Enabled, Json(body): Json<Search>) -> ApiResult<ApiJson<Vec<Emoji>>> {
    if body.term.is_empty() {
        return Err(AppError::body("term").into());
    }
    matching(&gateway, &session, body.term, body.prefix_only, SEARCH_MAX).await
}

/// Names that begin with `name`.
async fn autocomplete(State(gateway): State<Gateway>, Enabled(session): Enabled, params: Params) -> ApiResult<ApiJson<Vec<Emoji>>> {
    let name = params.get("name");
    if name.is_empty() {
        return Err(AppError::url("name").into());
    }
    matching(&gateway, &session, name.to_owned(), true, AUTOCOMPLETE_MAX).await
}

async fn matching(gateway: &Gateway, session: &Session, term: String, prefix_only: bool, limit: i64) -> ApiResult<ApiJson<Vec<Emoji>>> {
    let request = SearchEmojiRequest { term, prefix_only, limit };
    Ok(ApiJson(gateway.clients.emojis().search(session.call(request)).await?.into_inner().emojis))
}
