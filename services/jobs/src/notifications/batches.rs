//! Sending what was collected: one mail of everything a user has not seen since.

use super::{Worker, store};
use crate::mail;
use muster_domain::time::now_ms;
use muster_error::AppError;
use muster_events::MAIL_WAKE;
use muster_proto::{
    jobs::{
        MailMessage,
        mail_message::{Content, Digest},
    },
    posts::{ReadStatesRequest, activity_client::ActivityClient},
};
use muster_runtime::{Caller, peers::MESSAGE_MAX, postgres::sql_error};
use std::collections::HashMap;

/// Users seen to in one round.
const USERS: i64 = 100;

pub async fn send_due(worker: &Worker) -> Result<(), AppError> {
    let users = store::due(&worker.pool, now_ms(), USERS).await.map_err(sql_error)?;
    for user_id in &users {
        send(worker, user_id).await?;
    }
    Ok(())
}

async fn send(worker: &Worker, user_id: &str) -> Result<(), AppError> {
    let mut tx = worker.pool.begin().await.map_err(sql_error)?;
    let mut collected = store::take(&mut tx, user_id).await.map_err(sql_error)?;
    let seen = seen(worker, user_id, collected.iter().map(|b| b.channel_id.clone()).collect()).await?;
    collected.retain(|b| seen.get(&b.channel_id).is_none_or(|at| *at < b.notice.create_at));
    if let Some(last) = collected.last() {
        let (key, to) = (format!("digest/{user_id}/{}", last.notice.post_id), last.recipient.clone());
        let notices = collected.into_iter().map(|b| b.notice).collect();
        let digest = MailMessage { key, to, content: Some(Content::Digest(Digest { notices })) };
        mail::insert(&mut *tx, &[digest], now_ms()).await.map_err(sql_error)?;
    }
    tx.commit().await.map_err(sql_error)?;
    worker.bus.wake(MAIL_WAKE).await;
    Ok(())
}

/// When the user last looked at each of the channels, ms.
async fn seen(worker: &Worker, user_id: &str, mut channel_ids: Vec<String>) -> Result<HashMap<String, i64>, AppError> {
    channel_ids.sort();
    channel_ids.dedup();
    let request = ReadStatesRequest { channel_ids, user_ids: vec![user_id.to_owned()] };
    let mut client = ActivityClient::new(worker.posts.channel()).max_decoding_message_size(MESSAGE_MAX);
    let states = client.read_states(Caller::system("jobs").call(request)).await?.into_inner().states;
    Ok(states.into_iter().map(|state| (state.channel_id, state.last_viewed_at)).collect())
}
