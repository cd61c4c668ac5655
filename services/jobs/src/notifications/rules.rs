//! Who is mailed and who gets a push (reference: posts and real time). Pure.

use crate::push::Push;
use muster_domain::{system_posts::SYSTEM_PREFIX, time::SECOND_MS};
use muster_proto::{
    identity::Device,
    model::{Channel, Post, User},
    posts::Notification,
};
use muster_runtime::settings::Snapshot;
use std::collections::BTreeMap;

const DEFAULT: &str = "default";
const DND: &str = "dnd";
const OOO: &str = "ooo";
const AUTO_RESPONDER: &str = "system_auto_responder";

/// Seconds between mails of somebody who has not chosen.
const EMAIL_INTERVAL: i64 = 900;
/// The choice "immediately", in seconds.
const EMAIL_INTERVAL_NONE: i64 = 30;

fn prop<'a>(props: &'a BTreeMap<String, String>, name: &str) -> &'a str {
    props.get(name).map_or("", String::as_str)
}

/// A muted channel: only mentions raise its counters, and nothing else happens.
fn is_muted(member: &BTreeMap<String, String>) -> bool {
    prop(member, "mark_unread") == "mention"
}

/// Whether somebody who was mentioned is mailed: he is not looking, and neither he nor the channel's settings forbid it.
pub fn wants_mail(user: &User, member: &BTreeMap<String, String>, status: &str, post_type: &str, must_be_verified: bool) -> bool {
    let allowed = match prop(member, "email") {
        "" | DEFAULT => prop(&user.notify_props, "email") != "false",
        channel => channel != "false",
    };
    allowed
        && !is_muted(member)
        && (!must_be_verified || user.email_verified)
        && !matches!(status, "online" | OOO)
        && post_type != AUTO_RESPONDER
}

/// Whether a post is pushed to somebody's devices.
pub fn wants_push(user: &User, member: &BTreeMap<String, String>, status: &str, post: &Post, mentioned: bool) -> bool {
    if is_muted(member) || post.r#type.starts_with(SYSTEM_PREFIX) {
        return false;
    }
    let level = match prop(member, "push") {
        "" | DEFAULT => prop(&user.notify_props, "push"),
        channel => channel,
    };
    let allowed = match level {
        "none" => false,
        "all" => true,
        _ => mentioned,
    };
    allowed && status_allows(prop(&user.notify_props, "push_status"), status)
}

/// From which status on the user wants pushes.
fn status_allows(wanted: &str, status: &str) -> bool {
    match wanted {
        _ if matches!(status, DND | OOO) => false,
        "" | "online" => true,
        "away" => matches!(status, "away" | "offline"),
        "offline" => status == "offline",
        _ => false,
    }
}

/// How long a notice is collected, ms; `None` = it is sent at once. `chosen`: the user's preference in seconds;
/// `interval`: the site's, in seconds.
pub fn batch_pause_ms(chosen: Option<&str>, interval: i64) -> Option<i64> {
    let chosen = chosen.and_then(|text| text.parse().ok()).unwrap_or(EMAIL_INTERVAL);
    (chosen != EMAIL_INTERVAL_NONE).then(|| chosen.clamp(EMAIL_INTERVAL_NONE, 86_400).max(interval).saturating_mul(SECOND_MS))
}

/// The push of a post to one device.
pub fn push(snapshot: &Snapshot, notification: &Notification, post: &Post, channel: &Channel, mentioned: bool, device: &Device) -> Push {
    let contents = snapshot.settings.push_notification_contents.as_str();
    let direct = channel.r#type == "D";
    let channel_name = if direct { notification.sender_name.as_str() } else { &channel.display_name };
    let (platform, device_id) = device.device_id.split_once(':').unwrap_or(("", &device.device_id));
    let props: serde_json::Value = serde_json::from_str(&post.props).unwrap_or_default();
    let text = |name: &str| props[name].as_str().unwrap_or_default().to_owned();
    let named = direct || contents != "generic_no_channel";
    Push {
        platform: platform.to_owned(),
        server_id: snapshot.diagnostic_id.clone(),
        device_id: device_id.to_owned(),
        category: "CAN_REPLY".to_owned(),
        sound: String::new(),
        message: message(contents, notification, post, direct, mentioned),
        badge: notification.unread_mentions.get(&device.user_id).copied().unwrap_or_default().max(1),
        cont_ava: 0,
        team_id: channel.team_id.clone(),
        channel_id: channel.id.clone(),
        post_id: post.id.clone(),
        root_id: post.root_id.clone(),
        channel_name: if named { channel_name.to_owned() } else { String::new() },
        r#type: "message".to_owned(),
        sender_id: post.user_id.clone(),
        override_username: text("override_username"),
        override_icon_url: text("override_icon_url"),
        from_webhook: text("from_webhook"),
        user_id: device.user_id.clone(),
        session_id: device.session_id.clone(),
    }
}

