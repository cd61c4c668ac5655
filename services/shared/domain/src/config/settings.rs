//! The settings that code on hot paths reads, typed, built once per change of the configuration.

use super::defaults;
use serde_json::Value;

/// A setting's value read from the tree; `None` when the tree holds another type.
trait FromTree: Sized {
    fn from_tree(value: &Value) -> Option<Self>;
}

impl FromTree for bool {
    fn from_tree(value: &Value) -> Option<Self> {
        value.as_bool()
    }
}

impl FromTree for i64 {
    fn from_tree(value: &Value) -> Option<Self> {
        value.as_i64()
    }
}

impl FromTree for String {
    fn from_tree(value: &Value) -> Option<Self> {
        value.as_str().map(str::to_owned)
    }
}

/// The value in `tree`, else the shipped default, else the type's default.
fn read<T: FromTree + Default>(tree: &Value, pointer: &str) -> T {
    tree.pointer(pointer).and_then(T::from_tree).or_else(|| defaults::shipped().pointer(pointer).and_then(T::from_tree)).unwrap_or_default()
}

macro_rules! settings {
    ($($(#[doc = $doc:literal])+ $field:ident: $type:ty = $pointer:literal;)*) => {
        /// A read-only view of the effective configuration. A setting that the tree lacks has its shipped default.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct Settings {
            $($(#[doc = $doc])+ pub $field: $type,)*
        }

        impl Settings {
            /// Reads the view from a complete or partial tree.
            pub fn from_tree(tree: &Value) -> Self {
                Self { $($field: read(tree, $pointer),)* }
            }
        }

        #[cfg(test)]
        fn every_setting_with_its_default() -> Vec<(&'static str, bool)> {
            vec![$(($pointer, defaults::shipped().pointer($pointer).and_then(<$type>::from_tree).is_some())),*]
        }
    };
}

impl Settings {
    /// Whether posts are pushed to devices.
    pub fn pushes_posts(&self) -> bool {
        self.send_push_notifications && !self.push_notification_server.is_empty()
    }

    /// Whether posts are mailed. Without a mail server they are not: files would only fill the disk.
    pub fn mails_posts(&self) -> bool {
        self.send_email_notifications && !self.smtp_server.is_empty()
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::from_tree(defaults::shipped())
    }
}

settings! {
    /// Public address of the site; empty = derived from the request.
    site_url: String = "/ServiceSettings/SiteURL";
    /// Address at which clients open WebSockets; empty = derived from the site's.
    websocket_url: String = "/ServiceSettings/WebsocketURL";
    /// Clients see `detailed_error`, and anybody may post logs.
    enable_developer: bool = "/ServiceSettings/EnableDeveloper";
    /// The `/loadtest` slash commands exist.
    enable_testing: bool = "/ServiceSettings/EnableTesting";
    /// API v3 routes answer 501 while false.
    enable_api_v3: bool = "/ServiceSettings/EnableAPIv3";
    /// Failed logins after which an account refuses further attempts.
    maximum_login_attempts: i64 = "/ServiceSettings/MaximumLoginAttempts";
    /// Tasks above which a ping is unhealthy; not positive = never.
    goroutine_health_threshold: i64 = "/ServiceSettings/GoroutineHealthThreshold";
    /// OAuth 2.0 applications may be registered and used.
    enable_oauth_service_provider: bool = "/ServiceSettings/EnableOAuthServiceProvider";
    /// Incoming webhooks exist and post.
    enable_incoming_webhooks: bool = "/ServiceSettings/EnableIncomingWebhooks";
    /// Outgoing webhooks exist and fire.
    enable_outgoing_webhooks: bool = "/ServiceSettings/EnableOutgoingWebhooks";
    /// Custom slash commands exist and run.
    enable_commands: bool = "/ServiceSettings/EnableCommands";
    /// At first start: only administrators get the integration permissions.
    enable_only_admin_integrations: bool = "/ServiceSettings/EnableOnlyAdminIntegrations";
    /// Integrations may post under another name.
    enable_post_username_override: bool = "/ServiceSettings/EnablePostUsernameOverride";
    /// Integrations may post with another icon.
    enable_post_icon_override: bool = "/ServiceSettings/EnablePostIconOverride";
    /// Links in posts are fetched for previews.
    enable_link_previews: bool = "/ServiceSettings/EnableLinkPreviews";
    /// Outgoing TLS connections accept any certificate.
    enable_insecure_outgoing_connections: bool = "/ServiceSettings/EnableInsecureOutgoingConnections";
    /// Hosts and networks, space separated, that outgoing requests may reach although they are internal.
    allowed_untrusted_internal_connections: String = "/ServiceSettings/AllowedUntrustedInternalConnections";
    /// Accounts may use a second factor.
    enable_multifactor_authentication: bool = "/ServiceSettings/EnableMultifactorAuthentication";
    /// Accounts must use a second factor.
    enforce_multifactor_authentication: bool = "/ServiceSettings/EnforceMultifactorAuthentication";
    /// Personal access tokens may be created and used.
    enable_user_access_tokens: bool = "/ServiceSettings/EnableUserAccessTokens";
    /// Origins, space separated, or `*`; empty = no CORS headers.
    allow_cors_from: String = "/ServiceSettings/AllowCorsFrom";
    /// Session cookies carry the domain of the site URL.
    allow_cookies_for_subdomains: bool = "/ServiceSettings/AllowCookiesForSubdomains";
    /// Lifetime of a browser session, in days.
    session_length_web_in_days: i64 = "/ServiceSettings/SessionLengthWebInDays";
    /// Lifetime of a session with a device id, in days.
    session_length_mobile_in_days: i64 = "/ServiceSettings/SessionLengthMobileInDays";
    /// Lifetime of a session begun by single sign-on, in days.
    session_length_sso_in_days: i64 = "/ServiceSettings/SessionLengthSSOInDays";
    /// How long a session may be served from a cache, in minutes.
    session_cache_in_minutes: i64 = "/ServiceSettings/SessionCacheInMinutes";
    /// Minutes without use after which a session ends; 0 = never.
    session_idle_timeout_in_minutes: i64 = "/ServiceSettings/SessionIdleTimeoutInMinutes";
    /// `gzip`, `uncompressed` or `disabled`.
    webserver_mode: String = "/ServiceSettings/WebserverMode";
    /// Custom emoji exist.
    enable_custom_emoji: bool = "/ServiceSettings/EnableCustomEmoji";
    /// Who creates custom emoji: `all`, `admin`, `system_admin`.
    restrict_custom_emoji_creation: String = "/ServiceSettings/RestrictCustomEmojiCreation";
    /// At first start: who deletes posts (`all`, `team_admin`, `system_admin`).
    restrict_post_delete: String = "/ServiceSettings/RestrictPostDelete";
    /// At first start: `always`, `never` or `time_limit`.
    allow_edit_post: String = "/ServiceSettings/AllowEditPost";
    /// Seconds after which a post can no longer be edited; -1 = no limit.
    post_edit_time_limit: i64 = "/ServiceSettings/PostEditTimeLimit";
    /// Pause a client keeps between typing messages, in ms.
    time_between_user_typing_updates_milliseconds: i64 = "/ServiceSettings/TimeBetweenUserTypingUpdatesMilliseconds";
    /// Searching posts is allowed.
    enable_post_search: bool = "/ServiceSettings/EnablePostSearch";
    /// Typing is announced to others.
    enable_user_typing_messages: bool = "/ServiceSettings/EnableUserTypingMessages";
    /// Viewing a channel is announced to the viewer's other clients.
    enable_channel_viewed_messages: bool = "/ServiceSettings/EnableChannelViewedMessages";
    /// Statuses are kept and announced.
    enable_user_statuses: bool = "/ServiceSettings/EnableUserStatuses";
    /// Accounts may switch between ways of signing in.
    experimental_enable_authentication_transfer: bool = "/ServiceSettings/ExperimentalEnableAuthenticationTransfer";
    /// Clients may hide direct channels unused for a week.
    close_unused_direct_messages: bool = "/ServiceSettings/CloseUnusedDirectMessages";
    /// Joining and leaving the default channel writes system posts.
    experimental_enable_default_channel_leave_join_messages: bool = "/ServiceSettings/ExperimentalEnableDefaultChannelLeaveJoinMessages";
    /// `disabled`, `default_on` or `default_off`.
    experimental_group_unread_channels: String = "/ServiceSettings/ExperimentalGroupUnreadChannels";
    /// Empty or `atmos/camo`.
    image_proxy_type: String = "/ServiceSettings/ImageProxyType";
    /// Address of the image proxy.
    image_proxy_url: String = "/ServiceSettings/ImageProxyURL";
    /// The image proxy's shared key.
    image_proxy_options: String = "/ServiceSettings/ImageProxyOptions";
    /// Name of the site in mails and on the login page.
    site_name: String = "/TeamSettings/SiteName";
    /// Active members a team may have.
    max_users_per_team: i64 = "/TeamSettings/MaxUsersPerTeam";
    /// At first start: every user may create teams.
    enable_team_creation: bool = "/TeamSettings/EnableTeamCreation";
    /// Accounts may be created by signing up.
    enable_user_creation: bool = "/TeamSettings/EnableUserCreation";
    /// Signing up needs no invitation.
    enable_open_server: bool = "/TeamSettings/EnableOpenServer";
    /// E-mail domains, separated by commas or blanks, from which accounts may come; empty = any.
    restrict_creation_to_domains: String = "/TeamSettings/RestrictCreationToDomains";
    /// The login page shows the brand image and text.
    enable_custom_brand: bool = "/TeamSettings/EnableCustomBrand";
    /// `any`, or `team`: direct messages only between members of a common team.
    restrict_direct_message: String = "/TeamSettings/RestrictDirectMessage";
    /// At first start: who invites to teams.
    restrict_team_invite: String = "/TeamSettings/RestrictTeamInvite";
    /// At first start: who creates public channels.
    restrict_public_channel_creation: String = "/TeamSettings/RestrictPublicChannelCreation";
    /// At first start: who creates private channels.
    restrict_private_channel_creation: String = "/TeamSettings/RestrictPrivateChannelCreation";
    /// At first start: who renames public channels.
    restrict_public_channel_management: String = "/TeamSettings/RestrictPublicChannelManagement";
    /// At first start: who renames private channels.
    restrict_private_channel_management: String = "/TeamSettings/RestrictPrivateChannelManagement";
    /// At first start: who archives public channels.
    restrict_public_channel_deletion: String = "/TeamSettings/RestrictPublicChannelDeletion";
    /// At first start: who archives private channels.
    restrict_private_channel_deletion: String = "/TeamSettings/RestrictPrivateChannelDeletion";
    /// At first start: who manages members of private channels.
    restrict_private_channel_manage_members: String = "/TeamSettings/RestrictPrivateChannelManageMembers";
    /// Seconds without activity until a user is away.
    user_status_away_timeout: i64 = "/TeamSettings/UserStatusAwayTimeout";
    /// Channels a team may have.
    max_channels_per_team: i64 = "/TeamSettings/MaxChannelsPerTeam";
    /// Members above which `@all`, `@channel` and `@here` notify nobody.
    max_notifications_per_channel: i64 = "/TeamSettings/MaxNotificationsPerChannel";
    /// Clients ask before notifying a whole channel.
    enable_confirm_notifications_to_channel: bool = "/TeamSettings/EnableConfirmNotificationsToChannel";
    /// `username`, `nickname_full_name` or `full_name`.
    teammate_name_display: String = "/TeamSettings/TeammateNameDisplay";
    /// Users may set an automatic reply.
    experimental_enable_automatic_replies: bool = "/TeamSettings/ExperimentalEnableAutomaticReplies";
    /// Only administrators post in the default channel.
    experimental_town_square_is_read_only: bool = "/TeamSettings/ExperimentalTownSquareIsReadOnly";
    /// Name of the team new users land in; empty = none.
    experimental_primary_team: String = "/TeamSettings/ExperimentalPrimaryTeam";
    /// Characters a password needs at least.
    password_minimum_length: i64 = "/PasswordSettings/MinimumLength";
    /// A password needs a lower-case letter.
    password_lowercase: bool = "/PasswordSettings/Lowercase";
    /// A password needs an upper-case letter.
    password_uppercase: bool = "/PasswordSettings/Uppercase";
    /// A password needs a digit.
    password_number: bool = "/PasswordSettings/Number";
    /// A password needs a symbol.
    password_symbol: bool = "/PasswordSettings/Symbol";
    /// Files may be uploaded.
    enable_file_attachments: bool = "/FileSettings/EnableFileAttachments";
    /// Mobile clients may upload files.
    enable_mobile_upload: bool = "/FileSettings/EnableMobileUpload";
    /// Mobile clients may download files.
    enable_mobile_download: bool = "/FileSettings/EnableMobileDownload";
    /// Largest upload, in bytes.
    max_file_size: i64 = "/FileSettings/MaxFileSize";
    /// Files may be shared by a link that needs no session.
    enable_public_link: bool = "/FileSettings/EnablePublicLink";
    /// Secret that signs public file links.
    public_link_salt: String = "/FileSettings/PublicLinkSalt";
    /// `local` or `amazons3`.
    file_driver_name: String = "/FileSettings/DriverName";
    /// Directory of the `local` driver.
    file_directory: String = "/FileSettings/Directory";
    /// Bucket of the `amazons3` driver.
    amazon_s3_bucket: String = "/FileSettings/AmazonS3Bucket";
    /// Accounts may be created with e-mail and password.
    enable_sign_up_with_email: bool = "/EmailSettings/EnableSignUpWithEmail";
    /// Signing in with the e-mail address is allowed.
    enable_sign_in_with_email: bool = "/EmailSettings/EnableSignInWithEmail";
    /// Signing in with the username is allowed.
    enable_sign_in_with_username: bool = "/EmailSettings/EnableSignInWithUsername";
    /// Mails are sent.
    send_email_notifications: bool = "/EmailSettings/SendEmailNotifications";
    /// Signing in needs a verified e-mail address.
    require_email_verification: bool = "/EmailSettings/RequireEmailVerification";
    /// Subjects of notification mails name the channel.
    use_channel_in_email_notifications: bool = "/EmailSettings/UseChannelInEmailNotifications";
    /// Sender's name on mails.
    feedback_name: String = "/EmailSettings/FeedbackName";
    /// Sender's address on mails.
    feedback_email: String = "/EmailSettings/FeedbackEmail";
    /// Organisation in the footer of mails.
    feedback_organization: String = "/EmailSettings/FeedbackOrganization";
    /// The mail server wants credentials.
    enable_smtp_auth: bool = "/EmailSettings/EnableSMTPAuth";
    /// Mail server's username.
    smtp_username: String = "/EmailSettings/SMTPUsername";
    /// Mail server's password.
    smtp_password: String = "/EmailSettings/SMTPPassword";
    /// Mail server's host; empty = mail is impossible.
    smtp_server: String = "/EmailSettings/SMTPServer";
    /// Mail server's port.
    smtp_port: String = "/EmailSettings/SMTPPort";
    /// Empty, `TLS`, `STARTTLS` or `PLAIN`.
    email_connection_security: String = "/EmailSettings/ConnectionSecurity";
    /// The mail server's certificate is not checked.
    skip_server_certificate_verification: bool = "/EmailSettings/SkipServerCertificateVerification";
    /// Secret that signs invitations in links.
    invite_salt: String = "/EmailSettings/InviteSalt";
    /// Push notifications are sent.
    send_push_notifications: bool = "/EmailSettings/SendPushNotifications";
    /// Address of the push proxy.
    push_notification_server: String = "/EmailSettings/PushNotificationServer";
    /// `generic`, `generic_no_channel` or `full`.
    push_notification_contents: String = "/EmailSettings/PushNotificationContents";
    /// Notification mails are collected.
    enable_email_batching: bool = "/EmailSettings/EnableEmailBatching";
    /// How often notification mails that were collected are sent at most, in seconds.
    email_batching_interval: i64 = "/EmailSettings/EmailBatchingInterval";
    /// `full` or `generic`.
    email_notification_contents_type: String = "/EmailSettings/EmailNotificationContentsType";
    /// Requests are limited. Read at start only, as all rate limit settings.
    rate_limit_enable: bool = "/RateLimitSettings/Enable";
    /// Sustained requests per second and key.
    rate_limit_per_sec: i64 = "/RateLimitSettings/PerSec";
    /// Requests a key may make at once beyond the sustained rate.
    rate_limit_max_burst: i64 = "/RateLimitSettings/MaxBurst";
    /// Keys remembered.
    rate_limit_memory_store_size: i64 = "/RateLimitSettings/MemoryStoreSize";
    /// The client's address is part of the key.
    rate_limit_vary_by_remote_addr: bool = "/RateLimitSettings/VaryByRemoteAddr";
    /// The token is the key, and users are counted too.
    rate_limit_vary_by_user: bool = "/RateLimitSettings/VaryByUser";
    /// Header whose lower-cased value is part of the key; empty = none.
    rate_limit_vary_by_header: String = "/RateLimitSettings/VaryByHeader";
    /// Everybody sees e-mail addresses.
    show_email_address: bool = "/PrivacySettings/ShowEmailAddress";
    /// Everybody sees first and last names.
    show_full_name: bool = "/PrivacySettings/ShowFullName";
    /// Language of system posts and mails without a better choice.
    default_server_locale: String = "/LocalizationSettings/DefaultServerLocale";
    /// Language of new accounts and of errors without a better choice.
    default_client_locale: String = "/LocalizationSettings/DefaultClientLocale";
    /// Locales clients offer, comma separated; empty = all.
    available_locales: String = "/LocalizationSettings/AvailableLocales";
    /// Users choose their theme.
    enable_theme_selection: bool = "/ThemeSettings/EnableThemeSelection";
    /// Signing in by LDAP is allowed.
    enable_ldap: bool = "/LdapSettings/Enable";
    /// Signing in by SAML is allowed.
    enable_saml: bool = "/SamlSettings/Enable";
    /// Signing in by GitLab is allowed.
    enable_gitlab: bool = "/GitLabSettings/Enable";
    /// Signing in by Google is allowed.
    enable_google: bool = "/GoogleSettings/Enable";
    /// Signing in by Office 365 is allowed.
    enable_office365: bool = "/Office365Settings/Enable";
    /// Compliance reports may be made.
    enable_compliance: bool = "/ComplianceSettings/Enable";
    /// Cluster behaviour of the original; Muster is always a cluster.
    enable_cluster: bool = "/ClusterSettings/Enable";
    /// With `enable_cluster`: the API cannot change the configuration.
    cluster_read_only_config: bool = "/ClusterSettings/ReadOnlyConfig";
    /// Users above which costly statistics are not computed.
    max_users_for_statistics: i64 = "/AnalyticsSettings/MaxUsersForStatistics";
    /// Video calls are offered.
    enable_webrtc: bool = "/WebrtcSettings/Enable";
    /// Old posts are deleted.
    enable_message_deletion: bool = "/DataRetentionSettings/EnableMessageDeletion";
    /// Old files are deleted.
    enable_file_deletion: bool = "/DataRetentionSettings/EnableFileDeletion";
    /// Age at which posts are deleted, in days.
    message_retention_days: i64 = "/DataRetentionSettings/MessageRetentionDays";
    /// Age at which files are deleted, in days.
    file_retention_days: i64 = "/DataRetentionSettings/FileRetentionDays";
    /// `HH:MM` at which the deletion job starts daily.
    deletion_job_start_time: String = "/DataRetentionSettings/DeletionJobStartTime";
    /// Messages are exported daily.
    enable_message_export: bool = "/MessageExportSettings/EnableExport";
    /// This installation works on jobs.
    run_jobs: bool = "/JobSettings/RunJobs";
    /// This installation starts scheduled jobs.
    run_scheduler: bool = "/JobSettings/RunScheduler";
    /// Plugins run.
    enable_plugins: bool = "/PluginSettings/Enable";
    /// Plugins may be uploaded.
    enable_plugin_uploads: bool = "/PluginSettings/EnableUploads";
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_setting_exists_in_the_defaults_with_its_type() {
        let wrong: Vec<_> = every_setting_with_its_default().into_iter().filter(|(_, found)| !found).collect();
        assert!(wrong.is_empty(), "{wrong:?}");
    }

    #[test]
    fn reads_the_tree_and_falls_back_to_the_shipped_default() {
        let tree = json!({"TeamSettings": {"MaxUsersPerTeam": 7, "EnableOpenServer": "yes"}});
        let settings = Settings::from_tree(&tree);
        assert_eq!(settings.max_users_per_team, 7);
        assert!(!settings.enable_open_server, "a wrong type counts as missing");
        assert_eq!(settings.max_channels_per_team, 2000);
        assert_eq!(Settings::from_tree(&json!(null)), Settings::default());
    }
}
