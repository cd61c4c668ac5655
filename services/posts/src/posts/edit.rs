//! Changing posts that exist: edit, pin, delete.

use super::{events, props, rules, store};
use crate::{
    calls::{self, Call},
    search::indexer,
};
use muster_domain::{ids::new_id, system_posts::SYSTEM_PREFIX, time::now_ms};
use muster_error::{AppError, ErrorId};
use muster_events::Outbox;
use muster_proto::{
    model::{Channel, Post},
    posts::UpdatePostRequest,
};
use muster_runtime::postgres::sql_error;
use sqlx::{PgPool, Postgres, Transaction};

/// What an edit leaves of a post. `mentioned` are the channels its message names (when the request changes it). Pure.
pub fn edited(post: &Post, request: UpdatePostRequest, mentioned: &[Channel], now: i64) -> Result<Post, AppError> {
    let mut next = post.clone();
    next.update_at = now.max(post.update_at + 1);
    if let Some(message) = request.message {
        if message != post.message {
            next.edit_at = next.update_at;
            next.hashtags = muster_domain::posts::hashtags(&message);
        }
        next.message = message;
    }
    let given = request.props.as_deref();
    rules::check_text(&next.message, given.unwrap_or(&next.props))?;
    next.props = props::stored(given.unwrap_or(&post.props), mentioned)?;
    if let Some(file_ids) = request.file_ids {
        next.file_ids = rules::file_ids(&file_ids.ids)?;
    }
    next.is_pinned = request.is_pinned.unwrap_or(post.is_pinned);
    Ok(next)
}

/// Whether the text may still change; `limit` in seconds since the post, negative = forever.
pub fn in_time(post: &Post, message: Option<&str>, limit: i64, now: i64) -> Result<(), AppError> {
    let changes = message.is_some_and(|message| message != post.message);
    if limit < 0 || !changes || now <= post.create_at.saturating_add(limit.saturating_mul(1_000)) {
        return Ok(());
    }
    Err(AppError::new(ErrorId::PostEditTooLate).param("timeLimit", limit))
}

/// A post that may be changed: undeleted and not of the system.
pub fn changeable(post: Option<Post>) -> Result<Post, AppError> {
    let post = post.filter(|p| p.delete_at == 0).ok_or(ErrorId::PostNotFound)?;
    if post.r#type.starts_with(SYSTEM_PREFIX) {
        return Err(ErrorId::PostSystemMessage.into());
    }
    Ok(post)
}

/// Changes a post under its channel's lock, keeping its former state as a revision.
pub async fn change(
    pool: &PgPool,
    outbox: &Outbox,
    post_id: &str,
    apply: impl FnOnce(&Post, i64) -> Result<Post, AppError>,
) -> Result<Post, AppError> {
    let (mut tx, now) = locked(pool, post_id, true).await?;
    let post = changeable(store::get(&mut *tx, post_id).await.map_err(sql_error)?)?;
    let next = apply(&post, now)?;
    store::insert_revision(&mut tx, &new_id(), &post, next.update_at).await.map_err(sql_error)?;
    store::update(&mut tx, &next).await.map_err(sql_error)?;
    if next.message != post.message {
        indexer::record(&mut tx, std::slice::from_ref(&next.id)).await.map_err(sql_error)?;
    }
    if !next.root_id.is_empty() {
        store::bump(&mut tx, &next.root_id, next.update_at).await.map_err(sql_error)?;
    }
    let announcement = events::to_channel(&next.channel_id, vec![events::edited(&next)?]);
    outbox.record(&mut tx, std::slice::from_ref(&announcement)).await.map_err(sql_error)?;
    tx.commit().await.map_err(sql_error)?;
    outbox.publish(vec![announcement]).await;
    Ok(next)
}

