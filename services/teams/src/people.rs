//! What the service asks identity about accounts.

use muster_error::{AppError, ErrorId, Result};
use muster_proto::{
    identity::{
        ActiveMembersRequest, GetUserRequest, GetUsersRequest, ListRolesRequest, get_user_request::By,
        membership_counts_client::MembershipCountsClient, roles_client::RolesClient, users_client::UsersClient,
    },
    model::User,
};
use muster_runtime::{Caller, Peer, peers::MESSAGE_MAX};
use std::collections::{HashMap, HashSet};

#[derive(Clone)]
pub struct People {
    identity: Peer,
}

impl People {
    pub fn new(identity: Peer) -> Self {
        Self { identity }
    }

    /// One account; unknown is 404.
    pub async fn user(&self, caller: &Caller, id: &str) -> Result<User> {
        let request = GetUserRequest { by: Some(By::Id(id.to_owned())) };
        Ok(UsersClient::new(self.identity.channel()).get(caller.call(request)).await?.into_inner())
    }

    /// The known accounts among these, by id, in one call.
    pub async fn users<'a>(&self, caller: &Caller, ids: impl IntoIterator<Item = &'a str>) -> Result<HashMap<String, User>> {
        let ids: HashSet<String> = ids.into_iter().filter(|id| !id.is_empty()).map(str::to_owned).collect();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let request = GetUsersRequest { ids: ids.into_iter().collect(), usernames: Vec::new() };
        let users = UsersClient::new(self.identity.channel())
            .max_decoding_message_size(MESSAGE_MAX)
            .get_many(caller.call(request))
            .await?
            .into_inner()
            .users;
        Ok(users.into_iter().map(|user| (user.id.clone(), user)).collect())
    }

    /// Members of a team or channel whose accounts are deactivated. Identity's copy of memberships may lag, but who has
    /// just joined is active: taken off our own count this is exact.
    pub async fn inactive_members(&self, caller: &Caller, group_id: &str) -> Result<i64> {
        let request = ActiveMembersRequest { group_id: group_id.to_owned() };
        Ok(MembershipCountsClient::new(self.identity.channel()).active(caller.call(request)).await?.into_inner().inactive)
    }

    /// Refuses a role string that is malformed or names a role that does not exist.
    pub async fn check_roles(&self, caller: &Caller, roles: &str) -> Result<()> {
        if !muster_domain::roles::is_valid_roles(roles) {
            return Err(AppError::body("roles"));
        }
        if roles.trim().is_empty() {
            return Ok(());
        }
        let known = RolesClient::new(self.identity.channel()).list_all(caller.call(ListRolesRequest {})).await?.into_inner().roles;
        match muster_domain::roles::parse_roles(roles).find(|name| !known.iter().any(|role| role.name == **name && role.delete_at == 0)) {
            Some(unknown) => Err(AppError::new(ErrorId::RoleDoesNotExist).detail(format_args!("role={unknown}"))),
            None => Ok(()),
        }
    }
}
