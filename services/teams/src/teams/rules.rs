//! What a team may be.

use muster_domain::{
    ids,
    teams::{TeamFault, TeamFields},
    users::is_email_in_domains,
};
use muster_error::{AppError, ErrorId, Result};
use muster_proto::{model::Team, teams::PatchTeamRequest};

/// `RestrictCreationToDomains` binds everybody, system admins too.
pub fn may_create(creator_email: &str, domains: &str) -> Result<()> {
    if is_email_in_domains(creator_email, domains) { Ok(()) } else { Err(AppError::new(ErrorId::TeamCreationDomain)) }
}

/// The team to store for what a creator sent.
pub fn new_team(given: Team, creator_email: &str, now: i64) -> Result<Team> {
    if !given.id.is_empty() {
        return Err(AppError::new(ErrorId::TeamSaveExisting));
    }
    let team = Team {
        id: ids::new_id(),
        create_at: now,
        update_at: now,
        delete_at: 0,
        email: creator_email.to_owned(),
        invite_id: if given.invite_id.is_empty() { ids::new_token() } else { given.invite_id },
        last_team_icon_update: 0,
        ..given
    };
    check(&team)?;
    Ok(team)
}

/// PUT: what is left out becomes blank, the icon's time included.
pub fn replace(current: Team, given: Team) -> Result<Team> {
    let team = Team {
        display_name: given.display_name,
        description: given.description,
        invite_id: given.invite_id,
        allow_open_invite: given.allow_open_invite,
        company_name: given.company_name,
        allowed_domains: given.allowed_domains,
        last_team_icon_update: given.last_team_icon_update,
        ..current
    };
    check(&team)?;
    Ok(team)
}

pub fn patch(current: Team, patch: PatchTeamRequest) -> Result<Team> {
    let team = Team {
        display_name: patch.display_name.unwrap_or(current.display_name),
        description: patch.description.unwrap_or(current.description),
        company_name: patch.company_name.unwrap_or(current.company_name),
        invite_id: patch.invite_id.unwrap_or(current.invite_id),
        allow_open_invite: patch.allow_open_invite.unwrap_or(current.allow_open_invite),
        ..current
    };
    check(&team)?;
    Ok(team)
}

/// A team without invite id is joined by its own id.
pub fn with_invite_id(team: Team) -> Team {
    if team.invite_id.is_empty() { Team { invite_id: team.id.clone(), ..team } } else { team }
}

fn check(team: &Team) -> Result<()> {
    let fields = TeamFields {
        name: &team.name,
        display_name: &team.display_name,
        description: &team.description,
        company_name: &team.company_name,
        allowed_domains: &team.allowed_domains,
        email: &team.email,
        kind: &team.r#type,
        invite_id: &team.invite_id,
    };
    fields.check().map_err(|fault| match fault {
        TeamFault::Characters => ErrorId::TeamInvalidCharacters.into(),
        TeamFault::Url => ErrorId::TeamInvalidUrl.into(),
        TeamFault::Reserved => ErrorId::TeamInvalidReserved.into(),
        TeamFault::DisplayName => ErrorId::TeamInvalidName.into(),
        TeamFault::Description => ErrorId::TeamInvalidDescription.into(),
        TeamFault::Company => ErrorId::TeamInvalidCompany.into(),
        TeamFault::Domains => ErrorId::TeamInvalidDomains.into(),
        TeamFault::Email => ErrorId::TeamInvalidEmail.into(),
        TeamFault::Type => ErrorId::TeamInvalidType.into(),
        TeamFault::InviteId => AppError::body("invite_id"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn team() -> Team {
        new_team(Team { name: "core".into(), display_name: "Core".into(), r#type: "O".into(), ..Team::default() }, "a@b.co", 7)
            .expect("valid")
    }

    #[test]
    fn a_new_team_takes_the_creators_address_and_an_invite_id() {
        let team = team();
        assert_eq!((team.email.as_str(), team.create_at, team.invite_id.len()), ("a@b.co", 7, 26));
        let known = Team { id: team.id.clone(), ..team };
        assert_eq!(new_team(known, "a@b.co", 7).expect_err("has an id").id, ErrorId::TeamSaveExisting);
    }

    #[test]
    fn put_blanks_and_patch_keeps() {
        let before = Team { company_name: "Co".into(), last_team_icon_update: 5, ..team() };
        let put = replace(before.clone(), Team { display_name: "New".into(), ..Team::default() }).expect("valid");
        assert_eq!((put.company_name.as_str(), put.last_team_icon_update, put.name.as_str()), ("", 0, "core"));
        assert_eq!(with_invite_id(put.clone()).invite_id, put.id);
        let patched = patch(before.clone(), PatchTeamRequest { description: Some("d".into()), ..Default::default() }).expect("valid");
        assert_eq!(patched, Team { description: "d".into(), ..before });
    }

    #[test]
    fn domains_bind_the_creator() {
        assert!(may_create("a@b.co", "").is_ok());
        assert_eq!(may_create("a@b.co", "c.co").expect_err("outside").id, ErrorId::TeamCreationDomain);
    }
}
