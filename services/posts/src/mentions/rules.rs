//! Whom a post mentions. Pure: what has to be asked first (statuses, thread) comes in as values.

use super::index::{Comments, Members};
use muster_domain::{channels, mentions::Found, system_posts};
use muster_proto::model::Post;

const HERE: &str = "@here";
const CHANNEL: &str = "@channel";
const ALL: &str = "@all";

/// What of a post decides.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    pub post: &'a Post,
    /// The post came through a webhook: its author may be mentioned, too.
    pub by_webhook: bool,
    /// `addedUserId` of `system_add_to_channel`, who is always mentioned.
    pub added_user: Option<&'a str>,
    /// More members than this, and channel-wide mentions are dead.
    pub limit: i64,
    /// In a group channel: nobody outside can be meant.
    pub in_group: bool,
}

/// The thread a reply belongs to.
#[derive(Debug, Default, Clone)]
pub struct Thread {
    pub root_author: String,
    /// Those of the asked who wrote in it.
    pub participants: Vec<String>,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Mentions {
    /// User ids, sorted, without repeats.
    pub users: Vec<String>,
    /// Channel-wide words that were used in vain, in the order of their notices.
    pub disabled: Vec<&'static str>,
    /// The whole channel is meant, not (only) single people.
    pub channel_wide: bool,
    /// Usernames that may belong to people outside the channel.
    pub outside: Vec<String>,
}

impl Members {
    fn may_be_called_whole(&self, subject: &Subject<'_>) -> bool {
        system_posts::type_allows_channel_mentions(&subject.post.r#type) && self.len() as i64 <= subject.limit
    }

    fn channel_wide(&self) -> impl Iterator<Item = &str> {
        self.keywords.channel_wide().iter().filter_map(|n| self.user_id(*n))
    }

    /// Whose status has to be known: those `@here` would mention.
    pub fn asked_for_here(&self, found: &Found<'_>, subject: &Subject<'_>) -> Vec<String> {
        if !found.here || !self.may_be_called_whole(subject) {
            return Vec::new();
        }
        self.channel_wide().map(str::to_owned).collect()
    }

    /// Whose part in a thread has to be known.
    pub fn thread_watchers(&self) -> Vec<String> {
        self.iter().filter(|m| m.comments == Comments::Any).map(|m| m.user_id.clone()).collect()
    }

    /// Whom the post mentions, given who is online and the reply's thread.
    pub fn mentions(&self, subject: &Subject<'_>, found: &Found<'_>, online: &[String], thread: Option<&Thread>) -> Mentions {
        let post = subject.post;
        let by_user = !post.r#type.starts_with(system_posts::SYSTEM_PREFIX);
        let mut users: Vec<&str> = found.users.iter().filter_map(|n| self.user_id(*n)).collect();
        let mut mentions = Mentions::default();
        if self.may_be_called_whole(subject) {
            if found.all || found.channel {
                users.extend(self.channel_wide());
            }
            users.extend(online.iter().map(String::as_str));
            mentions.channel_wide = found.all || found.channel || found.here;
        } else if by_user {
            let used = [(found.here, HERE), (found.channel, CHANNEL), (found.all, ALL)];
            mentions.disabled = used.into_iter().filter(|(used, _)| *used).map(|(_, word)| word).collect();
        }
        if let Some(thread) = thread {
            let root = self.get(&thread.root_author).filter(|m| m.comments != Comments::Never);
            users.extend(root.map(|m| m.user_id.as_str()));
            users.extend(thread.participants.iter().map(String::as_str));
        }
        if !subject.by_webhook {
            users.retain(|user| *user != post.user_id);
        }
        users.extend(subject.added_user);
        users.sort_unstable();
        users.dedup();
        mentions.users = users.into_iter().map(str::to_owned).collect();
        if by_user && !subject.in_group {
            mentions.outside = found.possible_outside.iter().map(|name| name.to_lowercase()).collect();
        }
        mentions
    }
}

/// In a direct channel every post mentions the other one.
pub fn in_direct_channel(channel_name: &str, author: &str) -> Mentions {
    let users = channels::direct_partner(channel_name, author).filter(|other| *other != author).map(str::to_owned);
    Mentions { users: users.into_iter().collect(), ..Mentions::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mentions::ChannelIndex;
    use muster_proto::{identity::Mentionable, model::Channel};

    fn person(name: &str, comments: &str) -> Mentionable {
        let notify_props = [("mention_keys", format!("{name},@{name}")), ("channel", "true".into()), ("comments", comments.into())];
        Mentionable {
            user_id: format!("id_{name}"),
            username: name.into(),
            notify_props: notify_props.into_iter().map(|(k, v)| (k.to_owned(), v)).collect(),
            ..Mentionable::default()
        }
    }

    fn index() -> ChannelIndex {
        let gone = Mentionable { delete_at: 1, ..person("gone", "never") };
        let people = vec![person("ann", "root"), person("bob", "any"), person("cat", "never"), gone];
        ChannelIndex::new(0, Channel { id: "c".into(), r#type: "O".into(), ..Channel::default() }, people)
    }

    fn post(author: &str, message: &str) -> Post {
        Post { user_id: format!("id_{author}"), message: message.into(), ..Post::default() }
    }

    fn mentioned(post: &Post, limit: i64, online: &[String], thread: Option<&Thread>) -> Mentions {
        let index = index();
        let subject = Subject { post, by_webhook: false, added_user: None, limit, in_group: false };
        let members = index.members();
        members.mentions(&subject, &members.keywords.find(&post.message), online, thread)
    }

    #[test]
    fn members_are_mentioned_but_not_the_author_nor_the_deactivated() {
        let found = mentioned(&post("ann", "@ann @bob @gone @eve"), 1000, &[], None);
        assert_eq!(found.users, ["id_bob"]);
        assert_eq!(found.outside, ["gone", "eve"]);
    }

    #[test]
    fn channel_wide_words_respect_the_limit() {
        assert_eq!(mentioned(&post("ann", "@all"), 3, &[], None).users, ["id_bob", "id_cat"]);
        let found = mentioned(&post("ann", "@all @here @bob"), 2, &[], None);
        assert_eq!((found.users, found.disabled), (vec!["id_bob".to_owned()], vec!["@here", "@all"]));
        assert_eq!(mentioned(&post("ann", "@here"), 3, &["id_cat".to_owned()], None).users, ["id_cat"]);
        let header = Post { r#type: "system_header_change".into(), ..post("ann", "@all @bob") };
        let found = mentioned(&header, 2, &[], None);
        assert_eq!((found.users, found.disabled), (vec!["id_bob".to_owned()], vec![]));
    }

    #[test]
    fn replies_mention_by_the_comments_setting() {
        let thread = |root: &str| Thread { root_author: format!("id_{root}"), participants: vec!["id_bob".into()] };
        assert_eq!(mentioned(&post("cat", "x"), 9, &[], Some(&thread("ann"))).users, ["id_ann", "id_bob"]);
        assert_eq!(mentioned(&post("bob", "x"), 9, &[], Some(&thread("cat"))).users, [""; 0]);
    }

    #[test]
    fn a_webhook_post_may_mention_its_author_and_an_added_user_is_mentioned() {
        let index = index();
        let post = post("ann", "@ann");
        let subject = Subject { post: &post, by_webhook: true, added_user: Some("id_new"), limit: 9, in_group: true };
        let members = index.members();
        let found = members.mentions(&subject, &members.keywords.find(&post.message), &[], None);
        assert_eq!(found.users, ["id_ann", "id_new"]);
    }

    #[test]
    fn direct_channels_mention_the_other() {
        let (a, b) = ("a".repeat(26), "b".repeat(26));
        assert_eq!(in_direct_channel(&channels::direct_name(&a, &b), &b).users, [a.clone()]);
        assert!(in_direct_channel(&channels::direct_name(&a, &a), &a).users.is_empty());
    }
}
