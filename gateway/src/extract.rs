//! What handlers take from a request. Every rejection is [`ApiError`](crate::error::ApiError).

mod body;
mod facts;
mod ids;
mod query;
mod session;

pub use body::{Json, from_json};
pub use facts::RequestFacts;
pub use ids::{ChannelId, EmojiId, FileId, JobId, PostId, RoleId, TeamId, UserId, path_param};
pub use query::{IfNoneMatch, Page, Params};
pub use session::{MaybeSession, Session, TOKEN_COOKIE, USER_COOKIE, cookie, find_token};
