//! The gRPC service of message buttons (reference: posts and real time, section 5).

mod rules;

use crate::{
    compose::Composer,
    posts::{edit, events, store},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use muster_domain::{ids::new_id, time::now_ms};
use muster_error::{AppError, ErrorId};
use muster_events::{Announcement, Outbox, user_subject};
use muster_proto::{
    model::Post,
    posts::{FileIds, PressRequest, Pressed, UpdatePostRequest, actions_server},
};
use muster_runtime::{
    Caller,
    outbound::{Outbound, OutboundRequest},
    postgres::sql_error,
};
use rules::{Integration, Response as IntegrationResponse};
use sqlx::PgPool;
use std::time::Duration;
use tonic::{Request, Response, Status};

/// Longest an integration may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of an integration's answer.
const ANSWER_MAX: usize = 1024 * 1024;
const JSON: HeaderValue = HeaderValue::from_static("application/json");

pub struct Actions {
    pub pool: PgPool,
    pub outbox: Outbox,
    pub composer: Composer,
    pub outbound: Outbound,
}

impl Actions {
    async fn do_press(&self, caller: &Caller, request: PressRequest) -> Result<(), AppError> {
        let post = store::get(&self.pool, &request.post_id).await.map_err(sql_error)?;
        let post = post.filter(|p| p.delete_at == 0).ok_or(ErrorId::PostNotFound)?;
        let integration = rules::integration(&post.props, &request.action_id).ok_or(ErrorId::PostActionNotFound)?;
        let answer = self.ask(caller, integration).await?;
        if let Some(update) = answer.update {
            self.apply(caller, &post, update, &request.team_id).await?;
        }
        if !answer.ephemeral_text.is_empty() {
            self.tell(caller, &post, &answer.ephemeral_text).await?;
        }
        Ok(())
    }

    async fn ask(&self, caller: &Caller, integration: Integration) -> Result<IntegrationResponse, AppError> {
        let refused = |why: String| AppError::new(ErrorId::PostActionIntegration).detail(why);
        let request = OutboundRequest {
            method: Method::POST,
            url: integration.url,
            headers: HeaderMap::from_iter([(header::CONTENT_TYPE, JSON), (header::ACCEPT, JSON)]),
            body: Bytes::from(rules::question(&caller.user_id, &integration.context)),
            timeout: TIMEOUT,
            body_max: ANSWER_MAX,
            cut: false,
        };
        let answer = self.outbound.send(request).await.map_err(|error| refused(error.to_string()))?;
        if answer.status != StatusCode::OK {
            return Err(refused(format!("the integration answered {}", answer.status)));
        }
        serde_json::from_slice(&answer.body).map_err(|error| refused(format!("the integration's answer: {error}")))
    }

    /// As PUT would, without asking for permission. What breaks the rules of posts is a bad answer.
    async fn apply(&self, caller: &Caller, old: &Post, update: Post, team_id: &str) -> Result<(), AppError> {
        let bad = |error: AppError| match error.status {
            400..500 if error.id != ErrorId::PostNotFound => AppError::new(ErrorId::PostActionIntegration).detail(error),
            _ => error,
        };
        let mentioned = self.composer.open_channels(caller, &update.message, team_id).await?;
        let changed = edit::change(&self.pool, &self.outbox, &old.id, |post, now| {
            let request = UpdatePostRequest {
                props: Some(rules::updated_props(&update.props, &post.props)?),
                message: Some(update.message),
                is_pinned: Some(update.is_pinned),
                file_ids: Some(FileIds { ids: update.file_ids }),
                ..UpdatePostRequest::default()
            };
            edit::edited(post, request, &mentioned, now)
        });
        changed.await.map_err(bad).map(drop)
    }

    /// Told to who pressed, in the name of the post's author. Never stored.
    async fn tell(&self, caller: &Caller, about: &Post, text: &str) -> Result<(), AppError> {
        let now = now_ms();
        let notice = Post {
            id: new_id(),
            create_at: now,
            update_at: now,
            user_id: about.user_id.clone(),
            channel_id: about.channel_id.clone(),
            root_id: if about.root_id.is_empty() { about.id.clone() } else { about.root_id.clone() },
            message: rules::markdown_links(text),
            props: rules::updated_props("", &about.props)?,
            ..Post::default()
        };
        let item = events::ephemeral(&caller.user_id, notice)?;
        self.outbox.bus().publish(Announcement::new(user_subject(&caller.user_id), vec![item])).await;
        Ok(())
    }
}

#[tonic::async_trait]
impl actions_server::Actions for Actions {
    async fn press(&self, request: Request<PressRequest>) -> Result<Response<Pressed>, Status> {
        let caller = Caller::of(&request)?;
        self.do_press(&caller, request.into_inner()).await?;
        Ok(Response::new(Pressed {}))
    }
}
