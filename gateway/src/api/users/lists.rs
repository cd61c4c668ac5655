//! Many accounts: lists, lookups, search, autocompletion.

use super::shown;
use crate::{
    api::ApiRoutes,
    error::ApiResult,
    extract::{IfNoneMatch, Json, Page, Params, Session},
    state::Gateway,
    version::SERVER_VERSION,
    wire::{ApiJson, NotModifiedOr},
};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use muster_domain::permissions::Permission;
use muster_error::AppError;
use muster_proto::{
    identity::{AutocompleteUsersRequest, GetUsersRequest, ListUsersRequest, SearchUsersRequest, UserListVersionRequest},
    model::User,
    views::Viewer,
};
use serde::{Deserialize, Serialize};

/// People a search or one half of an autocompletion finds.
const FOUND_MAX: i64 = 100;
/// Accounts asked for by id or name at once.
const LOOKUP_MAX: usize = 10_000;

pub fn routes() -> ApiRoutes {
    ApiRoutes::new()
        .get("/users", list)
        .post("/users/ids", by_ids)
        .post("/users/usernames", by_usernames)
        .post("/users/search", search)
        .get("/users/autocomplete", autocomplete)
}

/// `view_team`. A team nobody knows is refused, but not to those who may see every team: they get an empty list.
async fn may_list_team(gateway: &Gateway, session: &Session, team_id: &str) -> ApiResult<()> {
    if gateway.access.is_allowed(session, Permission::ViewTeam) {
        return Ok(());
    }
    gateway.access.team(session, team_id, Permission::ViewTeam).await.map(drop)
}

async fn may_list_channel(gateway: &Gateway, session: &Session, channel_id: &str) -> ApiResult<()> {
    gateway.access.channel(session, channel_id, Permission::ReadChannel).await.map(drop)
}

/// Which filters and orders go together.
fn check_sort(request: &ListUsersRequest) -> Result<(), AppError> {
    let unset = |text: &str| text.is_empty();
    let team_alone = !unset(&request.in_team)
        && unset(&request.not_in_team)
        && unset(&request.in_channel)
        && unset(&request.not_in_channel)
        && !request.without_team;
    let fits = match request.sort.as_str() {
        "" => true,
        "create_at" | "last_activity_at" => team_alone,
        "status" => !unset(&request.in_channel),
        _ => false,
    };
    if fits { Ok(()) } else { Err(AppError::url("sort")) }
}

/// Any session, within what it may see; see the reference for the order of the filters.
async fn list(
    State(gateway): State<Gateway>,
    session: Session,
    params: Params,
    Page(page): Page,
    known: IfNoneMatch,
) -> ApiResult<Response> {
    let text = |name: &str| params.get(name).to_owned();
    let request = ListUsersRequest {
        without_team: params.flag("without_team"),
        not_in_channel: text("not_in_channel"),
        not_in_team: text("not_in_team"),
        in_team: text("in_team"),
        in_channel: text("in_channel"),
        sort: text("sort"),
        offset: page.offset(),
        limit: page.limit(),
    };
    if !request.not_in_channel.is_empty() && request.in_team.is_empty() {
        return Err(AppError::url("team_id").into());
    }
    check_sort(&request)?;
    let mut cacheable = false;
    if request.without_team {
        gateway.access.system(&session, Permission::ListUsersWithoutTeam)?;
    } else if !request.not_in_channel.is_empty() {
        may_list_channel(&gateway, &session, &request.not_in_channel).await?;
        may_list_team(&gateway, &session, &request.in_team).await?;
    } else if !request.not_in_team.is_empty() {
        may_list_team(&gateway, &session, &request.not_in_team).await?;
        cacheable = true;
    } else if !request.in_team.is_empty() {
        may_list_team(&gateway, &session, &request.in_team).await?;
        // Orders by what has no version are not cached.
        cacheable = request.sort.is_empty();
    } else if !request.in_channel.is_empty() {
        may_list_channel(&gateway, &session, &request.in_channel).await?;
    } else {
        cacheable = true;
    }
    gateway.sessions.touch(&session, &session.caller()).await;
    if !cacheable {
        return Ok(ApiJson(fetch(&gateway, &session, request).await?).into_response());
    }
    let etag = version(&gateway, &session).await?;
    if known.as_deref() == Some(etag.as_str()) {
        return Ok(NotModifiedOr::<ApiJson<()>>::NotModified(etag).into_response());
    }
    let body = ApiJson(fetch(&gateway, &session, request).await?);
    Ok(NotModifiedOr::Modified { etag, body }.into_response())
}

async fn fetch(gateway: &Gateway, session: &Session, request: ListUsersRequest) -> ApiResult<Vec<User>> {
    let users = gateway.clients.users().list(session.call(request)).await?.into_inner().users;
    Ok(shown::profiles(gateway, session, users))
}

/// `4.10.0.<newest update_at of all users>.<ShowFullName>.<ShowEmailAddress>`
async fn version(gateway: &Gateway, session: &Session) -> ApiResult<String> {
    let newest = gateway.clients.users().list_version(session.call(UserListVersionRequest {})).await?.into_inner().update_at;
    let privacy = shown::privacy(gateway);
    Ok(format!("{SERVER_VERSION}.{newest}.{}.{}", privacy.show_full_name, privacy.show_email))
}

fn checked(list: Vec<String>, name: &str) -> Result<Vec<String>, AppError> {
    if list.is_empty() || list.len() > LOOKUP_MAX { Err(AppError::body(name)) } else { Ok(list) }
}

