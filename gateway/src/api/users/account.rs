//! One account: creating, reading, changing, closing.

use super::shown;
use crate::{
    api::ApiRoutes,
    error::{ApiError, ApiResult},
    extract::{IfNoneMatch, Json, MaybeSession, Params, RequestFacts, Session, UserId, path_param},
    state::Gateway,
    version::SERVER_VERSION,
    wire::{ApiJson, Created, NotModifiedOr, RawJson, StatusOk, json_bytes},
};
use axum::extract::{FromRequestParts, State};
use http::request::Parts;
use muster_domain::{
    permissions::Permission,
    roles::{is_valid_roles, parse_roles},
    users::{is_valid_username, is_well_formed_email},
};
use muster_error::{AppError, ErrorId};
use muster_proto::{
    identity::{
        CreateUserRequest, GetUserRequest, PatchUserRequest, SetUserActiveRequest, SetUserRolesRequest, StringMap, UpdateUserRequest,
        get_user_request::By,
    },
    model::User,
    teams::{AddTeamMembersRequest, GetTeamRequest, TeamJoin, get_team_request},
};
use muster_runtime::Caller;
use serde::Deserialize;
use std::collections::BTreeMap;

pub fn routes() -> ApiRoutes {
    ApiRoutes::new()
        .post("/users", create)
        .get("/users/{user_id}", get)
        .put("/users/{user_id}", update)
        .delete("/users/{user_id}", close)
        .put("/users/{user_id}/patch", patch)
        .put("/users/{user_id}/roles", set_roles)
        .put("/users/{user_id}/active", set_active)
        .get("/users/username/{username}", get_by_username)
        .get("/users/email/{email}", get_by_email)
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct SignUp {
    #[serde(flatten)]
    user: User,
    password: Option<String>,
}

/// Anyone the settings let in; `iid` and `t` are invitations to a team.
async fn create(
    State(gateway): State<Gateway>,
    session: MaybeSession,
    facts: RequestFacts,
    params: Params,
    Json(sign_up): Json<SignUp>,
) -> ApiResult<Created<User>> {
    let caller = session.caller(&facts);
    let by_admin = session.0.as_ref().is_some_and(|s| gateway.access.is_allowed(s, Permission::ManageSystem));
    let invite_token = params.get("t").to_owned();
    // As in the original, a mailed invitation outranks an invite id.
    let invite_id = if invite_token.is_empty() { params.get("iid") } else { "" };
    let mut team_id = if invite_id.is_empty() { String::new() } else { team_of_invite(&gateway, &caller, invite_id).await? };
    let request = CreateUserRequest {
        user: Some(sign_up.user),
        password: sign_up.password.unwrap_or_default(),
        by_admin,
        invited: !team_id.is_empty(),
        invite_token,
    };
    let reply = gateway.clients.users().create(caller.call(request)).await?.into_inner();
    let user = reply.user.ok_or_else(|| AppError::internal("a sign-up without a user"))?;
    if team_id.is_empty() {
        team_id = reply.team_id;
    }
    if !team_id.is_empty() {
        join(&gateway, &caller, &user.id, team_id).await;
    }
    Ok(Created(shown::own(user)))
}

async fn team_of_invite(gateway: &Gateway, caller: &Caller, invite_id: &str) -> ApiResult<String> {
    let request = GetTeamRequest { by: Some(get_team_request::By::InviteId(invite_id.to_owned())) };
    let team = gateway.clients.teams().get(caller.call(request)).await?.into_inner();
    if team.delete_at > 0 {
        return Err(ErrorId::TeamInviteNotFound.into());
    }
    Ok(team.id)
}

/// The account exists by now: a team that cannot be joined (it is full, say) does not take it back.
async fn join(gateway: &Gateway, caller: &Caller, user_id: &str, team_id: String) {
    let newcomer = Caller { user_id: user_id.to_owned(), ..caller.clone() };
    let request = AddTeamMembersRequest { team_id, user_ids: vec![user_id.to_owned()], how: TeamJoin::Invite.into() };
    if let Err(status) = gateway.clients.team_members().add(newcomer.call(request)).await {
        tracing::warn!(%status, user_id, "a new user could not join the team of the invitation");
    }
}

async fn find(gateway: &Gateway, session: &Session, by: By) -> ApiResult<User> {
    Ok(gateway.clients.users().get(session.call(GetUserRequest { by: Some(by) })).await?.into_inner())
}

/// `4.10.0.<id>.<update_at>.<ShowFullName>.<ShowEmailAddress>`
fn etag(gateway: &Gateway, user: &User) -> String {
    let privacy = shown::privacy(gateway);
    format!("{SERVER_VERSION}.{}.{}.{}.{}", user.id, user.update_at, privacy.show_full_name, privacy.show_email)
}

/// Any session; oneself in the self-view. Answers `User`.
async fn get(
    State(gateway): State<Gateway>,
    session: Session,
    UserId(id): UserId,
    known: IfNoneMatch,
) -> ApiResult<NotModifiedOr<RawJson>> {
    let person = gateway.people.get(&session.caller(), &id).await?;
    gateway.sessions.touch(&session, &session.caller()).await;
    let etag = etag(&gateway, &person.user);
    if known.as_deref() == Some(etag.as_str()) {
        return Ok(NotModifiedOr::NotModified(etag));
    }
    let body =
        if id == session.user_id { person.own_json()? } else { json_bytes(&shown::profile(&gateway, &session, person.user.clone()))? };
    Ok(NotModifiedOr::Modified { etag, body: RawJson(body) })
}

/// Any session; the profile view.
async fn get_by_username(
    State(gateway): State<Gateway>,
    session: Session,
    Username(name): Username,
    known: IfNoneMatch,
) -> ApiResult<NotModifiedOr<ApiJson<User>>> {
    let user = find(&gateway, &session, By::Username(name)).await?;
    let etag = etag(&gateway, &user);
    Ok(NotModifiedOr::new(known.as_deref(), etag, || ApiJson(shown::profile(&gateway, &session, user))))
}

/// Any session; found even when addresses are hidden, then without it.
async fn get_by_email(
    State(gateway): State<Gateway>,
    session: Session,
    EmailAddress(email): EmailAddress,
    known: IfNoneMatch,
) -> ApiResult<NotModifiedOr<ApiJson<User>>> {
    let user = find(&gateway, &session, By::Email(email)).await?;
    let etag = etag(&gateway, &user);
    Ok(NotModifiedOr::new(known.as_deref(), etag, || ApiJson(shown::profile(&gateway, &session, user))))
}

/// The original answers a change of an unknown account with 400, not 404.
fn unknown_is_bad(status: tonic::Status) -> ApiError {
    let error = AppError::from(status);
    ApiError(if error.id == ErrorId::UserNotFound { error.status(400) } else { error })
}

/// Sessions of OAuth applications may not change the address.
async fn check_oauth(gateway: &Gateway, session: &Session, user_id: &str, email: Option<&str>) -> ApiResult<()> {
    if let Some(email) = email
        && session.is_oauth
        && gateway.people.get(&session.caller(), user_id).await?.user.email != email
    {
        return Err(AppError::permissions("email of an OAuth session").into());
    }
    Ok(())
}

/// Oneself, or `edit_other_users`. The id in the body decides, not the one in the path.
async fn update(State(gateway): State<Gateway>, session: Session, _: UserId, Json(user): Json<User>) -> ApiResult<ApiJson<User>> {
    gateway.access.user(&session, &user.id)?;
    if user.create_at == 0 {
        return Err(AppError::body("create_at").into());
    }
    check_oauth(&gateway, &session, &user.id, Some(&user.email)).await?;
    let request = UpdateUserRequest { user: Some(user) };
    let user = gateway.clients.users().update(session.call(request)).await.map_err(unknown_is_bad)?.into_inner();
    Ok(ApiJson(shown::own(user)))
}

#[derive(Deserialize)]
struct UserPatch {
    username: Option<String>,
    nickname: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    position: Option<String>,
    email: Option<String>,
    locale: Option<String>,
    props: Option<BTreeMap<String, String>>,
    notify_props: Option<BTreeMap<String, String>>,
    timezone: Option<BTreeMap<String, String>>,
}

/// Oneself, or `edit_other_users`.
async fn patch(
    State(gateway): State<Gateway>,
    session: Session,
    UserId(user_id): UserId,
    Json(patch): Json<UserPatch>,
) -> ApiResult<ApiJson<User>> {
    gateway.access.user(&session, &user_id)?;
    check_oauth(&gateway, &session, &user_id, patch.email.as_deref()).await?;
    let map = |entries: Option<BTreeMap<String, String>>| entries.map(|entries| StringMap { entries });
    let request = PatchUserRequest {
        user_id,
        username: patch.username,
        nickname: patch.nickname,
        first_name: patch.first_name,
        last_name: patch.last_name,
        position: patch.position,
        email: patch.email,
        locale: patch.locale,
        props: map(patch.props),
        notify_props: map(patch.notify_props),
        timezone: map(patch.timezone),
    };
    let user = gateway.clients.users().patch(session.call(request)).await.map_err(unknown_is_bad)?.into_inner();
    Ok(ApiJson(shown::own(user)))
}

#[derive(Deserialize)]
struct RolesBody {
    roles: Option<String>,
}

/// `manage_roles`; roles that cannot be given are refused first.
async fn set_roles(
    State(gateway): State<Gateway>,
    session: Session,
    UserId(user_id): UserId,
    Json(body): Json<RolesBody>,
) -> ApiResult<StatusOk> {
    let roles = body.roles.filter(|roles| is_valid_roles(roles)).ok_or_else(|| AppError::body("roles"))?;
    let table = gateway.access.roles();
    if parse_roles(&roles).any(|name| !table.roles.iter().any(|role| role.name == name)) {
        return Err(ErrorId::RoleDoesNotExist.into());
    }
    gateway.access.system(&session, Permission::ManageRoles)?;
    gateway.clients.users().set_roles(session.call(SetUserRolesRequest { user_id, roles })).await.map_err(unknown_is_bad)?;
    Ok(StatusOk)
}

#[derive(Deserialize)]
struct ActiveBody {
    active: Option<bool>,
}

/// `manage_system`, or oneself to deactivate.
async fn set_active(
    State(gateway): State<Gateway>,
    session: Session,
    UserId(user_id): UserId,
    Json(body): Json<ActiveBody>,
) -> ApiResult<StatusOk> {
    let active = body.active.ok_or_else(|| AppError::body("active"))?;
    let closes_own = !active && user_id == session.user_id;
    if !closes_own && !gateway.access.is_allowed(&session, Permission::ManageSystem) {
        return Err(ErrorId::UpdateActiveRefused.into());
    }
    let request = SetUserActiveRequest { user_id, active, by_deletion: false };
    gateway.clients.users().set_active(session.call(request)).await?;
    Ok(StatusOk)
}

/// Oneself, or `edit_other_users`; the same as deactivating.
async fn close(State(gateway): State<Gateway>, session: Session, UserId(user_id): UserId) -> ApiResult<StatusOk> {
    gateway.access.user(&session, &user_id)?;
    let request = SetUserActiveRequest { user_id, active: false, by_deletion: true };
    gateway.clients.users().set_active(session.call(request)).await?;
    Ok(StatusOk)
}

/// `{username}`: another alphabet is no route, a name nobody can have is 400.
struct Username(String);

impl FromRequestParts<Gateway> for Username {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Gateway) -> Result<Self, ApiError> {
        let name = path_param(parts, "username").await?;
        if !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.')) {
            return Err(ErrorId::NotFound.into());
        }
        if is_valid_username(&name) { Ok(Self(name)) } else { Err(AppError::url("username").into()) }
    }
}

/// `{email}`: must parse and be lower case.
struct EmailAddress(String);

impl FromRequestParts<Gateway> for EmailAddress {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Gateway) -> Result<Self, ApiError> {
        let email = path_param(parts, "email").await?;
        if is_well_formed_email(&email) { Ok(Self(email)) } else { Err(AppError::url("email").into()) }
    }
}
