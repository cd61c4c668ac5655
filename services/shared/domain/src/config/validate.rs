//! What a configuration must satisfy to be stored: one row per rule, checked in order, the first broken one is told.

use super::{ldap_filter, normalise, secrets, tree};
use serde_json::Value;
use std::ops::RangeInclusive;

/// Bytes the site's name may have.
pub const MAX_SITE_NAME_BYTES: usize = 30;
/// What the password policy may ask for as minimum length, in characters.
pub const PASSWORD_LENGTH: RangeInclusive<i64> = 5..=64;
const MIN_BATCHING_INTERVAL_S: i64 = 30;
const MIN_TYPING_PAUSE_MS: i64 = 1000;

macro_rules! rules {
    ($($name:ident = $id:literal, |$c:ident| $holds:expr;)*) => {
        /// A rule of the configuration, named after what it guards.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Rule { $($name),* }

        impl Rule {
            /// Every rule, in the order of checking.
            pub const ALL: &'static [Rule] = &[$(Rule::$name),*];

            /// The id of the error that a client sees when the rule is broken.
            pub const fn wire(self) -> &'static str {
                match self { $(Rule::$name => $id),* }
            }

            fn holds(self, checked: &Checked) -> bool {
                match self { $(Rule::$name => { let $c = checked; $holds })* }
            }
        }
    };
}

/// Refuses with the first broken rule. `tree` is complete; `now` in ms.
pub fn validate(tree: &Value, now: i64) -> Result<(), Rule> {
    let checked = Checked { tree, now };
    Rule::ALL.iter().find(|rule| !rule.holds(&checked)).map_or(Ok(()), |rule| Err(*rule))
}

struct Checked<'t> {
    tree: &'t Value,
    now: i64,
}

impl Checked<'_> {
    fn text(&self, pointer: &str) -> &str {
        tree::text(self.tree, pointer)
    }

    fn number(&self, pointer: &str) -> i64 {
        tree::number(self.tree, pointer)
    }

    fn on(&self, pointer: &str) -> bool {
        tree::flag(self.tree, pointer)
    }

    fn set(&self, pointer: &str) -> bool {
        !self.text(pointer).is_empty()
    }

    fn one_of(&self, pointer: &str, choices: &[&str]) -> bool {
        choices.contains(&self.text(pointer))
    }

    /// A text that begins with one of `starts` and names something after it.
    fn url_of(&self, pointer: &str, starts: &[&str]) -> bool {
        let text = self.text(pointer);
        starts.iter().any(|start| text.strip_prefix(start).is_some_and(|rest| !rest.is_empty() && printable(rest)))
    }

    fn http_url(&self, pointer: &str) -> bool {
        self.url_of(pointer, &["http://", "https://"])
    }

    /// Empty, a rooted path, or a URL with a scheme.
    fn empty_or_url(&self, pointer: &str) -> bool {
        let text = self.text(pointer);
        let absolute = || {
            text.split_once("://").is_some_and(|(scheme, rest)| {
                scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                    && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
                    && !rest.is_empty()
            })
        };
        text.is_empty() || (printable(text) && (text.starts_with('/') || absolute()))
    }

    /// `HH:MM`, 24 hours; the hour may have one digit.
    fn time_of_day(&self, pointer: &str) -> bool {
        self.text(pointer).split_once(':').is_some_and(|(hour, minute)| {
            let below = |text: &str, limit: u8| text.bytes().all(|b| b.is_ascii_digit()) && text.parse::<u8>().is_ok_and(|n| n < limit);
            hour.len() <= 2 && minute.len() == 2 && below(hour, 24) && below(minute, 60)
        })
    }

    fn locales_contain_the_default(&self) -> bool {
        let available = self.text("/LocalizationSettings/AvailableLocales");
        available.is_empty()
            || normalise::locale_names(available).any(|name| name == self.text("/LocalizationSettings/DefaultClientLocale"))
    }

    fn exports_to_relay(&self) -> bool {
        self.on("/MessageExportSettings/EnableExport") && self.text("/MessageExportSettings/ExportFormat") == "globalrelay"
    }
}

