//! The gRPC service of custom emoji.

mod store;

use crate::calls::{self, Call, Calls};
use muster_domain::{emojis::is_custom_name, ids::is_id, paging::PER_PAGE_MAX, time::now_ms};
use muster_error::{AppError, ErrorId};
use muster_events::{Announcement, Outbox, audience, everyone_subject, frame};
use muster_proto::{
    json,
    model::Emoji,
    posts::{EmojiDone, EmojiKey, EmojiList, ListEmojiRequest, SearchEmojiRequest, emojis_server},
};
use muster_runtime::{
    Caller,
    postgres::{sql_error, violated_constraint},
};
use sqlx::PgPool;
use tonic::{Request, Response, Status};

/// Reactions removed in one transaction.
const REACTIONS_AT_ONCE: i64 = 500;

pub struct Emojis {
    pub pool: PgPool,
    pub outbox: Outbox,
    pub calls: Calls,
}

impl Emojis {
    async fn save(&self, emoji: Emoji) -> Result<Emoji, AppError> {
        let mut tx = self.pool.begin().await.map_err(sql_error)?;
        store::insert(&mut tx, &emoji).await.map_err(|error| match violated_constraint(&error) {
            Some("emojis_name") => ErrorId::EmojiDuplicate.into(),
            _ => sql_error(error),
        })?;
        let data = serde_json::json!({ "emoji": json::to_string(&emoji).map_err(AppError::internal)? });
        let announcement = Announcement::new(everyone_subject(), vec![frame("emoji_added", &data, audience::everyone())]);
        self.outbox.record(&mut tx, std::slice::from_ref(&announcement)).await.map_err(sql_error)?;
        tx.commit().await.map_err(sql_error)?;
        self.outbox.publish(vec![announcement]).await;
        Ok(emoji)
    }

    /// The reactions go first, some at a time, so that whoever finds them left after a crash deletes again.
    async fn remove(&self, id: &str) -> Result<(), AppError> {
        let emoji = store::by_id(&self.pool, id).await.map_err(sql_error)?.ok_or(ErrorId::EmojiNotFound)?;
        loop {
            let now = now_ms();
            let mut tx = self.pool.begin().await.map_err(sql_error)?;
            let removed = store::delete_reactions(&mut tx, &emoji.name, now, REACTIONS_AT_ONCE).await.map_err(sql_error)?;
            if removed as i64 == REACTIONS_AT_ONCE {
                tx.commit().await.map_err(sql_error)?;
                continue;
            }
            store::delete(&mut tx, id, now).await.map_err(sql_error)?.ok_or(ErrorId::EmojiNotFound)?;
            let call = Call::remove_emoji_picture(id);
            calls::record(&mut *tx, &call).await.map_err(sql_error)?;
            tx.commit().await.map_err(sql_error)?;
            self.calls.make(&call).await;
            return Ok(());
        }
    }
}

#[tonic::async_trait]
impl emojis_server::Emojis for Emojis {
    async fn create(&self, request: Request<Emoji>) -> Result<Response<Emoji>, Status> {
        let caller = Caller::of(&request)?;
        let Emoji { id, name, .. } = request.into_inner();
        if !is_custom_name(&name) {
            return Err(AppError::new(ErrorId::EmojiInvalidName).into());
        }
        if !is_id(&id) {
            return Err(AppError::body("id").into());
        }
        let now = now_ms();
        Ok(Response::new(self.save(Emoji { id, create_at: now, update_at: now, delete_at: 0, creator_id: caller.user_id, name }).await?))
    }

    async fn get(&self, request: Request<EmojiKey>) -> Result<Response<Emoji>, Status> {
        Caller::of(&request)?;
        let EmojiKey { id, name } = request.into_inner();
        let (found, missing) = if id.is_empty() {
            (store::by_name(&self.pool, &name).await, ErrorId::EmojiNameNotFound)
        } else {
            (store::by_id(&self.pool, &id).await, ErrorId::EmojiNotFound)
        };
        Ok(Response::new(found.map_err(sql_error)?.ok_or(AppError::new(missing))?))
    }

    async fn list(&self, request: Request<ListEmojiRequest>) -> Result<Response<EmojiList>, Status> {
        Caller::of(&request)?;
        let ListEmojiRequest { offset, limit } = request.into_inner();
        let emojis = store::list(&self.pool, offset.max(0), limit.clamp(0, PER_PAGE_MAX)).await.map_err(sql_error)?;
        Ok(Response::new(EmojiList { emojis }))
    }

    async fn search(&self, request: Request<SearchEmojiRequest>) -> Result<Response<EmojiList>, Status> {
        Caller::of(&request)?;
        let SearchEmojiRequest { term, prefix_only, limit } = request.into_inner();
        // No name has such a character, and PostgreSQL takes none.
        if term.contains('\0') {
            return Ok(Response::new(EmojiList::default()));
        }
        let emojis = store::search(&self.pool, &term, prefix_only, limit.clamp(0, PER_PAGE_MAX)).await.map_err(sql_error)?;
        Ok(Response::new(EmojiList { emojis }))
    }

    async fn delete(&self, request: Request<EmojiKey>) -> Result<Response<EmojiDone>, Status> {
        Caller::of(&request)?;
        self.remove(&request.into_inner().id).await?;
        Ok(Response::new(EmojiDone {}))
    }
}