async fn look_up(gateway: &Gateway, session: &Session, request: GetUsersRequest) -> ApiResult<ApiJson<Vec<User>>> {
    let users = gateway.clients.users().get_many(session.call(request)).await?.into_inner().users;
    Ok(ApiJson(shown::profiles(gateway, session, users)))
}

/// Any session; unknown ids are skipped.
async fn by_ids(State(gateway): State<Gateway>, session: Session, Json(ids): Json<Vec<String>>) -> ApiResult<ApiJson<Vec<User>>> {
    let ids = checked(ids, "user_ids")?;
    look_up(&gateway, &session, GetUsersRequest { ids, usernames: Vec::new() }).await
}

/// Any session; unknown names are skipped.
async fn by_usernames(State(gateway): State<Gateway>, session: Session, Json(names): Json<Vec<String>>) -> ApiResult<ApiJson<Vec<User>>> {
    let usernames = checked(names, "usernames")?;
    look_up(&gateway, &session, GetUsersRequest { ids: Vec::new(), usernames }).await
}

#[derive(Deserialize)]
struct UserSearch {
    term: Option<String>,
    team_id: Option<String>,
    not_in_team_id: Option<String>,
    in_channel_id: Option<String>,
    not_in_channel_id: Option<String>,
    allow_inactive: Option<bool>,
    without_team: Option<bool>,
}

/// Any session that may see every team and channel it names.
async fn search(State(gateway): State<Gateway>, session: Session, Json(search): Json<UserSearch>) -> ApiResult<ApiJson<Vec<User>>> {
    let viewer = shown::viewer(&gateway, &session);
    let request = SearchUsersRequest {
        term: search.term.unwrap_or_default(),
        team_id: search.team_id.unwrap_or_default(),
        not_in_team_id: search.not_in_team_id.unwrap_or_default(),
        in_channel_id: search.in_channel_id.unwrap_or_default(),
        not_in_channel_id: search.not_in_channel_id.unwrap_or_default(),
        allow_inactive: search.allow_inactive.unwrap_or_default(),
        without_team: search.without_team.unwrap_or_default(),
        search_email: sees_email(viewer),
        search_full_name: sees_full_name(viewer),
        limit: FOUND_MAX,
    };
    if request.term.is_empty() {
        return Err(AppError::body("term").into());
    }
    if !request.not_in_channel_id.is_empty() && request.team_id.is_empty() {
        return Err(AppError::body("team_id").into());
    }
    for channel_id in [&request.in_channel_id, &request.not_in_channel_id] {
        if !channel_id.is_empty() {
            may_list_channel(&gateway, &session, channel_id).await?;
        }
    }
    for team_id in [&request.team_id, &request.not_in_team_id] {
        if !team_id.is_empty() {
            may_list_team(&gateway, &session, team_id).await?;
        }
    }
    let users = gateway.clients.users().search(session.call(request)).await?.into_inner().users;
    Ok(ApiJson(shown::profiles(&gateway, &session, users)))
}

fn sees_email(viewer: Viewer) -> bool {
    !matches!(viewer, Viewer::Other(privacy) if !privacy.show_email)
}

fn sees_full_name(viewer: Viewer) -> bool {
    !matches!(viewer, Viewer::Other(privacy) if !privacy.show_full_name)
}

#[derive(Serialize)]
struct UserAutocomplete {
    users: Vec<User>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    out_of_channel: Vec<User>,
}

/// Any session that may see the team and the channel it names.
async fn autocomplete(State(gateway): State<Gateway>, session: Session, params: Params) -> ApiResult<ApiJson<UserAutocomplete>> {
    let request = AutocompleteUsersRequest {
        name: params.get("name").to_owned(),
        in_team: params.get("in_team").to_owned(),
        in_channel: params.get("in_channel").to_owned(),
        search_full_name: sees_full_name(shown::viewer(&gateway, &session)),
        limit: FOUND_MAX,
    };
    if !request.in_channel.is_empty() {
        may_list_channel(&gateway, &session, &request.in_channel).await?;
    }
    if !request.in_team.is_empty() {
        may_list_team(&gateway, &session, &request.in_team).await?;
    }
    let found = gateway.clients.users().autocomplete(session.call(request)).await?.into_inner();
    Ok(ApiJson(UserAutocomplete {
        users: shown::profiles(&gateway, &session, found.users),
        out_of_channel: shown::profiles(&gateway, &session, found.out_of_channel),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_need_their_filter() {
        let base = ListUsersRequest::default;
        for (request, fits) in [
            (base(), true),
            (ListUsersRequest { sort: "username".into(), ..base() }, false),
            (ListUsersRequest { sort: "create_at".into(), ..base() }, false),
            (ListUsersRequest { sort: "create_at".into(), in_team: "t".into(), ..base() }, true),
            (ListUsersRequest { sort: "create_at".into(), in_team: "t".into(), without_team: true, ..base() }, false),
            (ListUsersRequest { sort: "last_activity_at".into(), in_team: "t".into(), in_channel: "c".into(), ..base() }, false),
            (ListUsersRequest { sort: "status".into(), in_team: "t".into(), ..base() }, false),
            (ListUsersRequest { sort: "status".into(), in_channel: "c".into(), ..base() }, true),
        ] {
            assert_eq!(check_sort(&request).is_ok(), fits, "{request:?}");
        }
    }
}
