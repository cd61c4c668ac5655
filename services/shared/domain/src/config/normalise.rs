//! Tidying a complete tree: values that have a better spelling are respelled rather than refused.

use super::{
    defaults,
    tree::{flag, number, set, text},
};
use serde_json::Value;

/// Locales the original is translated to; others are replaced.
pub const LOCALES: &[&str] = &["de", "en", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt-BR", "ru", "tr", "zh-CN", "zh-TW"];

const DEFAULT_LOCALE: &str = "en";
const TERMS_OF_SERVICE: &str = "/SupportSettings/TermsOfServiceLink";
const OTHER_LINKS: &[&str] = &[
    "/SupportSettings/PrivacyPolicyLink",
    "/SupportSettings/AboutLink",
    "/SupportSettings/HelpLink",
    "/SupportSettings/ReportAProblemLink",
];

/// Respells in place. `now` is in ms: the moment from which messages are exported when export is switched on.
pub fn normalise(tree: &mut Value, now: i64) {
    if text(tree, "/ServiceSettings/WebserverMode") == "regular" {
        set(tree, "/ServiceSettings/WebserverMode", "gzip");
    }
    match text(tree, "/ServiceSettings/ExperimentalGroupUnreadChannels") {
        "0" => set(tree, "/ServiceSettings/ExperimentalGroupUnreadChannels", "disabled"),
        "1" => set(tree, "/ServiceSettings/ExperimentalGroupUnreadChannels", "default_on"),
        _ => {}
    }
    links(tree);
    locales(tree);
    export_start(tree, now);
}

/// The names in a comma separated list of locales.
pub fn locale_names(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim)
}

fn links(tree: &mut Value) {
    let safe = |link: &str| ["http://", "https://", "/"].iter().any(|start| link.starts_with(start));
    if !safe(text(tree, TERMS_OF_SERVICE)) {
        set(tree, TERMS_OF_SERVICE, text(defaults::shipped(), TERMS_OF_SERVICE));
    }
    for pointer in OTHER_LINKS {
        if !safe(text(tree, pointer)) {
            set(tree, pointer, "");
        }
    }
}

fn locales(tree: &mut Value) {
    for pointer in ["/LocalizationSettings/DefaultServerLocale", "/LocalizationSettings/DefaultClientLocale"] {
        if !LOCALES.contains(&text(tree, pointer)) {
            set(tree, pointer, DEFAULT_LOCALE);
        }
    }
    let available = "/LocalizationSettings/AvailableLocales";
    if !locale_names(text(tree, available)).all(|name| LOCALES.contains(&name)) {
        set(tree, available, "");
    }
}

fn export_start(tree: &mut Value, now: i64) {
    let pointer = "/MessageExportSettings/ExportFromTimestamp";
    if !flag(tree, "/MessageExportSettings/EnableExport") {
        set(tree, pointer, 0);
    } else if number(tree, pointer) == 0 {
        set(tree, pointer, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_with_a_better_spelling() {
        let now = 1_500_000_000_000_i64;
        let terms = defaults::shipped().pointer(TERMS_OF_SERVICE).cloned().unwrap_or_default();
        let cases = [
            ("/ServiceSettings/WebserverMode", json!("regular"), json!("gzip")),
            ("/ServiceSettings/WebserverMode", json!("disabled"), json!("disabled")),
            ("/ServiceSettings/ExperimentalGroupUnreadChannels", json!("0"), json!("disabled")),
            ("/ServiceSettings/ExperimentalGroupUnreadChannels", json!("1"), json!("default_on")),
            (TERMS_OF_SERVICE, json!("javascript:alert(1)"), terms.clone()),
            (TERMS_OF_SERVICE, json!(""), terms),
            (TERMS_OF_SERVICE, json!("/terms"), json!("/terms")),
            ("/SupportSettings/AboutLink", json!("ftp://x"), json!("")),
            ("/SupportSettings/HelpLink", json!("http://x"), json!("http://x")),
            ("/LocalizationSettings/DefaultServerLocale", json!("xx"), json!("en")),
            ("/LocalizationSettings/DefaultClientLocale", json!("de"), json!("de")),
            ("/LocalizationSettings/AvailableLocales", json!("en,xx"), json!("")),
            ("/LocalizationSettings/AvailableLocales", json!("en,de"), json!("en,de")),
            ("/MessageExportSettings/ExportFromTimestamp", json!(5), json!(0)),
        ];
        for (pointer, sent, expected) in cases {
            let mut tree = defaults::shipped().clone();
            set(&mut tree, pointer, sent.clone());
            normalise(&mut tree, now);
            assert_eq!(tree.pointer(pointer), Some(&expected), "{pointer} {sent}");
        }
    }

    #[test]
    fn export_begins_when_it_is_switched_on() {
        let mut tree = defaults::shipped().clone();
        set(&mut tree, "/MessageExportSettings/EnableExport", true);
        normalise(&mut tree, 77);
        assert_eq!(tree["MessageExportSettings"]["ExportFromTimestamp"], 77);
        normalise(&mut tree, 99);
        assert_eq!(tree["MessageExportSettings"]["ExportFromTimestamp"], 77, "an export that runs keeps its start");
    }
}
