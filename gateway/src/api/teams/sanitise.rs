//! What of a team only its administrators see: the e-mail address and the allowed domains.

use crate::{error::ApiResult, extract::Session, state::Gateway};
use muster_domain::permissions::{Permission, PermissionSet};
use muster_proto::{model::Team, teams::TeamMembershipsOfUserRequest};
use std::collections::HashMap;

fn sanitise(team: Team, permissions: PermissionSet) -> Team {
    if permissions.contains(Permission::ManageTeam) {
        return team;
    }
    Team { email: String::new(), allowed_domains: String::new(), ..team }
}

/// One team as this caller may see it.
pub async fn sanitised(gateway: &Gateway, session: &Session, team: Team) -> ApiResult<Team> {
    let allowed = gateway.access.team(session, &team.id, Permission::ManageTeam).await;
    Ok(match allowed {
        Ok(_) => team,
        Err(error) if error.0.id == muster_error::ErrorId::Permissions => sanitise(team, PermissionSet::EMPTY),
        Err(error) => return Err(error),
    })
}

/// Many teams as this caller may see them; his memberships are asked for once.
pub async fn all_sanitised(gateway: &Gateway, session: &Session, teams: Vec<Team>) -> ApiResult<Vec<Team>> {
    let system = gateway.access.system_permissions(session);
    if teams.is_empty() || system.contains(Permission::ManageTeam) {
        return Ok(teams);
    }
    let request = TeamMembershipsOfUserRequest { user_id: session.user_id.clone() };
    let members = gateway.clients.team_members().of_user(session.call(request)).await?.into_inner().members;
    let table = gateway.access.roles();
    let own: HashMap<String, PermissionSet> =
        members.into_iter().filter(|m| m.delete_at == 0).map(|m| (m.team_id, table.permissions_of(&m.roles))).collect();
    Ok(teams
        .into_iter()
        .map(|team| {
            let permissions = own.get(&team.id).copied().unwrap_or_default().union(system);
            sanitise(team, permissions)
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_administrators_see_address_and_domains() {
        let team = Team { id: "t".into(), email: "e".into(), allowed_domains: "d".into(), invite_id: "i".into(), ..Team::default() };
        let admin: PermissionSet = [Permission::ManageTeam].into_iter().collect();
        assert_eq!(sanitise(team.clone(), admin), team);
        let seen = sanitise(team, PermissionSet::EMPTY);
        assert_eq!((seen.email.as_str(), seen.allowed_domains.as_str(), seen.invite_id.as_str()), ("", "", "i"));
    }
}
