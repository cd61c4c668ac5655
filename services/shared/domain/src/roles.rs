//! The built-in roles, what they grant at first start, and the form of role names and role strings.

use crate::permissions::Permission::{self, *};

pub const SYSTEM_USER: &str = "system_user";
pub const SYSTEM_ADMIN: &str = "system_admin";
pub const TEAM_USER: &str = "team_user";
pub const TEAM_ADMIN: &str = "team_admin";
pub const CHANNEL_USER: &str = "channel_user";
pub const CHANNEL_ADMIN: &str = "channel_admin";
pub const SYSTEM_POST_ALL: &str = "system_post_all";
pub const SYSTEM_POST_ALL_PUBLIC: &str = "system_post_all_public";
pub const SYSTEM_USER_ACCESS_TOKEN: &str = "system_user_access_token";
pub const TEAM_POST_ALL: &str = "team_post_all";
pub const TEAM_POST_ALL_PUBLIC: &str = "team_post_all_public";

/// Bytes of a role name, at most.
pub const ROLE_NAME_MAX: usize = 64;

/// A role as it is seeded; `display_name` and `description` are translation keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltinRole {
    pub name: &'static str,
    pub display_name: String,
    pub description: String,
    pub permissions: Vec<Permission>,
}

/// Who a `Restrict…` setting leaves a thing to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Restriction {
    #[default]
    All,
    ChannelAdmin,
    TeamAdmin,
    SystemAdmin,
}

impl Restriction {
    /// The value of the setting; an unknown one restricts nothing, as the default does.
    pub fn parse(setting: &str) -> Self {
        match setting {
            "channel_admin" => Self::ChannelAdmin,
            "team_admin" => Self::TeamAdmin,
            "system_admin" => Self::SystemAdmin,
            _ => Self::All,
        }
    }
}

/// The settings that shape the roles, heeded only when they are seeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeedSettings {
    pub enable_team_creation: bool,
    pub enable_only_admin_integrations: bool,
    pub public_channel_creation: Restriction,
    pub private_channel_creation: Restriction,
    pub public_channel_management: Restriction,
    pub private_channel_management: Restriction,
    pub public_channel_deletion: Restriction,
    pub private_channel_deletion: Restriction,
    pub private_channel_manage_members: Restriction,
    pub team_invite: Restriction,
    pub post_delete: Restriction,
    /// `AllowEditPost` is `always` or `time_limit`.
    pub allow_edit_post: bool,
}

impl Default for SeedSettings {
    fn default() -> Self {
        Self {
            enable_team_creation: true,
            enable_only_admin_integrations: true,
            public_channel_creation: Restriction::All,
            private_channel_creation: Restriction::All,
            public_channel_management: Restriction::All,
            private_channel_management: Restriction::All,
            public_channel_deletion: Restriction::All,
            private_channel_deletion: Restriction::All,
            private_channel_manage_members: Restriction::All,
            team_invite: Restriction::All,
            post_delete: Restriction::All,
            allow_edit_post: true,
        }
    }
}

const SYSTEM_USER_BASE: &[Permission] = &[CreateDirectChannel, CreateGroupChannel, PermanentDeleteUser];
const TEAM_USER_BASE: &[Permission] = &[ListTeamChannels, JoinPublicChannels, ReadPublicChannel, ViewTeam];
const TEAM_ADMIN_BASE: &[Permission] = &[
    EditOthersPosts,
    RemoveUserFromTeam,
    ManageTeam,
    ImportTeam,
    ManageTeamRoles,
    ManageChannelRoles,
    ManageOthersWebhooks,
    ManageSlashCommands,
    ManageOthersSlashCommands,
    ManageWebhooks,
];
const CHANNEL_USER_BASE: &[Permission] =
    &[ReadChannel, AddReaction, RemoveReaction, ManagePublicChannelMembers, UploadFile, GetPublicLink, CreatePost, UseSlashCommands];

