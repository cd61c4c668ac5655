//! The gRPC service of reactions.

mod rules;
mod store;

use crate::posts::{events, store as posts};
use muster_domain::time::now_ms;
use muster_error::{AppError, ErrorId};
use muster_events::{Item, Outbox, audience, frame};
use muster_proto::{
    json,
    model::{Post, Reaction},
    posts::{ListReactionsRequest, ReactionDone, ReactionList, SaveReactionRequest, reactions_server},
};
use muster_runtime::{Caller, postgres::sql_error};
use sqlx::{PgConnection, PgPool};
use tonic::{Request, Response, Status};

pub struct Reactions {
    pub pool: PgPool,
    pub outbox: Outbox,
}

impl Reactions {
    async fn save_reaction(&self, reaction: Reaction) -> Result<Reaction, AppError> {
        let mut tx = self.pool.begin().await.map_err(sql_error)?;
        let now = now_ms();
        let mut post = locked_post(&mut tx, &reaction.post_id, now).await?;
        let reaction = Reaction { create_at: if reaction.create_at > 0 { reaction.create_at } else { now }, ..reaction };
        store::insert(&mut tx, &reaction).await.map_err(sql_error)?;
        if !post.has_reactions {
            store::set_has_reactions(&mut tx, &mut post, true, now).await.map_err(sql_error)?;
        }
        self.announce(tx, "reaction_added", &reaction, &post).await?;
        Ok(reaction)
    }

    async fn delete_reaction(&self, reaction: Reaction) -> Result<(), AppError> {
        let mut tx = self.pool.begin().await.map_err(sql_error)?;
        let now = now_ms();
        let mut post = locked_post(&mut tx, &reaction.post_id, now).await?;
        store::delete(&mut tx, &reaction).await.map_err(sql_error)?;
        if post.has_reactions && !store::any(&mut tx, &post.id).await.map_err(sql_error)? {
            store::set_has_reactions(&mut tx, &mut post, false, now).await.map_err(sql_error)?;
        }
        self.announce(tx, "reaction_removed", &Reaction { create_at: 0, ..reaction }, &post).await
    }

    /// Commits, and announces both what happened and the post, also when nothing changed.
    async fn announce(
        &self,
        mut tx: sqlx::Transaction<'static, sqlx::Postgres>,
        event: &str,
        reaction: &Reaction,
        post: &Post,
    ) -> Result<(), AppError> {
        let items: Vec<Item> = vec![about(event, reaction, &post.channel_id)?, events::edited(post)?];
        let announcement = events::to_channel(&post.channel_id, items);
        self.outbox.record(&mut tx, std::slice::from_ref(&announcement)).await.map_err(sql_error)?;
        tx.commit().await.map_err(sql_error)?;
        self.outbox.publish(vec![announcement]).await;
        Ok(())
    }
}

/// An undeleted post, under its channel's lock.
async fn locked_post(conn: &mut PgConnection, post_id: &str, now: i64) -> Result<Post, AppError> {
    let undeleted = |post: Option<Post>| post.filter(|p| p.delete_at == 0).ok_or(AppError::new(ErrorId::PostNotFound));
    let post = undeleted(posts::get(&mut *conn, post_id).await.map_err(sql_error)?)?;
    posts::lock_channel(conn, &post.channel_id, now, None).await.map_err(sql_error)?;
    undeleted(posts::get(&mut *conn, post_id).await.map_err(sql_error)?)
}

fn about(event: &str, reaction: &Reaction, channel_id: &str) -> Result<Item, AppError> {
    let reaction = json::to_string(reaction).map_err(AppError::internal)?;
    Ok(frame(event, &serde_json::json!({ "reaction": reaction }), audience::channel(channel_id)))
}

#[tonic::async_trait]
impl reactions_server::Reactions for Reactions {
    async fn save(&self, request: Request<SaveReactionRequest>) -> Result<Response<Reaction>, Status> {
        let caller = Caller::of(&request)?;
        let reaction = request.into_inner().reaction.unwrap_or_default();
        rules::check(&reaction, &caller.user_id)?;
        Ok(Response::new(self.save_reaction(reaction).await?))
    }

    async fn delete(&self, request: Request<SaveReactionRequest>) -> Result<Response<ReactionDone>, Status> {
        Caller::of(&request)?;
        self.delete_reaction(request.into_inner().reaction.unwrap_or_default()).await?;
        Ok(Response::new(ReactionDone {}))
    }

    async fn list(&self, request: Request<ListReactionsRequest>) -> Result<Response<ReactionList>, Status> {
        Caller::of(&request)?;
        let reactions = store::list(&self.pool, &request.into_inner().post_id).await.map_err(sql_error)?;
        Ok(Response::new(ReactionList { reactions }))
    }
}
