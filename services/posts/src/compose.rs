//! From what was asked to a draft: asks for what the post needs to be known, so that writing asks nobody. An ordinary post
//! in a channel whose index is held asks for nothing.

use crate::{
    calls::Call,
    draft::{Draft, Key},
    mentions::{ChannelIndex, Directory, Mentions, Subject, Thread, in_direct_channel},
    notify,
    posts::{props, rules, store},
};
use muster_domain::{
    ids::new_id,
    posts::channel_mention_names,
    system_posts::{SystemPostType, type_counts},
};
use muster_error::{AppError, ErrorId};
use muster_proto::{
    files::BindFilesRequest,
    identity::{GetUserRequest, get_user_request::By, users_client::UsersClient},
    model::{Channel, FileInfo, Post},
    posts::CreatePostRequest,
    teams::{OpenChannelsByNameRequest, access_client::AccessClient},
};
use muster_runtime::{Caller, ConfigFeed, Peer, peers::MESSAGE_MAX, postgres::sql_error};
use sqlx::PgPool;
use std::sync::Arc;

#[derive(Clone)]
pub struct Composer {
    pub pool: PgPool,
    pub feed: ConfigFeed,
    pub directory: Directory,
    pub identity: Peer,
    pub teams: Peer,
}

/// A draft and the usernames in it that may belong to people outside the channel.
pub struct Composed {
    pub draft: Draft,
    pub outside: Vec<String>,
}

impl Composer {
    /// A post a client sends.
    pub async fn user_post(&self, caller: &Caller, request: CreatePostRequest) -> Result<Composed, AppError> {
        let channel = Arc::new(request.channel.unwrap_or_default());
        let post = rules::new_post(request.post.unwrap_or_default(), &channel, &caller.user_id, request.keep_create_at)?;
        let key = (!post.pending_post_id.is_empty()).then(|| Key { scope: post.user_id.clone(), name: post.pending_post_id.clone() });
        let mut composed = self.compose(caller, post, channel).await?;
        let draft = &mut composed.draft;
        draft.key = key;
        draft.has_image = has_image(&draft.post, &request.files);
        if !draft.post.file_ids.is_empty() {
            draft.calls.push(Call::bind_files(&BindFilesRequest {
                post_id: draft.post.id.clone(),
                channel_id: draft.post.channel_id.clone(),
                user_id: draft.post.user_id.clone(),
                file_ids: draft.post.file_ids.clone(),
            }));
        }
        Ok(composed)
    }

    /// A post the server writes on behalf of `post.user_id`, once per `effect_id`.
    pub async fn system_post(&self, caller: &Caller, post: Post, effect_id: &str) -> Result<Composed, AppError> {
        rules::check_text(&post.message, &post.props)?;
        // Its cause may have changed these memberships, and the invalidation may still be under way.
        for user in members_of_cause(&post) {
            self.directory.member_changed(&post.channel_id, &user);
        }
        let channel = self.directory.index(caller, &post.channel_id).await?.channel.clone();
        let key = Key { scope: String::new(), name: effect_id.to_owned() };
        let post = Post { create_at: 0, hashtags: muster_domain::posts::hashtags(&post.message), ..post };
        let mut composed = self.compose(caller, post, channel).await?;
        composed.draft.key = Some(key);
        Ok(composed)
    }