/// The eleven built-in roles as a first start writes them. Source: the table "Effect when seeding" of the reference;
/// the restriction settings count here although the original heeds them only with a licence.
pub fn builtin_roles(settings: &SeedSettings) -> Vec<BuiltinRole> {
    let mut system_user = SYSTEM_USER_BASE.to_vec();
    // All but the three of system_user that administrators hold through having system_user too.
    let mut system_admin: Vec<Permission> =
        Permission::ALL.iter().copied().filter(|p| *p != EditPost && !SYSTEM_USER_BASE.contains(p)).collect();
    let mut team_user = TEAM_USER_BASE.to_vec();
    let mut team_admin = TEAM_ADMIN_BASE.to_vec();
    let mut channel_user = CHANNEL_USER_BASE.to_vec();
    let mut channel_admin = vec![ManageChannelRoles];

    for (restriction, permission) in [
        (settings.public_channel_creation, CreatePublicChannel),
        (settings.public_channel_management, ManagePublicChannelProperties),
        (settings.public_channel_deletion, DeletePublicChannel),
        (settings.private_channel_creation, CreatePrivateChannel),
        (settings.private_channel_management, ManagePrivateChannelProperties),
        (settings.private_channel_deletion, DeletePrivateChannel),
        (settings.private_channel_manage_members, ManagePrivateChannelMembers),
        (settings.team_invite, InviteUser),
        (settings.team_invite, AddUserToTeam),
    ] {
        let creation = matches!(permission, CreatePublicChannel | CreatePrivateChannel);
        match restriction {
            Restriction::All if permission == ManagePrivateChannelMembers => channel_user.push(permission),
            Restriction::All => team_user.push(permission),
            Restriction::ChannelAdmin => {
                // Nobody is admin of a channel before it exists.
                if !creation {
                    channel_admin.push(permission);
                }
                team_admin.push(permission);
            }
            Restriction::TeamAdmin => team_admin.push(permission),
            Restriction::SystemAdmin => {}
        }
    }
    if !settings.enable_only_admin_integrations {
        team_user.extend([ManageWebhooks, ManageSlashCommands]);
        system_user.push(ManageOauth);
    }
    if settings.post_delete == Restriction::All {
        channel_user.push(DeletePost);
    }
    if settings.post_delete != Restriction::SystemAdmin {
        team_admin.extend([DeletePost, DeleteOthersPosts]);
    }
    if settings.enable_team_creation {
        system_user.push(CreateTeam);
    }
    if settings.allow_edit_post {
        channel_user.push(EditPost);
        system_admin.push(EditPost);
    }

    [
        (SYSTEM_USER, system_user),
        (SYSTEM_ADMIN, system_admin),
        (TEAM_USER, team_user),
        (TEAM_ADMIN, team_admin),
        (CHANNEL_USER, channel_user),
        (CHANNEL_ADMIN, channel_admin),
        (TEAM_POST_ALL, vec![CreatePost]),
        (SYSTEM_POST_ALL_PUBLIC, vec![CreatePostPublic]),
        (TEAM_POST_ALL_PUBLIC, vec![CreatePostPublic]),
        (SYSTEM_POST_ALL, vec![CreatePost]),
        (SYSTEM_USER_ACCESS_TOKEN, vec![CreateUserAccessToken, ReadUserAccessToken, RevokeUserAccessToken]),
    ]
    .into_iter()
    .map(|(name, permissions)| {
        let key = match name {
            SYSTEM_USER => "global_user",
            SYSTEM_ADMIN => "global_admin",
            other => other,
        };
        BuiltinRole {
            name,
            display_name: format!("authentication.roles.{key}.name"),
            description: format!("authentication.roles.{key}.description"),
            permissions,
        }
    })
    .collect()
}

