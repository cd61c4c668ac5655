//! What other services must do because of a change here: rows of the causing transaction, delivered right after the
//! commit by the same request and again by a sweeper until acknowledged. Effects of one key keep their order.

mod delivery;
mod lines;
mod store;

pub use delivery::Effects;

use muster_domain::ids;
use muster_proto::{
    files::PurgeFilesRequest,
    identity::{ApplyMembershipsRequest, ForgetGroupsRequest, ForgetPreferencesRequest, MembershipFact},
    model::Post,
    posts::{ApplyEffectRequest, ForgetChannel, ForgetReadState, MarkRead, apply_effect_request::Effect as ForPosts},
};
use prost::Message;

/// One instruction to another service.
#[derive(Debug, Clone, PartialEq)]
pub struct Effect {
    pub id: String,
    /// Effects with the same key are applied in order; different keys know no order.
    pub key: String,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq)]
pub enum What {
    Posts(Box<ForPosts>),
    /// Facts whose versions are taken when the effect is recorded, after the membership rows were written.
    Memberships(Vec<MembershipFact>),
    ForgetPreferences(ForgetPreferencesRequest),
    ForgetGroups(ForgetGroupsRequest),
    PurgeFiles(PurgeFilesRequest),
}

/// A team or a channel, as identity keeps them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    Team,
    Channel,
}

impl Effect {
    fn new(key: String, what: What) -> Self {
        Self { id: ids::new_id(), key, what }
    }

    /// A system post in its channel.
    pub fn system_post(post: Post) -> Self {
        Self::new(post.channel_id.clone(), What::Posts(Box::new(ForPosts::SystemPost(post))))
    }

    /// The user's read state in a channel goes.
    pub fn forget_read_state(channel_id: &str, user_id: &str) -> Self {
        let forget = ForgetReadState { user_id: user_id.to_owned(), channel_ids: vec![channel_id.to_owned()] };
        Self::new(channel_id.to_owned(), What::Posts(Box::new(ForPosts::Forget(forget))))
    }

    /// The user has read all of a channel.
    pub fn mark_read(channel_id: &str, user_id: &str) -> Self {
        let mark = MarkRead { user_id: user_id.to_owned(), channel_ids: vec![channel_id.to_owned()] };
        Self::new(channel_id.to_owned(), What::Posts(Box::new(ForPosts::MarkRead(mark))))
    }

    /// Joins or leaves, told to identity. `key` is the team or channel the change is about.
    pub fn memberships(key: &str, facts: Vec<MembershipFact>) -> Self {
        Self::new(format!("identity/{key}"), What::Memberships(facts))
    }

    /// The user's preferences that belong to a team go.
    pub fn forget_team_preferences(team_id: &str, user_id: &str) -> Self {
        let forget = ForgetPreferencesRequest { user_id: user_id.to_owned(), category: team_id.to_owned(), names: Vec::new() };
        Self::new(format!("identity/{team_id}"), What::ForgetPreferences(forget))
    }

    /// Everything of a channel that is no more goes.
    pub fn forget_channel(channel_id: &str) -> Self {
        let forget = ForgetChannel { channel_id: channel_id.to_owned() };
        Self::new(channel_id.to_owned(), What::Posts(Box::new(ForPosts::ForgetChannel(forget))))
    }

    /// What others keep by a team that is no more and its channels.
    pub fn forget_team(team_id: &str, channel_ids: &[String]) -> Vec<Self> {
        let identity = format!("identity/{team_id}");
        let mut groups = channel_ids.to_vec();
        groups.push(team_id.to_owned());
        let preferences = |category: &str, names: &[String]| {
            What::ForgetPreferences(ForgetPreferencesRequest {
                user_id: String::new(),
                category: category.to_owned(),
                names: names.to_vec(),
            })
        };
        let mut effects = vec![
            Self::new(identity.clone(), What::ForgetGroups(ForgetGroupsRequest { group_ids: groups })),
            Self::new(identity.clone(), preferences(team_id, &[])),
            Self::new(
                format!("files/{team_id}"),
                What::PurgeFiles(PurgeFilesRequest { channel_ids: channel_ids.to_vec(), team_id: team_id.to_owned() }),
            ),
        ];
        if !channel_ids.is_empty() {
            effects.push(Self::new(identity, preferences("favorite_channel", channel_ids)));
        }
        effects
    }

    const fn target(&self) -> &'static str {
        match self.what {
            What::Posts(_) => store::POSTS,
            What::Memberships(_) => store::MEMBERSHIPS,
            What::ForgetPreferences(_) => store::PREFERENCES,
            What::ForgetGroups(_) => store::GROUPS,
            What::PurgeFiles(_) => store::FILES,
        }
    }

    /// The request as it will be sent; `version` orders facts.
    fn payload(&self, version: i64) -> Vec<u8> {
        match &self.what {
            What::Posts(effect) => ApplyEffectRequest { effect_id: self.id.clone(), effect: Some((**effect).clone()) }.encode_to_vec(),
            What::Memberships(facts) => {
                let facts = facts.iter().cloned().map(|fact| MembershipFact { version, ..fact }).collect();
                ApplyMembershipsRequest { facts }.encode_to_vec()
            }
            What::ForgetPreferences(request) => request.encode_to_vec(),
            What::ForgetGroups(request) => request.encode_to_vec(),
            What::PurgeFiles(request) => request.encode_to_vec(),
        }
    }
}

/// That a user is, or is no longer, in a team or channel. Team joins and leaves also move the user's update_at.
pub fn fact(group: Group, group_id: &str, user_id: &str, member: bool) -> MembershipFact {
    let kind = match group {
        Group::Team => "team",
        Group::Channel => "channel",
    };
    MembershipFact {
        group_id: group_id.to_owned(),
        kind: kind.to_owned(),
        user_id: user_id.to_owned(),
        member,
        version: 0,
        bump_user: group == Group::Team,
    }
}