    async fn compose(&self, caller: &Caller, mut post: Post, channel: Arc<Channel>) -> Result<Composed, AppError> {
        let named = self.open_channels(caller, &post.message, &channel.team_id).await?;
        post.props = props::stored(&post.props, &named)?;
        rules::check_text(&post.message, &post.props)?;
        post.id = new_id();
        let thread_root = self.thread_root(&post).await?;
        let webhook = props::webhook(&post.props);
        let settings = self.feed.get();
        let settings = &settings.settings;
        let index = self.directory.index(caller, &channel.id).await?;
        let mentions = if channel.r#type == "D" {
            in_direct_channel(&channel.name, &post.user_id)
        } else {
            let added_user =
                if post.r#type == SystemPostType::AddToChannel.as_str() { props::string(&post.props, "addedUserId") } else { None };
            let subject = Subject {
                post: &post,
                by_webhook: webhook.genuine,
                added_user: added_user.as_deref(),
                limit: settings.max_notifications_per_channel,
                in_group: channel.r#type == "G",
            };
            self.mentions(caller, &index, &subject, thread_root).await?
        };
        let sender_name = match webhook.override_username.filter(|_| webhook.genuine && settings.enable_post_username_override) {
            Some(name) => name,
            None => self.username(caller, &index, &post.user_id).await?,
        };
        let mut draft = Draft {
            counts: type_counts(&post.r#type),
            read_by_author: !webhook.marked && !is_system(&post),
            announce_read: settings.enable_channel_viewed_messages,
            sender_name,
            mentions: mentions.users,
            disabled_mentions: mentions.disabled,
            mention_limit: settings.max_notifications_per_channel,
            post,
            channel,
            ..Draft::default()
        };
        draft.calls.extend(notify::call(&draft, mentions.channel_wide, index.members().are_listening(), settings));
        Ok(Composed { draft, outside: mentions.outside })
    }

    async fn mentions(
        &self,
        caller: &Caller,
        index: &ChannelIndex,
        subject: &Subject<'_>,
        thread_root: Option<Post>,
    ) -> Result<Mentions, AppError> {
        let (found, asked, watchers) = {
            let members = index.members();
            let found = members.keywords.find(&subject.post.message);
            let asked = members.asked_for_here(&found, subject);
            let watchers = if thread_root.is_some() { members.thread_watchers() } else { Vec::new() };
            (found, asked, watchers)
        };
        let online = self.directory.online(caller, asked).await?;
        let thread = match thread_root {
            None => None,
            Some(root) if watchers.is_empty() => Some(Thread { root_author: root.user_id, participants: Vec::new() }),
            Some(root) => {
                let participants = store::participants(&self.pool, &root.id, &watchers).await.map_err(sql_error)?;
                Some(Thread { root_author: root.user_id, participants })
            }
        };
        Ok(index.members().mentions(subject, &found, &online, thread.as_ref()))
    }

    /// The root of a reply, after checking the rules of replies.
    async fn thread_root(&self, post: &Post) -> Result<Option<Post>, AppError> {
        if post.root_id.is_empty() {
            return Ok(None);
        }
        let asked = [post.root_id.as_str(), post.parent_id.as_str()];
        let asked = if post.parent_id.is_empty() || post.parent_id == post.root_id { &asked[..1] } else { &asked[..] };
        let found = store::thread_posts(&self.pool, asked).await.map_err(sql_error)?;
        root_of_reply(post, found).map(Some)
    }

    /// The open channels of the team that the message names with `~`.
    pub async fn open_channels(&self, caller: &Caller, message: &str, team_id: &str) -> Result<Vec<Channel>, AppError> {
        if team_id.is_empty() || !message.contains('~') {
            return Ok(Vec::new());
        }
        let names: Vec<String> = channel_mention_names(message).into_iter().map(str::to_owned).collect();
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let request = OpenChannelsByNameRequest { team_id: team_id.to_owned(), names };
        let mut access = AccessClient::new(self.teams.channel()).max_decoding_message_size(MESSAGE_MAX);
        Ok(access.open_channels_by_name(caller.call(request)).await?.into_inner().channels)
    }

    /// From the index, or for an author outside the channel from identity.
    async fn username(&self, caller: &Caller, index: &ChannelIndex, user_id: &str) -> Result<String, AppError> {
        if let Some(name) = index.members().get(user_id).map(|member| member.username.clone()) {
            return Ok(name);
        }
        let request = GetUserRequest { by: Some(By::Id(user_id.to_owned())) };
        Ok(UsersClient::new(self.identity.channel()).get(caller.call(request)).await?.into_inner().username)
    }
}

