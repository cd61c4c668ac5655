//! What is announced about posts.

use crate::{draft::Draft, posts::props};
use muster_domain::{ids::new_id, system_posts};
use muster_error::AppError;
use muster_events::{Announcement, Broadcast, Frame, Item, audience, channel_subject, frame, item, item::Kind};
use muster_proto::{json, model::Post};
use serde::Serialize;
use serde_json::json;

/// The data of `posted`, keys in alphabetical order.
#[derive(Serialize)]
struct Posted<'a> {
    channel_display_name: &'a str,
    channel_name: &'a str,
    channel_type: &'a str,
    /// JSON list of user ids.
    #[serde(skip_serializing_if = "Option::is_none")]
    mentions: Option<String>,
    #[serde(rename = "otherFile", skip_serializing_if = "Option::is_none")]
    other_file: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<&'static str>,
    post: String,
    sender_name: &'a str,
    team_id: &'a str,
}

/// Everything writing a draft announces to its channel, in order: notices to the author, the post, the author's view.
pub fn posted(draft: &Draft, items: &mut Vec<Item>) -> Result<(), AppError> {
    let (post, channel) = (&draft.post, &draft.channel);
    for word in &draft.disabled_mentions {
        let notice = Post {
            id: new_id(),
            create_at: post.create_at + 1,
            channel_id: post.channel_id.clone(),
            message: system_posts::channel_mention_disabled(word, draft.mention_limit),
            ..Post::default()
        };
        items.push(ephemeral(&post.user_id, notice)?);
    }
    let data = Posted {
        channel_display_name: if channel.r#type == "D" { "" } else { &channel.display_name },
        channel_name: &channel.name,
        channel_type: &channel.r#type,
        mentions: if draft.mentions.is_empty() { None } else { Some(serde_json::to_string(&draft.mentions).map_err(AppError::internal)?) },
        other_file: (!post.file_ids.is_empty()).then_some("true"),
        image: draft.has_image.then_some("true"),
        post: text(post)?,
        sender_name: &draft.sender_name,
        team_id: &channel.team_id,
    };
    items.push(frame("posted", &data, audience::channel(&post.channel_id)));
    if draft.read_by_author && draft.announce_read {
        items.push(viewed(&post.user_id, &post.channel_id));
    }
    Ok(())
}

/// The user has read the channel, for their other devices.
pub fn viewed(user_id: &str, channel_id: &str) -> Item {
    frame("channel_viewed", &json!({ "channel_id": channel_id }), audience::user(user_id))
}

/// A message only this user sees.
pub fn ephemeral(user_id: &str, post: Post) -> Result<Item, AppError> {
    let post = Post { r#type: system_posts::SystemPostType::Ephemeral.as_str().into(), ..post };
    let data = json::to_vec(&json!({ "post": text(&post)? })).map_err(AppError::internal)?;
    // The channel is information; the user decides who gets it.
    let broadcast = Broadcast { user_id: user_id.to_owned(), channel_id: post.channel_id, ..Broadcast::default() };
    Ok(item(Kind::Frame(Frame {
        event: "ephemeral_message".into(),
        data: data.into(),
        broadcast: Some(broadcast),
        audience: Some(audience::user(user_id)),
    })))
}

pub fn edited(post: &Post) -> Result<Item, AppError> {
    about("post_edited", post)
}

pub fn deleted(post: &Post) -> Result<Item, AppError> {
    about("post_deleted", post)
}

fn about(event: &str, post: &Post) -> Result<Item, AppError> {
    Ok(frame(event, &json!({ "post": text(post)? }), audience::channel(&post.channel_id)))
}

/// Items for everybody in the channel, as one batch.
pub fn to_channel(channel_id: &str, items: Vec<Item>) -> Announcement {
    Announcement::new(channel_subject(channel_id), items)
}

/// A post as JSON text, as anybody may see it.
fn text(post: &Post) -> Result<String, AppError> {
    let shown = props::shown(post.props.clone());
    if shown == post.props {
        return json::to_string(post).map_err(AppError::internal);
    }
    json::to_string(&Post { props: shown, ..post.clone() }).map_err(AppError::internal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_proto::model::Channel;
    use std::sync::Arc;

    fn events(draft: &Draft) -> Vec<(String, serde_json::Value, Broadcast)> {
        let mut items = Vec::new();
        posted(draft, &mut items).expect("events");
        let read = |item: Item| match item.kind {
            Some(Kind::Frame(f)) => (f.event, serde_json::from_slice(&f.data).expect("JSON"), f.broadcast.expect("broadcast")),
            _ => panic!("a frame"),
        };
        items.into_iter().map(read).collect()
    }

    #[test]
    fn notices_come_before_the_post_and_the_view_after() {
        let draft = Draft {
            post: Post { id: "p".into(), user_id: "u".into(), channel_id: "c".into(), create_at: 5, ..Post::default() },
            channel: Arc::new(Channel { r#type: "O".into(), display_name: "C".into(), team_id: "t".into(), ..Channel::default() }),
            sender_name: "ann".into(),
            mentions: vec!["b".into()],
            read_by_author: true,
            announce_read: true,
            disabled_mentions: vec!["@here"],
            mention_limit: 10,
            ..Draft::default()
        };
        let events = events(&draft);
        let names: Vec<&str> = events.iter().map(|(name, ..)| name.as_str()).collect();
        assert_eq!(names, ["ephemeral_message", "posted", "channel_viewed"]);
        let (_, data, broadcast) = &events[1];
        assert_eq!(data["mentions"], r#"["b"]"#);
        assert_eq!(data["sender_name"], "ann");
        assert!(data.get("image").is_none() && data.get("otherFile").is_none());
        assert_eq!(broadcast.channel_id, "c");
        let (_, data, broadcast) = &events[0];
        let notice: Post = serde_json::from_str(data["post"].as_str().expect("text")).expect("post");
        assert_eq!((notice.create_at, notice.r#type.as_str()), (6, "system_ephemeral"));
        assert_eq!((broadcast.user_id.as_str(), broadcast.channel_id.as_str()), ("u", "c"));
        assert_eq!(events[2].2.user_id, "u");
    }
}
