//! What a session remembers of the client: `platform`, `os`, `browser`.

use std::collections::BTreeMap;

/// Longest User-Agent looked at, bytes; longer ones are cut.
const USER_AGENT_MAX: usize = 1_000;

pub(super) fn props(user_agent: &str) -> BTreeMap<String, String> {
    let mut end = user_agent.len().min(USER_AGENT_MAX);
    while !user_agent.is_char_boundary(end) {
        end -= 1;
    }
    let agent = &user_agent[..end];
    let (platform, os) = system(agent);
    [("platform", platform.to_owned()), ("os", os), ("browser", browser(agent))].map(|(k, v)| (k.to_owned(), v)).into()
}

/// Platform and system; an unknown client counts as Windows without a name.
fn system(agent: &str) -> (&'static str, String) {
    let os = |name: &str| name.to_owned();
    if agent.contains("iPad") {
        return ("iPad", os("iOS"));
    }
    if agent.contains("iPhone") {
        return ("iPhone", os("iOS"));
    }
    if agent.contains("Android") {
        return ("Linux", os("Android"));
    }
    if agent.contains("Macintosh") {
        return ("Macintosh", os("Mac OS"));
    }
    if agent.contains("CrOS") {
        return ("X11", os("Chrome OS"));
    }
    if agent.contains("Linux") {
        return (if agent.contains("X11") { "X11" } else { "Linux" }, os("Linux"));
    }
    let version = [
        ("Windows NT 10.0", "Windows 10"),
        ("Windows NT 6.3", "Windows 8.1"),
        ("Windows NT 6.2", "Windows 8"),
        ("Windows NT 6.1", "Windows 7"),
        ("Windows NT 6.0", "Windows Vista"),
        ("Windows NT 5.1", "Windows XP"),
        ("Windows", "Windows"),
    ];
    ("Windows", version.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| os(name)).unwrap_or_default())
}

/// `Name/version`; the more special mark first, since most browsers also claim to be others.
fn browser(agent: &str) -> String {
    for (mark, name) in [
        ("Mattermost/", "Desktop App"),
        ("Edge/", "Edge"),
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
    ] {
        if let Some(version) = version_after(agent, mark) {
            return format!("{name}/{version}");
        }
    }
    if agent.contains("Safari/")
        && let Some(version) = version_after(agent, "Version/")
    {
        return format!("Safari/{version}");
    }
    if agent.contains("Trident/") {
        return format!("Internet Explorer/{}", version_after(agent, "rv:").unwrap_or("11.0"));
    }
    "Unknown/0.0".to_owned()
}

fn version_after<'a>(agent: &'a str, mark: &str) -> Option<&'a str> {
    let rest = agent.split_once(mark)?.1;
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    (end > 0).then(|| &rest[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_clients() {
        let chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/66.0.3359.139 Safari/537.36";
        let desktop =
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_13) AppleWebKit/537.36 Mattermost/4.0.1 Chrome/56.0 Electron/1.6 Safari/537.36";
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:60.0) Gecko/20100101 Firefox/60.0";
        for (agent, platform, os, browser) in [
            ("", "Windows", "", "Unknown/0.0"),
            ("curl/7.1é", "Windows", "", "Unknown/0.0"),
            (chrome, "Windows", "Windows 10", "Chrome/66.0.3359.139"),
            (desktop, "Macintosh", "Mac OS", "Desktop App/4.0.1"),
            (firefox, "X11", "Linux", "Firefox/60.0"),
        ] {
            let props = props(agent);
            assert_eq!((props["platform"].as_str(), props["os"].as_str(), props["browser"].as_str()), (platform, os, browser), "{agent}");
        }
    }
}
