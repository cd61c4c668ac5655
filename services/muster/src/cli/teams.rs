//! `muster team …`: teams and who is in them.

use super::{
    connect::Connected,
    output::{Output, refused},
    users,
};
use clap::{Args, Subcommand};
use muster_domain::roles::{TEAM_ADMIN, TEAM_USER};
use muster_proto::{
    model::Team,
    teams::{
        AddTeamMembersRequest, CreateTeamRequest, GetTeamRequest, ListTeamsRequest, SetTeamMemberRolesRequest, TeamJoin, TeamMemberKey,
        get_team_request::By,
    },
};
use serde_json::{Value, json};

const PAGE: i64 = 500;

#[derive(Subcommand)]
pub enum TeamCommand {
    /// Make a team with its default channels
    Create(Create),
    /// Add people to a team
    Add(Add),
    /// Remove people from a team
    Remove(Remove),
    /// List teams
    List,
}

#[derive(Args)]
pub struct Create {
    /// Name in addresses: lower-case letters, digits and dashes
    name: String,
    /// Name that is shown                                     [the name]
    #[arg(long)]
    display_name: Option<String>,
    /// Who creates it and becomes its administrator: username, e-mail address or id
    #[arg(long)]
    owner: String,
    /// Only invited people may join
    #[arg(long)]
    private: bool,
}

#[derive(Args)]
pub struct Add {
    /// The team's name
    team: String,
    /// Usernames, e-mail addresses or ids
    #[arg(required = true)]
    users: Vec<String>,
    /// Make them administrators of the team
    #[arg(long)]
    admin: bool,
}

#[derive(Args)]
pub struct Remove {
    /// The team's name
    team: String,
    /// Usernames, e-mail addresses or ids
    #[arg(required = true)]
    users: Vec<String>,
}

impl TeamCommand {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Create(_) => "team create",
            Self::Add(_) => "team add",
            Self::Remove(_) => "team remove",
            Self::List => "team list",
        }
    }

    pub async fn run(self, muster: &Connected, output: Output) -> anyhow::Result<()> {
        match self {
            Self::Create(args) => create(muster, output, args).await,
            Self::Add(args) => add(muster, output, args).await,
            Self::Remove(args) => remove(muster, output, args).await,
            Self::List => list(muster, output).await,
        }
    }
}

/// The team of a name.
pub async fn find(muster: &Connected, name: &str) -> anyhow::Result<Team> {
    let request = GetTeamRequest { by: Some(By::Name(name.to_owned())) };
    Ok(muster.clients.teams().get(muster.caller.call(request)).await.map_err(refused)?.into_inner())
}

fn shown(team: &Team) -> Value {
    json!({ "id": team.id, "name": team.name, "display_name": team.display_name, "type": team.r#type })
}

async fn create(muster: &Connected, output: Output, args: Create) -> anyhow::Result<()> {
    let owner = users::find(muster, &args.owner).await?;
    let team = Team {
        display_name: args.display_name.unwrap_or_else(|| args.name.clone()),
        name: args.name,
        r#type: if args.private { "I" } else { "O" }.to_owned(),
        ..Team::default()
    };
    let request = CreateTeamRequest { team: Some(team) };
    let team = muster.clients.teams().create(muster.acting_as(&owner.id).call(request)).await.map_err(refused)?.into_inner();
    output.say(format!("made the team {} ({}) of {}", team.name, team.id, owner.username), &shown(&team));
    Ok(())
}

/// One after another, so that what is printed is what was done.
async fn add(muster: &Connected, output: Output, args: Add) -> anyhow::Result<()> {
    let team = find(muster, &args.team).await?;
    for who in &args.users {
        let user = users::find(muster, who).await?;
        let request = AddTeamMembersRequest { team_id: team.id.clone(), user_ids: vec![user.id.clone()], how: TeamJoin::Single.into() };
        let caller = muster.acting_as(&user.id);
        muster.clients.team_members().add(caller.call(request)).await.map_err(refused)?;
        if args.admin {
            let roles = format!("{TEAM_USER} {TEAM_ADMIN}");
            let request = SetTeamMemberRolesRequest { team_id: team.id.clone(), user_id: user.id.clone(), roles };
            muster.clients.team_members().set_roles(muster.caller.call(request)).await.map_err(refused)?;
        }
        output.say(format!("{} is in {}", user.username, team.name), &json!({ "team": team.name, "username": user.username }));
    }
    Ok(())
}

async fn remove(muster: &Connected, output: Output, args: Remove) -> anyhow::Result<()> {
    let team = find(muster, &args.team).await?;
    for who in &args.users {
        let user = users::find(muster, who).await?;
        let request = TeamMemberKey { team_id: team.id.clone(), user_id: user.id };
        muster.clients.team_members().remove(muster.caller.call(request)).await.map_err(refused)?;
        output.say(format!("{} is not in {} any more", user.username, team.name), &json!({ "team": team.name, "username": user.username }));
    }
    Ok(())
}

async fn list(muster: &Connected, output: Output) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    for page in 0.. {
        let request = ListTeamsRequest { open_only: false, offset: page * PAGE, limit: PAGE };
        let teams = muster.clients.teams().list(muster.caller.call(request)).await.map_err(refused)?.into_inner().teams;
        let last = teams.len() < PAGE as usize;
        for team in teams {
            let state = if team.delete_at == 0 { "active" } else { "archived" };
            rows.push(vec![team.name, team.display_name, team.r#type, state.to_owned(), team.id]);
        }
        if last {
            break;
        }
    }
    output.table(&["name", "display_name", "type", "state", "id"], rows);
    Ok(())
}
