//! The statement of the hot path.

use super::plan::Plan;
use crate::draft::Key;
use muster_domain::time::now_ms;
use sqlx::{PgConnection, Row};
use std::collections::HashMap;

/// Everything one batch changes, in one round trip and one commit. Rows are locked in the order channel_activity,
/// read_states, posts, each sorted, as everywhere in this service; that keeps batches of several replicas from
/// deadlocking.
///
/// `excluded.last_viewed_at > 0` is how the last part tells a member who posted from one who was only mentioned.
const INSERT: &str = r#"
WITH activity AS (
    INSERT INTO channel_activity AS a (channel_id, team_id, last_post_at, total_msg_count, max_update_at)
    SELECT channel_id, team_id, last_post_at, counted, last_post_at
    FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) AS t(channel_id, team_id, last_post_at, counted)
    ON CONFLICT (channel_id) DO UPDATE SET
        team_id = excluded.team_id,
        last_post_at = GREATEST(a.last_post_at, excluded.last_post_at),
        total_msg_count = a.total_msg_count + excluded.total_msg_count,
        max_update_at = GREATEST(a.max_update_at + 1, excluded.max_update_at)
    RETURNING channel_id, last_post_at, total_msg_count
), reads AS (
    INSERT INTO read_states AS r (channel_id, user_id, last_viewed_at, msg_count, mention_count)
    SELECT t.channel_id, t.user_id,
           CASE WHEN t.own THEN LEAST(activity.last_post_at, t.viewed_at) ELSE 0 END,
           CASE WHEN t.own THEN activity.total_msg_count - t.behind ELSE 0 END,
           t.mentions
    FROM unnest($5::text[], $6::text[], $7::bool[], $8::bigint[], $9::bigint[], $36::bigint[])
         AS t(channel_id, user_id, own, behind, mentions, viewed_at)
    JOIN activity ON activity.channel_id = t.channel_id
    ORDER BY t.channel_id, t.user_id
    ON CONFLICT (channel_id, user_id) DO UPDATE SET
        last_viewed_at = GREATEST(r.last_viewed_at, excluded.last_viewed_at),
        msg_count = GREATEST(r.msg_count, excluded.msg_count),
        mention_count = excluded.mention_count + CASE WHEN excluded.last_viewed_at > 0 THEN 0 ELSE r.mention_count END
), roots AS (
    UPDATE posts SET update_at = GREATEST(posts.update_at + 1, t.at)
    FROM unnest($10::text[], $11::bigint[]) AS t(id, at)
    WHERE posts.id = t.id
), keys AS (
    INSERT INTO post_keys (user_id, pending_post_id, post_id, create_at)
    SELECT t.scope, t.name, t.post_id, $12 FROM unnest($13::text[], $14::text[], $15::text[]) AS t(scope, name, post_id)
), announced AS (
    INSERT INTO outbox (create_at, id, subject, payload)
    SELECT * FROM unnest($35::bigint[], $16::text[], $17::text[], $18::bytea[])
), called AS (
    INSERT INTO calls (id, kind, body, try_at)
    SELECT t.id, t.kind, t.body, t.try_at
    FROM unnest($19::text[], $20::text[], $21::bytea[], $22::bigint[]) AS t(id, kind, body, try_at)
), queued AS (
    INSERT INTO search_queue (post_ids) VALUES ($23::text[])
)
INSERT INTO posts (id, create_at, update_at, is_pinned, user_id, channel_id, root_id, parent_id, message, type, props, hashtags, file_ids)
SELECT t.id, t.create_at, t.create_at, t.is_pinned, t.user_id, t.channel_id, t.root_id, t.parent_id, t.message, t.type, t.props, t.hashtags,
       string_to_array(t.file_ids, ',')
FROM unnest($23::text[], $24::bigint[], $25::bool[], $26::text[], $27::text[], $28::text[], $29::text[], $30::text[], $31::text[],
            $32::text[], $33::text[], $34::text[])
     AS t(id, create_at, is_pinned, user_id, channel_id, root_id, parent_id, message, type, props, hashtags, file_ids)
"#;

