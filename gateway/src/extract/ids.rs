//! Ids in paths: letters and digits of another length than 26 are 400, other characters are no route (404).

use super::Session;
use crate::{error::ApiError, state::Gateway};
use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;
use muster_error::{AppError, ErrorId};
use std::ops::Deref;

/// The raw value of a path parameter, percent-decoded.
pub async fn path_param(parts: &mut Parts, name: &str) -> Result<String, ApiError> {
    let params = RawPathParams::from_request_parts(parts, &()).await.map_err(|_| ApiError::from(ErrorId::NotFound))?;
    params.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_owned()).ok_or_else(|| ErrorId::NotFound.into())
}

fn check(value: String, name: &str) -> Result<String, ApiError> {
    if !value.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Err(ErrorId::NotFound.into());
    }
    if value.len() != muster_domain::ids::ID_LENGTH {
        return Err(AppError::url(name).into());
    }
    Ok(value)
}

macro_rules! path_ids {
    ($($(#[$doc:meta])* $type:ident = $param:literal;)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq, Eq)]
            pub struct $type(pub String);

            impl Deref for $type {
                type Target = str;

                fn deref(&self) -> &str {
                    &self.0
                }
            }

            impl<S: Sync> FromRequestParts<S> for $type {
                type Rejection = ApiError;

                async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
                    check(path_param(parts, $param).await?, $param).map(Self)
                }
            }
        )*
    };
}

path_ids! {
    /// `{channel_id}`
    ChannelId = "channel_id";
    /// `{emoji_id}`
    EmojiId = "emoji_id";
    /// `{file_id}`
    FileId = "file_id";
    /// `{job_id}`
    JobId = "job_id";
    /// `{post_id}`
    PostId = "post_id";
    /// `{role_id}`
    RoleId = "role_id";
    /// `{team_id}`
    TeamId = "team_id";
}

/// `{user_id}`, with `me` standing for the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserId(pub String);

impl Deref for UserId {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl FromRequestParts<Gateway> for UserId {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, ApiError> {
        let value = path_param(parts, "user_id").await?;
        if value == "me" {
            return Ok(Self(Session::from_request_parts(parts, gateway).await?.user_id.clone()));
        }
        check(value, "user_id").map(Self)
    }
}
