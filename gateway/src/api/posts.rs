//! Tag `posts`; one module per topic below.

mod actions;
mod create;
mod edit;
pub mod files_info;
mod lists;
mod read;
mod search;

use super::ApiRoutes;
use crate::{
    access::ChannelGrant,
    error::{ApiError, ApiResult},
    extract::Session,
    state::Gateway,
};
use muster_domain::permissions::Permission;
use muster_error::{AppError, ErrorId};
use muster_proto::{model::Post, posts::GetPostRequest};

pub fn routes() -> ApiRoutes {
    ApiRoutes::new()
        .post("/posts", create::create)
        .post("/posts/ephemeral", create::create_ephemeral)
        .get("/posts/{post_id}", read::get)
        .delete("/posts/{post_id}", edit::delete)
        .put("/posts/{post_id}", edit::update)
        .put("/posts/{post_id}/patch", edit::patch)
        .get("/posts/{post_id}/thread", read::thread)
        .get("/users/{user_id}/posts/flagged", lists::flagged)
        .get("/channels/{channel_id}/posts", lists::of_channel)
        .get("/channels/{channel_id}/pinned", lists::pinned)
        .post("/posts/{post_id}/pin", edit::pin)
        .post("/posts/{post_id}/unpin", edit::unpin)
        .post("/teams/{team_id}/posts/search", search::search)
        .post("/posts/{post_id}/actions/{action_id}", actions::press)
        .merge(files_info::routes())
}

/// "Permission in the channel of a post", deleted posts included. For an unknown post only system roles count: whoever
/// holds the permission by them learns that there is none (404), everybody else is refused.
pub(super) async fn in_channel_of(
    gateway: &Gateway,
    session: &Session,
    post_id: &str,
    permission: Permission,
) -> ApiResult<(Post, ChannelGrant)> {
    let request = GetPostRequest { post_id: post_id.to_owned() };
    let post = match gateway.clients.posts().get_including_deleted(session.call(request)).await.map_err(AppError::from) {
        Ok(reply) => reply.into_inner(),
        Err(error) if error.id == ErrorId::PostNotFound => {
            gateway.access.system(session, permission)?;
            return Err(error.into());
        }
        Err(error) => return Err(error.into()),
    };
    let grant = gateway.access.channel(session, &post.channel_id, permission).await?;
    Ok((post, grant))
}

/// Reading a single post: members of its channel, and for open channels the team's members.
async fn may_read(gateway: &Gateway, session: &Session, channel_id: &str) -> ApiResult<()> {
    match gateway.access.channel(session, channel_id, Permission::ReadChannel).await {
        Ok(_) => Ok(()),
        Err(refused) if refused.0.id == ErrorId::Permissions => {
            let grant = gateway.access.channel(session, channel_id, Permission::ReadPublicChannel).await?;
            if grant.channel.r#type == "O" { Ok(()) } else { Err(refused) }
        }
        Err(error) => Err(error),
    }
}

/// 403 for a post that cannot be asked about.
fn refused(permission: Permission) -> ApiError {
    AppError::permissions(permission.as_str()).into()
}
