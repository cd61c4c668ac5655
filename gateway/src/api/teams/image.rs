//! Team icons (reference: files, section 2).

use crate::{
    api::ApiRoutes,
    error::ApiResult,
    extract::{IfNoneMatch, Session, TeamId},
    pictures::{self, PictureErrors},
    state::Gateway,
    wire::StatusOk,
};
use axum::{
    extract::{DefaultBodyLimit, Request, State},
    response::Response,
};
use muster_domain::permissions::Permission;
use muster_error::{AppError, ErrorId};
use muster_proto::{
    files::GetImageRequest,
    teams::{GetTeamRequest, IconChangedRequest, get_team_request::By},
};

const KIND: &str = "team";
const ERRORS: PictureErrors =
    PictureErrors { too_large: ErrorId::TeamIconTooLarge, unreadable: ErrorId::TeamIconParse, no_file: ErrorId::TeamIconNoFile };

pub fn routes() -> ApiRoutes {
    ApiRoutes::new()
        .post("/teams/{team_id}/image", set)
        // Pictures are streamed and limited by `FileSettings.MaxFileSize`.
        .map(|router| router.layer(DefaultBodyLimit::disable()))
        .get("/teams/{team_id}/image", get)
        .delete("/teams/{team_id}/image", remove)
}

/// `view_team`; outsiders too for an open team that is not open for everyone to join (the original's rule). 404 when none was set.
async fn get(State(gateway): State<Gateway>, session: Session, id: TeamId, if_none_match: IfNoneMatch) -> ApiResult<Response> {
    let request = GetTeamRequest { by: Some(By::Id(id.0.clone())) };
    let team = gateway.clients.teams().get(session.call(request)).await?.into_inner();
    if team.r#type != "O" || team.allow_open_invite {
        gateway.access.team(&session, &id, Permission::ViewTeam).await?;
    }
    if team.last_team_icon_update == 0 {
        return Err(ErrorId::TeamIconNotFound.into());
    }
    let etag = team.last_team_icon_update.to_string();
    if if_none_match.as_deref() == Some(etag.as_str()) {
        return Ok(pictures::not_modified(&etag));
    }
    let request = GetImageRequest { kind: KIND.into(), id: id.0, version: team.last_team_icon_update };
    let reply = gateway.clients.images().get(session.call(request)).await?.into_inner();
    if !reply.found {
        return Err(AppError::new(ErrorId::TeamIconNotFound).detail("the team has an icon, the object store has none").into());
    }
    Ok(pictures::found(reply, &etag))
}

/// `manage_team`; form field `image`.
async fn set(State(gateway): State<Gateway>, session: Session, id: TeamId, request: Request) -> ApiResult<StatusOk> {
    gateway.access.team(&session, &id, Permission::ManageTeam).await?;
    pictures::receive(&gateway, &session, request, (KIND, &id), ERRORS, Ok(())).await?;
    gateway.clients.teams().icon_changed(session.call(IconChangedRequest { team_id: id.0, removed: false })).await?;
    Ok(StatusOk)
}

/// `manage_team`.
async fn remove(State(gateway): State<Gateway>, session: Session, id: TeamId) -> ApiResult<StatusOk> {
    gateway.access.team(&session, &id, Permission::ManageTeam).await?;
    gateway.clients.teams().icon_changed(session.call(IconChangedRequest { team_id: id.0.clone(), removed: true })).await?;
    gateway.clients.images().remove(session.call(GetImageRequest { kind: KIND.into(), id: id.0, version: 0 })).await?;
    Ok(StatusOk)
}
