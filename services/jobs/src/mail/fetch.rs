//! Fetching the mails that changes of accounts cause. Calls point from jobs to identity, so jobs comes for them: identity
//! wakes it by the bus, hands each mail to one replica for a while, and keeps it until it is acknowledged.

use super::store;
use muster_domain::time::now_ms;
use muster_error::AppError;
use muster_proto::identity::{AcknowledgeMailsRequest, TakeMailsRequest, mails_client::MailsClient};
use muster_runtime::{Caller, Peer, peers::MESSAGE_MAX, postgres::sql_error};
use sqlx::PgPool;

/// Mails of one fetch.
const BATCH: i64 = 200;

/// Moves what identity has into the queue.
pub async fn fetch(pool: &PgPool, identity: &Peer) -> Result<(), AppError> {
    let caller = Caller::system("jobs");
    let mut client = MailsClient::new(identity.channel()).max_decoding_message_size(MESSAGE_MAX);
    loop {
        let mails = client.take(caller.call(TakeMailsRequest { limit: BATCH })).await?.into_inner().mails;
        if mails.is_empty() {
            return Ok(());
        }
        store::insert(pool, &mails, now_ms()).await.map_err(sql_error)?;
        let full = mails.len() as i64 == BATCH;
        let keys = mails.into_iter().map(|mail| mail.key).collect();
        // Unacknowledged mails come again and are known then.
        client.acknowledge(caller.call(AcknowledgeMailsRequest { keys })).await?;
        if !full {
            return Ok(());
        }
    }
}
