//! People and channels of an export: found here, or made.

use super::{
    Work,
    archive::{Export, Kind},
    model,
};
use muster_domain::{
    channels::{DISPLAY_NAME_MAX, GROUP_MAX, GROUP_MIN, HEADER_MAX, NAME_MAX, PURPOSE_MAX, is_channel_name},
    ids,
    text::is_storable,
    users::{EMAIL_MAX, NAME_MAX as PERSON_NAME_MAX, clean_username, is_well_formed_email},
};
use muster_error::{AppError, ErrorId};
use muster_proto::{
    identity::{CreateUserRequest, GetUserRequest, SetUserActiveRequest, get_user_request::By, users_client::UsersClient},
    model::{Channel, User},
    teams::{
        AddChannelMembersRequest, AddTeamMembersRequest, ChannelByNameRequest, CreateChannelRequest, CreateDirectRequest,
        CreateGroupRequest, ListChannelMembersRequest, TeamJoin, channel_directory_client::ChannelDirectoryClient,
        channel_members_client::ChannelMembersClient, channels_client::ChannelsClient, team_members_client::TeamMembersClient,
    },
};
use muster_runtime::{Caller, peers::MESSAGE_MAX};
use std::collections::HashMap;

/// Members added by one call.
const MEMBERS: usize = 200;
/// Members listed by one call.
const PAGE: i64 = 1_000;

/// People by Slack's ids.
#[derive(Default)]
pub struct People {
    /// Ours.
    pub ids: HashMap<String, String>,
    pub names: HashMap<String, String>,
    /// Ids (ours) of those who are in the team.
    team: std::collections::HashSet<String>,
}

/// Where the messages of one of Slack's channels go.
pub struct Place {
    /// The folder of the messages is called by the one or the other.
    pub slack_id: String,
    pub slack_name: String,
    pub channel: Channel,
    /// Everybody in the channel.
    pub readers: Vec<String>,
}

/// A refusal is a line of the log; what cannot be reached ends the attempt.
fn refusal<T>(result: Result<T, AppError>) -> Result<Result<T, AppError>, AppError> {
    match result {
        Err(error) if error.status >= 500 => Err(error),
        other => Ok(other),
    }
}

fn cut(text: &str, max: usize) -> String {
    text.chars().filter(|c| *c != '\0').take(max).collect()
}

