//! The configuration as clients see it: 148 keys, every value a string, the same for everybody.

use super::tree::text;
use serde_json::Value;
use std::collections::BTreeMap;

/// The version of the original whose API this server speaks.
pub const VERSION: &str = "4.10.0";

/// Bytes a post's message may have where the schema is current.
const MAX_POST_SIZE: &str = "16383";

/// Hash of the commit this server was built from; set by the build.
const BUILD_HASH: Option<&str> = option_env!("MUSTER_BUILD_HASH");

/// What clients are told beside the settings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// No account exists yet: the first one becomes the administrator.
    pub no_accounts: bool,
    /// Base64 of the DER form of the P-256 key that signs error pages.
    pub asymmetric_signing_public_key: String,
    /// Id of the installation, 26 characters.
    pub diagnostic_id: String,
}

/// The map of `GET /config/client?format=old`, sorted by key. Features that the original sells by licence report
/// their settings.
pub fn client_map(tree: &Value, facts: &Facts) -> BTreeMap<&'static str, String> {
    let mut map = BTreeMap::new();
    for (section, keys) in SAME_NAME {
        for key in *keys {
            map.insert(*key, shown(tree.pointer(&format!("/{section}/{key}"))));
        }
    }
    for (key, pointer) in RENAMED {
        map.insert(*key, shown(tree.pointer(pointer)));
    }
    for (key, pointer) in WHETHER_SET {
        map.insert(*key, (!text(tree, pointer).is_empty()).to_string());
    }
    let image_proxy = ["/ServiceSettings/ImageProxyType", "/ServiceSettings/ImageProxyURL"];
    let computed = [
        ("Version", VERSION.to_owned()),
        ("BuildNumber", String::new()),
        ("BuildDate", String::new()),
        ("BuildHash", BUILD_HASH.unwrap_or_default().to_owned()),
        ("BuildHashEnterprise", String::new()),
        ("BuildEnterpriseReady", "true".to_owned()),
        ("NoAccounts", facts.no_accounts.to_string()),
        ("MaxPostSize", MAX_POST_SIZE.to_owned()),
        ("AsymmetricSigningPublicKey", facts.asymmetric_signing_public_key.clone()),
        ("DiagnosticId", facts.diagnostic_id.clone()),
        ("HasImageProxy", image_proxy.iter().all(|pointer| !text(tree, pointer).is_empty()).to_string()),
        ("SiteURL", text(tree, "/ServiceSettings/SiteURL").trim_end_matches('/').to_owned()),
        ("WebsocketURL", text(tree, "/ServiceSettings/WebsocketURL").trim_end_matches('/').to_owned()),
    ];
    map.extend(computed);
    map
}

fn shown(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}

