//! Posts that were written elsewhere, long ago: stored as they were, silently. Nobody is mentioned or told; what was
//! unread before stays unread, and what is imported is read.

use crate::search::indexer;
use muster_domain::{
    ids::is_id,
    posts::{check_message, check_props, hashtags},
    system_posts::type_counts,
};
use muster_error::AppError;
use muster_proto::{
    model::{Post, Reaction},
    posts::{ImportPostsReply, ImportPostsRequest, ImportedPost, imports_server},
};
use muster_runtime::{Caller, postgres::sql_error};
use sqlx::{PgConnection, PgPool};
use std::collections::HashSet;
use tonic::{Request, Response, Status};

/// Posts of one call.
const POSTS_MAX: usize = 1_000;

pub struct Imports {
    pub pool: PgPool,
}

#[tonic::async_trait]
impl imports_server::Imports for Imports {
    async fn posts(&self, request: Request<ImportPostsRequest>) -> Result<Response<ImportPostsReply>, Status> {
        Caller::of(&request)?;
        let request = request.into_inner();
        check(&request)?;
        let mut tx = self.pool.begin().await.map_err(sql_error)?;
        let imported = import(&mut tx, request).await.map_err(sql_error)?;
        tx.commit().await.map_err(sql_error)?;
        Ok(Response::new(ImportPostsReply { imported }))
    }
}

fn check(request: &ImportPostsRequest) -> Result<(), AppError> {
    if request.posts.len() > POSTS_MAX || !is_id(&request.channel_id) {
        return Err(AppError::body("posts"));
    }
    for post in request.posts.iter().filter_map(|p| p.post.as_ref()) {
        let fits = is_id(&post.id) && is_id(&post.user_id) && post.create_at > 0;
        if !fits || check_message(&post.message).is_err() || check_props(&post.props).is_err() {
            return Err(AppError::body("posts").detail(&post.id));
        }
    }
    Ok(())
}

