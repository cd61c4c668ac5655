//! Preferences: small facts a user's clients keep on the server.

mod rules;
mod store;

use muster_error::AppError;
use muster_events::{Announcement, Outbox, audience, frame, user_subject};
use muster_proto::{
    identity::{
        ForgetPreferencesRequest, ListPreferencesRequest, PreferenceList, PreferencesSaved, SavePreferencesRequest,
        preferences_server::Preferences,
    },
    model::Preference,
};
use muster_runtime::{Caller, postgres::sql_error};
use serde_json::json;
use sqlx::PgPool;
use tonic::{Request, Response, Status};

pub(crate) use store::save;

pub(crate) struct PreferencesService {
    pub(crate) pool: PgPool,
    pub(crate) outbox: Outbox,
}

#[tonic::async_trait]
impl Preferences for PreferencesService {
    async fn list(&self, request: Request<ListPreferencesRequest>) -> Result<Response<PreferenceList>, Status> {
        Caller::of(&request)?;
        let preferences = store::list(&self.pool, request.get_ref()).await.map_err(sql_error)?;
        Ok(Response::new(PreferenceList { preferences }))
    }

    async fn save(&self, request: Request<SavePreferencesRequest>) -> Result<Response<PreferencesSaved>, Status> {
        Caller::of(&request)?;
        self.save_all(request.into_inner()).await?;
        Ok(Response::new(PreferencesSaved {}))
    }

    async fn delete(&self, request: Request<SavePreferencesRequest>) -> Result<Response<PreferencesSaved>, Status> {
        Caller::of(&request)?;
        self.delete_all(request.into_inner()).await?;
        Ok(Response::new(PreferencesSaved {}))
    }

    async fn forget(&self, request: Request<ForgetPreferencesRequest>) -> Result<Response<PreferencesSaved>, Status> {
        Caller::of(&request)?;
        let request = request.into_inner();
        if request.category.is_empty() {
            return Err(AppError::body("category").into());
        }
        store::forget(&self.pool, &request).await.map_err(sql_error)?;
        Ok(Response::new(PreferencesSaved {}))
    }
}

impl PreferencesService {
    async fn save_all(&self, request: SavePreferencesRequest) -> Result<(), AppError> {
        rules::check_owner(&request.user_id, &request.preferences)?;
        let stored = request.preferences.iter().map(rules::checked).collect::<Result<Vec<_>, _>>()?;
        let announcements = vec![announce("preferences_changed", &request)?];
        let mut tx = self.pool.begin().await.map_err(sql_error)?;
        store::save(&mut tx, &stored).await.map_err(sql_error)?;
        self.outbox.record(&mut tx, &announcements).await.map_err(sql_error)?;
        tx.commit().await.map_err(sql_error)?;
        self.outbox.publish(announcements).await;
        Ok(())
    }

    async fn delete_all(&self, request: SavePreferencesRequest) -> Result<(), AppError> {
        rules::check_owner(&request.user_id, &request.preferences)?;
        let announcements = vec![announce("preferences_deleted", &request)?];
        let mut tx = self.pool.begin().await.map_err(sql_error)?;
        store::delete(&mut tx, &request.preferences).await.map_err(sql_error)?;
        self.outbox.record(&mut tx, &announcements).await.map_err(sql_error)?;
        tx.commit().await.map_err(sql_error)?;
        self.outbox.publish(announcements).await;
        Ok(())
    }
}

/// Shows the rows as submitted, not as stored.
fn announce(event: &str, request: &SavePreferencesRequest) -> Result<Announcement, AppError> {
    let rows: &[Preference] = &request.preferences;
    let text = muster_proto::json::to_string(rows).map_err(AppError::internal)?;
    let item = frame(event, &json!({ "preferences": text }), audience::user(&request.user_id));
    Ok(Announcement::new(user_subject(&request.user_id), vec![item]))
}