/// Whose membership a system post's cause may have changed.
fn members_of_cause(post: &Post) -> Vec<String> {
    use SystemPostType::{AddToChannel, AddToTeam, JoinChannel, JoinTeam, LeaveChannel, LeaveTeam, RemoveFromChannel, RemoveFromTeam};
    match post.r#type.parse() {
        Ok(JoinChannel | JoinTeam | LeaveChannel | LeaveTeam | RemoveFromTeam) => vec![post.user_id.clone()],
        Ok(AddToChannel | AddToTeam) => props::string(&post.props, "addedUserId").into_iter().collect(),
        Ok(RemoveFromChannel) => props::string(&post.props, "removedUserId").into_iter().collect(),
        _ => Vec::new(),
    }
}

/// The root, if the reply fits into its thread.
fn root_of_reply(reply: &Post, found: Vec<Post>) -> Result<Post, AppError> {
    let root = found.iter().find(|p| p.id == reply.root_id).ok_or(ErrorId::PostRootNotFound)?;
    if root.channel_id != reply.channel_id {
        return Err(ErrorId::PostRootElsewhere.into());
    }
    if !reply.parent_id.is_empty() && reply.parent_id != reply.root_id {
        let parent = found.iter().find(|p| p.id == reply.parent_id).ok_or(ErrorId::PostParentInvalid)?;
        // A root may itself be a reply: then the thread is the one it belongs to.
        let thread = if root.root_id.is_empty() { &root.id } else { &root.root_id };
        if parent.id != *thread && parent.root_id != *thread && parent.root_id != root.id {
            return Err(ErrorId::PostParentInvalid.into());
        }
    }
    Ok(root.clone())
}

fn is_system(post: &Post) -> bool {
    post.r#type.parse::<SystemPostType>().is_ok()
}

/// Whether one of the files that will hang on the post is a picture: own ones that hang on no other post.
fn has_image(post: &Post, files: &[FileInfo]) -> bool {
    files
        .iter()
        .any(|f| f.user_id == post.user_id && f.post_id.is_empty() && post.file_ids.contains(&f.id) && f.mime_type.starts_with("image/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(id: &str, root: &str) -> Post {
        Post { id: id.into(), root_id: root.into(), channel_id: "c".into(), ..Post::default() }
    }

    fn reply(root: &str, parent: &str) -> Post {
        Post { parent_id: parent.into(), ..stored("new", root) }
    }

    #[test]
    fn replies_fit_into_their_thread() {
        let refused = |reply: Post, found: &[Post]| root_of_reply(&reply, found.to_vec()).err().map(|e| e.id);
        assert_eq!(refused(reply("r", "r"), &[stored("r", "")]), None);
        assert_eq!(refused(reply("r", "p"), &[stored("r", ""), stored("p", "r")]), None);
        assert_eq!(refused(reply("r", "q"), &[stored("r", ""), stored("q", "other")]), Some(ErrorId::PostParentInvalid));
        assert_eq!(refused(reply("r", "q"), &[stored("r", "")]), Some(ErrorId::PostParentInvalid));
        assert_eq!(refused(reply("r", "r"), &[]), Some(ErrorId::PostRootNotFound));
        let elsewhere = Post { channel_id: "d".into(), ..stored("r", "") };
        assert_eq!(refused(reply("r", "r"), &[elsewhere]), Some(ErrorId::PostRootElsewhere));
        // A root that is a reply, with a parent of the true thread.
        assert_eq!(refused(reply("s", "p"), &[stored("s", "r"), stored("p", "r")]), None);
    }

    #[test]
    fn pictures_of_others_do_not_count() {
        let post = Post { user_id: "u".into(), file_ids: vec!["f".into()], ..Post::default() };
        let file = FileInfo { id: "f".into(), user_id: "u".into(), mime_type: "image/png".into(), ..FileInfo::default() };
        assert!(has_image(&post, std::slice::from_ref(&file)));
        for other in [
            FileInfo { user_id: "x".into(), ..file.clone() },
            FileInfo { post_id: "p".into(), ..file.clone() },
            FileInfo { mime_type: "text/plain".into(), ..file.clone() },
        ] {
            assert!(!has_image(&post, &[other]));
        }
    }
}
