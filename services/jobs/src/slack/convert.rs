//! From a message of the export to the posts it becomes.

use super::{
    model::{Message, moment},
    text::{Names, markdown},
};
use muster_domain::{
    emojis::is_builtin,
    ids,
    posts::{MESSAGE_MAX, PROPS_MAX, TYPE_SLACK_ATTACHMENT},
    system_posts::SystemPostType,
    text::{fits_chars, is_storable},
};
use muster_proto::{
    model::{Post, Reaction},
    posts::ImportedPost,
};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::HashMap;

/// Where messages go, and who wrote them.
pub struct Target<'a> {
    pub channel_id: &'a str,
    /// Our ids by Slack's.
    pub users: &'a HashMap<String, String>,
    pub names: &'a Names,
    /// Owns what bots wrote.
    pub bot_id: &'a str,
}

/// What became of a message.
pub enum Converted {
    Posts(Vec<ImportedPost>),
    /// Of a kind that is not taken, or by nobody known.
    Skipped,
}

/// The same message always gets the same id, so that importing it again adds nothing. `part`: of a message that is too long for one post.
fn post_id(channel_id: &str, ts: &str, part: usize) -> String {
    let digest = Sha256::digest(format!("slack/{channel_id}/{ts}/{part}").as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    ids::of_bytes(&bytes)
}

impl Target<'_> {
    pub fn convert(&self, message: &Message) -> Converted {
        let Some(at) = moment(&message.ts).filter(|_| message.r#type == "message") else { return Converted::Skipped };
        let subtype = message.subtype.as_deref().unwrap_or_default();
        let mut text = markdown(message.text.as_deref().unwrap_or_default(), self.names);
        let comment = message.comment.as_ref().filter(|_| subtype == "file_comment");
        let author = comment.and_then(|c| c.user.as_ref()).or(message.user.as_ref());
        let known = author.and_then(|id| self.users.get(id)).map(String::as_str);
        let username = || author.and_then(|id| self.names.users.get(id)).cloned().unwrap_or_default();
        let (mut kind, mut props) = (String::new(), json!({}));
        let system = |kind: SystemPostType| kind.as_str().to_owned();
        let user_id = match subtype {
            "" | "thread_broadcast" | "me_message" | "file_share" | "file_comment" if known.is_some() => {
                if subtype == "me_message" {
                    text = format!("*{text}*");
                }
                if let Some(comment) = comment {
                    text = markdown(comment.comment.as_deref().unwrap_or_default(), self.names);
                }
                known
            }
            "channel_join" | "group_join" => {
                (kind, props) = (system(SystemPostType::JoinChannel), json!({ "username": username() }));
                known
            }
            "channel_leave" | "group_leave" => {
                (kind, props) = (system(SystemPostType::LeaveChannel), json!({ "username": username() }));
                known
            }
            "channel_topic" | "group_topic" => {
                kind = system(SystemPostType::HeaderChange);
                known
            }
            "channel_purpose" | "group_purpose" => {
                kind = system(SystemPostType::PurposeChange);
                known
            }
            "channel_name" | "group_name" => {
                kind = system(SystemPostType::DisplayNameChange);
                known
            }
            "bot_message" | "" if !subtype.is_empty() || message.bot_id.is_some() => {
                kind = TYPE_SLACK_ATTACHMENT.to_owned();
                props = self.bot_props(message);
                Some(self.bot_id)
            }
            _ => None,
        };
        if text.is_empty() {
            let file = message.file.as_ref().or_else(|| message.files.as_ref().and_then(|files| files.first()));
            text = file.and_then(|file| file.title.clone()).unwrap_or_default();
        }
        let is_empty = text.is_empty() && props.get("attachments").is_none();
        let (Some(user_id), true) = (user_id, is_storable(&text) && !is_empty) else { return Converted::Skipped };
        let edited = message.edited.as_ref().and_then(|edited| moment(&edited.ts)).unwrap_or_default();
        let root = message.thread_ts.as_ref().filter(|root| **root != message.ts && kind.is_empty());
        let root_id = root.map(|root| post_id(self.channel_id, root, 0)).unwrap_or_default();
        let post = Post {
            create_at: at,
            update_at: at.max(edited),
            edit_at: edited,
            user_id: user_id.to_owned(),
            channel_id: self.channel_id.to_owned(),
            root_id,
            r#type: kind,
            props: props.to_string(),
            ..Post::default()
        };
        Converted::Posts(self.parts(message, post, &text))
    }

    /// Long messages become several posts.
    fn parts(&self, message: &Message, post: Post, text: &str) -> Vec<ImportedPost> {
        let chars: Vec<char> = text.chars().collect();
        let mut chunks: Vec<String> = chars.chunks(MESSAGE_MAX).map(|chunk| chunk.iter().collect()).collect();
        if chunks.is_empty() {
            chunks.push(String::new());
        }
        let mut parts = Vec::with_capacity(chunks.len());
        for (part, chunk) in chunks.into_iter().enumerate() {
            // In this order within their millisecond's neighbourhood.
            let create_at = post.create_at + part as i64;
            let id = post_id(self.channel_id, &message.ts, part);
            let post = Post { id, create_at, update_at: post.update_at.max(create_at), message: chunk, ..post.clone() };
            let reactions = if part == 0 { self.reactions(message) } else { Vec::new() };
            parts.push(ImportedPost { post: Some(post), reactions });
        }
        parts
    }

    fn reactions(&self, message: &Message) -> Vec<Reaction> {
        let all = message.reactions.iter().flatten();
        all.flat_map(|reaction| {
            let emoji = reaction.name.split("::").next().unwrap_or_default();
            let users = reaction.users.iter().filter(|_| is_builtin(emoji)).filter_map(|id| self.users.get(id));
            users.map(|user| Reaction { user_id: user.clone(), emoji_name: emoji.to_owned(), ..Reaction::default() })
        })
        .collect()
    }

    fn bot_props(&self, message: &Message) -> serde_json::Value {
        let mut props = json!({ "from_webhook": "true" });
        let name = message.username.as_deref().unwrap_or_default();
        if !name.is_empty() && fits_chars(name, 64) {
            props["override_username"] = json!(name);
        }
        if let Some(attachments) = message.attachments.as_ref().filter(|list| !list.is_empty()) {
            let mut with = props.clone();
            with["attachments"] = json!(attachments);
            if fits_chars(&with.to_string(), PROPS_MAX) {
                return with;
            }
        }
        props
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn posts(message: serde_json::Value) -> Vec<Post> {
        let names = Names { users: HashMap::from([("U1".into(), "ada".into())]), ..Names::default() };
        let users = HashMap::from([("U1".to_owned(), "a".repeat(26))]);
        let bot = "b".repeat(26);
        let channel = "c".repeat(26);
        let target = Target { channel_id: &channel, users: &users, names: &names, bot_id: &bot };
        match target.convert(&serde_json::from_value(message).expect("a message")) {
            Converted::Posts(posts) => posts.into_iter().filter_map(|p| p.post).collect(),
            Converted::Skipped => Vec::new(),
        }
    }

    #[test]
    fn a_message_keeps_its_id_and_its_thread() {
        let root =
            &posts(json!({"type": "message", "user": "U1", "text": "hi <@U1>", "ts": "1500000000.1", "thread_ts": "1500000000.1"}))[0];
        assert_eq!((root.message.as_str(), root.create_at, root.root_id.as_str()), ("hi @ada", 1_500_000_000_100, ""));
        let reply = &posts(json!({"type": "message", "user": "U1", "text": "re", "ts": "1500000001.1", "thread_ts": "1500000000.1"}))[0];
        assert_eq!(reply.root_id, root.id);
        assert!(ids::is_id(&root.id) && root.id != reply.id);
    }

    #[test]
    fn kinds() {
        let one = |subtype: &str| posts(json!({"type": "message", "subtype": subtype, "user": "U1", "text": "x", "ts": "1500000000.1"}));
        for (subtype, kind, text) in [
            ("me_message", "", "*x*"),
            ("channel_join", "system_join_channel", "x"),
            ("channel_topic", "system_header_change", "x"),
            ("channel_purpose", "system_purpose_change", "x"),
            ("bot_message", "slack_attachment", "x"),
        ] {
            let post = one(subtype).pop().expect(subtype);
            assert_eq!((post.r#type.as_str(), post.message.as_str()), (kind, text));
        }
        assert!(one("pinned_item").is_empty());
        assert!(posts(json!({"type": "message", "user": "U2", "text": "x", "ts": "1500000000.1"})).is_empty(), "nobody known");
        assert!(posts(json!({"type": "message", "user": "U1", "text": "a\u{0}", "ts": "1500000000.1"})).is_empty());
        let long = posts(json!({"type": "message", "user": "U1", "text": "x".repeat(MESSAGE_MAX + 1), "ts": "1500000000.1"}));
        assert_eq!(long.iter().map(|p| p.message.len()).collect::<Vec<_>>(), [MESSAGE_MAX, 1]);
    }
}