/// Rows are locked in the order channel_activity, read_states, posts, as everywhere in this service.
async fn import(conn: &mut PgConnection, request: ImportPostsRequest) -> sqlx::Result<i64> {
    let ImportPostsRequest { channel_id, team_id, posts, reader_ids } = request;
    sqlx::query(
        "INSERT INTO channel_activity AS a (channel_id, team_id) VALUES ($1, $2)
         ON CONFLICT (channel_id) DO UPDATE SET max_update_at = a.max_update_at + 1",
    )
    .bind(&channel_id)
    .bind(&team_id)
    .execute(&mut *conn)
    .await?;
    sqlx::query(
        "INSERT INTO read_states (channel_id, user_id) SELECT DISTINCT $1, r FROM unnest($2::text[]) AS r ORDER BY 2 ON CONFLICT DO NOTHING",
    )
    .bind(&channel_id)
    .bind(&reader_ids)
    .execute(&mut *conn)
    .await?;
    let (mut posts, reactions) = taken_apart(posts);
    bind_to_roots(conn, &channel_id, &mut posts).await?;
    let inserted = insert(conn, &channel_id, &posts, &reactions).await?;
    let new: Vec<&Post> = posts.iter().filter(|post| inserted.contains(&post.id)).collect();
    if new.is_empty() {
        return Ok(0);
    }
    let counted = new.iter().filter(|post| type_counts(&post.r#type)).count() as i64;
    let newest = new.iter().map(|post| post.create_at).max().unwrap_or_default();
    let changed = new.iter().map(|post| post.update_at).max().unwrap_or_default();
    sqlx::query(
        "UPDATE channel_activity SET last_post_at = GREATEST(last_post_at, $2), total_msg_count = total_msg_count + $3,
             max_update_at = GREATEST(max_update_at + 1, $4) WHERE channel_id = $1",
    )
    .bind(&channel_id)
    .bind(newest)
    .bind(counted)
    .bind(changed)
    .execute(&mut *conn)
    .await?;
    sqlx::query("UPDATE read_states SET msg_count = msg_count + $2, last_viewed_at = GREATEST(last_viewed_at, $3) WHERE channel_id = $1")
        .bind(&channel_id)
        .bind(counted)
        .bind(newest)
        .execute(&mut *conn)
        .await?;
    let reactions: Vec<&Reaction> = reactions.iter().filter(|reaction| inserted.contains(&reaction.post_id)).collect();
    sqlx::query(
        "INSERT INTO reactions (post_id, user_id, emoji_name, create_at)
         SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) ON CONFLICT DO NOTHING",
    )
    .bind(reactions.iter().map(|r| r.post_id.as_str()).collect::<Vec<_>>())
    .bind(reactions.iter().map(|r| r.user_id.as_str()).collect::<Vec<_>>())
    .bind(reactions.iter().map(|r| r.emoji_name.as_str()).collect::<Vec<_>>())
    .bind(reactions.iter().map(|r| r.create_at).collect::<Vec<_>>())
    .execute(&mut *conn)
    .await?;
    let new: Vec<String> = inserted.into_iter().collect();
    indexer::record(conn, &new).await?;
    Ok(new.len() as i64)
}

fn taken_apart(imported: Vec<ImportedPost>) -> (Vec<Post>, Vec<Reaction>) {
    let (mut posts, mut all) = (Vec::with_capacity(imported.len()), Vec::new());
    for ImportedPost { post, reactions } in imported {
        let Some(post) = post else { continue };
        all.extend(reactions.into_iter().map(|r| Reaction { post_id: post.id.clone(), create_at: post.create_at, ..r }));
        posts.push(post);
    }
    (posts, all)
}

/// A reply whose thread does not begin in this channel stands alone.
async fn bind_to_roots(conn: &mut PgConnection, channel_id: &str, posts: &mut [Post]) -> sqlx::Result<()> {
    let wanted: Vec<&str> = posts.iter().map(|p| p.root_id.as_str()).filter(|id| !id.is_empty()).collect();
    let stored: Vec<String> = sqlx::query_scalar("SELECT id FROM posts WHERE id = ANY($1) AND channel_id = $2 AND root_id = ''")
        .bind(&wanted)
        .bind(channel_id)
        .fetch_all(conn)
        .await?;
    let mut roots: HashSet<String> = stored.into_iter().collect();
    roots.extend(posts.iter().filter(|p| p.root_id.is_empty()).map(|p| p.id.clone()));
    for post in posts.iter_mut().filter(|p| !p.root_id.is_empty() && !roots.contains(&p.root_id)) {
        post.root_id.clear();
    }
    Ok(())
}

/// Posts whose id is known stay as they are; answers the ids of the others.
async fn insert(conn: &mut PgConnection, channel_id: &str, posts: &[Post], reactions: &[Reaction]) -> sqlx::Result<HashSet<String>> {
    let with_reactions: HashSet<&str> = reactions.iter().map(|r| r.post_id.as_str()).collect();
    let ids: Vec<String> = sqlx::query_scalar(
        "INSERT INTO posts (id, create_at, update_at, edit_at, has_reactions, user_id, channel_id, root_id, parent_id, message, type, props, hashtags)
         SELECT id, create_at, update_at, edit_at, has_reactions, user_id, $1, root_id, root_id, message, type, props, hashtags
         FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bool[], $7::text[], $8::text[], $9::text[], $10::text[],
                     $11::text[], $12::text[])
              AS p (id, create_at, update_at, edit_at, has_reactions, user_id, root_id, message, type, props, hashtags)
         ON CONFLICT (id) DO NOTHING RETURNING id",
    )
    .bind(channel_id)
    .bind(posts.iter().map(|p| p.id.as_str()).collect::<Vec<_>>())
    .bind(posts.iter().map(|p| p.create_at).collect::<Vec<_>>())
    .bind(posts.iter().map(|p| p.update_at).collect::<Vec<_>>())
    .bind(posts.iter().map(|p| p.edit_at).collect::<Vec<_>>())
    .bind(posts.iter().map(|p| with_reactions.contains(p.id.as_str())).collect::<Vec<_>>())
    .bind(posts.iter().map(|p| p.user_id.as_str()).collect::<Vec<_>>())
    .bind(posts.iter().map(|p| p.root_id.as_str()).collect::<Vec<_>>())
    .bind(posts.iter().map(|p| p.message.as_str()).collect::<Vec<_>>())
    .bind(posts.iter().map(|p| p.r#type.as_str()).collect::<Vec<_>>())
    .bind(posts.iter().map(|p| p.props.as_str()).collect::<Vec<_>>())
    .bind(posts.iter().map(|p| hashtags(&p.message)).collect::<Vec<_>>())
    .fetch_all(conn)
    .await?;
    Ok(ids.into_iter().collect())
}