impl Work<'_> {
    /// Everybody of the export is found by address or gets an account, and is in the team; also the account that owns what bots wrote.
    pub(super) async fn add_people(&mut self, export: &Export) -> Result<(People, String), AppError> {
        let bot = self.bot().await?;
        self.log("\r\nUsers created:\r\n===============\r\n\r\n").await?;
        let mut people = People::default();
        for slack in &export.users {
            let Some(user) = self.person(slack).await? else { continue };
            let request = AddTeamMembersRequest {
                team_id: self.import.team_id.clone(),
                user_ids: vec![user.id.clone()],
                how: TeamJoin::Silent.into(),
            };
            let added = TeamMembersClient::new(self.importer.teams.channel()).add(self.caller.call(request)).await;
            match refusal(added.map_err(AppError::from))? {
                Ok(_) => {
                    people.team.insert(user.id.clone());
                }
                Err(error) => self.log(&format!("Unable to add {} to the team: {}\r\n", user.username, error.message())).await?,
            }
            people.names.insert(slack.id.clone(), user.username);
            people.ids.insert(slack.id.clone(), user.id);
        }
        Ok((people, bot))
    }

    async fn by_email(&self, email: &str) -> Result<Option<User>, AppError> {
        let request = GetUserRequest { by: Some(By::Email(email.to_owned())) };
        match UsersClient::new(self.importer.identity.channel()).get(self.caller.call(request)).await.map_err(AppError::from) {
            Ok(user) => Ok(Some(user.into_inner())),
            Err(error) if error.id == ErrorId::UserNotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn create(&self, user: User) -> Result<Result<User, AppError>, AppError> {
        // Satisfies every policy; nobody ever sees it.
        let password = format!("{}aA1!", ids::new_token());
        let request = CreateUserRequest { user: Some(user), password, by_admin: true, ..CreateUserRequest::default() };
        let made = UsersClient::new(self.importer.identity.channel()).create(self.caller.call(request)).await;
        refusal(made.map(|reply| reply.into_inner().user.unwrap_or_default()).map_err(AppError::from))
    }

    async fn person(&mut self, slack: &model::User) -> Result<Option<User>, AppError> {
        let mut username = clean_username(&cut(&slack.name, 40));
        let given = slack.profile.email.as_deref().unwrap_or_default().trim().to_lowercase();
        let usable = is_well_formed_email(&given) && given.len() <= EMAIL_MAX && is_storable(&given);
        let email = if usable { given } else { format!("{username}@example.com") };
        if !usable {
            self.log(&format!(
                "User {username} does not have an email address in the Slack export. Used {email} as a placeholder. The user should update \
                 their email address once logged in to the system.\r\n"
            ))
            .await?;
        }
        if let Some(user) = self.by_email(&email).await? {
            self.log(&format!(
                "Slack user merged with an existing Mattermost user with matching email {email} and username {}.\r\n",
                user.username
            ))
            .await?;
            return Ok(Some(user));
        }
        let text = |text: &Option<String>| cut(text.as_deref().unwrap_or_default(), PERSON_NAME_MAX);
        let mut made = Ok(User::default());
        for _ in 0..2 {
            let profile = &slack.profile;
            let user = User {
                username: username.clone(),
                email: email.clone(),
                email_verified: true,
                first_name: text(&profile.first_name),
                last_name: text(&profile.last_name),
                position: text(&profile.title),
                ..User::default()
            };
            made = self.create(user).await?;
            if !made.as_ref().is_err_and(|error| error.id == ErrorId::UsernameExists) {
                break;
            }
            username = clean_username(&format!("{username}-{}", cut(&slack.id, 20)));
        }
        match made {
            Ok(user) => {
                self.log(&format!(
                    "Slack user with email {email} has been imported as {}. The password is set by \"I forgot my password\".\r\n",
                    user.username
                ))
                .await?;
                Ok(Some(user))
            }
            Err(error) => {
                self.log(&format!("Unable to import Slack user: {username}. {}\r\n", error.message())).await?;
                Ok(None)
            }
        }
    }

    /// One deactivated account for a team's bots, whatever is imported and how often.
    async fn bot(&self) -> Result<String, AppError> {
        let username = format!("slackimportuser_{}", self.import.team_id);
        let email = format!("{username}@localhost");
        let user = match self.by_email(&email).await? {
            Some(user) => user,
            None => self.create(User { username, email, email_verified: true, ..User::default() }).await??,
        };
        if user.delete_at == 0 {
            let request = SetUserActiveRequest { user_id: user.id.clone(), active: false, by_deletion: true };
            UsersClient::new(self.importer.identity.channel()).set_active(self.caller.call(request)).await?;
        }
        Ok(user.id)
    }

    /// Every channel that could be had.
    pub(super) async fn add_channels(&mut self, export: &Export, people: &People) -> Result<Vec<Place>, AppError> {
        self.log("\r\nChannels added:\r\n=================\r\n\r\n").await?;
        let mut channels = Vec::with_capacity(export.channels.len());
        for (kind, slack) in &export.channels {
            let shown = if slack.name.is_empty() { &slack.id } else { &slack.name };
            if !self.is_wanted(*kind) {
                self.log(&format!("The conversation {} was passed over: only a system administrator imports those.\r\n", cut(shown, 80)))
                    .await?;
                continue;
            }
            let mut members: Vec<String> = slack.members.iter().flatten().filter_map(|id| people.ids.get(id)).cloned().collect();
            members.sort_unstable();
            members.dedup();
            let found = match kind {
                Kind::Open | Kind::Private => {
                    members.retain(|id| people.team.contains(id));
                    self.team_channel(*kind, slack, &members).await?
                }
                Kind::Direct | Kind::Group => self.conversation(*kind, slack, &members).await?,
            };
            match found {
                Ok(channel) => {
                    let readers = self.members_of(&channel.id).await?;
                    channels.push(Place { slack_id: slack.id.clone(), slack_name: slack.name.clone(), channel, readers });
                }
                Err(error) => {
                    let name = cut(shown, 80);
                    self.log(&format!("Unable to import Slack channel {name}. {}\r\n", error.message())).await?;
                }
            }
        }
        Ok(channels)
    }

    /// Everybody in the channel, those who were there before too.
    async fn members_of(&self, channel_id: &str) -> Result<Vec<String>, AppError> {
        let mut client = ChannelMembersClient::new(self.importer.teams.channel()).max_decoding_message_size(MESSAGE_MAX);
        let mut ids = Vec::new();
        loop {
            let request = ListChannelMembersRequest { channel_id: channel_id.to_owned(), offset: ids.len() as i64, limit: PAGE };
            let page = client.list(self.caller.call(request)).await?.into_inner().members;
            let is_last = page.len() < PAGE as usize;
            ids.extend(page.into_iter().map(|member| member.user_id));
            if is_last {
                return Ok(ids);
            }
        }
    }

    async fn named(&self, name: &str) -> Result<Option<Channel>, AppError> {
        let request = ChannelByNameRequest { team_id: self.import.team_id.clone(), name: name.to_owned() };
        let found = ChannelDirectoryClient::new(self.importer.teams.channel()).by_name(self.caller.call(request)).await;
        match found.map_err(AppError::from) {
            Ok(channel) => Ok(Some(channel.into_inner()).filter(|c| c.team_id == self.import.team_id)),
            Err(error) if error.status == 404 => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The live channel of this name and type, or a new one: under Slack's id when the name is somebody else's.
    async fn team_channel(
        &mut self,
        kind: Kind,
        slack: &model::Channel,
        members: &[String],
    ) -> Result<Result<Channel, AppError>, AppError> {
        let r#type = if kind == Kind::Open { "O" } else { "P" };
        let display_name = cut(&slack.name, DISPLAY_NAME_MAX);
        let of_id = format!("slack-{}", cut(&slack.id, 40).to_lowercase());
        let mut outcome = Err(AppError::new(ErrorId::ChannelNameTaken));
        for name in [channel_name(slack), of_id] {
            if let Some(existing) = self.named(&name).await? {
                if existing.r#type != r#type {
                    continue;
                }
                self.log(&format!(
                    "The Slack channel {display_name} already exists as an active Mattermost channel. Both channels have been merged.\r\n"
                ))
                .await?;
                outcome = Ok(existing);
                break;
            }
            let channel = Channel {
                team_id: self.import.team_id.clone(),
                r#type: r#type.into(),
                name,
                display_name: display_name.clone(),
                header: cut(slack.topic.value.as_deref().unwrap_or_default(), HEADER_MAX),
                purpose: cut(slack.purpose.value.as_deref().unwrap_or_default(), PURPOSE_MAX),
                ..Channel::default()
            };
            let request = CreateChannelRequest { channel: Some(channel), imported: true };
            let made = ChannelsClient::new(self.importer.teams.channel()).create(self.caller.call(request)).await;
            outcome = refusal(made.map(tonic::Response::into_inner).map_err(AppError::from))?;
            if outcome.is_ok() {
                self.log(&format!("{display_name}\r\n")).await?;
                break;
            }
        }
        let channel = match outcome {
            Ok(channel) => channel,
            Err(error) => return Ok(Err(error)),
        };
        for chunk in members.chunks(MEMBERS) {
            let request = AddChannelMembersRequest {
                channel_id: channel.id.clone(),
                user_ids: chunk.to_vec(),
                post_root_id: String::new(),
                silent: true,
            };
            let mut client = ChannelMembersClient::new(self.importer.teams.channel()).max_decoding_message_size(MESSAGE_MAX);
            if let Err(error) = refusal(client.add(self.caller.call(request)).await.map_err(AppError::from))? {
                self.log(&format!("Members of {display_name} could not be added: {}\r\n", error.message())).await?;
            }
        }
        Ok(Ok(channel))
    }

    async fn conversation(&self, kind: Kind, slack: &model::Channel, members: &[String]) -> Result<Result<Channel, AppError>, AppError> {
        let mut client = ChannelsClient::new(self.importer.teams.channel());
        let known = slack.members.as_ref().is_some_and(|all| all.len() == members.len());
        let made = match (kind, members) {
            (Kind::Direct, [one, other]) if known => {
                client.create_direct(self.caller.call(CreateDirectRequest { user_ids: vec![one.clone(), other.clone()] })).await
            }
            (Kind::Group, [first, ..]) if known && (GROUP_MIN..=GROUP_MAX).contains(&members.len()) => {
                let caller = Caller { user_id: first.clone(), ..self.caller.clone() };
                client.create_group(caller.call(CreateGroupRequest { user_ids: members.to_vec() })).await
            }
            _ => return Ok(Err(AppError::new(ErrorId::GroupChannelBadUser))),
        };
        refusal(made.map(tonic::Response::into_inner).map_err(AppError::from))
    }
}

/// Slack's name where it can be one here.
fn channel_name(slack: &model::Channel) -> String {
    let name = slack.name.to_lowercase();
    if name.len() == 1 {
        return format!("slack-channel-{name}");
    }
    if is_channel_name(&name) && name.len() <= NAME_MAX && !name.contains("__") { name } else { slack.id.to_lowercase() }
}