pub async fn insert(connection: &mut PgConnection, plan: &Plan<'_>) -> sqlx::Result<()> {
    let mut keys: Vec<(&Key, &str)> = plan.drafts.iter().filter_map(|d| d.key.as_ref().map(|key| (key, d.post.id.as_str()))).collect();
    keys.sort_unstable();
    let calls = || plan.drafts.iter().flat_map(|d| &d.calls);
    let posts = || plan.drafts.iter().map(|d| &d.post);
    sqlx::query(INSERT)
        .bind(plan.activity.keys().copied().collect::<Vec<_>>())
        .bind(plan.activity.values().map(|a| a.team_id).collect::<Vec<_>>())
        .bind(plan.activity.values().map(|a| a.last_post_at).collect::<Vec<_>>())
        .bind(plan.activity.values().map(|a| a.counted).collect::<Vec<_>>())
        .bind(plan.reads.keys().map(|(channel, _)| *channel).collect::<Vec<_>>())
        .bind(plan.reads.keys().map(|(_, user)| *user).collect::<Vec<_>>())
        .bind(plan.reads.values().map(|r| r.own).collect::<Vec<_>>())
        .bind(plan.reads.values().map(|r| r.behind).collect::<Vec<_>>())
        .bind(plan.reads.values().map(|r| r.mentions).collect::<Vec<_>>())
        .bind(plan.roots.keys().copied().collect::<Vec<_>>())
        .bind(plan.roots.values().copied().collect::<Vec<_>>())
        .bind(now_ms())
        .bind(keys.iter().map(|(key, _)| key.scope.as_str()).collect::<Vec<_>>())
        .bind(keys.iter().map(|(key, _)| key.name.as_str()).collect::<Vec<_>>())
        .bind(keys.iter().map(|(_, post_id)| *post_id).collect::<Vec<_>>())
        .bind(plan.announcements.iter().map(|a| a.id.as_str()).collect::<Vec<_>>())
        .bind(plan.announcements.iter().map(|a| a.subject.as_str()).collect::<Vec<_>>())
        .bind(plan.announcements.iter().map(|a| &a.payload[..]).collect::<Vec<_>>())
        .bind(calls().map(|c| c.id.as_str()).collect::<Vec<_>>())
        .bind(calls().map(|c| c.kind.as_str()).collect::<Vec<_>>())
        .bind(calls().map(|c| c.body.as_slice()).collect::<Vec<_>>())
        .bind(calls().map(|c| c.try_at).collect::<Vec<_>>())
        .bind(posts().map(|p| p.id.as_str()).collect::<Vec<_>>())
        .bind(posts().map(|p| p.create_at).collect::<Vec<_>>())
        .bind(posts().map(|p| p.is_pinned).collect::<Vec<_>>())
        .bind(posts().map(|p| p.user_id.as_str()).collect::<Vec<_>>())
        .bind(posts().map(|p| p.channel_id.as_str()).collect::<Vec<_>>())
        .bind(posts().map(|p| p.root_id.as_str()).collect::<Vec<_>>())
        .bind(posts().map(|p| p.parent_id.as_str()).collect::<Vec<_>>())
        .bind(posts().map(|p| p.message.as_str()).collect::<Vec<_>>())
        .bind(posts().map(|p| p.r#type.as_str()).collect::<Vec<_>>())
        .bind(posts().map(|p| p.props.as_str()).collect::<Vec<_>>())
        .bind(posts().map(|p| p.hashtags.as_str()).collect::<Vec<_>>())
        .bind(posts().map(|p| p.file_ids.join(",")).collect::<Vec<_>>())
        .bind(plan.announcements.iter().map(|a| a.create_at).collect::<Vec<_>>())
        .bind(plan.reads.values().map(|r| r.viewed_at).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    Ok(())
}

/// Whether a post is stored.
pub async fn exists(connection: &mut PgConnection, id: &str) -> sqlx::Result<bool> {
    Ok(sqlx::query("SELECT 1 FROM posts WHERE id = $1").bind(id).fetch_optional(connection).await?.is_some())
}

/// The posts written under these keys.
pub async fn posts_by_key(connection: &mut PgConnection, keys: &[&Key]) -> sqlx::Result<HashMap<Key, String>> {
    let rows = sqlx::query(
        "SELECT k.user_id, k.pending_post_id, k.post_id FROM post_keys k \
         JOIN unnest($1::text[], $2::text[]) AS t(scope, name) ON k.user_id = t.scope AND k.pending_post_id = t.name",
    )
    .bind(keys.iter().map(|key| key.scope.as_str()).collect::<Vec<_>>())
    .bind(keys.iter().map(|key| key.name.as_str()).collect::<Vec<_>>())
    .fetch_all(connection)
    .await?;
    rows.iter().map(|row| Ok((Key { scope: row.try_get(0)?, name: row.try_get(1)? }, row.try_get(2)?))).collect()
}
