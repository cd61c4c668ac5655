//! One row per rule and way of breaking it: the settings to change, and the rule that must refuse (or none).

use super::{
    super::{defaults::shipped, tree::set},
    *,
};
use Rule::*;
use serde_json::json;
use std::collections::HashSet;

const NOW: i64 = 1_500_000_000_000;

fn verdict(changes: &Value) -> Result<(), Rule> {
    let mut tree = shipped().clone();
    secrets::fill(&mut tree, || "s".repeat(secrets::MIN_LENGTH));
    for (path, value) in changes.as_object().expect("an object") {
        let pointer = format!("/{}", path.replace('.', "/"));
        assert!(tree.pointer(&pointer).is_some(), "{pointer}");
        set(&mut tree, &pointer, value.clone());
    }
    validate(&tree, NOW)
}

#[test]
fn the_shipped_configuration_is_valid() {
    assert_eq!(verdict(&json!({})), Ok(()));
}

#[test]
fn every_rule_refuses() {
    let ldap = |without: &str| {
        let mut changes = json!({
            "LdapSettings.Enable": true, "LdapSettings.LdapServer": "x", "LdapSettings.BaseDN": "x", "LdapSettings.EmailAttribute": "x",
            "LdapSettings.UsernameAttribute": "x", "LdapSettings.IdAttribute": "x",
        });
        changes[format!("LdapSettings.{without}")] = "".into();
        changes
    };
    let saml = |key: &str, value: &str| {
        let mut changes = json!({
            "SamlSettings.Enable": true, "SamlSettings.IdpUrl": "http://x", "SamlSettings.IdpDescriptorUrl": "https://x",
            "SamlSettings.IdpCertificateFile": "x", "SamlSettings.EmailAttribute": "x", "SamlSettings.UsernameAttribute": "x",
            "SamlSettings.AssertionConsumerServiceURL": "http://x", "SamlSettings.PrivateKeyFile": "x", "SamlSettings.PublicCertificateFile": "x",
        });
        changes[format!("SamlSettings.{key}")] = value.into();
        changes
    };
    let webrtc = |key: &str, value: &str| {
        let mut changes = json!({
            "WebrtcSettings.Enable": true, "WebrtcSettings.GatewayWebsocketUrl": "wss://x", "WebrtcSettings.GatewayAdminUrl": "http://x",
            "WebrtcSettings.GatewayAdminSecret": "x", "WebrtcSettings.StunURI": "stun:x", "WebrtcSettings.TurnURI": "turn:x",
            "WebrtcSettings.TurnUsername": "x", "WebrtcSettings.TurnSharedKey": "x",
        });
        changes[format!("WebrtcSettings.{key}")] = value.into();
        changes
    };
    let export = |key: &str, value: Value| {
        let mut changes = json!({
            "MessageExportSettings.EnableExport": true, "MessageExportSettings.ExportFormat": "globalrelay",
            "MessageExportSettings.GlobalRelaySettings.SmtpUsername": "x", "MessageExportSettings.GlobalRelaySettings.SmtpPassword": "x",
            "MessageExportSettings.GlobalRelaySettings.EmailAddress": "x@y",
        });
        changes[format!("MessageExportSettings.{key}")] = value;
        changes
    };
    let one = |path: &str, value: Value| json!({ path: value });

    let cases = [
        (SiteUrlForEmailBatching, one("EmailSettings.EnableEmailBatching", json!(true))),
        (
            EmailBatchingInCluster,
            json!({"ServiceSettings.SiteURL": "http://x", "EmailSettings.EnableEmailBatching": true, "ClusterSettings.Enable": true}),
        ),
        (SiteUrlForCookies, one("ServiceSettings.AllowCookiesForSubdomains", json!(true))),
        (MaxUsers, one("TeamSettings.MaxUsersPerTeam", json!(0))),
        (MaxUsers, one("TeamSettings.MaxUsersPerTeam", json!(-1))),
        (MaxChannels, one("TeamSettings.MaxChannelsPerTeam", json!(0))),
        (MaxNotifications, one("TeamSettings.MaxNotificationsPerChannel", json!(0))),
        (RestrictDirectMessage, one("TeamSettings.RestrictDirectMessage", json!("all"))),
        (TeammateNameDisplay, one("TeamSettings.TeammateNameDisplay", json!(""))),
        (SiteNameLength, one("TeamSettings.SiteName", json!("x".repeat(31)))),
        (SiteNameLength, one("TeamSettings.SiteName", json!("é".repeat(16)))),
        (AtRestEncryptKey, one("SqlSettings.AtRestEncryptKey", json!("short"))),
        (SqlDriver, one("SqlSettings.DriverName", json!("sqlite"))),
        (SqlMaxIdle, one("SqlSettings.MaxIdleConns", json!(0))),
        (SqlQueryTimeout, one("SqlSettings.QueryTimeout", json!(0))),
        (SqlDataSource, one("SqlSettings.DataSource", json!(""))),
        (SqlMaxOpen, one("SqlSettings.MaxOpenConns", json!(0))),
        (MaxFileSize, one("FileSettings.MaxFileSize", json!(0))),
        (FileDriver, one("FileSettings.DriverName", json!("ftp"))),
        (PublicLinkSalt, one("FileSettings.PublicLinkSalt", json!("short"))),
        (EmailSecurity, one("EmailSettings.ConnectionSecurity", json!("SSL"))),
        (InviteSalt, one("EmailSettings.InviteSalt", json!("short"))),
        (EmailBatchingBufferSize, one("EmailSettings.EmailBatchingBufferSize", json!(0))),
        (EmailBatchingInterval, one("EmailSettings.EmailBatchingInterval", json!(29))),
        (EmailContents, one("EmailSettings.EmailNotificationContentsType", json!("none"))),
        (LdapSecurity, one("LdapSettings.ConnectionSecurity", json!("PLAIN"))),
        (LdapSyncInterval, one("LdapSettings.SyncIntervalMinutes", json!(0))),
        (LdapMaxPageSize, one("LdapSettings.MaxPageSize", json!(-1))),
        (LdapServer, ldap("LdapServer")),
        (LdapBaseDn, ldap("BaseDN")),
        (LdapEmail, ldap("EmailAttribute")),
        (LdapUsername, ldap("UsernameAttribute")),
        (LdapId, ldap("IdAttribute")),
        (LdapUserFilter, {
            let mut changes = ldap("UserFilter");
            changes["LdapSettings.UserFilter"] = "(cn=x".into();
            changes
        }),
        (SamlIdpUrl, saml("IdpUrl", "ftp://x")),
        (SamlIdpDescriptorUrl, saml("IdpDescriptorUrl", "")),
        (SamlIdpCertificate, saml("IdpCertificateFile", "")),
        (SamlEmail, saml("EmailAttribute", "")),
        (SamlUsername, saml("UsernameAttribute", "")),
        (SamlAssertionConsumerUrl, saml("AssertionConsumerServiceURL", "x")),
        (SamlPrivateKey, saml("PrivateKeyFile", "")),
        (SamlPublicCertificate, saml("PublicCertificateFile", "")),
        (PasswordLength, one("PasswordSettings.MinimumLength", json!(4))),
        (PasswordLength, one("PasswordSettings.MinimumLength", json!(65))),
        (RateLimitMemory, one("RateLimitSettings.MemoryStoreSize", json!(0))),
        (RateLimitPerSec, one("RateLimitSettings.PerSec", json!(0))),
        (RateLimitMaxBurst, one("RateLimitSettings.MaxBurst", json!(0))),
        (WebrtcGatewayUrl, webrtc("GatewayWebsocketUrl", "http://x")),
        (WebrtcAdminUrl, webrtc("GatewayAdminUrl", "")),
        (WebrtcAdminSecret, webrtc("GatewayAdminSecret", "")),
        (WebrtcStunUri, webrtc("StunURI", "turn:x")),
        (WebrtcTurnUri, webrtc("TurnURI", "stun:x")),
        (WebrtcTurnUsername, webrtc("TurnUsername", "")),
        (WebrtcTurnSharedKey, webrtc("TurnSharedKey", "")),
        (WebserverSecurity, one("ServiceSettings.ConnectionSecurity", json!("STARTTLS"))),
        (ReadTimeout, one("ServiceSettings.ReadTimeout", json!(0))),
        (WriteTimeout, one("ServiceSettings.WriteTimeout", json!(0))),
        (UserTypingPause, one("ServiceSettings.TimeBetweenUserTypingUpdatesMilliseconds", json!(999))),
        (LoginAttempts, one("ServiceSettings.MaximumLoginAttempts", json!(0))),
        (SiteUrl, one("ServiceSettings.SiteURL", json!("chat.example.com"))),
        (SiteUrl, one("ServiceSettings.SiteURL", json!("http://chat example"))),
        (WebsocketUrl, one("ServiceSettings.WebsocketURL", json!("nonsense"))),
        (ListenAddress, one("ServiceSettings.ListenAddress", json!(""))),
        (GroupUnreadChannels, one("ServiceSettings.ExperimentalGroupUnreadChannels", json!("on"))),
        (ImageProxyType, one("ServiceSettings.ImageProxyType", json!("other"))),
        (ImageProxyOptions, one("ServiceSettings.ImageProxyType", json!("atmos/camo"))),
        (ElasticsearchUrl, one("ElasticsearchSettings.EnableIndexing", json!(true))),
        (ElasticsearchSearching, one("ElasticsearchSettings.EnableSearching", json!(true))),
        (ElasticsearchAggregateDays, one("ElasticsearchSettings.AggregatePostsAfterDays", json!(0))),
        (ElasticsearchAggregatorStart, one("ElasticsearchSettings.PostsAggregatorJobStartTime", json!("24:00"))),
        (ElasticsearchBatchSize, one("ElasticsearchSettings.LiveIndexingBatchSize", json!(0))),
        (ElasticsearchTimeWindow, one("ElasticsearchSettings.BulkIndexingTimeWindowSeconds", json!(0))),
        (ElasticsearchTimeout, one("ElasticsearchSettings.RequestTimeoutSeconds", json!(0))),
        (MessageRetentionDays, one("DataRetentionSettings.MessageRetentionDays", json!(0))),
        (FileRetentionDays, one("DataRetentionSettings.FileRetentionDays", json!(0))),
        (DeletionStart, one("DataRetentionSettings.DeletionJobStartTime", json!("2am"))),
        (AvailableLocales, one("LocalizationSettings.AvailableLocales", json!("de,fr"))),
        (ExportFrom, export("ExportFromTimestamp", json!(NOW + 1))),
        (ExportFrom, export("ExportFromTimestamp", json!(-1))),
        (ExportRunTime, export("DailyRunTime", json!("1:5"))),
        (ExportBatchSize, export("BatchSize", json!(-1))),
        (ExportFormat, export("ExportFormat", json!("csv"))),
        (RelayCustomerType, export("GlobalRelaySettings.CustomerType", json!("A8"))),
        (RelayEmailAddress, export("GlobalRelaySettings.EmailAddress", json!("x"))),
        (RelaySmtpUsername, export("GlobalRelaySettings.SmtpUsername", json!(""))),
        (RelaySmtpPassword, export("GlobalRelaySettings.SmtpPassword", json!(""))),
    ];
    for (rule, changes) in &cases {
        assert_eq!(verdict(changes), Err(*rule), "{changes}");
    }
    let tested: HashSet<_> = cases.iter().map(|(rule, _)| *rule).collect();
    let untested: Vec<_> = Rule::ALL.iter().filter(|rule| !tested.contains(rule)).collect();
    assert!(untested.is_empty(), "{untested:?}");

    for valid in [ldap("UserFilter"), saml("ScopingIDPName", ""), webrtc("TurnURI", ""), export("ExportFromTimestamp", json!(NOW))] {
        assert_eq!(verdict(&valid), Ok(()), "{valid}");
    }
}

#[test]
fn values_at_the_edge_are_accepted() {
    for (path, value) in [
        ("TeamSettings.MaxUsersPerTeam", json!(1)),
        ("TeamSettings.SiteName", json!("x".repeat(30))),
        ("PasswordSettings.MinimumLength", json!(64)),
        ("ServiceSettings.SiteURL", json!("https://chat.example.com/sub")),
        ("ServiceSettings.WebsocketURL", json!("wss://chat.example.com")),
        ("ServiceSettings.SiteURL", json!("/chat")),
        ("DataRetentionSettings.DeletionJobStartTime", json!("3:00")),
        ("DataRetentionSettings.DeletionJobStartTime", json!("23:59")),
        ("LocalizationSettings.AvailableLocales", json!("de, en")),
        ("LdapSettings.MaxPageSize", json!(0)),
    ] {
        assert_eq!(verdict(&json!({ path: value.clone() })), Ok(()), "{path} {value}");
    }
}
