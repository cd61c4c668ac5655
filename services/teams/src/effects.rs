//! What other services must do because of a change here: rows of the causing transaction, delivered right after the
//! commit by the same request and again by a sweeper until acknowledged. Effects of one key keep their order.

mod delivery;
mod lines;
mod store;

pub use delivery::Effects;

use muster_domain::ids;
use muster_proto::{
    identity::{ApplyMembershipsRequest, ForgetPreferencesRequest, MembershipFact},
    model::Post,
    posts::{ApplyEffectRequest, ForgetReadState, MarkRead, apply_effect_request::Effect as ForPosts},
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

    const fn target(&self) -> &'static str {
        match self.what {
            What::Posts(_) => store::POSTS,
            What::Memberships(_) => store::MEMBERSHIPS,
            What::ForgetPreferences(_) => store::PREFERENCES,
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