fn message(contents: &str, notification: &Notification, post: &Post, direct: bool, mentioned: bool) -> String {
    let sender = &notification.sender_name;
    if post.message.is_empty() && !post.file_ids.is_empty() {
        return format!("{sender} attached a file.");
    }
    match contents {
        "full" => format!("{sender}: {}", post.message),
        _ if direct => format!("{sender} sent you a message."),
        _ if notification.channel_wide && mentioned => format!("{sender} notified the channel."),
        _ if mentioned => format!("{sender} mentioned you."),
        _ => format!("{sender} posted a message."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Props = &'static [(&'static str, &'static str)];

    fn map(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
        entries.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    fn user(props: &[(&str, &str)]) -> User {
        User { notify_props: map(props), ..User::default() }
    }

    #[test]
    fn mails() {
        let cases: &[(Props, Props, &str, bool)] = &[
            (&[("email", "true")], &[], "offline", true),
            (&[], &[("email", "default")], "away", true),
            (&[("email", "true")], &[], "dnd", true),
            (&[("email", "true")], &[], "online", false),
            (&[("email", "true")], &[], "ooo", false),
            (&[("email", "false")], &[], "offline", false),
            (&[("email", "false")], &[("email", "true")], "offline", true),
            (&[("email", "true")], &[("email", "false")], "offline", false),
            (&[("email", "true")], &[("mark_unread", "mention")], "offline", false),
        ];
        for (of_user, of_member, status, expected) in cases {
            assert_eq!(wants_mail(&user(of_user), &map(of_member), status, "", false), *expected, "{of_user:?} {of_member:?} {status}");
        }
        assert!(!wants_mail(&user(&[]), &map(&[]), "offline", AUTO_RESPONDER, false));
        assert!(!wants_mail(&user(&[]), &map(&[]), "offline", "", true), "an unverified address");
        let verified = User { email_verified: true, ..User::default() };
        assert!(wants_mail(&verified, &map(&[]), "offline", "", true));
    }

    #[test]
    fn pushes() {
        let cases: &[(Props, Props, &str, bool, bool)] = &[
            (&[("push", "mention"), ("push_status", "away")], &[], "away", true, true),
            (&[("push", "mention"), ("push_status", "away")], &[], "offline", true, true),
            (&[("push", "mention"), ("push_status", "away")], &[], "online", true, false),
            (&[("push", "mention"), ("push_status", "online")], &[], "online", true, true),
            (&[("push", "mention")], &[], "online", true, true),
            (&[("push", "mention"), ("push_status", "offline")], &[], "away", true, false),
            (&[("push", "mention"), ("push_status", "online")], &[], "dnd", true, false),
            (&[("push", "mention"), ("push_status", "online")], &[], "ooo", true, false),
            (&[("push", "mention")], &[], "offline", false, false),
            (&[("push", "all")], &[], "offline", false, true),
            (&[("push", "none")], &[], "offline", true, false),
            (&[("push", "none")], &[("push", "all")], "offline", false, true),
            (&[("push", "none")], &[("push", "mention")], "offline", true, true),
            (&[("push", "all")], &[("push", "mention")], "offline", false, false),
            (&[("push", "all")], &[("push", "none")], "offline", true, false),
            (&[("push", "all")], &[("push", "default")], "offline", false, true),
            (&[("push", "all")], &[("mark_unread", "mention")], "offline", true, false),
        ];
        let post = Post::default();
        for (of_user, of_member, status, mentioned, expected) in cases {
            let found = wants_push(&user(of_user), &map(of_member), status, &post, *mentioned);
            assert_eq!(found, *expected, "{of_user:?} {of_member:?} {status} {mentioned}");
        }
        let joined = Post { r#type: "system_join_channel".into(), ..Post::default() };
        assert!(!wants_push(&user(&[("push", "all")]), &map(&[]), "offline", &joined, true));
    }

    #[test]
    fn how_long_notices_are_collected() {
        assert_eq!(batch_pause_ms(None, 30), Some(900_000));
        assert_eq!(batch_pause_ms(Some("30"), 30), None);
        assert_eq!(batch_pause_ms(Some("3600"), 30), Some(3_600_000));
        assert_eq!(batch_pause_ms(Some("900"), 1_200), Some(1_200_000));
        assert_eq!(batch_pause_ms(Some("x"), 30), Some(900_000));
    }

    #[test]
    fn what_a_push_says() {
        let notification = Notification { sender_name: "ann".into(), ..Notification::default() };
        let wide = Notification { channel_wide: true, ..notification.clone() };
        let post = Post { message: "hello".into(), ..Post::default() };
        let file = Post { file_ids: vec!["f".into()], ..Post::default() };
        assert_eq!(message("full", &notification, &post, false, true), "ann: hello");
        assert_eq!(message("generic", &notification, &post, true, true), "ann sent you a message.");
        assert_eq!(message("generic", &wide, &post, false, true), "ann notified the channel.");
        assert_eq!(message("generic", &notification, &post, false, true), "ann mentioned you.");
        assert_eq!(message("generic_no_channel", &notification, &post, false, false), "ann posted a message.");
        assert_eq!(message("full", &notification, &file, false, true), "ann attached a file.");
    }
}
