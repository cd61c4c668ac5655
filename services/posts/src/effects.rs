//! The gRPC service by which teams tells what its changes mean for channels' histories and read states.

use crate::{
    activity::store,
    calls::{self, Call},
    compose::Composer,
    writer::Writer,
};
use muster_domain::time::now_ms;
use muster_error::AppError;
use muster_proto::{
    model::Post,
    posts::{ApplyEffectRequest, EffectApplied, apply_effect_request::Effect, effects_server},
};
use muster_runtime::{Caller, postgres::sql_error};
use sqlx::PgPool;
use tonic::{Request, Response, Status};

/// Posts one transaction removes.
const DELETE_BATCH: i64 = 1_000;

pub struct Effects {
    pub pool: PgPool,
    pub composer: Composer,
    pub writer: Writer,
}

impl Effects {
    async fn write(&self, caller: &Caller, post: Post, effect_id: &str) -> Result<(), AppError> {
        let composed = self.composer.system_post(caller, post, effect_id).await?;
        // Written before = applied before.
        self.writer.write(composed.draft).await?;
        Ok(())
    }

    /// Removes the posts of a channel that is no more, part by part: a call that is cut short has done some of the work.
    async fn delete_posts(&self, channel_id: &str) -> Result<(), AppError> {
        loop {
            let mut tx = self.pool.begin().await.map_err(sql_error)?;
            let ids = store::delete_posts(&mut tx, channel_id, DELETE_BATCH).await.map_err(sql_error)?;
            if ids.is_empty() {
                return Ok(());
            }
            calls::record(&mut *tx, &Call::forget_flags(ids)).await.map_err(sql_error)?;
            tx.commit().await.map_err(sql_error)?;
        }
    }

    async fn change(&self, effect: Effect, effect_id: &str) -> Result<(), AppError> {
        if let Effect::ForgetChannel(forget) = &effect {
            self.delete_posts(&forget.channel_id).await?;
        }
        let mut tx = self.pool.begin().await.map_err(sql_error)?;
        if !store::begin_effect(&mut tx, effect_id, now_ms()).await.map_err(sql_error)? {
            return Ok(());
        }
        match effect {
            Effect::SystemPost(_) => {}
            Effect::Forget(forget) => store::forget_read_state(&mut tx, &forget.user_id, &forget.channel_ids).await.map_err(sql_error)?,
            Effect::MarkRead(mark) => store::mark_read_in(&mut tx, &mark.user_id, &mark.channel_ids).await.map_err(sql_error)?,
            Effect::ForgetChannel(forget) => store::forget_channel(&mut tx, &forget.channel_id).await.map_err(sql_error)?,
        }
        tx.commit().await.map_err(sql_error)
    }
}

#[tonic::async_trait]
impl effects_server::Effects for Effects {
    async fn apply(&self, request: Request<ApplyEffectRequest>) -> Result<Response<EffectApplied>, Status> {
        let caller = Caller::of(&request)?;
        let ApplyEffectRequest { effect_id, effect } = request.into_inner();
        if effect_id.is_empty() {
            return Err(AppError::body("effect_id").into());
        }
        match effect {
            Some(Effect::SystemPost(post)) => self.write(&caller, post, &effect_id).await?,
            Some(effect) => self.change(effect, &effect_id).await?,
            None => return Err(AppError::body("effect").into()),
        }
        Ok(Response::new(EffectApplied {}))
    }
}
