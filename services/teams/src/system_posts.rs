//! The system posts that changes of teams and channels write: author, type, props and English text of each.

use muster_domain::system_posts::{self as texts, SystemPostType};
use muster_proto::model::{Post, User};
use serde_json::{Value, json};

fn post(channel_id: &str, author: &str, kind: SystemPostType, message: String, props: Value) -> Post {
    Post {
        channel_id: channel_id.to_owned(),
        user_id: author.to_owned(),
        r#type: kind.as_str().to_owned(),
        message,
        props: props.to_string(),
        ..Post::default()
    }
}

fn username(user: &User) -> Value {
    json!({ "username": user.username })
}

fn added_props(adder: &User, added: &User) -> Value {
    json!({ "userId": adder.id, "username": adder.username, "addedUserId": added.id, "addedUsername": added.username })
}

/// The user joined the team himself, or was added singly; in town-square.
pub fn joined_team(channel_id: &str, user: &User) -> Post {
    post(channel_id, &user.id, SystemPostType::JoinTeam, texts::joined_team(&user.username), username(user))
}

/// The user was added to the team in a batch; in town-square.
pub fn added_to_team(channel_id: &str, adder: &User, added: &User) -> Post {
    let text = texts::added_to_team(&added.username, &adder.username);
    post(channel_id, &adder.id, SystemPostType::AddToTeam, text, added_props(adder, added))
}

/// In town-square.
pub fn left_team(channel_id: &str, user: &User) -> Post {
    post(channel_id, &user.id, SystemPostType::LeaveTeam, texts::left_team(&user.username), username(user))
}

/// In town-square; the removed user is the author.
pub fn removed_from_team(channel_id: &str, user: &User) -> Post {
    post(channel_id, &user.id, SystemPostType::RemoveFromTeam, texts::removed_from_team(&user.username), username(user))
}

/// The user created or joined the channel.
pub fn joined_channel(channel_id: &str, user: &User) -> Post {
    post(channel_id, &user.id, SystemPostType::JoinChannel, texts::joined_channel(&user.username), username(user))
}

/// `root_id` "" or the thread in which the user was mentioned.
pub fn added_to_channel(channel_id: &str, adder: &User, added: &User, root_id: &str) -> Post {
    let text = texts::added_to_channel(&added.username, &adder.username);
    let post = post(channel_id, &adder.id, SystemPostType::AddToChannel, text, added_props(adder, added));
    Post { root_id: root_id.to_owned(), parent_id: root_id.to_owned(), ..post }
}

pub fn left_channel(channel_id: &str, user: &User) -> Post {
    post(channel_id, &user.id, SystemPostType::LeaveChannel, texts::left_channel(&user.username), username(user))
}

/// `remover` is the id of the author.
pub fn removed_from_channel(channel_id: &str, remover: &str, removed: &User) -> Post {
    let props = json!({ "removedUserId": removed.id, "removedUsername": removed.username });
    post(channel_id, remover, SystemPostType::RemoveFromChannel, texts::removed_from_channel(&removed.username), props)
}

pub fn header_changed(channel_id: &str, editor: &User, old: &str, new: &str) -> Post {
    let props = json!({ "username": editor.username, "old_header": old, "new_header": new });
    post(channel_id, &editor.id, SystemPostType::HeaderChange, texts::header_changed(&editor.username, old, new), props)
}

pub fn purpose_changed(channel_id: &str, editor: &User, old: &str, new: &str) -> Post {
    let props = json!({ "username": editor.username, "old_purpose": old, "new_purpose": new });
    post(channel_id, &editor.id, SystemPostType::PurposeChange, texts::purpose_changed(&editor.username, old, new), props)
}

pub fn display_name_changed(channel_id: &str, editor: &User, old: &str, new: &str) -> Post {
    let props = json!({ "username": editor.username, "old_displayname": old, "new_displayname": new });
    post(channel_id, &editor.id, SystemPostType::DisplayNameChange, texts::display_name_changed(&editor.username, old, new), props)
}

pub fn converted(channel_id: &str, actor: &User) -> Post {
    post(channel_id, &actor.id, SystemPostType::ConvertChannel, texts::converted_to_private(), username(actor))
}

pub fn archived(channel_id: &str, actor: &User) -> Post {
    post(channel_id, &actor.id, SystemPostType::ChannelDeleted, texts::archived(&actor.username), username(actor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn props_have_the_keys_clients_read() {
        let (bob, ann) = (
            User { id: "b".into(), username: "bob".into(), ..User::default() },
            User { id: "a".into(), username: "ann".into(), ..User::default() },
        );
        let added = added_to_channel("c", &bob, &ann, "r");
        assert_eq!((added.user_id.as_str(), added.root_id.as_str(), added.r#type.as_str()), ("b", "r", "system_add_to_channel"));
        let props: Value = serde_json::from_str(&added.props).expect("props");
        assert_eq!(props, json!({"userId": "b", "username": "bob", "addedUserId": "a", "addedUsername": "ann"}));
        let removed = removed_from_channel("c", "b", &ann);
        let props: Value = serde_json::from_str(&removed.props).expect("props");
        assert_eq!(props, json!({"removedUserId": "a", "removedUsername": "ann"}));
    }
}