/// Keys named like their setting, by section.
const SAME_NAME: &[(&str, &[&str])] = &[
    (
        "ServiceSettings",
        &[
            "EnableAPIv3",
            "EnableOAuthServiceProvider",
            "GoogleDeveloperKey",
            "EnableIncomingWebhooks",
            "EnableOutgoingWebhooks",
            "EnableCommands",
            "EnableOnlyAdminIntegrations",
            "EnablePostUsernameOverride",
            "EnablePostIconOverride",
            "EnableUserAccessTokens",
            "EnableLinkPreviews",
            "EnableTesting",
            "EnableDeveloper",
            "RestrictPostDelete",
            "AllowEditPost",
            "PostEditTimeLimit",
            "CloseUnusedDirectMessages",
            "EnablePreviewFeatures",
            "EnableTutorial",
            "ExperimentalEnableDefaultChannelLeaveJoinMessages",
            "ExperimentalGroupUnreadChannels",
            "WebsocketPort",
            "WebsocketSecurePort",
            "EnableCustomEmoji",
            "EnableEmojiPicker",
            "RestrictCustomEmojiCreation",
            "TimeBetweenUserTypingUpdatesMilliseconds",
            "EnableUserTypingMessages",
            "EnableChannelViewedMessages",
            "ExperimentalEnableAuthenticationTransfer",
            "EnableMultifactorAuthentication",
            "EnforceMultifactorAuthentication",
        ],
    ),
    (
        "TeamSettings",
        &[
            "SiteName",
            "EnableTeamCreation",
            "EnableUserCreation",
            "EnableOpenServer",
            "RestrictDirectMessage",
            "RestrictTeamInvite",
            "RestrictPublicChannelCreation",
            "RestrictPrivateChannelCreation",
            "RestrictPublicChannelManagement",
            "RestrictPrivateChannelManagement",
            "RestrictPublicChannelDeletion",
            "RestrictPrivateChannelDeletion",
            "RestrictPrivateChannelManageMembers",
            "EnableXToLeaveChannelsFromLHS",
            "TeammateNameDisplay",
            "ExperimentalPrimaryTeam",
            "ExperimentalEnableAutomaticReplies",
            "MaxNotificationsPerChannel",
            "EnableConfirmNotificationsToChannel",
            "ExperimentalTownSquareIsReadOnly",
            "EnableCustomBrand",
            "CustomBrandText",
            "CustomDescriptionText",
        ],
    ),
    (
        "ClientRequirements",
        &["AndroidLatestVersion", "AndroidMinVersion", "DesktopLatestVersion", "DesktopMinVersion", "IosLatestVersion", "IosMinVersion"],
    ),
    ("SupportSettings", &["TermsOfServiceLink", "PrivacyPolicyLink", "AboutLink", "HelpLink", "ReportAProblemLink", "SupportEmail"]),
    ("NativeAppSettings", &["AppDownloadLink", "AndroidAppDownloadLink", "IosAppDownloadLink"]),
    (
        "EmailSettings",
        &[
            "SendEmailNotifications",
            "SendPushNotifications",
            "EnableSignUpWithEmail",
            "EnableSignInWithEmail",
            "EnableSignInWithUsername",
            "RequireEmailVerification",
            "EnableEmailBatching",
            "EmailNotificationContentsType",
        ],
    ),
    ("PrivacySettings", &["ShowEmailAddress"]),
    ("FileSettings", &["EnableFileAttachments", "EnablePublicLink", "MaxFileSize"]),
    ("LocalizationSettings", &["DefaultClientLocale", "AvailableLocales"]),
    ("DisplaySettings", &["ExperimentalTimezone"]),
    ("LogSettings", &["EnableDiagnostics"]),
    ("AnnouncementSettings", &["EnableBanner", "AllowBannerDismissal", "BannerText", "BannerColor", "BannerTextColor"]),
    ("ThemeSettings", &["EnableThemeSelection", "AllowCustomThemes", "DefaultTheme", "AllowedThemes"]),
];

/// Keys named otherwise than their setting.
const RENAMED: &[(&str, &str)] = &[
    ("EmailLoginButtonColor", "/EmailSettings/LoginButtonColor"),
    ("EmailLoginButtonBorderColor", "/EmailSettings/LoginButtonBorderColor"),
    ("EmailLoginButtonTextColor", "/EmailSettings/LoginButtonTextColor"),
    ("EnableSignUpWithGitLab", "/GitLabSettings/Enable"),
    ("EnableSignUpWithGoogle", "/GoogleSettings/Enable"),
    ("EnableSignUpWithOffice365", "/Office365Settings/Enable"),
    ("EnableWebrtc", "/WebrtcSettings/Enable"),
    ("PluginsEnabled", "/PluginSettings/Enable"),
    ("DiagnosticsEnabled", "/LogSettings/EnableDiagnostics"),
    ("EnableLdap", "/LdapSettings/Enable"),
    ("LdapLoginFieldName", "/LdapSettings/LoginFieldName"),
    ("LdapLoginButtonColor", "/LdapSettings/LoginButtonColor"),
    ("LdapLoginButtonBorderColor", "/LdapSettings/LoginButtonBorderColor"),
    ("LdapLoginButtonTextColor", "/LdapSettings/LoginButtonTextColor"),
    ("EnableSaml", "/SamlSettings/Enable"),
    ("SamlLoginButtonText", "/SamlSettings/LoginButtonText"),
    ("SamlLoginButtonColor", "/SamlSettings/LoginButtonColor"),
    ("SamlLoginButtonBorderColor", "/SamlSettings/LoginButtonBorderColor"),
    ("SamlLoginButtonTextColor", "/SamlSettings/LoginButtonTextColor"),
    ("EnableCompliance", "/ComplianceSettings/Enable"),
    ("EnableMobileFileDownload", "/FileSettings/EnableMobileDownload"),
    ("EnableMobileFileUpload", "/FileSettings/EnableMobileUpload"),
    ("EnableCluster", "/ClusterSettings/Enable"),
    ("EnableMetrics", "/MetricsSettings/Enable"),
    ("PasswordMinimumLength", "/PasswordSettings/MinimumLength"),
    ("PasswordRequireLowercase", "/PasswordSettings/Lowercase"),
    ("PasswordRequireUppercase", "/PasswordSettings/Uppercase"),
    ("PasswordRequireNumber", "/PasswordSettings/Number"),
    ("PasswordRequireSymbol", "/PasswordSettings/Symbol"),
    ("DataRetentionEnableMessageDeletion", "/DataRetentionSettings/EnableMessageDeletion"),
    ("DataRetentionEnableFileDeletion", "/DataRetentionSettings/EnableFileDeletion"),
    ("DataRetentionMessageRetentionDays", "/DataRetentionSettings/MessageRetentionDays"),
    ("DataRetentionFileRetentionDays", "/DataRetentionSettings/FileRetentionDays"),
    ("SQLDriverName", "/SqlSettings/DriverName"),
];

