//! What moves in channels when somebody posts, asked for many requests at once.

use crate::clients::Clients;
use muster_error::AppError;
use muster_proto::posts::{ChannelActivity, ChannelActivityRequest};
use muster_runtime::{Caller, gather::Gather};
use std::collections::HashMap;
use tokio_util::sync::CancellationToken;

/// What moves in a channel when somebody posts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Activity {
    /// ms
    pub last_post_at: i64,
    pub total_msg_count: i64,
}

impl From<&ChannelActivity> for Activity {
    fn from(activity: &ChannelActivity) -> Self {
        Self { last_post_at: activity.last_post_at, total_msg_count: activity.total_msg_count }
    }
}

/// By channel id; a channel nobody posted into may be missing.
pub type Activities = Gather<Activity>;

/// The tasks end with the token.
pub fn start(clients: &Clients, stop: &CancellationToken) -> Activities {
    let clients = clients.clone();
    Gather::start(stop, move |channel_ids| ask(clients.clone(), channel_ids))
}

async fn ask(clients: Clients, channel_ids: Vec<String>) -> Result<HashMap<String, Activity>, AppError> {
    let request = Caller::system("gateway").call(ChannelActivityRequest { channel_ids });
    let reply = clients.activity().channels(request).await?.into_inner();
    Ok(reply.channels.iter().map(|a| (a.channel_id.clone(), Activity::from(a))).collect())
}
