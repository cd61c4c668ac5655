//! The cookies of a login.

use crate::{
    extract::{RequestFacts, TOKEN_COOKIE, USER_COOKIE},
    state::Gateway,
};
use http::{HeaderMap, HeaderValue, header};
use muster_domain::{
    config::Settings,
    time::{DAY_MS, SECOND_MS},
};

/// Cookie of a browser that is on its way to a sign-in service and back.
const OAUTH_COOKIE: &str = "MMOAUTH";
/// Seconds.
const OAUTH_MAX_AGE: i64 = 30 * 60;

/// `Max-Age` of both cookies, whatever the session's own lifetime, seconds.
fn max_age(settings: &Settings) -> i64 {
    settings.session_length_web_in_days.saturating_mul(DAY_MS / SECOND_MS)
}

/// Attributes that both cookies share.
fn attributes(settings: &Settings, https: bool) -> String {
    let mut text = format!("; Path=/; Max-Age={}", max_age(settings));
    if settings.allow_cookies_for_subdomains
        && let Some(host) = settings.site_url.split_once("://").map(|(_, rest)| rest.split(['/', ':']).next().unwrap_or_default())
        && !host.is_empty()
    {
        text.push_str("; Domain=");
        text.push_str(host);
    }
    if https {
        text.push_str("; Secure");
    }
    text
}

fn append(headers: &mut HeaderMap, cookie: String) {
    // Tokens, ids and attributes are visible ASCII; a site URL that is not cannot become a cookie.
    if let Ok(value) = HeaderValue::try_from(cookie) {
        headers.append(header::SET_COOKIE, value);
    }
}

/// Sets the token's cookie.
pub fn set_token(headers: &mut HeaderMap, gateway: &Gateway, facts: &RequestFacts, token: &str) {
    let attributes = attributes(&gateway.settings().settings, facts.https);
    append(headers, format!("{TOKEN_COOKIE}={token}{attributes}; HttpOnly"));
}

/// Sets both cookies of a login; scripts may read the user's id.
pub fn set(headers: &mut HeaderMap, gateway: &Gateway, facts: &RequestFacts, token: &str, user_id: &str) {
    set_token(headers, gateway, facts, token);
    let attributes = attributes(&gateway.settings().settings, facts.https);
    append(headers, format!("{USER_COOKIE}={user_id}{attributes}"));
}

/// Sets the cookie by which a browser is known when it comes back from a sign-in service.
pub fn set_oauth(headers: &mut HeaderMap, facts: &RequestFacts, value: &str) {
    let secure = if facts.https { "; Secure" } else { "" };
    append(headers, format!("{OAUTH_COOKIE}={value}; Path=/; Max-Age={OAUTH_MAX_AGE}; HttpOnly{secure}"));
}

/// Clears the token's cookie.
pub fn clear(headers: &mut HeaderMap) {
    append(headers, format!("{TOKEN_COOKIE}=; Path=/; Max-Age=0; HttpOnly"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_follow_the_settings() {
        let settings = Settings { session_length_web_in_days: 2, ..Settings::default() };
        assert_eq!(attributes(&settings, false), "; Path=/; Max-Age=172800");
        let settings = Settings { allow_cookies_for_subdomains: true, site_url: "https://chat.example.com:8443/x".into(), ..settings };
        assert_eq!(attributes(&settings, true), "; Path=/; Max-Age=172800; Domain=chat.example.com; Secure");
    }
}
