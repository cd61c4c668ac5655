//! `muster channel …`: channels and who is in them.

use super::{
    connect::Connected,
    output::{Output, refused},
    teams, users,
};
use clap::{Args, Subcommand};
use muster_domain::roles::{CHANNEL_ADMIN, CHANNEL_USER};
use muster_proto::{
    model::Channel,
    teams::{
        AddChannelMembersRequest, ChannelByNameRequest, ChannelMemberKey, CreateChannelRequest, ListChannelsRequest,
        SetChannelMemberRolesRequest,
    },
};
use serde_json::{Value, json};

const PAGE: i64 = 500;

#[derive(Subcommand)]
pub enum ChannelCommand {
    /// Make a channel in a team
    Create(Create),
    /// Add members of the team to a channel
    Add(Add),
    /// Remove people from a channel
    Remove(Remove),
    /// List the open channels of a team
    List(List),
}

#[derive(Args)]
pub struct Create {
    /// The team's name
    team: String,
    /// Name in addresses: lower-case letters, digits and dashes
    name: String,
    /// Name that is shown                                     [the name]
    #[arg(long)]
    display_name: Option<String>,
    /// A member of the team who creates it and becomes its administrator: username, e-mail address or id
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
    /// The channel's name
    channel: String,
    /// Usernames, e-mail addresses or ids
    #[arg(required = true)]
    users: Vec<String>,
    /// Make them administrators of the channel
    #[arg(long)]
    admin: bool,
}

#[derive(Args)]
pub struct Remove {
    /// The team's name
    team: String,
    /// The channel's name
    channel: String,
    /// Usernames, e-mail addresses or ids
    #[arg(required = true)]
    users: Vec<String>,
}

#[derive(Args)]
pub struct List {
    /// The team's name
    team: String,
}

impl ChannelCommand {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Create(_) => "channel create",
            Self::Add(_) => "channel add",
            Self::Remove(_) => "channel remove",
            Self::List(_) => "channel list",
        }
    }

    pub async fn run(self, muster: &Connected, output: Output) -> anyhow::Result<()> {
        match self {
            Self::Create(args) => create(muster, output, args).await,
            Self::Add(args) => add(muster, output, args).await,
            Self::Remove(args) => remove(muster, output, args).await,
            Self::List(args) => list(muster, output, args).await,
        }
    }
}

async fn find(muster: &Connected, team: &str, name: &str) -> anyhow::Result<Channel> {
    let request = ChannelByNameRequest { team_id: teams::find(muster, team).await?.id, name: name.to_owned() };
    Ok(muster.clients.channel_directory().by_name(muster.caller.call(request)).await.map_err(refused)?.into_inner())
}

fn shown(channel: &Channel) -> Value {
    json!({ "id": channel.id, "name": channel.name, "display_name": channel.display_name, "type": channel.r#type })
}

async fn create(muster: &Connected, output: Output, args: Create) -> anyhow::Result<()> {
    let owner = users::find(muster, &args.owner).await?;
    let channel = Channel {
        team_id: teams::find(muster, &args.team).await?.id,
        display_name: args.display_name.unwrap_or_else(|| args.name.clone()),
        name: args.name,
        r#type: if args.private { "P" } else { "O" }.to_owned(),
        ..Channel::default()
    };
    let request = CreateChannelRequest { channel: Some(channel), imported: false };
    let channel = muster.clients.channels().create(muster.acting_as(&owner.id).call(request)).await.map_err(refused)?.into_inner();
    output.say(format!("made the channel {} ({}) of {}", channel.name, channel.id, owner.username), &shown(&channel));
    Ok(())
}

/// One after another, so that what is printed is what was done.
async fn add(muster: &Connected, output: Output, args: Add) -> anyhow::Result<()> {
    let channel = find(muster, &args.team, &args.channel).await?;
    for who in &args.users {
        let user = users::find(muster, who).await?;
        let (channel_id, user_ids) = (channel.id.clone(), vec![user.id.clone()]);
        let request = AddChannelMembersRequest { channel_id, user_ids, ..AddChannelMembersRequest::default() };
        muster.clients.channel_members().add(muster.acting_as(&user.id).call(request)).await.map_err(refused)?;
        if args.admin {
            let roles = format!("{CHANNEL_USER} {CHANNEL_ADMIN}");
            let request = SetChannelMemberRolesRequest { channel_id: channel.id.clone(), user_id: user.id.clone(), roles };
            muster.clients.channel_members().set_roles(muster.caller.call(request)).await.map_err(refused)?;
        }
        output.say(format!("{} is in {}", user.username, channel.name), &json!({ "channel": channel.name, "username": user.username }));
    }
    Ok(())
}

async fn remove(muster: &Connected, output: Output, args: Remove) -> anyhow::Result<()> {
    let channel = find(muster, &args.team, &args.channel).await?;
    for who in &args.users {
        let user = users::find(muster, who).await?;
        let request = ChannelMemberKey { channel_id: channel.id.clone(), user_id: user.id.clone() };
        // As if they had left: a removal is announced in somebody's name.
        muster.clients.channel_members().remove(muster.acting_as(&user.id).call(request)).await.map_err(refused)?;
        let value = json!({ "channel": channel.name, "username": user.username });
        output.say(format!("{} is not in {} any more", user.username, channel.name), &value);
    }
    Ok(())
}

async fn list(muster: &Connected, output: Output, args: List) -> anyhow::Result<()> {
    let team = teams::find(muster, &args.team).await?;
    let mut rows = Vec::new();
    for page in 0.. {
        let request = ListChannelsRequest { team_id: team.id.clone(), offset: page * PAGE, limit: PAGE };
        let channels = muster.clients.channel_directory().open(muster.caller.call(request)).await.map_err(refused)?.into_inner().channels;
        let last = channels.len() < PAGE as usize;
        rows.extend(channels.into_iter().map(|channel| vec![channel.name, channel.display_name, channel.id]));
        if last {
            break;
        }
    }
    output.table(&["name", "display_name", "id"], rows);
    Ok(())
}