/// 1 to 64 of `a-z 0-9 _`.
pub fn is_role_name(name: &str) -> bool {
    (1..=ROLE_NAME_MAX).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// The names in a `roles` string, whatever their form.
pub fn parse_roles(roles: &str) -> impl Iterator<Item = &str> {
    roles.split_whitespace()
}

/// Whether `roles` holds the role.
pub fn has_role(roles: &str, role: &str) -> bool {
    parse_roles(roles).any(|name| name == role)
}

/// Whether `roles` may be given to a user or member: blank is accepted, `system_admin` alone is refused because such an
/// account could not even open a direct channel. That the roles exist is checked elsewhere.
pub fn is_valid_roles(roles: &str) -> bool {
    parse_roles(roles).all(is_role_name) && !parse_roles(roles).eq([SYSTEM_ADMIN])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(settings: &SeedSettings, role: &str) -> Vec<&'static str> {
        let roles = builtin_roles(settings);
        let role = roles.iter().find(|r| r.name == role).map(|r| r.permissions.clone());
        role.unwrap_or_default().into_iter().map(Permission::as_str).collect()
    }

    #[test]
    fn defaults_equal_the_recorded_roles() {
        let golden: serde_json::Value =
            serde_json::from_str(include_str!("../../../../tests/golden/roles.all_builtin.json")).expect("golden");
        let golden = golden.as_array().expect("list");
        let roles = builtin_roles(&SeedSettings::default());
        assert_eq!(golden.len(), roles.len());
        for (recorded, role) in golden.iter().zip(&roles) {
            assert_eq!(recorded["name"], role.name);
            assert_eq!(recorded["display_name"], role.display_name);
            assert_eq!(recorded["description"], role.description);
            let permissions: Vec<&str> = role.permissions.iter().map(|p| p.as_str()).collect();
            assert_eq!(recorded["permissions"], serde_json::json!(permissions), "{}", role.name);
        }
    }

    #[test]
    fn settings_move_permissions() {
        let strict = SeedSettings {
            enable_team_creation: false,
            enable_only_admin_integrations: false,
            public_channel_creation: Restriction::TeamAdmin,
            public_channel_management: Restriction::ChannelAdmin,
            private_channel_deletion: Restriction::SystemAdmin,
            team_invite: Restriction::TeamAdmin,
            post_delete: Restriction::TeamAdmin,
            allow_edit_post: false,
            ..SeedSettings::default()
        };
        assert!(!names(&strict, SYSTEM_USER).contains(&"create_team"));
        assert!(names(&strict, SYSTEM_USER).contains(&"manage_oauth"));
        assert!(names(&strict, TEAM_USER).contains(&"manage_webhooks"));
        for (permission, holders) in [
            ("create_public_channel", &[TEAM_ADMIN] as &[&str]),
            ("manage_public_channel_properties", &[TEAM_ADMIN, CHANNEL_ADMIN]),
            ("delete_private_channel", &[]),
            ("invite_user", &[TEAM_ADMIN]),
            ("delete_post", &[TEAM_ADMIN]),
            ("edit_post", &[]),
        ] {
            for role in [TEAM_USER, TEAM_ADMIN, CHANNEL_USER, CHANNEL_ADMIN] {
                assert_eq!(names(&strict, role).contains(&permission), holders.contains(&role), "{permission} {role}");
            }
        }
        assert!(!names(&strict, SYSTEM_ADMIN).contains(&"edit_post"));
    }

    #[test]
    fn role_strings() {
        for (roles, valid) in [
            ("", true),
            ("system_user", true),
            ("system_admin", false),
            (" system_admin ", false),
            ("system_admin system_user", true),
            ("Team_user", false),
            ("a-b", false),
            (&"x".repeat(64), true),
            (&"x".repeat(65), false),
        ] {
            assert_eq!(is_valid_roles(roles), valid, "{roles}");
        }
        assert!(has_role("team_user team_admin", TEAM_ADMIN) && !has_role("team_administrator", TEAM_ADMIN));
    }
}
