//! Every error a client can see: its wire id, HTTP status and English message.
//!
//! Wire ids and statuses come from Mattermost 4.10; clients key on the ids. `{{.Name}}` in a message is filled from the
//! error's params. Ids that are ours begin with `muster.`.

macro_rules! catalogue {
    ($($name:ident = $id:literal, $status:literal, $message:literal;)*) => {
        /// What went wrong, as clients know it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorId { $($name),* }

        impl ErrorId {
            /// Every id, in the order of this file.
            pub const ALL: &'static [ErrorId] = &[$(ErrorId::$name),*];

            /// The id on the wire.
            pub const fn wire(self) -> &'static str {
                match self { $(ErrorId::$name => $id),* }
            }

            /// The HTTP status.
            pub const fn status(self) -> u16 {
                match self { $(ErrorId::$name => $status),* }
            }

            /// The English message, before params are filled in.
            pub const fn message(self) -> &'static str {
                match self { $(ErrorId::$name => $message),* }
            }
        }
    };
}

catalogue! {
    // Any operation.
    SessionExpired = "api.context.session_expired.app_error", 401, "Invalid or expired session, please login again.";
    TokenProvided = "api.context.token_provided.app_error", 401, "Session is not OAuth but token was provided in the query string.";
    MfaRequired = "api.context.mfa_required.app_error", 403, "Multi-factor authentication is required on this server.";
    Permissions = "api.context.permissions.app_error", 403, "You do not have the appropriate permissions.";
    InvalidUrlParam = "api.context.invalid_url_param.app_error", 400, "Invalid or missing {{.Name}} parameter in request URL.";
    InvalidBodyParam = "api.context.invalid_body_param.app_error", 400, "Invalid or missing {{.Name}} in request body.";
    InvalidParam = "api.context.invalid_param.app_error", 400, "Invalid {{.Name}} parameter.";
    NotFound = "api.context.404.app_error", 404, "Sorry, we could not find the page.";
    ApiV3Disabled = "api.context.v3_disabled.app_error", 501, "API version 3 has been disabled on this server. Please use API version 4.";

    // Users.
    UserNotFound = "store.sql_user.missing_account.const", 404, "Unable to find the user.";
    UserSaveExisting = "store.sql_user.save.existing.app_error", 400, "Must call update for existing user.";
    UsernameExists = "store.sql_user.save.username_exists.app_error", 400, "An account with that username already exists.";
    EmailExists = "store.sql_user.save.email_exists.app_error", 400, "An account with that email already exists.";
    UsernameTaken = "store.sql_user.update.username_taken.app_error", 400, "This username is already taken. Please choose another.";
    EmailTaken = "store.sql_user.update.email_taken.app_error", 400, "This email is already taken. Please choose another.";
    UserInvalidUsername = "model.user.is_valid.username.app_error", 400, "Username must contain between 1 and 64 lowercase letters, numbers, and the symbols '.', '-', and '_'.";
    UserInvalidEmail = "model.user.is_valid.email.app_error", 400, "Please enter a valid email address.";
    UserInvalidNickname = "model.user.is_valid.nickname.app_error", 400, "Invalid nickname.";
    UserInvalidFirstName = "model.user.is_valid.first_name.app_error", 400, "Invalid first name.";
    UserInvalidLastName = "model.user.is_valid.last_name.app_error", 400, "Invalid last name.";
    UserInvalidPosition = "model.user.is_valid.position.app_error", 400, "Invalid position: must not be longer than 128 characters.";
    PasswordInvalid = "model.user.is_valid.pwd.app_error", 400, "Your password must contain at least {{.Min}} characters.";
    PasswordInvalidLowercase = "model.user.is_valid.pwd_lowercase.app_error", 400, "Your password must contain at least {{.Min}} characters made up of at least one lowercase letter.";
    PasswordInvalidLowercaseUppercase = "model.user.is_valid.pwd_lowercase_uppercase.app_error", 400, "Your password must contain at least {{.Min}} characters made up of at least one lowercase letter and at least one uppercase letter.";
    PasswordInvalidLowercaseUppercaseNumber = "model.user.is_valid.pwd_lowercase_uppercase_number.app_error", 400, "Your password must contain at least {{.Min}} characters made up of at least one lowercase letter, at least one uppercase letter, and at least one number.";
    PasswordInvalidLowercaseUppercaseNumberSymbol = "model.user.is_valid.pwd_lowercase_uppercase_number_symbol.app_error", 400, "Your password must contain at least {{.Min}} characters made up of at least one lowercase letter, at least one uppercase letter, at least one number, and at least one symbol (e.g. \"~!@#$%^&*()\").";
    PasswordInvalidLowercaseUppercaseSymbol = "model.user.is_valid.pwd_lowercase_uppercase_symbol.app_error", 400, "Your password must contain at least {{.Min}} characters made up of at least one lowercase letter, at least one uppercase letter, and at least one symbol (e.g. \"~!@#$%^&*()\").";
    PasswordInvalidLowercaseNumber = "model.user.is_valid.pwd_lowercase_number.app_error", 400, "Your password must contain at least {{.Min}} characters made up of at least one lowercase letter and at least one number.";
    PasswordInvalidLowercaseNumberSymbol = "model.user.is_valid.pwd_lowercase_number_symbol.app_error", 400, "Your password must contain at least {{.Min}} characters made up of at least one lowercase letter, at least one number, and at least one symbol (e.g. \"~!@#$%^&*()\").";
    PasswordInvalidLowercaseSymbol = "model.user.is_valid.pwd_lowercase_symbol.app_error", 400, "Your password must contain at least {{.Min}} characters made up of at least one lowercase letter and at least one symbol (e.g. \"~!@#$%^&*()\").";
    PasswordInvalidUppercase = "model.user.is_valid.pwd_uppercase.app_error", 400, "Your password must contain at least {{.Min}} characters made up of at least one uppercase letter.";
    PasswordInvalidUppercaseNumber = "model.user.is_valid.pwd_uppercase_number.app_error", 400, "Your password must contain at least {{.Min}} characters made up of at least one uppercase letter and at least one number.";
    PasswordInvalidUppercaseNumberSymbol = "model.user.is_valid.pwd_uppercase_number_symbol.app_error", 400, "Your password must contain at least {{.Min}} characters made up of at least one uppercase letter, at least one number, and at least one symbol (e.g. \"~!@#$%^&*()\").";
    PasswordInvalidUppercaseSymbol = "model.user.is_valid.pwd_uppercase_symbol.app_error", 400, "Your password must contain at least {{.Min}} characters made up of at least one uppercase letter and at least one symbol (e.g. \"~!@#$%^&*()\").";
    PasswordInvalidNumber = "model.user.is_valid.pwd_number.app_error", 400, "Your password must contain at least {{.Min}} characters made up of at least one number.";
    PasswordInvalidNumberSymbol = "model.user.is_valid.pwd_number_symbol.app_error", 400, "Your password must contain at least {{.Min}} characters made up of at least one number and at least one symbol (e.g. \"~!@#$%^&*()\").";
    PasswordInvalidSymbol = "model.user.is_valid.pwd_symbol.app_error", 400, "Your password must contain at least {{.Min}} characters made up of at least one symbol (e.g. \"~!@#$%^&*()\").";
    SignupEmailDisabled = "api.user.create_user.signup_email_disabled.app_error", 501, "User sign-up with email is disabled.";
    NoOpenServer = "api.user.create_user.no_open_server", 403, "This server does not allow open signups. Please speak with your Administrator to receive an invitation.";
    SignupDisabled = "api.user.create_user.disabled.app_error", 501, "User creation is disabled.";
    SignupLinkInvalid = "api.user.create_user.signup_link_invalid.app_error", 400, "The signup link does not appear to be valid.";
    SignupLinkExpired = "api.user.create_user.signup_link_expired.app_error", 400, "The signup link has expired.";
    SignupDomainRefused = "api.user.create_user.accepted_domain.app_error", 400, "The email you provided does not belong to an accepted domain. Please contact your administrator or sign up with a different email.";
    UpdateActiveRefused = "api.user.update_active.permissions.app_error", 403, "You do not have the appropriate permissions.";
    PasswordIncorrect = "api.user.update_password.incorrect.app_error", 400, "The \"Current Password\" you entered is incorrect. Please check that Caps Lock is off and try again.";
    PasswordUpdateRefused = "api.user.update_password.context.app_error", 403, "Update password failed because context user_id did not match props user_id.";
    PasswordUpdateOauth = "api.user.update_password.oauth.app_error", 400, "Update password failed because the user is logged in through an OAuth service.";
    PasswordResetSso = "api.user.send_password_reset.sso.app_error", 400, "Cannot reset password for SSO accounts.";
    PasswordResetSendFailed = "api.user.send_password_reset.send.app_error", 500, "Failed to send password reset email successfully.";
    PasswordResetInvalidLink = "api.user.reset_password.invalid_link.app_error", 400, "The reset password link does not appear to be valid.";
    PasswordResetBrokenToken = "api.user.reset_password.broken_token.app_error", 400, "The reset password token does not appear to be valid.";
    PasswordResetLinkExpired = "api.user.reset_password.link_expired.app_error", 400, "The password reset link has expired.";
    PasswordResetSsoRefused = "api.user.reset_password.sso.app_error", 400, "Cannot reset password for SSO accounts.";
    VerifyEmailBadLink = "api.user.verify_email.bad_link.app_error", 400, "Bad verify email link.";
    MfaQrNotAvailable = "api.user.generate_mfa_qr.not_available.app_error", 501, "MFA not configured or available on this server.";
    MfaUpdateNotAvailable = "api.user.update_mfa.not_available.app_error", 501, "MFA not configured or available on this server.";
    MfaBadCode = "api.user.check_user_mfa.bad_code.app_error", 401, "Invalid MFA token.";
    MfaAuthenticate = "ent.mfa.validate_token.authenticate.app_error", 401, "Error trying to authenticate MFA token.";
    MfaEmailAndLdapOnly = "api.user.activate_mfa.email_and_ldap_only.app_error", 400, "MFA is not available for this account type.";
    MfaActivateBadCode = "ent.mfa.activate.bad_token.app_error", 401, "Invalid MFA token.";
    ProfileImageNoFile = "api.user.upload_profile_user.no_file.app_error", 400, "No file under 'image' in request.";
    ProfileImageEmpty = "api.user.upload_profile_user.array.app_error", 400, "Empty array under 'image' in request.";
    ProfileImageParse = "api.user.upload_profile_user.parse.app_error", 400, "Could not parse multipart form.";
    ProfileImageDecode = "api.user.upload_profile_user.decode_config.app_error", 400, "Could not save profile image. File does not appear to be a valid image.";
    ProfileImageTooLarge = "api.user.upload_profile_user.too_large.app_error", 413, "Unable to upload profile image. File is too large.";
    ProfileImageStorage = "api.user.upload_profile_user.storage.app_error", 501, "Unable to upload file. Image storage is not configured.";

    // Signing in, sessions and personal access tokens.
    LoginBlankPassword = "api.user.login.blank_pwd.app_error", 400, "Password field must not be blank.";
    LoginUnknown = "store.sql_user.get_for_login.app_error", 400, "We couldn't find an existing account matching your credentials. This team may require an invite from the team owner to join.";
    LoginAmbiguous = "store.sql_user.get_for_login.multiple_users", 400, "We found multiple users matching your credentials and were unable to log you in. Please contact an administrator.";
    LoginUseAuthService = "api.user.login.use_auth_service.app_error", 400, "Please sign in using {{.AuthService}}.";
    LoginLdapNotAvailable = "api.user.login_ldap.not_available.app_error", 501, "AD/LDAP not available on this server.";
    LoginInactive = "api.user.login.inactive.app_error", 401, "Login failed because your account has been deactivated. Please contact an administrator.";
    LoginTooManyAttempts = "api.user.check_user_login_attempts.too_many.app_error", 401, "Your account is locked because of too many failed password attempts. Please reset your password.";
    LoginInvalidPassword = "api.user.check_user_password.invalid.app_error", 401, "Login failed because of invalid password.";
    LoginNotVerified = "api.user.login.not_verified.app_error", 401, "Login failed because email address has not been verified.";
    SwitchEmailToOauthNotAvailable = "api.user.email_to_oauth.not_available.app_error", 403, "Authentication Transfer not configured or available on this server.";
    SwitchOauthToEmailNotAvailable = "api.user.oauth_to_email.not_available.app_error", 403, "Authentication Transfer not configured or available on this server.";
    SwitchOauthToEmailContext = "api.user.oauth_to_email.context.app_error", 403, "Update password failed because context user_id did not match provided user's id.";
    LoginSwitchEmailToLdapNotAvailable = "api.user.email_to_ldap.not_available.app_error", 501, "AD/LDAP not available on this server.";
    LoginSwitchLdapToEmailNotAvailable = "api.user.ldap_to_email.not_available.app_error", 501, "AD/LDAP not available on this server.";
    LoginSwitchNotLdap = "api.user.ldap_to_email.not_ldap_account.app_error", 400, "This user account does not use AD/LDAP.";
    AccessTokensDisabled = "app.user_access_token.disabled", 501, "Personal access tokens are disabled on this server. Please contact your system administrator for details.";
    AccessTokenNotFound = "store.sql_user_access_token.get.app_error", 404, "We couldn't get the personal access token.";
    AccessTokenInvalidDescription = "model.user_access_token.is_valid.description.app_error", 400, "Invalid description, must be 255 or less characters.";
    SessionNotFound = "store.sql_session.get.app_error", 400, "We encountered an error finding the session.";
    SsoUnsupported = "api.user.get_authorization_code.unsupported.app_error", 501, "Unsupported OAuth service provider.";
    SsoStateInvalid = "api.user.authorize_oauth_user.invalid_state.app_error", 400, "Invalid state.";
    SsoUnsupportedProvider = "api.user.authorize_oauth_user.unsupported.app_error", 501, "Unsupported OAuth service provider.";
    SsoBadResponse = "api.user.authorize_oauth_user.bad_response.app_error", 500, "Bad response from token request.";
    SsoBadToken = "api.user.authorize_oauth_user.bad_token.app_error", 500, "Bad token type.";
    SsoTokenFailed = "api.user.authorize_oauth_user.token_failed.app_error", 500, "Token request failed.";
    SsoServiceFailed = "api.user.authorize_oauth_user.service.app_error", 500, "Token request to {{.Service}} failed.";
    SsoAlreadyAttached = "api.user.create_oauth_user.already_attached.app_error", 400, "There is already an account associated with that email address using a sign in method other than {{.Service}}. Please sign in using {{.Auth}}.";

    // Roles.
    RoleNotFound = "store.sql_role.get.app_error", 404, "Unable to find the role.";
    RoleNameNotFound = "store.sql_role.get_by_name.app_error", 404, "Unable to find the role.";
    RoleInvalid = "store.sql_role.save.invalid_role.app_error", 400, "The role was not valid.";
    RoleDoesNotExist = "app.role.check_roles_exist.role_not_found", 400, "The provided role does not exist.";
    RolePatchLicense = "api.roles.patch_roles.license.error", 501, "Your license does not support advanced permissions.";

    // Preferences.
    PreferenceCategoryEmpty = "api.preference.preferences_category.get.app_error", 404, "Unable to get user preferences for category.";
    PreferenceNotFound = "store.sql_preference.get.app_error", 400, "We encountered an error while finding the preference.";
    PreferenceInvalidCategory = "model.preference.is_valid.category.app_error", 400, "Invalid category.";
    PreferenceInvalidName = "model.preference.is_valid.name.app_error", 400, "Invalid name.";
    PreferenceInvalidValue = "model.preference.is_valid.value.app_error", 400, "Value is too long.";
    PreferenceInvalidTheme = "model.preference.is_valid.theme.app_error", 400, "Invalid theme.";
    PreferenceUpdateRefused = "api.preference.update_preferences.set.app_error", 403, "Unable to set user preferences.";
    PreferenceDeleteRefused = "api.preference.delete_preferences.delete.app_error", 403, "Unable to delete user preferences.";

    // Status.
    StatusUserNotFound = "api.status.user_not_found.app_error", 404, "User not found.";

    // Teams.
    TeamNotFound = "store.sql_team.get.find.app_error", 404, "We couldn't find the existing team.";
    TeamNameNotFound = "store.sql_team.get_by_name.app_error", 404, "We couldn't find the existing team.";
    TeamInviteNotFound = "store.sql_team.get_by_invite_id.find.app_error", 404, "Unable to find the existing team.";
    TeamMemberNotFound = "store.sql_team.get_member.missing.app_error", 404, "No team member found for that user ID and team ID.";
    TeamNameTaken = "store.sql_team.save.domain_exists.app_error", 400, "A team with that name already exists.";
    TeamSaveExisting = "store.sql_team.save.existing.app_error", 400, "Must call update for existing team.";
    TeamInvalidCharacters = "model.team.is_valid.characters.app_error", 400, "Name must be 2 or more lowercase alphanumeric characters.";
    TeamInvalidUrl = "model.team.is_valid.url.app_error", 400, "Invalid URL identifier.";
    TeamInvalidReserved = "model.team.is_valid.reserved.app_error", 400, "This URL is unavailable. Please try another.";
    TeamInvalidName = "model.team.is_valid.name.app_error", 400, "Invalid name.";
    TeamInvalidDescription = "model.team.is_valid.description.app_error", 400, "Invalid description.";
    TeamInvalidCompany = "model.team.is_valid.company.app_error", 400, "Invalid company name.";
    TeamInvalidDomains = "model.team.is_valid.domains.app_error", 400, "Invalid allowed domains.";
    TeamInvalidEmail = "model.team.is_valid.email.app_error", 400, "Invalid email.";
    TeamInvalidType = "model.team.is_valid.type.app_error", 400, "Invalid type.";
    TeamCreationDisabled = "api.team.is_team_creation_allowed.disabled.app_error", 403, "Team creation has been disabled. Please ask your system administrator for details.";
    TeamCreationDomain = "api.team.is_team_creation_allowed.domain.app_error", 400, "Email must be from a specific domain (e.g. @example.com). Please ask your system administrator for details.";
    TeamJoinMissingParameter = "api.team.add_user_to_team.missing_parameter.app_error", 400, "Parameter required to add user to team.";
    TeamMemberMissing = "api.team.remove_user_from_team.missing.app_error", 400, "The user does not appear to be part of this team.";
    TeamRolesNotAMember = "api.team.update_member_roles.not_a_member", 400, "The specified user is not a member of the specified team.";
    TeamFull = "store.sql_user.save.max_accounts.app_error", 400, "This team has reached the maximum number of allowed accounts. Contact your system administrator to set a higher limit.";
    TeamFullRejoin = "app.team.join_user_to_team.max_accounts.app_error", 400, "This team has reached the maximum number of allowed accounts. Contact your system administrator to set a higher limit.";
    TeamIconNoFile = "api.team.set_team_icon.no_file.app_error", 400, "No file under 'image' in request.";
    TeamIconEmpty = "api.team.set_team_icon.array.app_error", 400, "Empty array under 'image' in request.";
    TeamIconParse = "api.team.set_team_icon.parse.app_error", 400, "Could not parse multipart form.";
    TeamIconDecode = "api.team.set_team_icon.decode.app_error", 400, "Could not decode team icon.";
    TeamIconTooLarge = "api.team.set_team_icon.too_large.app_error", 400, "Could not upload team icon. File is too large.";
    TeamIconStorage = "api.team.set_team_icon.storage.app_error", 501, "Could not upload team icon. Image storage is not configured.";
    TeamIconNotFound = "api.team.get_team_icon.read_file.app_error", 404, "Could not read the team icon file.";
    TeamIconStorageRead = "api.team.get_team_icon.filesettings_no_driver.app_error", 501, "Invalid driver name for file settings. Must be 'local' or 'amazons3'.";
    TeamInviteInvalidEmail = "api.team.invite_members.invalid_email.app_error", 400, "The following email addresses do not belong to an accepted domain: {{.Addresses}}. Please contact your System Administrator for details.";
    TeamInviteNotOpen = "api.team.get_invite_info.not_open_team", 403, "Invite is invalid because this is not an open team.";
    TeamImportNoFrom = "api.team.import_team.no_import_from.app_error", 400, "Malformed request: importFrom field is not present.";
    TeamImportUnavailable = "api.team.import_team.unavailable.app_error", 400, "Malformed request: filesize field is not present.";
    TeamImportInteger = "api.team.import_team.integer.app_error", 400, "Filesize not an integer.";
    TeamImportNoFile = "api.team.import_team.no_file.app_error", 400, "No file under 'file' in request.";
    TeamImportEmpty = "api.team.import_team.array.app_error", 400, "Empty array under 'file' in request.";
    TeamImportParse = "api.team.import_team.parse.app_error", 400, "Could not parse multipart form.";
    TeamImportZip = "api.slackimport.slack_import.zip.app_error", 400, "Unable to open the Slack export zip file.";

    // Channels.
    ChannelNotFound = "store.sql_channel.get.existing.app_error", 404, "Unable to find the existing channel.";
    ChannelNameNotFound = "store.sql_channel.get_by_name.missing.app_error", 404, "Channel does not exist.";
    ChannelMemberNotFound = "store.sql_channel.get_member.missing.app_error", 404, "No channel member found for that user ID and channel ID.";
    ChannelsNotFoundForUser = "store.sql_channel.get_channels.not_found.app_error", 400, "No channels were found.";
    ChannelsNotFoundById = "store.sql_channel.get_channels_by_ids.not_found.app_error", 404, "No channel found.";
    ChannelNameTaken = "store.sql_channel.save_channel.exists.app_error", 400, "A channel with that name already exists on the same team.";
    ChannelNameTakenByArchived = "store.sql_channel.save_channel.previously.app_error", 400, "A channel with that URL was previously created.";
    ChannelRenameTaken = "store.sql_channel.update.exists.app_error", 400, "A channel with that handle already exists.";
    ChannelRenameTakenByArchived = "store.sql_channel.update.previously.app_error", 400, "A channel with that handle was previously created.";
    ChannelSaveExisting = "store.sql_channel.save_channel.existing.app_error", 400, "Must call update for existing channel.";
    ChannelInvalidName = "model.channel.is_valid.2_or_more.app_error", 400, "Name must be 2 or more lowercase alphanumeric characters.";
    ChannelInvalidDisplayName = "model.channel.is_valid.display_name.app_error", 400, "Invalid display name.";
    ChannelInvalidHeader = "model.channel.is_valid.header.app_error", 400, "Invalid header.";
    ChannelInvalidPurpose = "model.channel.is_valid.purpose.app_error", 400, "Invalid purpose.";
    ChannelInvalidType = "model.channel.is_valid.type.app_error", 400, "Invalid type.";
    ChannelInvalidCreator = "model.channel.is_valid.creator_id.app_error", 400, "Invalid creator id.";
    ChannelInvalidCharacter = "api.channel.create_channel.invalid_character.app_error", 400, "Invalid character '__' in channel name for non-direct channel.";
    ChannelCreateDirect = "api.channel.create_channel.direct_channel.app_error", 400, "Must use createDirectChannel API service for direct message channel creation.";
    ChannelLimit = "api.channel.create_channel.max_channel_limit.app_error", 400, "Cannot create more than {{.MaxChannelsPerTeam}} channels for current team.";
    DirectChannelInvalidUser = "api.channel.create_direct_channel.invalid_user.app_error", 400, "Invalid user ID for direct channel creation.";
    GroupChannelBadSize = "api.channel.create_group.bad_size.app_error", 400, "Group message channels must contain at least 3 and no more than 8 users.";
    GroupChannelBadUser = "api.channel.create_group.bad_user.app_error", 400, "One of the provided users does not exist.";
    DefaultChannelChange = "api.channel.update_channel.tried.app_error", 400, "Tried to perform an invalid update of the default channel {{.Channel}}.";
    DefaultChannelArchive = "api.channel.delete_channel.cannot.app_error", 400, "Cannot delete the default channel {{.Channel}}.";
    DefaultChannelConvert = "api.channel.convert_channel_to_private.default_channel_error", 400, "This default channel cannot be converted into a private channel.";
    DefaultChannelLeave = "api.channel.remove.default.app_error", 400, "Cannot remove user from the default channel {{.Channel}}.";
    ChannelAlreadyPrivate = "api.channel.convert_channel_to_private.private_channel_error", 400, "The channel requested to convert is already a private channel.";
    ChannelUpdateArchived = "api.channel.update_channel.deleted.app_error", 400, "The channel has been archived or deleted.";
    ChannelAlreadyArchived = "api.channel.delete_channel.deleted.app_error", 400, "The channel has been archived or deleted.";
    ChannelJoinArchived = "api.channel.add_user_to_channel.deleted.app_error", 400, "The channel has been archived or deleted.";
    ChannelLeaveArchived = "api.channel.remove_user_from_channel.deleted.app_error", 400, "The channel has been archived or deleted.";
    ChannelJoinType = "api.channel.add_user_to_channel.type.app_error", 400, "Can not add user to this channel type.";
    ChannelJoinLeftTeam = "api.channel.add_user.to.channel.failed.deleted.app_error", 400, "Failed to add user to channel because they have been removed from the team.";
    ChannelLeaveDirect = "api.channel.leave.direct.app_error", 400, "Cannot leave a direct message channel.";
    ChannelMemberInvalidNotifyLevel = "model.channel_member.is_valid.notify_level.app_error", 400, "Invalid notify level.";
    ChannelMemberInvalidUnreadLevel = "model.channel_member.is_valid.unread_level.app_error", 400, "Invalid mark unread level.";
    ChannelMemberInvalidPushLevel = "model.channel_member.is_valid.push_level.app_error", 400, "Invalid push notification level.";
    ChannelMemberInvalidEmailValue = "model.channel_member.is_valid.email_value.app_error", 400, "Invalid email notification value.";

    // Posts.
    PostNotFound = "store.sql_post.get.app_error", 404, "Unable to get the post.";
    PostSaveExisting = "store.sql_post.save.existing.app_error", 400, "You cannot update an existing Post.";
    PostInvalidMessage = "model.post.is_valid.msg.app_error", 400, "Invalid message.";
    PostInvalidType = "model.post.is_valid.type.app_error", 400, "Invalid type.";
    PostInvalidProps = "model.post.is_valid.props.app_error", 400, "Invalid props.";
    PostInvalidFileIds = "model.post.is_valid.file_ids.app_error", 400, "Invalid file ids. Note that uploads are limited to 5 files maximum. Please use additional posts for more files.";
    PostInvalidHashtags = "model.post.is_valid.hashtags.app_error", 400, "Invalid hashtags.";
    PostInvalidRootParent = "model.post.is_valid.root_parent.app_error", 400, "Invalid root ID must be set if parent ID set.";
    PostRootNotFound = "api.post.create_post.root_id.app_error", 400, "Invalid RootId parameter.";
    PostRootElsewhere = "api.post.create_post.channel_root_id.app_error", 400, "Invalid ChannelId for RootId parameter.";
    PostParentInvalid = "api.post.create_post.parent_id.app_error", 400, "Invalid ParentId parameter.";
    PostToArchivedChannel = "api.post.create_post.can_not_post_to_deleted.error", 400, "Can not post to deleted channel.";
    PostTownSquareReadOnly = "api.post.create_post.town_square_read_only", 403, "This channel is read-only. Only members with permission can post here.";
    PostSystemMessage = "api.post.update_post.system_message.app_error", 400, "Unable to update system message.";
    PostEditTooLate = "api.post.update_post.permissions_time_limit.app_error", 400, "Post edit is only allowed for {{.timeLimit}} seconds. Please ask your system administrator for details.";
    PostSearchDisabled = "store.sql_post.search.disabled", 501, "Searching has been disabled on this server. Please contact your System Administrator.";
    PostActionNotFound = "api.post.do_action.action_id.app_error", 404, "Invalid action id.";
    PostActionIntegration = "api.post.do_action.action_integration.app_error", 400, "Action integration error.";
    LinkPreviewDisabled = "api.post.link_preview_disabled.app_error", 501, "Link previews have been disabled by the system administrator.";

    // Reactions.
    ReactionInvalid = "api.reaction.save_reaction.invalid.app_error", 400, "Reaction is not valid.";
    ReactionOtherUser = "api.reaction.save_reaction.user_id.app_error", 403, "You cannot save reaction for the other user.";
    ReactionInvalidEmojiName = "model.reaction.is_valid.emoji_name.app_error", 400, "Invalid emoji name.";

    // Emoji.
    EmojiDisabled = "api.emoji.disabled.app_error", 501, "Custom emoji have been disabled by the system admin.";
    EmojiStorage = "api.emoji.storage.app_error", 501, "File storage not configured properly. Please configure for either S3 or local server file storage.";
    EmojiNotFound = "store.sql_emoji.get.app_error", 404, "We couldn't get the emoji.";
    EmojiNameNotFound = "store.sql_emoji.get_by_name.app_error", 404, "We couldn't get the emoji.";
    EmojiOtherUser = "api.emoji.create.other_user.app_error", 403, "Unable to create emoji for the other user.";
    EmojiCreateRefused = "api.emoji.create.permissions.app_error", 401, "Inappropriate permissions to create emoji.";
    EmojiDuplicate = "api.emoji.create.duplicate.app_error", 400, "Unable to create emoji. Another emoji with the same name already exists.";
    EmojiTooLarge = "api.emoji.create.too_large.app_error", 413, "Unable to create emoji. Image must be less than 1 MB in size.";
    EmojiParse = "api.emoji.create.parse.app_error", 400, "Unable to create emoji. Could not understand request.";
    EmojiImage = "api.emoji.upload.image.app_error", 400, "Unable to create emoji. File must be a PNG, JPEG, or GIF.";
    EmojiImageTooLarge = "api.emoji.upload.large_image.too_large.app_error", 400, "Unable to create emoji. Image must be smaller than 3860 by 3860.";
    EmojiDeleteRefused = "api.emoji.delete.permissions.app_error", 401, "Inappropriate permissions to delete emoji.";
    EmojiInvalidName = "model.emoji.name.app_error", 400, "Name must be 1 to 64 letters, digits, hyphens or underscores, and not the name of a built-in emoji.";
    EmojiImageNotFound = "api.emoji.get_image.read.app_error", 404, "Unable to read image file for emoji.";

    // Files.
    FileAttachmentsDisabled = "api.file.attachments.disabled.app_error", 501, "File attachments have been disabled on this server.";
    FileTooLarge = "api.file.upload_file.too_large.app_error", 413, "Unable to upload file. File is too large.";
    FileClientIdsMismatch = "api.file.upload_file.incorrect_number_of_files.app_error", 400, "Unable to upload files. Incorrect number of files specified.";
    FileLargeImage = "api.file.upload_file.large_image.app_error", 400, "File above maximum dimensions could not be uploaded: {{.Filename}}.";
    FileUploadStorage = "api.file.upload_file.storage.app_error", 501, "Unable to upload file. Image storage is not configured.";
    FileUploadParse = "api.file.upload_file.read_form_value.app_error", 400, "Unable to read the upload. The multipart form is not valid.";
    FileNotFound = "store.sql_file_info.get.app_error", 404, "We couldn't get the file info.";
    FileContentNotFound = "api.file.read_file.reading_local.app_error", 404, "Encountered an error reading from local server file storage.";
    FileStorage = "api.file.read_file.configured.app_error", 501, "File storage not configured properly. Please configure for either S3 or local server file storage.";
    FileNoThumbnail = "api.file.get_file_thumbnail.no_thumbnail.app_error", 400, "File doesn't have a thumbnail image.";
    FileNoPreview = "api.file.get_file_preview.no_preview.app_error", 400, "File doesn't have a preview image.";
    FilePublicLinkDisabled = "api.file.get_public_link.disabled.app_error", 501, "Public links have been disabled.";
    FilePublicLinkNoPost = "api.file.get_public_link.no_post.app_error", 400, "Unable to get public link for file. File must be attached to a post that can be read by the current user.";
    FilePublicLinkInvalid = "api.file.get_file.public_invalid.app_error", 400, "The public link does not appear to be valid.";
    BrandImageNotAvailable = "api.admin.upload_brand_image.not_available.app_error", 501, "Custom branding is not configured or supported on this server.";
    BrandImageNoFile = "api.admin.upload_brand_image.no_file.app_error", 400, "No file under 'image' in request.";
    BrandImageParse = "api.admin.upload_brand_image.parse.app_error", 400, "Could not parse multipart form.";
    BrandImageDecode = "brand.save_brand_image.decode_config.app_error", 400, "Unable to decode image config.";
    BrandImageTooLarge = "api.admin.upload_brand_image.too_large.app_error", 413, "Unable to upload file. File is too large.";
    BrandImageNotFound = "muster.brand_image_not_found.app_error", 404, "There is no brand image.";
    BrandImageStorage = "api.admin.upload_brand_image.storage.app_error", 501, "Unable to upload image. Image storage is not configured.";

    // Incoming webhooks.
    IncomingHooksDisabled = "api.incoming_webhook.disabled.app_error", 501, "Incoming webhooks have been disabled by the system admin.";
    IncomingHookNotFound = "store.sql_webhooks.get_incoming.app_error", 404, "We couldn't get the webhook.";
    IncomingHookSaveExisting = "store.sql_webhooks.save_incoming.existing.app_error", 400, "You cannot overwrite an existing IncomingWebhook.";
    IncomingHookInvalidUsername = "api.incoming_webhook.invalid_username.app_error", 400, "Invalid username.";
    IncomingHookInvalidDisplayName = "model.incoming_hook.display_name.app_error", 400, "Invalid title.";
    IncomingHookInvalidDescription = "model.incoming_hook.description.app_error", 400, "Invalid description.";
    IncomingHookInvalidUsernameLength = "model.incoming_hook.username.app_error", 400, "Invalid username.";
    IncomingHookInvalidIconUrl = "model.incoming_hook.icon_url.app_error", 400, "Invalid post icon.";
    HookTeamMismatch = "api.webhook.team_mismatch.app_error", 400, "Cannot update webhook across teams.";
    HookPayload = "api.webhook.incoming.error", 400, "Could not decode the multipart payload of incoming webhook.";
    HookPostDisabled = "web.incoming_webhook.disabled.app_error", 501, "Incoming webhooks have been disabled by the system admin.";
    HookPostParse = "web.incoming_webhook.parse.app_error", 400, "Unable to parse incoming data.";
    HookPostText = "web.incoming_webhook.text.app_error", 400, "No text specified.";
    HookPostInvalid = "web.incoming_webhook.invalid.app_error", 400, "Invalid webhook.";
    HookPostChannel = "web.incoming_webhook.channel.app_error", 404, "Couldn't find the channel.";
    HookPostUser = "web.incoming_webhook.user.app_error", 400, "Couldn't find the user.";
    HookPostPermissions = "web.incoming_webhook.permissions.app_error", 403, "Inappropriate channel permissions.";
    HookPostPropsLength = "web.incoming_webhook.split_props_length.app_error", 400, "Unable to split webhook props into {{.Max}} character parts.";

    // Outgoing webhooks.
    OutgoingHooksDisabled = "api.outgoing_webhook.disabled.app_error", 501, "Outgoing webhooks have been disabled by the system admin.";
    OutgoingHookNotFound = "store.sql_webhooks.get_outgoing.app_error", 404, "We couldn't get the webhook.";
    OutgoingHookSaveExisting = "store.sql_webhooks.save_outgoing.override.app_error", 400, "You cannot overwrite an existing OutgoingWebhook.";
    OutgoingHookTriggers = "api.webhook.create_outgoing.triggers.app_error", 400, "Either trigger_words or channel_id must be set.";
    OutgoingHookIntersect = "api.webhook.create_outgoing.intersect.app_error", 400, "Outgoing webhooks from the same channel cannot have the same trigger words/callback URLs.";
    OutgoingHookUpdateIntersect = "api.webhook.update_outgoing.intersect.app_error", 400, "Outgoing webhooks from the same channel cannot have the same trigger words/callback URLs.";
    OutgoingHookNotOpen = "api.webhook.create_outgoing.not_open.app_error", 403, "Outgoing webhooks can only be created for public channels.";
    OutgoingHookPermissions = "api.webhook.create_outgoing.permissions.app_error", 403, "Invalid permissions to create outgoing webhook.";
    OutgoingHookInvalidUrl = "model.outgoing_hook.is_valid.url.app_error", 400, "Invalid callback URLs. Each must be a valid URL and start with http:// or https://.";
    OutgoingHookInvalidCallback = "model.outgoing_hook.is_valid.callback.app_error", 400, "Invalid callback urls.";
    OutgoingHookInvalidWords = "model.outgoing_hook.is_valid.words.app_error", 400, "Invalid trigger words.";
    OutgoingHookInvalidTriggerWords = "model.outgoing_hook.is_valid.trigger_words.app_error", 400, "Invalid trigger words.";
    OutgoingHookInvalidDisplayName = "model.outgoing_hook.is_valid.display_name.app_error", 400, "Invalid title.";
    OutgoingHookInvalidDescription = "model.outgoing_hook.is_valid.description.app_error", 400, "Invalid description.";
    OutgoingHookInvalidContentType = "model.outgoing_hook.is_valid.content_type.app_error", 400, "Invalid value for content_type.";

    // Commands.
    CommandsDisabled = "api.command.disabled.app_error", 501, "Commands have been disabled by the system admin.";
    CommandNotFound = "store.sql_command.save.get.app_error", 404, "We couldn't get the command.";
    CommandSaveExisting = "store.sql_command.save.saving_overwrite.app_error", 400, "You cannot overwrite an existing Command.";
    CommandDuplicateTrigger = "api.command.duplicate_trigger.app_error", 400, "This trigger word is already in use. Please choose another word.";
    CommandTeamMismatch = "api.command.team_mismatch.app_error", 400, "Cannot update commands across teams.";
    CommandStart = "api.command.execute_command.start.app_error", 400, "No command trigger found.";
    CommandUnknownTrigger = "api.command.execute_command.not_found.app_error", 404, "Command with a trigger of '{{.Trigger}}' not found.";
    CommandFailed = "api.command.execute_command.failed.app_error", 500, "Command with a trigger of '{{.Trigger}}' failed.";
    CommandFailedResponse = "api.command.execute_command.failed_resp.app_error", 500, "Command with a trigger of '{{.Trigger}}' returned response {{.Status}}.";
    CommandFailedEmpty = "api.command.execute_command.failed_empty.app_error", 500, "Command with a trigger of '{{.Trigger}}' returned an empty response.";
    CommandInvalidTrigger = "model.command.is_valid.trigger.app_error", 400, "Invalid trigger.";
    CommandInvalidUrl = "model.command.is_valid.url.app_error", 400, "Invalid URL.";
    CommandInvalidUrlScheme = "model.command.is_valid.url_http.app_error", 400, "Invalid URL. Must be a valid URL and start with http:// or https://.";
    CommandInvalidMethod = "model.command.is_valid.method.app_error", 400, "Invalid Method.";
    CommandInvalidDisplayName = "model.command.is_valid.display_name.app_error", 400, "Invalid title.";
    CommandInvalidDescription = "model.command.is_valid.description.app_error", 400, "Invalid description.";
    CommandHookInvalid = "web.command_webhook.invalid.app_error", 404, "Invalid webhook.";
    CommandHookParse = "web.command_webhook.parse.app_error", 400, "Unable to parse incoming data.";
    CommandHookUsedUp = "store.sql_command_webhooks.try_use.invalid.app_error", 400, "Invalid webhook.";

    // OAuth 2.0.
    OauthProviderDisabled = "api.oauth.allow_oauth.turn_off.app_error", 501, "The system admin has turned off OAuth2 Service Provider.";
    OauthAppsDisabled = "api.oauth.register_oauth_app.turn_off.app_error", 501, "The system admin has turned off OAuth2 Service Provider.";
    OauthAppNotFound = "store.sql_oauth.get_app.find.app_error", 404, "We couldn't find the requested app.";
    OauthAppSaveExisting = "store.sql_oauth.save_app.existing.app_error", 400, "Must call update for existing app.";
    OauthInvalidName = "model.oauth.is_valid.name.app_error", 400, "Invalid name.";
    OauthInvalidCallback = "model.oauth.is_valid.callback.app_error", 400, "Callback URL must be a valid URL and start with http:// or https://.";
    OauthInvalidHomepage = "model.oauth.is_valid.homepage.app_error", 400, "Homepage must be a valid URL and start with http:// or https://.";
    OauthInvalidDescription = "model.oauth.is_valid.description.app_error", 400, "Invalid description.";
    OauthInvalidIconUrl = "model.oauth.is_valid.icon_url.app_error", 400, "Icon URL must be a valid URL and start with http:// or https://.";
    AuthorizeInvalidResponseType = "model.authorize.is_valid.response_type.app_error", 400, "Invalid response type.";
    AuthorizeInvalidClientId = "model.authorize.is_valid.client_id.app_error", 400, "Invalid client id.";
    AuthorizeInvalidRedirectUri = "model.authorize.is_valid.redirect_uri.app_error", 400, "Invalid redirect uri.";
    AuthorizeInvalidState = "model.authorize.is_valid.state.app_error", 400, "Invalid state.";
    AuthorizeInvalidScope = "model.authorize.is_valid.scope.app_error", 400, "Invalid scope.";
    AuthorizeRedirectCallback = "api.oauth.allow_oauth.redirect_callback.app_error", 400, "invalid_request: Supplied redirect_uri did not match registered callback_url.";
    OauthTokenDisabled = "api.oauth.get_access_token.disabled.app_error", 501, "The system admin has turned off OAuth2 Service Provider.";
    OauthTokenBadGrant = "api.oauth.get_access_token.bad_grant.app_error", 400, "invalid_request: Bad grant_type.";
    OauthTokenBadClientId = "api.oauth.get_access_token.bad_client_id.app_error", 400, "invalid_request: Bad client_id.";
    OauthTokenBadClientSecret = "api.oauth.get_access_token.bad_client_secret.app_error", 400, "invalid_request: Missing client_secret.";
    OauthTokenMissingCode = "api.oauth.get_access_token.missing_code.app_error", 400, "invalid_request: Missing code.";
    OauthTokenMissingRefreshToken = "api.oauth.get_access_token.missing_refresh_token.app_error", 400, "invalid_request: Missing refresh_token.";
    // 403 for a wrong secret; an unknown app comes with status 404.
    OauthTokenCredentials = "api.oauth.get_access_token.credentials.app_error", 403, "invalid_client: Invalid client credentials.";
    OauthTokenExpiredCode = "api.oauth.get_access_token.expired_code.app_error", 403, "invalid_grant: Invalid or expired authorization code.";
    OauthTokenRedirectUri = "api.oauth.get_access_token.redirect_uri.app_error", 400, "invalid_request: Supplied redirect_uri does not match authorization code redirect_uri.";
    OauthTokenRefreshToken = "api.oauth.get_access_token.refresh_token.app_error", 404, "invalid_grant: Invalid refresh token.";

    // Jobs.
    JobInvalidType = "model.job.is_valid.type.app_error", 400, "Invalid job type.";
    JobNotFound = "store.sql_job.get.app_error", 404, "We couldn't get the job.";
    JobNotCancellable = "jobs.request_cancellation.status.error", 400, "Could not request cancellation for job that is not in a cancelable state.";

    // System and configuration.
    ConfigFormat = "api.config.client.old_format.app_error", 501, "New format for the client configuration is not supported yet. Please specify format=old in the query string.";
    LicenseFormat = "api.license.client.old_format.app_error", 501, "New format for the client license is not supported yet. Please specify format=old in the query string.";
    LicenseNoFile = "api.license.add_license.no_file.app_error", 400, "No file under 'license' in request.";
    LicenseInvalid = "api.license.add_license.invalid.app_error", 400, "Invalid license file.";
    LicenseExpired = "api.license.add_license.expired.app_error", 400, "License is either expired or has not yet started.";
    ConfigReadOnlyCluster = "ent.cluster.save_config.error", 403, "System Console is set to read-only when High Availability is enabled unless ReadOnlyConfig is disabled in the configuration file.";
    TestEmailMissingServer = "api.admin.test_email.missing_server", 400, "SMTP Server is required.";
    TestEmailReenterPassword = "api.admin.test_email.reenter_password", 400, "The SMTP server, port, or username has changed. Please re-enter the SMTP password to test connection.";
    TestEmailFailed = "muster.test_email_failed.app_error", 500, "The test email could not be sent.";
    TestS3MissingBucket = "api.admin.test_s3.missing_s3_bucket", 400, "S3 Bucket is required.";
    TestFileFailed = "muster.file_storage_test_failed.app_error", 500, "The connection to the file storage failed.";
    WebrtcDisabled = "api.webrtc.disabled.app_error", 501, "WebRTC is not enabled in this server.";
    WebrtcTokenFailed = "muster.webrtc_gateway.app_error", 500, "We encountered an error trying to connect to the WebRTC gateway.";
    ElasticsearchReenterPassword = "ent.elasticsearch.test_config.reenter_password", 400, "The Elasticsearch Server URL or Username has changed. Please re-enter the Elasticsearch password to test connection.";
    ElasticsearchDisabled = "ent.elasticsearch.test_config.indexing_disabled.error", 501, "Elasticsearch is disabled.";
    ElasticsearchConnectFailed = "ent.elasticsearch.test_config.connect_failed", 500, "Connecting to Elasticsearch server failed.";
    ElasticsearchPurgeDisabled = "muster.elasticsearch_purge_disabled.app_error", 501, "Elasticsearch is disabled.";
    ElasticsearchPurgeFailed = "ent.elasticsearch.purge_indexes.delete_failed", 500, "Failed to delete Elasticsearch index.";

    // What a configuration may not say.
    ConfigSiteUrl = "model.config.is_valid.site_url.app_error", 400, "Site URL must be a valid URL and start with http:// or https://.";
    ConfigSiteUrlEmailBatching = "model.config.is_valid.site_url_email_batching.app_error", 400, "Unable to enable email batching when SiteURL isn't set.";
    ConfigCookiesForSubdomains = "model.config.is_valid.allow_cookies_for_subdomains.app_error", 400, "Allowing cookies for subdomains requires SiteURL to be set.";
    ConfigWebsocketUrl = "model.config.is_valid.websocket_url.app_error", 400, "Websocket URL must be a valid URL and start with ws:// or wss://.";
    ConfigClusterEmailBatching = "model.config.is_valid.cluster_email_batching.app_error", 400, "Unable to enable email batching when clustering is enabled.";
    ConfigEmailBatchingBufferSize = "model.config.is_valid.email_batching_buffer_size.app_error", 400, "Invalid email batching buffer size for email settings. Must be zero or a positive number.";
    ConfigEmailBatchingInterval = "model.config.is_valid.email_batching_interval.app_error", 400, "Invalid email batching interval for email settings. Must be 30 seconds or more.";
    ConfigEmailContentsType = "model.config.is_valid.email_notification_contents_type.app_error", 400, "Invalid email notification contents type for email settings. Must be one of either 'full' or 'generic'.";
    ConfigEmailSecurity = "model.config.is_valid.email_security.app_error", 400, "Invalid connection security for email settings. Must be '', 'TLS', or 'STARTTLS'.";
    ConfigEmailSalt = "model.config.is_valid.email_salt.app_error", 400, "Invalid invite salt for email settings. Must be 32 chars or more.";
    ConfigMaxUsers = "model.config.is_valid.max_users.app_error", 400, "Invalid maximum users per team for team settings. Must be a positive number.";
    ConfigMaxChannels = "model.config.is_valid.max_channels.app_error", 400, "Invalid maximum channels per team for team settings. Must be a positive number.";
    ConfigMaxNotifications = "model.config.is_valid.max_notify_per_channel.app_error", 400, "Invalid maximum notifications per channel for team settings. Must be a positive number.";
    ConfigRestrictDirectMessage = "model.config.is_valid.restrict_direct_message.app_error", 400, "Invalid direct message restriction. Must be 'any', or 'team'.";
    ConfigTeammateNameDisplay = "model.config.is_valid.teammate_name_display.app_error", 400, "Invalid teammate display. Must be 'full_name', 'nickname_full_name' or 'username'.";
    ConfigSiteName = "model.config.is_valid.sitename_length.app_error", 400, "Site name must be less than or equal to {{.MaxLength}} characters.";
    ConfigMaxFileSize = "model.config.is_valid.max_file_size.app_error", 400, "Invalid max file size for file settings. Must be a positive number.";
    ConfigFileDriver = "model.config.is_valid.file_driver.app_error", 400, "Invalid driver name for file settings. Must be 'local' or 'amazons3'.";
    ConfigFileSalt = "model.config.is_valid.file_salt.app_error", 400, "Invalid public link salt for file settings. Must be 32 chars or more.";
    ConfigReadTimeout = "model.config.is_valid.read_timeout.app_error", 400, "Invalid value for read timeout.";
    ConfigWriteTimeout = "model.config.is_valid.write_timeout.app_error", 400, "Invalid value for write timeout.";
    ConfigLoginAttempts = "model.config.is_valid.login_attempts.app_error", 400, "Invalid maximum login attempts for service settings. Must be a positive number.";
    ConfigListenAddress = "model.config.is_valid.listen_address.app_error", 400, "Invalid listen address for service settings. Must be set.";
    ConfigServiceSecurity = "model.config.is_valid.webserver_security.app_error", 400, "Invalid value for webserver connection security.";
    ConfigTypingUpdates = "model.config.is_valid.time_between_user_typing.app_error", 400, "Time between user typing updates should not be set to less than 1000 milliseconds.";
    ConfigGroupUnreadChannels = "model.config.is_valid.group_unread_channels.app_error", 400, "Invalid group unread channels for service settings. Must be 'disabled', 'default_on', or 'default_off'.";
    ConfigImageProxyType = "model.config.is_valid.image_proxy_type.app_error", 400, "Invalid image proxy type for service settings.";
    ConfigImageProxyOptions = "model.config.is_valid.atmos_camo_image_proxy_options.app_error", 400, "Invalid atmos/camo image proxy options for service settings. Must be set to your shared key.";
    ConfigSqlMaxIdle = "model.config.is_valid.sql_idle.app_error", 400, "Invalid maximum idle connection for SQL settings. Must be a positive number.";
    ConfigSqlMaxOpen = "model.config.is_valid.sql_max_conn.app_error", 400, "Invalid maximum open connection for SQL settings. Must be a positive number.";
    ConfigSqlQueryTimeout = "model.config.is_valid.sql_query_timeout.app_error", 400, "Invalid query timeout for SQL settings. Must be a positive number.";
    ConfigSqlDriver = "model.config.is_valid.sql_driver.app_error", 400, "Invalid driver name for SQL settings. Must be 'mysql' or 'postgres'.";
    ConfigSqlDataSource = "model.config.is_valid.sql_data_src.app_error", 400, "Invalid data source for SQL settings. Must be set.";
    ConfigSqlEncryptKey = "model.config.is_valid.encrypt_sql.app_error", 400, "Invalid at rest encrypt key for SQL settings. Must be 32 chars or more.";
    ConfigRateMemory = "model.config.is_valid.rate_mem.app_error", 400, "Invalid memory store size for rate limit settings. Must be a positive number.";
    ConfigRatePerSecond = "model.config.is_valid.rate_sec.app_error", 400, "Invalid per sec for rate limit settings. Must be a positive number.";
    ConfigRateBurst = "model.config.is_valid.max_burst.app_error", 400, "Maximum burst size must be greater than zero.";
    ConfigPasswordLength = "model.config.is_valid.password_length.app_error", 400, "Minimum password length must be a whole number greater than or equal to {{.MinLength}} and less than or equal to {{.MaxLength}}.";
    ConfigLdapSecurity = "model.config.is_valid.ldap_security.app_error", 400, "Invalid connection security for AD/LDAP settings. Must be '', 'TLS', or 'STARTTLS'.";
    ConfigLdapSyncInterval = "model.config.is_valid.ldap_sync_interval.app_error", 400, "Invalid sync interval time. Must be at least one minute.";
    ConfigLdapPageSize = "model.config.is_valid.ldap_max_page_size.app_error", 400, "Invalid max page size value.";
    ConfigLdapServer = "model.config.is_valid.ldap_server", 400, "AD/LDAP field \"AD/LDAP Server\" is required.";
    ConfigLdapBaseDn = "model.config.is_valid.ldap_basedn", 400, "AD/LDAP field \"BaseDN\" is required.";
    ConfigLdapEmail = "model.config.is_valid.ldap_email", 400, "AD/LDAP field \"Email Attribute\" is required.";
    ConfigLdapUsername = "model.config.is_valid.ldap_username", 400, "AD/LDAP field \"Username Attribute\" is required.";
    ConfigLdapId = "model.config.is_valid.ldap_id", 400, "AD/LDAP field \"ID Attribute\" is required.";
    ConfigLdapFilter = "ent.ldap.validate_filter.app_error", 400, "Invalid AD/LDAP Filter.";
    ConfigSamlIdpUrl = "model.config.is_valid.saml_idp_url.app_error", 400, "SAML SSO URL must be a valid URL and start with http:// or https://.";
    ConfigSamlIdpDescriptorUrl = "model.config.is_valid.saml_idp_descriptor_url.app_error", 400, "Identity Provider Issuer URL must be a valid URL and start with http:// or https://.";
    ConfigSamlIdpCertificate = "model.config.is_valid.saml_idp_cert.app_error", 400, "Identity Provider Public Certificate missing. Did you forget to upload it?";
    ConfigSamlEmail = "model.config.is_valid.saml_email_attribute.app_error", 400, "Invalid Email attribute. Must be set.";
    ConfigSamlUsername = "model.config.is_valid.saml_username_attribute.app_error", 400, "Invalid Username attribute. Must be set.";
    ConfigSamlConsumerUrl = "model.config.is_valid.saml_assertion_consumer_service_url.app_error", 400, "Service Provider Login URL must be a valid URL and start with http:// or https://.";
    ConfigSamlPrivateKey = "model.config.is_valid.saml_private_key.app_error", 400, "Service Provider Private Key missing. Did you forget to upload it?";
    ConfigSamlPublicCertificate = "model.config.is_valid.saml_public_cert.app_error", 400, "Service Provider Public Certificate missing. Did you forget to upload it?";
    ConfigWebrtcGatewayUrl = "model.config.is_valid.webrtc_gateway_ws_url.app_error", 400, "WebRTC Gateway URL must be a valid URL and start with ws:// or wss://.";
    ConfigWebrtcAdminUrl = "model.config.is_valid.webrtc_gateway_admin_url.app_error", 400, "WebRTC Gateway Admin URL must be a valid URL and start with http:// or https://.";
    ConfigWebrtcAdminSecret = "model.config.is_valid.webrtc_gateway_admin_secret.app_error", 400, "WebRTC Gateway Admin Secret must be set.";
    ConfigWebrtcStunUri = "model.config.is_valid.webrtc_stun_uri.app_error", 400, "WebRTC STUN URI must be a valid URI and start with stun:.";
    ConfigWebrtcTurnUri = "model.config.is_valid.webrtc_turn_uri.app_error", 400, "WebRTC TURN URI must be a valid URI and start with turn:.";
    ConfigWebrtcTurnUsername = "model.config.is_valid.webrtc_turn_username.app_error", 400, "WebRTC TURN Username cannot be empty if the TURN URI has been set.";
    ConfigWebrtcTurnSharedKey = "model.config.is_valid.webrtc_turn_shared_key.app_error", 400, "WebRTC TURN Shared Key cannot be empty if the TURN URI has been set.";
    ConfigElasticConnectionUrl = "model.config.is_valid.elastic_search.connection_url.app_error", 400, "Elasticsearch ConnectionUrl setting must be provided when Elasticsearch indexing is enabled.";
    ConfigElasticSearching = "model.config.is_valid.elastic_search.enable_searching.app_error", 400, "Elasticsearch IndexingEnabled setting must be set to true when Elasticsearch SearchEnabled is set to true.";
    ConfigElasticAggregateDays = "model.config.is_valid.elastic_search.aggregate_posts_after_days.app_error", 400, "Elasticsearch AggregatePostsAfterDays setting must be a number greater than or equal to 1.";
    ConfigElasticAggregatorTime = "model.config.is_valid.elastic_search.posts_aggregator_job_start_time.app_error", 400, "Elasticsearch PostsAggregatorJobStartTime setting must be a time in the format \"hh:mm\".";
    ConfigElasticBatchSize = "model.config.is_valid.elastic_search.live_indexing_batch_size.app_error", 400, "Elasticsearch Live Indexing Batch Size must be at least 1.";
    ConfigElasticBulkWindow = "model.config.is_valid.elastic_search.bulk_indexing_time_window_seconds.app_error", 400, "Elasticsearch Bulk Indexing Time Window must be at least 1 second.";
    ConfigElasticTimeout = "model.config.is_valid.elastic_search.request_timeout_seconds.app_error", 400, "Elasticsearch Request Timeout must be at least 1 second.";
    ConfigRetentionMessageDays = "model.config.is_valid.data_retention.message_retention_days_too_low.app_error", 400, "Message retention must be one day or longer.";
    ConfigRetentionFileDays = "model.config.is_valid.data_retention.file_retention_days_too_low.app_error", 400, "File retention must be one day or longer.";
    ConfigRetentionStartTime = "model.config.is_valid.data_retention.deletion_job_start_time.app_error", 400, "Data retention job start time must be a 24-hour time stamp in the form HH:MM.";
    ConfigAvailableLocales = "model.config.is_valid.localization.available_locales.app_error", 400, "Available Languages must contain Default Client Language.";
    ConfigExportFrom = "model.config.is_valid.message_export.export_from.app_error", 400, "Message export job ExportFromTimestamp must be a timestamp (expressed in seconds since unix epoch). Only messages sent after this timestamp will be exported.";
    ConfigExportDailyTime = "model.config.is_valid.message_export.daily_runtime.app_error", 400, "Message export job DailyRuntime must be a 24-hour time stamp in the form HH:MM.";
    ConfigExportBatchSize = "model.config.is_valid.message_export.batch_size.app_error", 400, "Message export job BatchSize must be a positive integer.";
    ConfigExportType = "model.config.is_valid.message_export.export_type.app_error", 400, "Message export job ExportFormat must be one of either 'actiance' or 'globalrelay'.";
    ConfigExportCustomerType = "model.config.is_valid.message_export.global_relay.customer_type.app_error", 400, "Message export GlobalRelaySettings.CustomerType must be set to one of either 'A9' or 'A10'.";
    ConfigExportEmailAddress = "model.config.is_valid.message_export.global_relay.email_address.app_error", 400, "Message export job GlobalRelaySettings.EmailAddress must be set to a valid email address.";
    ConfigExportSmtpUsername = "model.config.is_valid.message_export.global_relay.smtp_username.app_error", 400, "Message export job GlobalRelaySettings.SmtpUsername must be set.";
    ConfigExportSmtpPassword = "model.config.is_valid.message_export.global_relay.smtp_password.app_error", 400, "Message export job GlobalRelaySettings.SmtpPassword must be set.";

    // Compliance.
    ComplianceDisabled = "ent.compliance.licence_disable.app_error", 501, "Compliance functionality is disabled. Please ask your system administrator for details.";
    ComplianceNotFound = "store.sql_compliance.get.finding.app_error", 404, "We couldn't find the compliance report.";
    ComplianceInvalidDescription = "model.compliance.is_valid.desc.app_error", 400, "Invalid description.";
    ComplianceInvalidStart = "model.compliance.is_valid.start_at.app_error", 400, "From must be a valid time.";
    ComplianceInvalidEnd = "model.compliance.is_valid.end_at.app_error", 400, "To must be a valid time.";
    ComplianceInvalidRange = "model.compliance.is_valid.start_end_at.app_error", 400, "To must be greater than From.";
    ComplianceFileNotFound = "muster.compliance_files_not_found.app_error", 404, "The files of this compliance report are not there.";

    // LDAP and SAML.
    LdapDisabled = "ent.ldap.disabled.app_error", 501, "AD/LDAP disabled or licence does not support AD/LDAP.";
    LdapConnect = "ent.ldap.do_login.unable_to_connect.app_error", 500, "Unable to connect to AD/LDAP server.";
    LdapBindAdmin = "ent.ldap.do_login.bind_admin_user.app_error", 500, "Unable to bind to AD/LDAP server. Check BindUsername and BindPassword.";
    LdapUserNotRegistered = "ent.ldap.do_login.user_not_registered.app_error", 400, "User not registered on AD/LDAP server.";
    LdapUserAmbiguous = "ent.ldap.do_login.matched_to_many_users.app_error", 400, "Username given matches multiple users.";
    LdapInvalidPassword = "ent.ldap.do_login.invalid_password.app_error", 401, "Invalid Password.";
    SamlDisabled = "api.admin.saml.not_available.app_error", 501, "SAML 2.0 is not configured or supported on this server.";
    SamlCertificateNoFile = "api.admin.add_certificate.no_file.app_error", 400, "No file under 'certificate' in request.";
    SamlCertificateEmpty = "api.admin.add_certificate.array.app_error", 400, "No file under 'certificate' in request.";
    SamlCertificateNotSet = "muster.certificate_not_set.app_error", 400, "No such certificate is set.";
    SamlCertificateDelete = "api.admin.remove_certificate.delete.app_error", 404, "An error occurred while deleting the certificate. Make sure the file exists.";
    SamlResponseInvalid = "ent.saml.do_login.parse.app_error", 400, "An error occurred while parsing the response from the Identity Provider. Please contact your System Administrator.";
    SamlResponseNotEncrypted = "ent.saml.do_login.encrypt.app_error", 400, "SAML login was unsuccessful because the Identity Provider response is not encrypted. Please contact your System Administrator.";
    SamlSignatureInvalid = "ent.saml.do_login.validate.app_error", 400, "An error occurred while validating the response from the Identity Provider. Please contact your System Administrator.";

    // Plugins.
    PluginsDisabled = "app.plugin.disabled.app_error", 501, "Plugins have been disabled. Please check your logs for details.";
    PluginUploadDisabled = "app.plugin.upload_disabled.app_error", 501, "Plugins and/or plugin uploads have been disabled.";
    PluginNotInstalled = "app.plugin.not_installed.app_error", 400, "Plugin is not installed.";
    PluginNoFile = "api.plugin.upload.no_file.app_error", 400, "Missing file in multipart/form request.";
    PluginExtract = "app.plugin.extract.app_error", 400, "Encountered error extracting plugin.";
    PluginManifest = "app.plugin.manifest.app_error", 400, "Unable to find manifest for extracted plugin.";
    PluginInvalidId = "app.plugin.invalid_id.app_error", 400, "Plugin ID must be at least {{.Min}} characters, at most {{.Max}} characters and match {{.Regex}}.";
    PluginInstallId = "app.plugin.install_id.app_error", 400, "Unable to install plugin. A plugin with the same ID is already installed.";
    PluginActivate = "app.plugin.activate.app_error", 400, "Unable to activate extracted plugin.";

    // WebSocket.
    WebSocketInvalidParam = "api.websocket_handler.invalid_param.app_error", 400, "Invalid {{.Name}} parameter.";
    WebSocketNotAuthenticated = "api.web_socket_router.not_authenticated.app_error", 401, "WebSocket connection is not authenticated. Please log in and try again.";
    WebSocketNoAction = "api.web_socket_router.no_action.app_error", 400, "No websocket action.";
    WebSocketBadSeq = "api.web_socket_router.bad_seq.app_error", 400, "Invalid sequence for WebSocket message.";
    // The status is part of the reply's body, so clients see Mattermost's.
    WebSocketBadAction = "api.web_socket_router.bad_action.app_error", 500, "Unknown WebSocket action.";
    WebSocketUpgrade = "api.web_socket.connect.upgrade.app_error", 400, "Failed to upgrade websocket connection.";

    // Ours: conditions the original has no id for.
    NotImplemented = "muster.not_implemented.app_error", 501, "This operation is not built yet.";
    Internal = "muster.internal.app_error", 500, "Something went wrong on our side. The request id tells us what.";
    Unavailable = "muster.unavailable.app_error", 503, "A part of the server is not reachable right now. Please try again.";
    Timeout = "muster.timeout.app_error", 504, "The server took too long to answer. Please try again.";
    Busy = "muster.busy.app_error", 503, "The server is busy. Please try again.";
    Unauthenticated = "muster.unauthenticated_caller.app_error", 401, "This call carries no authenticated caller.";
    BodyTooLarge = "muster.body_too_large.app_error", 413, "The request body is too large.";
    TooManyMails = "muster.too_many_mails.app_error", 429, "Too many emails were sent in the last hour. Please try again later.";
    InvalidText = "muster.invalid_text.app_error", 400, "The text contains a character that cannot be stored.";
}
