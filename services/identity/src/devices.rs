//! Devices that sessions are on.

use crate::sessions::Revoker;
use muster_domain::time::now_ms;
use muster_proto::identity::{Device, DeviceForgotten, DeviceList, ListDevicesRequest, devices_server::Devices};
use muster_runtime::{Caller, from_row, postgres::sql_error};
use sqlx::PgPool;
use tonic::{Request, Response, Status};

/// Devices of one answer.
const LIST_MAX: i64 = 20_000;

pub(crate) struct DevicesService {
    pub(crate) pool: PgPool,
    pub(crate) revoker: Revoker,
}

#[tonic::async_trait]
impl Devices for DevicesService {
    async fn list(&self, request: Request<ListDevicesRequest>) -> Result<Response<DeviceList>, Status> {
        Caller::of(&request)?;
        let rows = sqlx::query(
            "SELECT user_id, id AS session_id, device_id FROM sessions
             WHERE user_id = ANY($1) AND device_id <> '' AND (expires_at = 0 OR expires_at > $2) LIMIT $3",
        )
        .bind(&request.get_ref().user_ids)
        .bind(now_ms())
        .bind(LIST_MAX)
        .fetch_all(&self.pool)
        .await
        .map_err(sql_error)?;
        let devices = rows.iter().map(|row| from_row!(row => Device { user_id, session_id, device_id })).collect::<sqlx::Result<_>>();
        Ok(Response::new(DeviceList { devices: devices.map_err(sql_error)? }))
    }

    async fn forget(&self, request: Request<Device>) -> Result<Response<DeviceForgotten>, Status> {
        Caller::of(&request)?;
        let Device { user_id, session_id, device_id } = request.into_inner();
        let forgotten: Option<String> =
            sqlx::query_scalar("UPDATE sessions SET device_id = '' WHERE id = $1 AND user_id = $2 AND device_id = $3 RETURNING token_hash")
                .bind(session_id)
                .bind(user_id)
                .bind(device_id)
                .fetch_optional(&self.pool)
                .await
                .map_err(sql_error)?;
        if let Some(token_hash) = forgotten {
            self.revoker.refresh(&[token_hash]).await;
        }
        Ok(Response::new(DeviceForgotten {}))
    }
}
