//! What a session shows about the client it was opened from.

/// The `props` of a session that come from the User-Agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    pub platform: &'static str,
    pub os: String,
    /// `Name/version`.
    pub browser: String,
}

/// Platform, system and browser of a User-Agent; an unknown one is `Windows`, nothing, `Unknown/0.0`.
pub fn client(user_agent: &str) -> Client {
    let (platform, os) = system(user_agent);
    Client { platform, os, browser: browser(user_agent) }
}

fn system(agent: &str) -> (&'static str, String) {
    let named = |platform, os: &str| (platform, os.to_owned());
    if agent.contains("Windows Phone") {
        named("Windows Phone", "Windows Phone")
    } else if let Some((_, rest)) = agent.split_once("Windows NT ") {
        ("Windows", windows_name(rest))
    } else if agent.contains("Windows") {
        named("Windows", "Windows")
    } else if agent.contains("iPad") {
        named("iPad", "iOS")
    } else if agent.contains("iPod") {
        named("iPod", "iOS")
    } else if agent.contains("iPhone") {
        named("iPhone", "iOS")
    } else if agent.contains("Mac OS X") || agent.contains("Macintosh") {
        named("Macintosh", "Mac OS")
    } else if agent.contains("BlackBerry") || agent.contains("BB10") {
        named("BlackBerry", "BlackBerry")
    } else if agent.contains("Android") {
        named("Linux", "Android")
    } else if agent.contains("CrOS") {
        named("Linux", "Chrome OS")
    } else if agent.contains("Linux") || agent.contains("X11") {
        named("Linux", "Linux")
    } else {
        named("Windows", "")
    }
}

fn windows_name(version: &str) -> String {
    match version.split(|c: char| !c.is_ascii_digit() && c != '.').next().unwrap_or_default() {
        "5.0" => "Windows 2000",
        "5.1" => "Windows XP",
        "5.2" => "Windows XP x64 Edition",
        "6.0" => "Windows Vista",
        "6.1" => "Windows 7",
        "6.2" => "Windows 8",
        "6.3" => "Windows 8.1",
        "10.0" => "Windows 10",
        _ => "Windows",
    }
    .to_owned()
}

fn browser(agent: &str) -> String {
    // Order matters: most browsers also call themselves the ones below.
    const KNOWN: &[(&str, &str)] = &[
        ("Edge/", "Edge"),
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("FxiOS/", "Firefox"),
        ("Firefox/", "Firefox"),
        ("CriOS/", "Chrome"),
        ("Chrome/", "Chrome"),
        ("Chromium/", "Chrome"),
        ("MSIE ", "Internet Explorer"),
    ];
    if let Some((_, rest)) = agent.split_once("Mattermost/") {
        // The desktop application's own version, whole.
        let version = rest.split_whitespace().next().unwrap_or("0.0");
        return format!("Desktop App/{}", crate::text::cut_bytes(version, 32));
    }
    for (mark, name) in KNOWN {
        if let Some((_, rest)) = agent.split_once(mark) {
            return format!("{name}/{}", version(rest));
        }
    }
    let versioned = |name: &str, mark: &str| agent.split_once(mark).map(|(_, rest)| format!("{name}/{}", version(rest)));
    let found = if agent.contains("Trident/") {
        versioned("Internet Explorer", "rv:")
    } else if agent.contains("Opera") {
        versioned("Opera", "Version/").or_else(|| versioned("Opera", "Opera/"))
    } else if agent.contains("Safari/") {
        versioned("Safari", "Version/")
    } else {
        None
    };
    found.unwrap_or_else(|| "Unknown/0.0".to_owned())
}

/// `major.minor`, and the patch number when there is one.
fn version(text: &str) -> String {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let mut numbers = text[..end].split('.').map(|n| n.parse::<u32>().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    match (next(), next(), next()) {
        (major, minor, 0) => format!("{major}.{minor}"),
        (major, minor, patch) => format!("{major}.{minor}.{patch}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_clients() {
        for (agent, platform, os, browser) in [
            ("", "Windows", "", "Unknown/0.0"),
            ("curl/7.88.1", "Windows", "", "Unknown/0.0"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/60.0.3112.90 Safari/537.36",
                "Windows",
                "Windows 10",
                "Chrome/60.0.3112",
            ),
            ("Mozilla/5.0 (X11; Linux x86_64; rv:57.0) Gecko/20100101 Firefox/57.0", "Linux", "Linux", "Firefox/57.0"),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_12_6) AppleWebKit/604.1 (KHTML, like Gecko) Version/10.1.2 Safari/603.3.8",
                "Macintosh",
                "Mac OS",
                "Safari/10.1.2",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/52.0 Safari/537.36 Edge/15.15063",
                "Windows",
                "Windows 10",
                "Edge/15.15063",
            ),
            ("Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko", "Windows", "Windows 7", "Internet Explorer/11.0"),
            ("Mozilla/5.0 (Windows NT 6.3) Chrome/61.0 Safari/537.36 OPR/47.0", "Windows", "Windows 8.1", "Opera/47.0"),
            (
                "Mozilla/5.0 (Windows NT 6.2) AppleWebKit/537.36 Mattermost/4.0.1 Chrome/61.0.3163 Electron/1.8 Safari/537.36",
                "Windows",
                "Windows 8",
                "Desktop App/4.0.1",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 11_0 like Mac OS X) AppleWebKit/604.1 Version/11.0 Mobile/15A Safari/604.1",
                "iPhone",
                "iOS",
                "Safari/11.0",
            ),
            ("Mozilla/5.0 (Linux; Android 8.0) AppleWebKit/537.36 Chrome/62.0 Mobile Safari/537.36", "Linux", "Android", "Chrome/62.0"),
        ] {
            assert_eq!(client(agent), Client { platform, os: os.to_owned(), browser: browser.to_owned() }, "{agent}");
        }
    }
}
