//! Which permission stands before what may be done to a channel, by its type.

use crate::{access::ChannelGrant, error::ApiResult, extract::Session, state::Gateway};
use muster_domain::{channels::ChannelType, permissions::Permission};
use muster_error::{AppError, ErrorId};
use muster_proto::{model::Channel, teams::ChannelMemberKey};

/// Of open channels; every other type is refused.
struct Of {
    open: Permission,
    private: Permission,
}

const PROPERTIES: Of = Of { open: Permission::ManagePublicChannelProperties, private: Permission::ManagePrivateChannelProperties };
const DELETION: Of = Of { open: Permission::DeletePublicChannel, private: Permission::DeletePrivateChannel };
const MEMBERS: Of = Of { open: Permission::ManagePublicChannelMembers, private: Permission::ManagePrivateChannelMembers };

/// The type of a channel; what a service sent always has one.
pub fn kind(channel: &Channel) -> ChannelType {
    channel.r#type.parse().unwrap_or(ChannelType::Private)
}

/// The grant on a channel that exists (404 otherwise).
pub async fn known(gateway: &Gateway, session: &Session, channel_id: &str) -> ApiResult<ChannelGrant> {
    Ok(gateway.access.channel_grant(session, channel_id).await?.ok_or(ErrorId::ChannelNotFound)?)
}

/// May read it: `read_public_channel` for an open channel, `read_channel` for any other.
pub async fn readable(gateway: &Gateway, session: &Session, channel_id: &str) -> ApiResult<ChannelGrant> {
    let grant = known(gateway, session, channel_id).await?;
    let permission = match kind(&grant.channel) {
        ChannelType::Open => Permission::ReadPublicChannel,
        _ => Permission::ReadChannel,
    };
    gateway.access.channel(session, channel_id, permission).await
}

/// May change its properties. Of a direct or group channel every member may.
pub async fn may_change(gateway: &Gateway, session: &Session, channel_id: &str) -> ApiResult<ChannelGrant> {
    let grant = known(gateway, session, channel_id).await?;
    if !kind(&grant.channel).is_of_team() {
        return gateway.access.channel(session, channel_id, Permission::ReadChannel).await;
    }
    managed(gateway, session, grant, &PROPERTIES).await
}

/// May archive it; nobody archives direct and group channels.
pub async fn may_archive(gateway: &Gateway, session: &Session, channel_id: &str) -> ApiResult<ChannelGrant> {
    let grant = known(gateway, session, channel_id).await?;
    if !kind(&grant.channel).is_of_team() {
        return Err(AppError::permissions(Permission::DeletePrivateChannel.as_str()).into());
    }
    managed(gateway, session, grant, &DELETION).await
}

/// May add and remove others. Direct and group channels pass: the service refuses those by their type.
pub async fn may_manage_members(gateway: &Gateway, session: &Session, channel_id: &str) -> ApiResult<ChannelGrant> {
    let grant = known(gateway, session, channel_id).await?;
    match kind(&grant.channel) {
        ChannelType::Open => gateway.access.channel(session, channel_id, MEMBERS.open).await,
        ChannelType::Private => gateway.access.channel(session, channel_id, MEMBERS.private).await,
        ChannelType::Direct | ChannelType::Group => gateway.access.channel(session, channel_id, Permission::ReadChannel).await,
    }
}

/// The permission of the type. It sits on every member of the team, so for a private channel one must also be in it, or
/// administer the team: who only knows its id stays outside.
async fn managed(gateway: &Gateway, session: &Session, grant: ChannelGrant, permissions: &Of) -> ApiResult<ChannelGrant> {
    let id = grant.channel.id.clone();
    if kind(&grant.channel) == ChannelType::Open {
        return gateway.access.channel(session, &id, permissions.open).await;
    }
    let grant = gateway.access.channel(session, &id, permissions.private).await?;
    if grant.member {
        return Ok(grant);
    }
    gateway.access.channel(session, &id, Permission::ManageTeam).await
}

/// Whether the caller is in the channel, by the membership itself rather than by what is remembered.
pub async fn is_member(gateway: &Gateway, session: &Session, channel_id: &str) -> ApiResult<bool> {
    let key = ChannelMemberKey { channel_id: channel_id.to_owned(), user_id: session.user_id.clone() };
    match gateway.clients.channel_members().get(session.call(key)).await.map_err(AppError::from) {
        Ok(_) => Ok(true),
        Err(error) if error.id == ErrorId::ChannelMemberNotFound => Ok(false),
        Err(error) => Err(error.into()),
    }
}
