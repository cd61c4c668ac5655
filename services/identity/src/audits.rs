//! The audit trail. Operations of this service record into it themselves; others through `Audits.Record`.

use muster_domain::{ids::new_id, time::now_ms};
use muster_error::AppError;
use muster_proto::{
    identity::{AuditList, AuditsRecorded, ListAuditsRequest, RecordAuditsRequest, audits_server::Audits},
    model::Audit,
};
use muster_runtime::{Caller, from_row, postgres::sql_error};
use sqlx::PgPool;
use tokio::sync::mpsc;
use tonic::{Request, Response, Status};

/// Rows waiting to be written; a caller waits when it is full.
const QUEUE: usize = 4_096;
/// Rows of one insert.
const BATCH: usize = 500;

/// Writes audit rows in batches, off the request's path.
#[derive(Clone)]
pub(crate) struct AuditLog(mpsc::Sender<Audit>);

impl AuditLog {
    /// The task ends when the last handle is gone, after writing what is queued.
    pub(crate) fn start(pool: PgPool) -> Self {
        let (queue, mut rows) = mpsc::channel(QUEUE);
        tokio::spawn(async move {
            let mut batch = Vec::with_capacity(BATCH);
            while rows.recv_many(&mut batch, BATCH).await > 0 {
                if let Err(error) = insert(&pool, &batch).await {
                    tracing::error!(%error, rows = batch.len(), "writing audits failed");
                }
                batch.clear();
            }
        });
        Self(queue)
    }

    /// Records what the caller's request did, filed under `user_id`.
    pub(crate) async fn record(&self, caller: &Caller, user_id: &str, extra_info: impl Into<String>) {
        let audit = Audit {
            id: new_id(),
            create_at: now_ms(),
            user_id: user_id.to_owned(),
            action: caller.path.clone(),
            extra_info: extra_info.into(),
            ip_address: caller.ip.clone(),
            session_id: caller.session_id.clone(),
        };
        if self.0.send(audit).await.is_err() {
            tracing::error!("an audit came after the end of the audit log");
        }
    }
}

pub(crate) struct AuditsService {
    pub(crate) pool: PgPool,
}

#[tonic::async_trait]
impl Audits for AuditsService {
    async fn record(&self, request: Request<RecordAuditsRequest>) -> Result<Response<AuditsRecorded>, Status> {
        Caller::of(&request)?;
        let mut audits = request.into_inner().audits;
        for audit in &mut audits {
            if audit.id.is_empty() {
                audit.id = new_id();
            }
            if audit.create_at == 0 {
                audit.create_at = now_ms();
            }
        }
        insert(&self.pool, &audits).await.map_err(sql_error)?;
        Ok(Response::new(AuditsRecorded {}))
    }

    async fn list(&self, request: Request<ListAuditsRequest>) -> Result<Response<AuditList>, Status> {
        Caller::of(&request)?;
        let audits = list(&self.pool, request.get_ref()).await?;
        Ok(Response::new(AuditList { audits }))
    }
}

async fn insert(pool: &PgPool, audits: &[Audit]) -> sqlx::Result<()> {
    let mut tx = pool.begin().await?;
    // A trail may lose its last milliseconds in a crash of the database; requests do not wait for its disk.
    sqlx::query("SET LOCAL synchronous_commit = off").execute(&mut *tx).await?;
    let column = |get: fn(&Audit) -> &str| audits.iter().map(get).map(str::to_owned).collect::<Vec<_>>();
    sqlx::query(
        "INSERT INTO audits (id, create_at, user_id, action, extra_info, ip_address, session_id)
         SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
         ON CONFLICT (id) DO NOTHING",
    )
    .bind(column(|a| &a.id))
    .bind(audits.iter().map(|a| a.create_at).collect::<Vec<_>>())
    .bind(column(|a| &a.user_id))
    .bind(column(|a| &a.action))
    .bind(column(|a| &a.extra_info))
    .bind(column(|a| &a.ip_address))
    .bind(column(|a| &a.session_id))
    .execute(&mut *tx)
    .await?;
    tx.commit().await
}

/// Newest first; a page is one index range.
async fn list(pool: &PgPool, request: &ListAuditsRequest) -> Result<Vec<Audit>, AppError> {
    let filter = if request.user_id.is_empty() { "$1 = ''" } else { "user_id = $1" };
    let sql = format!(
        "SELECT id, create_at, user_id, action, extra_info, ip_address, session_id FROM audits
         WHERE {filter} ORDER BY create_at DESC, id DESC LIMIT $2 OFFSET $3"
    );
    let rows =
        sqlx::query(&sql).bind(&request.user_id).bind(request.limit).bind(request.offset).fetch_all(pool).await.map_err(sql_error)?;
    rows.iter()
        .map(|row| from_row!(row => Audit { id, create_at, user_id, action, extra_info, ip_address, session_id }))
        .collect::<sqlx::Result<_>>()
        .map_err(sql_error)
}
