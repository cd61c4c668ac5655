//! The posts the server writes into channels: their types, whether they count, and their English texts.

use std::{fmt, str::FromStr};

/// Types clients may not post begin with this.
pub const SYSTEM_PREFIX: &str = "system_";

macro_rules! types {
    ($($name:ident = $id:literal, $counts:literal;)*) => {
        /// The type of a system post.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum SystemPostType { $($name),* }

        impl SystemPostType {
            pub const ALL: &'static [SystemPostType] = &[$(SystemPostType::$name),*];

            /// The `type` of the post.
            pub const fn as_str(self) -> &'static str {
                match self { $(SystemPostType::$name => $id),* }
            }

            /// Whether the post raises the channel's `total_msg_count`.
            pub const fn counts(self) -> bool {
                match self { $(SystemPostType::$name => $counts),* }
            }
        }
    };
}

types! {
    JoinLeave = "system_join_leave", false;
    AddRemove = "system_add_remove", false;
    JoinChannel = "system_join_channel", false;
    LeaveChannel = "system_leave_channel", false;
    JoinTeam = "system_join_team", false;
    LeaveTeam = "system_leave_team", false;
    AddToChannel = "system_add_to_channel", false;
    RemoveFromChannel = "system_remove_from_channel", false;
    AddToTeam = "system_add_to_team", true;
    RemoveFromTeam = "system_remove_from_team", true;
    HeaderChange = "system_header_change", true;
    PurposeChange = "system_purpose_change", true;
    DisplayNameChange = "system_displayname_change", true;
    ConvertChannel = "system_change_chan_privacy", true;
    ChannelDeleted = "system_channel_deleted", true;
    MoveChannel = "system_move_channel", true;
    AutoResponder = "system_auto_responder", true;
    Ephemeral = "system_ephemeral", false;
}

impl FromStr for SystemPostType {
    type Err = NotASystemType;

    fn from_str(text: &str) -> Result<Self, NotASystemType> {
        Self::ALL.iter().copied().find(|t| t.as_str() == text).ok_or(NotASystemType)
    }
}

/// The text is no system post type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotASystemType;

impl fmt::Display for SystemPostType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether a post of this type raises `total_msg_count`; posts of users always do.
pub fn type_counts(post_type: &str) -> bool {
    post_type.parse().map_or(true, SystemPostType::counts)
}

/// Header and purpose changes do not call `@channel`, `@all`, `@here`.
pub fn type_allows_channel_mentions(post_type: &str) -> bool {
    !matches!(post_type.parse(), Ok(SystemPostType::HeaderChange | SystemPostType::PurposeChange))
}

/// `system_join_channel`, for the creator of a channel too.
pub fn joined_channel(username: &str) -> String {
    format!("{username} has joined the channel.")
}

/// `system_leave_channel`.
pub fn left_channel(username: &str) -> String {
    format!("{username} has left the channel.")
}

/// `system_add_to_channel`.
pub fn added_to_channel(username: &str, by: &str) -> String {
    format!("{username} added to the channel by {by}.")
}

/// `system_remove_from_channel`.
pub fn removed_from_channel(username: &str) -> String {
    format!("{username} was removed from the channel.")
}

/// `system_join_team`.
pub fn joined_team(username: &str) -> String {
    format!("{username} has joined the team.")
}

/// `system_leave_team`.
pub fn left_team(username: &str) -> String {
    format!("{username} has left the team.")
}

/// `system_add_to_team`.
pub fn added_to_team(username: &str, by: &str) -> String {
    format!("{username} added to the team by {by}.")
}

/// `system_remove_from_team`.
pub fn removed_from_team(username: &str) -> String {
    format!("{username} was removed from the team.")
}

/// `system_header_change`.
pub fn header_changed(username: &str, old: &str, new: &str) -> String {
    changed(username, "header", old, new)
}

/// `system_purpose_change`.
pub fn purpose_changed(username: &str, old: &str, new: &str) -> String {
    changed(username, "purpose", old, new)
}

/// `system_displayname_change`.
pub fn display_name_changed(username: &str, old: &str, new: &str) -> String {
    format!("{username} updated the channel display name from: {old} to: {new}")
}

/// `system_change_chan_privacy`.
pub fn converted_to_private() -> String {
    "This channel has been converted to a Private Channel.".to_owned()
}

/// `system_channel_deleted`.
pub fn archived(username: &str) -> String {
    format!("{username} has archived the channel.")
}

/// `system_move_channel`.
pub fn moved_from(team_name: &str) -> String {
    format!("This channel has been moved to this team from {team_name}.")
}

/// Ephemeral, to an author who used a channel-wide mention (`@here`, …) where there are too many members for it.
pub fn channel_mention_disabled(mention: &str, max: i64) -> String {
    format!("{mention} has been disabled because the channel has more than {max} users.")
}

/// Ephemeral, to an author who mentioned people of the team outside the channel; `usernames` sorted.
pub fn mentioned_outside<S: AsRef<str>>(usernames: &[S]) -> String {
    let names: Vec<String> = usernames.iter().map(|name| format!("@{}", name.as_ref())).collect();
    match names.as_slice() {
        [one] => format!("{one} was mentioned, but they did not receive a notification because they do not belong to this channel."),
        [others @ .., last] => format!(
            "{} and {last} were mentioned, but they did not receive a notification because they do not belong to this channel.",
            others.join(", ")
        ),
        [] => String::new(),
    }
}

fn changed(username: &str, what: &str, old: &str, new: &str) -> String {
    match (old, new) {
        ("", _) => format!("{username} updated the channel {what} to: {new}"),
        (_, "") => format!("{username} removed the channel {what} (was: {old})"),
        _ => format!("{username} updated the channel {what} from: {old} to: {new}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_stored_types_do_not_count() {
        let silent = SystemPostType::ALL.iter().filter(|t| !t.counts() && **t != SystemPostType::Ephemeral).count();
        assert_eq!(silent, 8);
        for (kind, counts) in [
            ("", true),
            ("slack_attachment", true),
            ("custom_x", true),
            ("system_join_channel", false),
            ("system_add_to_team", true),
            ("system_header_change", true),
        ] {
            assert_eq!(type_counts(kind), counts, "{kind}");
        }
        assert!(SystemPostType::ALL.iter().all(|t| t.as_str().parse() == Ok(*t) && t.as_str().starts_with(SYSTEM_PREFIX)));
        assert!(!type_allows_channel_mentions("system_purpose_change") && type_allows_channel_mentions(""));
    }

    #[test]
    fn texts() {
        assert_eq!(joined_channel("bob"), "bob has joined the channel.");
        assert_eq!(added_to_channel("bob", "alice"), "bob added to the channel by alice.");
        assert_eq!(header_changed("bob", "", "x"), "bob updated the channel header to: x");
        assert_eq!(header_changed("bob", "x", ""), "bob removed the channel header (was: x)");
        assert_eq!(purpose_changed("bob", "x", "y"), "bob updated the channel purpose from: x to: y");
        assert!(mentioned_outside(&["amy", "bob", "cat"]).starts_with("@amy, @bob and @cat were"));
        assert!(mentioned_outside(&["amy"]).starts_with("@amy was"));
    }
}
