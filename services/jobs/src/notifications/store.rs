//! Notices that are collected.

use muster_proto::jobs::mail_message::PostNotice;
use prost::Message;
use sqlx::{PgConnection, PgExecutor, Row};

/// A notice that waits for others.
pub struct Batched {
    pub user_id: String,
    pub recipient: String,
    pub channel_id: String,
    pub notice: PostNotice,
    /// When what is collected for this user is sent, ms.
    pub due_at: i64,
}

pub async fn collect(db: impl PgExecutor<'_>, batched: &[Batched], now: i64) -> sqlx::Result<()> {
    if batched.is_empty() {
        return Ok(());
    }
    let column = |get: fn(&Batched) -> &str| batched.iter().map(get).map(str::to_owned).collect::<Vec<_>>();
    sqlx::query(
        "INSERT INTO mail_batches (user_id, post_id, recipient, channel_id, body, create_at, due_at)
         SELECT t.user_id, t.post_id, t.recipient, t.channel_id, t.body, $7, t.due_at
         FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::bigint[])
              AS t(user_id, post_id, recipient, channel_id, body, due_at)
         ON CONFLICT DO NOTHING",
    )
    .bind(column(|b| &b.user_id))
    .bind(column(|b| &b.notice.post_id))
    .bind(column(|b| &b.recipient))
    .bind(column(|b| &b.channel_id))
    .bind(batched.iter().map(|b| b.notice.encode_to_vec()).collect::<Vec<_>>())
    .bind(batched.iter().map(|b| b.due_at).collect::<Vec<_>>())
    .bind(now)
    .execute(db)
    .await?;
    Ok(())
}

/// Users with something due.
pub async fn due(db: impl PgExecutor<'_>, now: i64, limit: i64) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar("SELECT DISTINCT user_id FROM mail_batches WHERE due_at <= $1 LIMIT $2").bind(now).bind(limit).fetch_all(db).await
}

/// Everything collected for a user, oldest first, taken out unless somebody else does so now.
pub async fn take(tx: &mut PgConnection, user_id: &str) -> sqlx::Result<Vec<Batched>> {
    let rows = sqlx::query(
        "DELETE FROM mail_batches WHERE (user_id, post_id) IN (
             SELECT user_id, post_id FROM mail_batches WHERE user_id = $1 FOR UPDATE SKIP LOCKED
         ) RETURNING recipient, channel_id, body, due_at",
    )
    .bind(user_id)
    .fetch_all(tx)
    .await?;
    let mut taken = Vec::with_capacity(rows.len());
    for row in &rows {
        let notice = PostNotice::decode(row.try_get::<&[u8], _>("body")?).map_err(|e| sqlx::Error::Decode(Box::new(e)))?;
        taken.push(Batched {
            user_id: user_id.to_owned(),
            recipient: row.try_get("recipient")?,
            channel_id: row.try_get("channel_id")?,
            notice,
            due_at: row.try_get("due_at")?,
        });
    }
    taken.sort_by_key(|batched| batched.notice.create_at);
    Ok(taken)
}
