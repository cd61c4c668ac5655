//! From a token to its session.

use super::{SessionsService, Which, store, store::Found};
use muster_domain::{
    ids::{ID_LENGTH, new_id},
    time::{DAY_MS, MINUTE_MS, now_ms},
};
use muster_error::{AppError, ErrorId};
use muster_proto::{
    model::Session,
    sessions::{ACCESS_TOKEN, ACCESS_TOKEN_ID, KIND, is_idle},
};
use muster_runtime::postgres::sql_error;
use sha2::{Digest, Sha256};
use std::{fmt::Write as _, time::Duration};

/// Lifetime of a session made for a personal access token.
const ACCESS_TOKEN_SESSION_MS: i64 = 100 * 365 * DAY_MS;
/// Longest a session is served from Redis, whatever the setting.
const CACHE_MAX_MINUTES: i64 = 60;

/// Hex of SHA-256: what is stored in place of a token.
pub(crate) fn token_hash(token: &str) -> String {
    Sha256::digest(token.as_bytes()).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

impl SessionsService {
    pub(super) async fn session_of(&self, token: &str) -> Result<Session, AppError> {
        if token.len() != ID_LENGTH {
            return Err(ErrorId::SessionExpired.into());
        }
        let hash = token_hash(token);
        let snapshot = self.feed.get();
        let tokens_enabled = snapshot.settings.enable_user_access_tokens;
        let mut conn = self.pool.acquire().await.map_err(sql_error)?;
        let session = match store::find(&mut conn, &hash, now_ms()).await.map_err(sql_error)? {
            Some(Found { session, .. }) if is_idle(&session, snapshot.settings.session_idle_timeout_in_minutes, now_ms()) => {
                drop(conn);
                self.revoke_where(&session.user_id, Which::Id(&session.id)).await?;
                return Err(ErrorId::SessionExpired.into());
            }
            Some(found) if found.access_token_id.is_empty() => found.session,
            Some(found) => {
                let active = store::access_token_is_active(&mut conn, &found.access_token_id).await.map_err(sql_error)?;
                if !active || !tokens_enabled {
                    return Err(ErrorId::SessionExpired.into());
                }
                found.session
            }
            None if tokens_enabled => {
                drop(conn);
                self.session_for_access_token(&hash).await?
            }
            None => return Err(ErrorId::SessionExpired.into()),
        };
        let minutes = snapshot.settings.session_cache_in_minutes.clamp(0, CACHE_MAX_MINUTES);
        self.cache.put_session(&hash, &session, Duration::from_millis((minutes * MINUTE_MS) as u64)).await;
        Ok(session)
    }

    /// The first use of a personal access token opens its session.
    async fn session_for_access_token(&self, hash: &str) -> Result<Session, AppError> {
        let mut tx = self.pool.begin().await.map_err(sql_error)?;
        let token = store::access_token(&mut tx, hash).await.map_err(sql_error)?.ok_or(ErrorId::SessionExpired)?;
        let now = now_ms();
        let session = Session {
            id: new_id(),
            create_at: now,
            expires_at: now + ACCESS_TOKEN_SESSION_MS,
            last_activity_at: now,
            user_id: token.user_id,
            roles: token.roles,
            props: [(KIND.to_owned(), ACCESS_TOKEN.to_owned()), (ACCESS_TOKEN_ID.to_owned(), token.id.clone())].into(),
            ..Session::default()
        };
        store::insert(&mut tx, &session, hash, &token.id).await.map_err(sql_error)?;
        let found = store::find(&mut tx, hash, now).await.map_err(sql_error)?.ok_or(ErrorId::SessionExpired)?;
        tx.commit().await.map_err(sql_error)?;
        Ok(found.session)
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn hashes_as_gateways_do() {
        assert_eq!(super::token_hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
