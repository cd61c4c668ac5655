//! What has to be known of recipients, asked for many posts at once.

use super::{Worker, is_active};
use muster_error::AppError;
use muster_proto::{
    identity::{
        Device, GetStatusesRequest, GetUsersRequest, ListDevicesRequest, ListPreferencesRequest, devices_client::DevicesClient,
        preferences_client::PreferencesClient, statuses_client::StatusesClient, users_client::UsersClient,
    },
    model::{Channel, Team, User},
    posts::Notification,
    teams::{
        ChannelMembersByIdsRequest, GetTeamRequest, TeamsOfUserRequest, channel_members_client::ChannelMembersClient, get_team_request::By,
        teams_client::TeamsClient,
    },
};
use muster_runtime::{Caller, Peer, peers::MESSAGE_MAX};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Ids of one question.
const CHUNK: usize = 1_000;

type NotifyProps = BTreeMap<String, String>;

pub struct People {
    identity: Peer,
    teams: Peer,
    users: HashMap<String, User>,
    statuses: HashMap<String, String>,
    devices: HashMap<String, Vec<Device>>,
    /// By channel and user.
    members: HashMap<(String, String), NotifyProps>,
    team_by_id: HashMap<String, Team>,
}

impl People {
    pub async fn of(worker: &Worker, caller: &Caller, notifications: &[Notification], with_devices: bool) -> Result<Self, AppError> {
        let ids: BTreeSet<&String> = notifications.iter().flat_map(|n| n.mentioned.iter().chain(&n.listeners)).collect();
        let ids: Vec<String> = ids.into_iter().cloned().collect();
        let mut people = Self {
            identity: worker.identity.clone(),
            teams: worker.teams.clone(),
            users: HashMap::new(),
            statuses: HashMap::new(),
            devices: HashMap::new(),
            members: HashMap::new(),
            team_by_id: HashMap::new(),
        };
        for chunk in ids.chunks(CHUNK) {
            people.load(caller, chunk.to_vec(), with_devices).await?;
        }
        Ok(people)
    }

    async fn load(&mut self, caller: &Caller, ids: Vec<String>, with_devices: bool) -> Result<(), AppError> {
        let mut users = UsersClient::new(self.identity.channel()).max_decoding_message_size(MESSAGE_MAX);
        let found = users.get_many(caller.call(GetUsersRequest { ids: ids.clone(), usernames: Vec::new() })).await?.into_inner().users;
        self.users.extend(found.into_iter().filter(is_active).map(|user| (user.id.clone(), user)));
        let mut statuses = StatusesClient::new(self.identity.channel()).max_decoding_message_size(MESSAGE_MAX);
        let found = statuses.get(caller.call(GetStatusesRequest { user_ids: ids.clone() })).await?.into_inner().statuses;
        self.statuses.extend(found.into_iter().map(|status| (status.user_id, status.status)));
        if with_devices {
            let mut devices = DevicesClient::new(self.identity.channel()).max_decoding_message_size(MESSAGE_MAX);
            for device in devices.list(caller.call(ListDevicesRequest { user_ids: ids })).await?.into_inner().devices {
                self.devices.entry(device.user_id.clone()).or_default().push(device);
            }
        }
        Ok(())
    }

    /// What recipients have set for this channel; who has left it is no recipient any more.
    pub async fn load_members(&mut self, caller: &Caller, channel: &Channel, notification: &Notification) -> Result<(), AppError> {
        let ids: Vec<String> = notification
            .mentioned
            .iter()
            .chain(&notification.listeners)
            .filter(|user| !self.members.contains_key(&(channel.id.clone(), (*user).clone())))
            .cloned()
            .collect();
        let mut client = ChannelMembersClient::new(self.teams.channel()).max_decoding_message_size(MESSAGE_MAX);
        for chunk in ids.chunks(CHUNK) {
            let request = ChannelMembersByIdsRequest { channel_id: channel.id.clone(), user_ids: chunk.to_vec() };
            for member in client.by_ids(caller.call(request)).await?.into_inner().members {
                self.members.insert((member.channel_id, member.user_id), member.notify_props);
            }
        }
        Ok(())
    }

    /// An active user and what he set for the channel, while he is in it.
    pub fn recipient(&self, user_id: &str, channel_id: &str) -> Option<(&User, &NotifyProps)> {
        Some((self.users.get(user_id)?, self.members.get(&(channel_id.to_owned(), user_id.to_owned()))?))
    }

    pub fn status(&self, user_id: &str) -> &str {
        self.statuses.get(user_id).map_or("offline", String::as_str)
    }

    pub fn devices(&self, user_id: &str) -> &[Device] {
        self.devices.get(user_id).map_or(&[], Vec::as_slice)
    }

    /// The team a link leads through: the channel's, or any of the user's.
    pub async fn team_for(&mut self, caller: &Caller, channel: &Channel, user_id: &str) -> Result<Team, AppError> {
        let mut client = TeamsClient::new(self.teams.channel()).max_decoding_message_size(MESSAGE_MAX);
        if channel.team_id.is_empty() {
            let request = TeamsOfUserRequest { user_id: user_id.to_owned() };
            return Ok(client.of_user(caller.call(request)).await?.into_inner().teams.into_iter().next().unwrap_or_default());
        }
        if let Some(team) = self.team_by_id.get(&channel.team_id) {
            return Ok(team.clone());
        }
        let request = GetTeamRequest { by: Some(By::Id(channel.team_id.clone())) };
        let team = client.get(caller.call(request)).await?.into_inner();
        self.team_by_id.insert(team.id.clone(), team.clone());
        Ok(team)
    }

    /// The preference that says how often the user wants mail, in seconds.
    pub async fn email_interval(&self, caller: &Caller, user_id: &str) -> Result<Option<String>, AppError> {
        let request =
            ListPreferencesRequest { user_id: user_id.to_owned(), category: "notifications".to_owned(), name: "email_interval".to_owned() };
        let found = PreferencesClient::new(self.identity.channel()).list(caller.call(request)).await?.into_inner().preferences;
        Ok(found.into_iter().next().map(|preference| preference.value))
    }
}
