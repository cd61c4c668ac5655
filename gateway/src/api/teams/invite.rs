//! Inviting people to a team by mail, and joining by such an invitation.

use super::{find, members};
use crate::{
    api::ApiRoutes,
    error::ApiResult,
    extract::{Session, TeamId},
    state::Gateway,
    wire::{Created, StatusOk},
};
use axum::extract::State;
use bytes::Bytes;
use muster_domain::permissions::Permission;
use muster_error::AppError;
use muster_proto::{
    identity::{ClaimInvitationRequest, InviteRequest},
    model::TeamMember,
    teams::{AddTeamMembersRequest, TeamJoin, get_team_request::By},
};

pub fn routes() -> ApiRoutes {
    ApiRoutes::new().post("/teams/{team_id}/invite/email", by_mail)
}

/// `invite_user` and `add_user_to_team`. Mails an invitation to each address; whether it arrives is not waited for.
async fn by_mail(State(gateway): State<Gateway>, session: Session, TeamId(team_id): TeamId, body: Bytes) -> ApiResult<StatusOk> {
    gateway.access.team(&session, &team_id, Permission::InviteUser).await?;
    gateway.access.team(&session, &team_id, Permission::AddUserToTeam).await?;
    // As in the original, what cannot be read counts as empty, and whoever may not invite is told that first.
    let emails: Vec<String> = serde_json::from_slice(&body).unwrap_or_default();
    if emails.is_empty() {
        return Err(AppError::body("user_email").into());
    }
    let team = find(&gateway, &session, By::Id(team_id)).await?;
    let request = InviteRequest { team_id: team.id, team_name: team.name, team_display_name: team.display_name, emails };
    gateway.clients.codes().invite(session.call(request)).await?;
    Ok(StatusOk)
}

/// Joins the team of a mailed invitation, which is used up when that has succeeded.
pub(super) async fn join(gateway: &Gateway, session: &Session, code: String) -> ApiResult<Created<TeamMember>> {
    let claim = ClaimInvitationRequest { code, user_id: session.user_id.clone() };
    let team_id = gateway.clients.codes().claim_invitation(session.call(claim.clone())).await?.into_inner().team_id;
    let request = AddTeamMembersRequest { team_id, user_ids: vec![session.user_id.clone()], how: TeamJoin::Invite.into() };
    let joined = members::added_one(gateway, session, request).await?;
    // Should this fail, the invitation still works for nobody else, and expires.
    if let Err(status) = gateway.clients.codes().end_invitation(session.call(claim)).await {
        tracing::warn!(%status, "a redeemed invitation could not be removed");
    }
    Ok(joined)
}
