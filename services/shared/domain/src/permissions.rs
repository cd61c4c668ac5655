//! The 52 permissions a role can grant, and sets of them as one machine word.

use std::{fmt, str::FromStr};

macro_rules! permissions {
    ($($name:ident = $id:literal),* $(,)?) => {
        /// What a role may grant; the number is the bit in a [`PermissionSet`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Permission { $($name),* }

        impl Permission {
            /// Every permission there is.
            pub const ALL: &'static [Permission] = &[$(Permission::$name),*];

            /// The id in a role's `permissions`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Permission::$name => $id),* }
            }
        }

        impl FromStr for Permission {
            type Err = UnknownPermission;

            fn from_str(id: &str) -> Result<Self, UnknownPermission> {
                match id { $($id => Ok(Permission::$name),)* _ => Err(UnknownPermission) }
            }
        }
    };
}

permissions! {
    AssignSystemAdminRole = "assign_system_admin_role",
    ManageSystem = "manage_system",
    ManageRoles = "manage_roles",
    ManagePublicChannelProperties = "manage_public_channel_properties",
    ManagePublicChannelMembers = "manage_public_channel_members",
    ManagePrivateChannelMembers = "manage_private_channel_members",
    DeletePublicChannel = "delete_public_channel",
    CreatePublicChannel = "create_public_channel",
    ManagePrivateChannelProperties = "manage_private_channel_properties",
    DeletePrivateChannel = "delete_private_channel",
    CreatePrivateChannel = "create_private_channel",
    ManageSystemWideOauth = "manage_system_wide_oauth",
    ManageOthersWebhooks = "manage_others_webhooks",
    EditOtherUsers = "edit_other_users",
    ManageOauth = "manage_oauth",
    InviteUser = "invite_user",
    DeletePost = "delete_post",
    DeleteOthersPosts = "delete_others_posts",
    CreateTeam = "create_team",
    AddUserToTeam = "add_user_to_team",
    ListUsersWithoutTeam = "list_users_without_team",
    ManageJobs = "manage_jobs",
    CreatePostPublic = "create_post_public",
    CreatePostEphemeral = "create_post_ephemeral",
    CreateUserAccessToken = "create_user_access_token",
    ReadUserAccessToken = "read_user_access_token",
    RevokeUserAccessToken = "revoke_user_access_token",
    RemoveOthersReactions = "remove_others_reactions",
    ListTeamChannels = "list_team_channels",
    JoinPublicChannels = "join_public_channels",
    ReadPublicChannel = "read_public_channel",
    ViewTeam = "view_team",
    ReadChannel = "read_channel",
    AddReaction = "add_reaction",
    RemoveReaction = "remove_reaction",
    UploadFile = "upload_file",
    GetPublicLink = "get_public_link",
    CreatePost = "create_post",
    UseSlashCommands = "use_slash_commands",
    EditOthersPosts = "edit_others_posts",
    RemoveUserFromTeam = "remove_user_from_team",
    ManageTeam = "manage_team",
    ImportTeam = "import_team",
    ManageTeamRoles = "manage_team_roles",
    ManageChannelRoles = "manage_channel_roles",
    ManageSlashCommands = "manage_slash_commands",
    ManageOthersSlashCommands = "manage_others_slash_commands",
    ManageWebhooks = "manage_webhooks",
    EditPost = "edit_post",
    CreateDirectChannel = "create_direct_channel",
    CreateGroupChannel = "create_group_channel",
    PermanentDeleteUser = "permanent_delete_user",
}

/// No permission has this id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownPermission;

impl fmt::Display for UnknownPermission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown permission")
    }
}

impl std::error::Error for UnknownPermission {}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of permissions; a copy costs eight bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PermissionSet(u64);

impl PermissionSet {
    pub const EMPTY: PermissionSet = PermissionSet(0);

    pub const fn contains(self, permission: Permission) -> bool {
        self.0 & (1 << permission as u8) != 0
    }

    pub const fn insert(&mut self, permission: Permission) {
        self.0 |= 1 << permission as u8;
    }

    #[must_use]
    pub const fn union(self, other: PermissionSet) -> PermissionSet {
        PermissionSet(self.0 | other.0)
    }

    /// Names nobody knows are passed over: an imported role may carry some.
    pub fn from_names<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> Self {
        names.into_iter().filter_map(|name| name.as_ref().parse().ok()).collect()
    }

    /// In the order of [`Permission::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.iter().copied().filter(move |permission| self.contains(*permission))
    }
}

impl FromIterator<Permission> for PermissionSet {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        let mut set = Self::EMPTY;
        permissions.into_iter().for_each(|permission| set.insert(permission));
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fifty_two_ids_read_back() {
        assert_eq!(Permission::ALL.len(), 52);
        for (bit, permission) in Permission::ALL.iter().enumerate() {
            assert_eq!(permission.as_str().parse(), Ok(*permission));
            assert_eq!(*permission as usize, bit);
        }
        assert_eq!("fly".parse::<Permission>(), Err(UnknownPermission));
    }

    #[test]
    fn sets_hold_exactly_what_was_put_in() {
        let set = PermissionSet::from_names(["create_post", "no_such", "permanent_delete_user"]);
        let expected = [Permission::CreatePost, Permission::PermanentDeleteUser];
        assert_eq!(set.iter().collect::<Vec<_>>(), expected);
        assert!(!set.contains(Permission::AssignSystemAdminRole));
        let all = set.union(Permission::ALL.iter().copied().collect());
        assert_eq!(all.iter().count(), 52);
    }
}
