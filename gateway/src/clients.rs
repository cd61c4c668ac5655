//! gRPC clients of the services. Making one is cheap: a handle on shared connections.

use muster_proto::{
    files::{files_client::FilesClient, images_client::ImagesClient, stores_client::StoresClient},
    identity::{
        access_tokens_client::AccessTokensClient, accounts_client::AccountsClient, audits_client::AuditsClient, codes_client::CodesClient,
        mfa_client::MfaClient, preferences_client::PreferencesClient, roles_client::RolesClient, sessions_client::SessionsClient,
        statistics_client::StatisticsClient as UserStatisticsClient, statuses_client::StatusesClient, users_client::UsersClient,
    },
    jobs::{config_client::ConfigClient, jobs_client::JobsClient, mail_client::MailClient, nodes_client::NodesClient},
    posts::{
        actions_client::ActionsClient, activity_client::ActivityClient, emojis_client::EmojisClient, links_client::LinksClient,
        posts_client::PostsClient, reactions_client::ReactionsClient, search_client::SearchClient,
        statistics_client::StatisticsClient as PostStatisticsClient,
    },
    teams::{
        access_client::AccessClient, channel_directory_client::ChannelDirectoryClient, channel_members_client::ChannelMembersClient,
        channels_client::ChannelsClient, statistics_client::StatisticsClient as ChannelStatisticsClient,
        team_members_client::TeamMembersClient, teams_client::TeamsClient,
    },
};
use muster_runtime::{Peer, RpcChannel, peers::MESSAGE_MAX};

/// The services as seen from a gateway.
#[derive(Clone, Debug)]
pub struct Clients {
    pub identity: Peer,
    pub teams: Peer,
    pub posts: Peer,
    pub files: Peer,
    pub jobs: Peer,
}

macro_rules! clients {
    ($($peer:ident: $($method:ident -> $client:ident),* $(,)?;)*) => {
        impl Clients {
            $($(
                pub fn $method(&self) -> $client<RpcChannel> {
                    $client::new(self.$peer.channel()).max_decoding_message_size(MESSAGE_MAX).max_encoding_message_size(MESSAGE_MAX)
                }
            )*)*
        }
    };
}

clients! {
    identity: access_tokens -> AccessTokensClient, accounts -> AccountsClient, mfa -> MfaClient, users -> UsersClient, sessions -> SessionsClient,
        preferences -> PreferencesClient, statuses -> StatusesClient, roles -> RolesClient, audits -> AuditsClient, codes -> CodesClient,
        user_statistics -> UserStatisticsClient;
    teams: access -> AccessClient, teams -> TeamsClient, team_members -> TeamMembersClient, channels -> ChannelsClient,
        channel_directory -> ChannelDirectoryClient, channel_members -> ChannelMembersClient,
        channel_statistics -> ChannelStatisticsClient;
    posts: posts -> PostsClient, activity -> ActivityClient, actions -> ActionsClient, emojis -> EmojisClient, links -> LinksClient, reactions -> ReactionsClient, search -> SearchClient, post_statistics -> PostStatisticsClient;
    files: files -> FilesClient, images -> ImagesClient, stores -> StoresClient;
    jobs: jobs -> JobsClient, config -> ConfigClient, mail -> MailClient, nodes -> NodesClient;
}