/// Keys that say whether a setting is filled.
const WHETHER_SET: &[(&str, &str)] = &[
    ("LdapNicknameAttributeSet", "/LdapSettings/NicknameAttribute"),
    ("LdapFirstNameAttributeSet", "/LdapSettings/FirstNameAttribute"),
    ("LdapLastNameAttributeSet", "/LdapSettings/LastNameAttribute"),
    ("SamlFirstNameAttributeSet", "/SamlSettings/FirstNameAttribute"),
    ("SamlLastNameAttributeSet", "/SamlSettings/LastNameAttribute"),
    ("SamlNicknameAttributeSet", "/SamlSettings/NicknameAttribute"),
];

#[cfg(test)]
mod tests {
    use super::{
        super::{defaults::shipped, tree::set},
        *,
    };
    use serde_json::json;

    #[test]
    fn the_keys_are_exactly_the_recorded_ones() {
        let recorded = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../tests/golden/config.client.json"));
        let recorded: BTreeMap<String, String> = serde_json::from_str(recorded).expect("a map of strings");
        let map = client_map(shipped(), &Facts::default());
        assert_eq!(map.keys().copied().collect::<Vec<_>>(), recorded.keys().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(map.len(), 148);
    }

    #[test]
    fn every_key_has_a_setting() {
        for pointer in RENAMED
            .iter()
            .chain(WHETHER_SET)
            .map(|(_, pointer)| (*pointer).to_owned())
            .chain(SAME_NAME.iter().flat_map(|(section, keys)| keys.iter().map(move |key| format!("/{section}/{key}"))))
        {
            assert!(shipped().pointer(&pointer).is_some(), "{pointer}");
        }
    }

    #[test]
    fn values_are_text() {
        let mut tree = shipped().clone();
        set(&mut tree, "/ServiceSettings/SiteURL", "https://chat.example.com/");
        set(&mut tree, "/ThemeSettings/AllowedThemes", json!(["a", "b"]));
        set(&mut tree, "/LdapSettings/NicknameAttribute", "nick");
        set(&mut tree, "/ServiceSettings/ImageProxyType", "atmos/camo");
        let facts = Facts { no_accounts: true, diagnostic_id: "id".into(), ..Facts::default() };
        let map = client_map(&tree, &facts);
        let expected = [
            ("SiteURL", "https://chat.example.com"),
            ("AllowedThemes", "a,b"),
            ("LdapNicknameAttributeSet", "true"),
            ("LdapFirstNameAttributeSet", "false"),
            ("HasImageProxy", "false"),
            ("NoAccounts", "true"),
            ("DiagnosticId", "id"),
            ("PasswordMinimumLength", "5"),
            ("EnableTutorial", "true"),
            ("SQLDriverName", "postgres"),
            ("Version", "4.10.0"),
        ];
        for (key, value) in expected {
            assert_eq!(map[key], value, "{key}");
        }
    }
}