fn printable(text: &str) -> bool {
    !text.contains(|c: char| c.is_control() || c.is_whitespace())
}

rules! {
    SiteUrlForEmailBatching = "model.config.is_valid.site_url_email_batching.app_error", |c| c.set("/ServiceSettings/SiteURL") || !c.on("/EmailSettings/EnableEmailBatching");
    EmailBatchingInCluster = "model.config.is_valid.cluster_email_batching.app_error", |c| !(c.on("/ClusterSettings/Enable") && c.on("/EmailSettings/EnableEmailBatching"));
    SiteUrlForCookies = "model.config.is_valid.allow_cookies_for_subdomains.app_error", |c| c.set("/ServiceSettings/SiteURL") || !c.on("/ServiceSettings/AllowCookiesForSubdomains");
    MaxUsers = "model.config.is_valid.max_users.app_error", |c| c.number("/TeamSettings/MaxUsersPerTeam") >= 1;
    MaxChannels = "model.config.is_valid.max_channels.app_error", |c| c.number("/TeamSettings/MaxChannelsPerTeam") >= 1;
    MaxNotifications = "model.config.is_valid.max_notify_per_channel.app_error", |c| c.number("/TeamSettings/MaxNotificationsPerChannel") >= 1;
    RestrictDirectMessage = "model.config.is_valid.restrict_direct_message.app_error", |c| c.one_of("/TeamSettings/RestrictDirectMessage", &["any", "team"]);
    TeammateNameDisplay = "model.config.is_valid.teammate_name_display.app_error", |c| c.one_of("/TeamSettings/TeammateNameDisplay", &["username", "nickname_full_name", "full_name"]);
    SiteNameLength = "model.config.is_valid.sitename_length.app_error", |c| c.text("/TeamSettings/SiteName").len() <= MAX_SITE_NAME_BYTES;
    AtRestEncryptKey = "model.config.is_valid.encrypt_sql.app_error", |c| c.text("/SqlSettings/AtRestEncryptKey").len() >= secrets::MIN_LENGTH;
    SqlDriver = "model.config.is_valid.sql_driver.app_error", |c| c.one_of("/SqlSettings/DriverName", &["mysql", "postgres"]);
    SqlMaxIdle = "model.config.is_valid.sql_idle.app_error", |c| c.number("/SqlSettings/MaxIdleConns") >= 1;
    SqlQueryTimeout = "model.config.is_valid.sql_query_timeout.app_error", |c| c.number("/SqlSettings/QueryTimeout") >= 1;
    SqlDataSource = "model.config.is_valid.sql_data_src.app_error", |c| c.set("/SqlSettings/DataSource");
    SqlMaxOpen = "model.config.is_valid.sql_max_conn.app_error", |c| c.number("/SqlSettings/MaxOpenConns") >= 1;
    MaxFileSize = "model.config.is_valid.max_file_size.app_error", |c| c.number("/FileSettings/MaxFileSize") >= 1;
    FileDriver = "model.config.is_valid.file_driver.app_error", |c| c.one_of("/FileSettings/DriverName", &["local", "amazons3"]);
    PublicLinkSalt = "model.config.is_valid.file_salt.app_error", |c| c.text("/FileSettings/PublicLinkSalt").len() >= secrets::MIN_LENGTH;
    EmailSecurity = "model.config.is_valid.email_security.app_error", |c| c.one_of("/EmailSettings/ConnectionSecurity", &["", "TLS", "STARTTLS", "PLAIN"]);
    InviteSalt = "model.config.is_valid.email_salt.app_error", |c| c.text("/EmailSettings/InviteSalt").len() >= secrets::MIN_LENGTH;
    EmailBatchingBufferSize = "model.config.is_valid.email_batching_buffer_size.app_error", |c| c.number("/EmailSettings/EmailBatchingBufferSize") >= 1;
    EmailBatchingInterval = "model.config.is_valid.email_batching_interval.app_error", |c| c.number("/EmailSettings/EmailBatchingInterval") >= MIN_BATCHING_INTERVAL_S;
    EmailContents = "model.config.is_valid.email_notification_contents_type.app_error", |c| c.one_of("/EmailSettings/EmailNotificationContentsType", &["full", "generic"]);
    LdapSecurity = "model.config.is_valid.ldap_security.app_error", |c| c.one_of("/LdapSettings/ConnectionSecurity", &["", "TLS", "STARTTLS"]);
    LdapSyncInterval = "model.config.is_valid.ldap_sync_interval.app_error", |c| c.number("/LdapSettings/SyncIntervalMinutes") >= 1;
    LdapMaxPageSize = "model.config.is_valid.ldap_max_page_size.app_error", |c| c.number("/LdapSettings/MaxPageSize") >= 0;
    LdapServer = "model.config.is_valid.ldap_server", |c| !c.on("/LdapSettings/Enable") || c.set("/LdapSettings/LdapServer");
    LdapBaseDn = "model.config.is_valid.ldap_basedn", |c| !c.on("/LdapSettings/Enable") || c.set("/LdapSettings/BaseDN");
    LdapEmail = "model.config.is_valid.ldap_email", |c| !c.on("/LdapSettings/Enable") || c.set("/LdapSettings/EmailAttribute");
    LdapUsername = "model.config.is_valid.ldap_username", |c| !c.on("/LdapSettings/Enable") || c.set("/LdapSettings/UsernameAttribute");
    LdapId = "model.config.is_valid.ldap_id", |c| !c.on("/LdapSettings/Enable") || c.set("/LdapSettings/IdAttribute");
    LdapUserFilter = "ent.ldap.validate_filter.app_error", |c| !c.on("/LdapSettings/Enable") || !c.set("/LdapSettings/UserFilter") || ldap_filter::is_valid(c.text("/LdapSettings/UserFilter"));
    SamlIdpUrl = "model.config.is_valid.saml_idp_url.app_error", |c| !c.on("/SamlSettings/Enable") || c.http_url("/SamlSettings/IdpUrl");
    SamlIdpDescriptorUrl = "model.config.is_valid.saml_idp_descriptor_url.app_error", |c| !c.on("/SamlSettings/Enable") || c.http_url("/SamlSettings/IdpDescriptorUrl");
    SamlIdpCertificate = "model.config.is_valid.saml_idp_cert.app_error", |c| !c.on("/SamlSettings/Enable") || c.set("/SamlSettings/IdpCertificateFile");
    SamlEmail = "model.config.is_valid.saml_email_attribute.app_error", |c| !c.on("/SamlSettings/Enable") || c.set("/SamlSettings/EmailAttribute");
    SamlUsername = "model.config.is_valid.saml_username_attribute.app_error", |c| !c.on("/SamlSettings/Enable") || c.set("/SamlSettings/UsernameAttribute");
    SamlAssertionConsumerUrl = "model.config.is_valid.saml_assertion_consumer_service_url.app_error", |c| !(c.on("/SamlSettings/Enable") && c.on("/SamlSettings/Verify")) || c.http_url("/SamlSettings/AssertionConsumerServiceURL");
    SamlPrivateKey = "model.config.is_valid.saml_private_key.app_error", |c| !(c.on("/SamlSettings/Enable") && c.on("/SamlSettings/Encrypt")) || c.set("/SamlSettings/PrivateKeyFile");
    SamlPublicCertificate = "model.config.is_valid.saml_public_cert.app_error", |c| !(c.on("/SamlSettings/Enable") && c.on("/SamlSettings/Encrypt")) || c.set("/SamlSettings/PublicCertificateFile");
    PasswordLength = "model.config.is_valid.password_length.app_error", |c| PASSWORD_LENGTH.contains(&c.number("/PasswordSettings/MinimumLength"));
    RateLimitMemory = "model.config.is_valid.rate_mem.app_error", |c| c.number("/RateLimitSettings/MemoryStoreSize") >= 1;
    RateLimitPerSec = "model.config.is_valid.rate_sec.app_error", |c| c.number("/RateLimitSettings/PerSec") >= 1;
    RateLimitMaxBurst = "model.config.is_valid.max_burst.app_error", |c| c.number("/RateLimitSettings/MaxBurst") >= 1;
    WebrtcGatewayUrl = "model.config.is_valid.webrtc_gateway_ws_url.app_error", |c| !c.on("/WebrtcSettings/Enable") || c.url_of("/WebrtcSettings/GatewayWebsocketUrl", &["ws://", "wss://"]);
    WebrtcAdminUrl = "model.config.is_valid.webrtc_gateway_admin_url.app_error", |c| !c.on("/WebrtcSettings/Enable") || c.http_url("/WebrtcSettings/GatewayAdminUrl");
    WebrtcAdminSecret = "model.config.is_valid.webrtc_gateway_admin_secret.app_error", |c| !c.on("/WebrtcSettings/Enable") || c.set("/WebrtcSettings/GatewayAdminSecret");
    WebrtcStunUri = "model.config.is_valid.webrtc_stun_uri.app_error", |c| !(c.on("/WebrtcSettings/Enable") && c.set("/WebrtcSettings/StunURI")) || c.url_of("/WebrtcSettings/StunURI", &["stun:"]);
    WebrtcTurnUri = "model.config.is_valid.webrtc_turn_uri.app_error", |c| !(c.on("/WebrtcSettings/Enable") && c.set("/WebrtcSettings/TurnURI")) || c.url_of("/WebrtcSettings/TurnURI", &["turn:"]);
    WebrtcTurnUsername = "model.config.is_valid.webrtc_turn_username.app_error", |c| !(c.on("/WebrtcSettings/Enable") && c.set("/WebrtcSettings/TurnURI")) || c.set("/WebrtcSettings/TurnUsername");
    WebrtcTurnSharedKey = "model.config.is_valid.webrtc_turn_shared_key.app_error", |c| !(c.on("/WebrtcSettings/Enable") && c.set("/WebrtcSettings/TurnURI")) || c.set("/WebrtcSettings/TurnSharedKey");
    WebserverSecurity = "model.config.is_valid.webserver_security.app_error", |c| c.one_of("/ServiceSettings/ConnectionSecurity", &["", "TLS"]);
    ReadTimeout = "model.config.is_valid.read_timeout.app_error", |c| c.number("/ServiceSettings/ReadTimeout") >= 1;
    WriteTimeout = "model.config.is_valid.write_timeout.app_error", |c| c.number("/ServiceSettings/WriteTimeout") >= 1;
    UserTypingPause = "model.config.is_valid.time_between_user_typing.app_error", |c| c.number("/ServiceSettings/TimeBetweenUserTypingUpdatesMilliseconds") >= MIN_TYPING_PAUSE_MS;
    LoginAttempts = "model.config.is_valid.login_attempts.app_error", |c| c.number("/ServiceSettings/MaximumLoginAttempts") >= 1;
    SiteUrl = "model.config.is_valid.site_url.app_error", |c| c.empty_or_url("/ServiceSettings/SiteURL");
    WebsocketUrl = "model.config.is_valid.websocket_url.app_error", |c| c.empty_or_url("/ServiceSettings/WebsocketURL");
    ListenAddress = "model.config.is_valid.listen_address.app_error", |c| c.set("/ServiceSettings/ListenAddress");
    GroupUnreadChannels = "model.config.is_valid.group_unread_channels.app_error", |c| c.one_of("/ServiceSettings/ExperimentalGroupUnreadChannels", &["disabled", "default_on", "default_off"]);
    ImageProxyType = "model.config.is_valid.image_proxy_type.app_error", |c| c.one_of("/ServiceSettings/ImageProxyType", &["", "atmos/camo"]);
    ImageProxyOptions = "model.config.is_valid.atmos_camo_image_proxy_options.app_error", |c| !c.set("/ServiceSettings/ImageProxyType") || c.set("/ServiceSettings/ImageProxyOptions");
    ElasticsearchUrl = "model.config.is_valid.elastic_search.connection_url.app_error", |c| !c.on("/ElasticsearchSettings/EnableIndexing") || c.set("/ElasticsearchSettings/ConnectionUrl");
    ElasticsearchSearching = "model.config.is_valid.elastic_search.enable_searching.app_error", |c| !c.on("/ElasticsearchSettings/EnableSearching") || c.on("/ElasticsearchSettings/EnableIndexing");
    ElasticsearchAggregateDays = "model.config.is_valid.elastic_search.aggregate_posts_after_days.app_error", |c| c.number("/ElasticsearchSettings/AggregatePostsAfterDays") >= 1;
    ElasticsearchAggregatorStart = "model.config.is_valid.elastic_search.posts_aggregator_job_start_time.app_error", |c| c.time_of_day("/ElasticsearchSettings/PostsAggregatorJobStartTime");
    ElasticsearchBatchSize = "model.config.is_valid.elastic_search.live_indexing_batch_size.app_error", |c| c.number("/ElasticsearchSettings/LiveIndexingBatchSize") >= 1;
    ElasticsearchTimeWindow = "model.config.is_valid.elastic_search.bulk_indexing_time_window_seconds.app_error", |c| c.number("/ElasticsearchSettings/BulkIndexingTimeWindowSeconds") >= 1;
    ElasticsearchTimeout = "model.config.is_valid.elastic_search.request_timeout_seconds.app_error", |c| c.number("/ElasticsearchSettings/RequestTimeoutSeconds") >= 1;
    MessageRetentionDays = "model.config.is_valid.data_retention.message_retention_days_too_low.app_error", |c| c.number("/DataRetentionSettings/MessageRetentionDays") >= 1;
    FileRetentionDays = "model.config.is_valid.data_retention.file_retention_days_too_low.app_error", |c| c.number("/DataRetentionSettings/FileRetentionDays") >= 1;
    DeletionStart = "model.config.is_valid.data_retention.deletion_job_start_time.app_error", |c| c.time_of_day("/DataRetentionSettings/DeletionJobStartTime");
    AvailableLocales = "model.config.is_valid.localization.available_locales.app_error", |c| c.locales_contain_the_default();
    ExportFrom = "model.config.is_valid.message_export.export_from.app_error", |c| !c.on("/MessageExportSettings/EnableExport") || (0..=c.now).contains(&c.number("/MessageExportSettings/ExportFromTimestamp"));
    ExportRunTime = "model.config.is_valid.message_export.daily_runtime.app_error", |c| !c.on("/MessageExportSettings/EnableExport") || c.time_of_day("/MessageExportSettings/DailyRunTime");
    ExportBatchSize = "model.config.is_valid.message_export.batch_size.app_error", |c| !c.on("/MessageExportSettings/EnableExport") || c.number("/MessageExportSettings/BatchSize") >= 0;
    ExportFormat = "model.config.is_valid.message_export.export_type.app_error", |c| !c.on("/MessageExportSettings/EnableExport") || c.one_of("/MessageExportSettings/ExportFormat", &["actiance", "globalrelay"]);
    RelayCustomerType = "model.config.is_valid.message_export.global_relay.customer_type.app_error", |c| !c.exports_to_relay() || c.one_of("/MessageExportSettings/GlobalRelaySettings/CustomerType", &["A9", "A10"]);
    RelayEmailAddress = "model.config.is_valid.message_export.global_relay.email_address.app_error", |c| !c.exports_to_relay() || c.text("/MessageExportSettings/GlobalRelaySettings/EmailAddress").contains('@');
    RelaySmtpUsername = "model.config.is_valid.message_export.global_relay.smtp_username.app_error", |c| !c.exports_to_relay() || c.set("/MessageExportSettings/GlobalRelaySettings/SmtpUsername");
    RelaySmtpPassword = "model.config.is_valid.message_export.global_relay.smtp_password.app_error", |c| !c.exports_to_relay() || c.set("/MessageExportSettings/GlobalRelaySettings/SmtpPassword");
}

#[cfg(test)]
mod tests;