/// Deletes a post and its replies; returns the calls that remove its flags and their files, to be made now.
pub async fn delete(pool: &PgPool, outbox: &Outbox, post_id: &str) -> Result<Vec<Call>, AppError> {
    let (mut tx, now) = locked(pool, post_id, false).await?;
    let post = store::get(&mut *tx, post_id).await.map_err(sql_error)?.filter(|p| p.delete_at == 0).ok_or(ErrorId::PostNotFound)?;
    let deleted = store::delete(&mut tx, post_id, now).await.map_err(sql_error)?;
    if deleted.is_empty() {
        return Err(ErrorId::PostNotFound.into());
    }
    let ids: Vec<String> = deleted.iter().map(|(id, _)| id.clone()).collect();
    indexer::record(&mut tx, &ids).await.map_err(sql_error)?;
    if !post.root_id.is_empty() {
        // So that the thread's ETag changes, whichever reply it was.
        store::bump(&mut tx, &post.root_id, now).await.map_err(sql_error)?;
    }
    let with_files: Vec<String> = deleted.into_iter().filter_map(|(id, has_files)| has_files.then_some(id)).collect();
    let mut calls = vec![Call::forget_flags(vec![post.id.clone()])];
    if !with_files.is_empty() {
        calls.push(Call::delete_files(with_files));
    }
    for call in &calls {
        calls::record(&mut *tx, call).await.map_err(sql_error)?;
    }
    let announcement = events::to_channel(&post.channel_id, vec![events::deleted(&post)?]);
    outbox.record(&mut tx, std::slice::from_ref(&announcement)).await.map_err(sql_error)?;
    tx.commit().await.map_err(sql_error)?;
    outbox.publish(vec![announcement]).await;
    Ok(calls)
}

/// A transaction that holds the lock of the post's channel, and the time of its change. An edit is activity in the channel,
/// a deletion is not.
async fn locked(pool: &PgPool, post_id: &str, edit: bool) -> Result<(Transaction<'static, Postgres>, i64), AppError> {
    let mut tx = pool.begin().await.map_err(sql_error)?;
    // The channel of a post never changes, so it may be read without the lock.
    let post = store::get(&mut *tx, post_id).await.map_err(sql_error)?.ok_or(ErrorId::PostNotFound)?;
    let now = now_ms();
    store::lock_channel(&mut tx, &post.channel_id, now, edit.then_some(now)).await.map_err(sql_error)?;
    Ok((tx, now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_proto::posts::FileIds;

    fn post() -> Post {
        Post { message: "old".into(), update_at: 5, props: r#"{"k":1}"#.into(), is_pinned: true, has_reactions: true, ..Post::default() }
    }

    #[test]
    fn only_what_is_given_changes() {
        let request = UpdatePostRequest { message: Some("new #tag".into()), ..UpdatePostRequest::default() };
        let next = edited(&post(), request, &[], 9).expect("valid");
        assert_eq!(next, Post { message: "new #tag".into(), hashtags: "#tag".into(), update_at: 9, edit_at: 9, ..post() });
    }

    #[test]
    fn edit_at_moves_with_the_text_only_and_update_at_always() {
        let same = UpdatePostRequest { message: Some("old".into()), is_pinned: Some(false), ..UpdatePostRequest::default() };
        let next = edited(&post(), same, &[], 5).expect("valid");
        assert_eq!((next.edit_at, next.update_at, next.is_pinned), (0, 6, false));
    }

    #[test]
    fn texts_change_in_time_only() {
        let post = Post { create_at: 1_000, ..post() };
        let refused = |message, limit, now| in_time(&post, message, limit, now).err().map(|e| (e.id, e.message()));
        assert_eq!(refused(Some("new"), 5, 6_000), None);
        assert_eq!(refused(Some("new"), -1, i64::MAX), None);
        assert_eq!((refused(Some("old"), 5, 6_001), refused(None, 0, 6_001)), (None, None));
        let (id, message) = refused(Some("new"), 5, 6_001).expect("a refusal");
        assert!(id == ErrorId::PostEditTooLate && message.contains("5 seconds"), "{message}");
    }

    #[test]
    fn refusals() {
        let refused = |request| edited(&post(), request, &[], 9).err().map(|e| e.id);
        let long = UpdatePostRequest { message: Some("a".repeat(16_384)), ..UpdatePostRequest::default() };
        assert_eq!(refused(long), Some(ErrorId::PostInvalidMessage));
        let files = FileIds { ids: vec!["x".into()] };
        let files = UpdatePostRequest { file_ids: Some(files), ..UpdatePostRequest::default() };
        assert_eq!(refused(files), Some(ErrorId::PostInvalidFileIds));
        let system = Post { r#type: "system_join_channel".into(), ..post() };
        assert_eq!(changeable(Some(system)).err().map(|e| e.id), Some(ErrorId::PostSystemMessage));
        assert_eq!(changeable(Some(Post { delete_at: 1, ..post() })).err().map(|e| e.id), Some(ErrorId::PostNotFound));
    }
}
