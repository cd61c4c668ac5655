//! The Files service: uploading, reading and attaching files.

mod rules;
mod store;
mod upload;

use crate::{
    imaging::Workers,
    incoming,
    objects::{Download, Objects, image_key},
};
use futures_util::{StreamExt, TryStreamExt, stream::BoxStream};
use muster_domain::time::now_ms;
use muster_error::{AppError, ErrorId};
use muster_proto::{
    files::{
        BindFilesRequest, CommitRequest, DeleteFilesByPostsRequest, DiscardRequest, FileInfoList, FileInfosRequest, FileRecord,
        FilesByPostRequest, FilesDone, GetFileRequest, PurgeFilesRequest, ReadFileRequest, ReadReply, UploadRequest, files_server,
        read_reply,
    },
    model::FileInfo,
};
use muster_runtime::{Caller, ConfigFeed, postgres::sql_error};
use sqlx::PgPool;
use tonic::{Request, Response, Status, Streaming};

pub use store::take_stale;

/// Files removed at once.
const PURGE_BATCH: i64 = 200;

pub struct Files {
    pub pool: PgPool,
    pub objects: Objects,
    pub workers: Workers,
    pub feed: ConfigFeed,
}

#[tonic::async_trait]
impl files_server::Files for Files {
    type ReadStream = BoxStream<'static, Result<ReadReply, Status>>;

    async fn upload(&self, request: Request<Streaming<UploadRequest>>) -> Result<Response<FileInfo>, Status> {
        Caller::of(&request)?;
        let mut messages = request.into_inner();
        let start = incoming::start(&mut messages).await?;
        Ok(Response::new(upload::receive(self, start, incoming::chunks(messages)).await?))
    }

    async fn commit(&self, request: Request<CommitRequest>) -> Result<Response<FileInfoList>, Status> {
        Caller::of(&request)?;
        let CommitRequest { user_id, channel_id, file_ids } = request.into_inner();
        let mut tx = self.pool.begin().await.map_err(sql_error)?;
        let infos = store::commit(&mut *tx, &user_id, &channel_id, &file_ids).await.map_err(sql_error)?;
        // Someone else's, or so old that the sweeper took them: nothing becomes visible.
        if infos.len() != file_ids.len() {
            return Err(AppError::new(ErrorId::FileNotFound).detail("not all of the uploads are pending").into());
        }
        tx.commit().await.map_err(sql_error)?;
        Ok(list(rules::in_order(&file_ids, infos)))
    }

    async fn discard(&self, request: Request<DiscardRequest>) -> Result<Response<FilesDone>, Status> {
        Caller::of(&request)?;
        let DiscardRequest { user_id, file_ids } = request.into_inner();
        let keys = store::discard(&self.pool, &user_id, &file_ids).await.map_err(sql_error)?;
        self.objects.delete_all(&keys).await;
        Ok(Response::new(FilesDone {}))
    }

    async fn get(&self, request: Request<GetFileRequest>) -> Result<Response<FileRecord>, Status> {
        Caller::of(&request)?;
        let row = self.row(&request.get_ref().file_id).await?;
        Ok(Response::new(FileRecord {
            has_thumbnail: !row.thumbnail_path.is_empty(),
            has_preview: !row.preview_path.is_empty(),
            channel_id: row.post_channel_id,
            info: Some(row.info),
        }))
    }

    async fn read(&self, request: Request<ReadFileRequest>) -> Result<Response<Self::ReadStream>, Status> {
        Caller::of(&request)?;
        let ReadFileRequest { file_id, variant, pending } = request.into_inner();
        let row = if pending {
            store::pending(&self.pool, &file_id).await.map_err(sql_error)?.ok_or(AppError::new(ErrorId::FileNotFound))?
        } else {
            self.row(&file_id).await?
        };
        let key = rules::key_of(&row, &variant)?;
        let Some(Download { size, chunks }) = self.objects.get(key).await? else {
            return Err(AppError::new(ErrorId::FileContentNotFound).detail(key).into());
        };
        let size = ReadReply { part: Some(read_reply::Part::Size(size as i64)) };
        let chunks = chunks.map_ok(|bytes| ReadReply { part: Some(read_reply::Part::Chunk(bytes)) }).map_err(Status::from);
        Ok(Response::new(futures_util::stream::iter([Ok(size)]).chain(chunks).boxed()))
    }

    async fn infos(&self, request: Request<FileInfosRequest>) -> Result<Response<FileInfoList>, Status> {
        Caller::of(&request)?;
        let ids = request.into_inner().file_ids;
        let infos = store::infos(&self.pool, &ids).await.map_err(sql_error)?;
        Ok(list(rules::in_order(&ids, infos)))
    }

    async fn by_post(&self, request: Request<FilesByPostRequest>) -> Result<Response<FileInfoList>, Status> {
        Caller::of(&request)?;
        Ok(list(store::by_post(&self.pool, &request.get_ref().post_id).await.map_err(sql_error)?))
    }

    async fn bind(&self, request: Request<BindFilesRequest>) -> Result<Response<FileInfoList>, Status> {
        Caller::of(&request)?;
        let BindFilesRequest { post_id, channel_id, user_id, file_ids } = request.into_inner();
        if post_id.is_empty() || channel_id.is_empty() {
            return Err(AppError::internal("binding files to no post").into());
        }
        store::bind(&self.pool, &post_id, &channel_id, &user_id, &file_ids).await.map_err(sql_error)?;
        let infos = store::infos(&self.pool, &file_ids).await.map_err(sql_error)?;
        let bound = infos.into_iter().filter(|info| info.post_id == post_id).collect();
        Ok(list(rules::in_order(&file_ids, bound)))
    }

    async fn delete_by_posts(&self, request: Request<DeleteFilesByPostsRequest>) -> Result<Response<FilesDone>, Status> {
        Caller::of(&request)?;
        store::delete_by_posts(&self.pool, &request.get_ref().post_ids, now_ms()).await.map_err(sql_error)?;
        Ok(Response::new(FilesDone {}))
    }

    async fn purge(&self, request: Request<PurgeFilesRequest>) -> Result<Response<FilesDone>, Status> {
        Caller::of(&request)?;
        let PurgeFilesRequest { channel_ids, team_id } = request.into_inner();
        // The rows go after the bytes: what is interrupted begins again and finds all that is left.
        loop {
            let batch = store::of_channels(&self.pool, &channel_ids, PURGE_BATCH).await.map_err(sql_error)?;
            if batch.ids.is_empty() {
                break;
            }
            for key in &batch.keys {
                self.objects.delete(key).await?;
            }
            store::delete(&self.pool, &batch.ids).await.map_err(sql_error)?;
        }
        if let Some(icon) = image_key("team", &team_id).filter(|_| !team_id.is_empty()) {
            self.objects.delete(&icon).await?;
        }
        Ok(Response::new(FilesDone {}))
    }
}

impl Files {
    async fn row(&self, file_id: &str) -> Result<store::FileRow, AppError> {
        store::get(&self.pool, file_id).await.map_err(sql_error)?.ok_or_else(|| ErrorId::FileNotFound.into())
    }
}

fn list(infos: Vec<FileInfo>) -> Response<FileInfoList> {
    Response::new(FileInfoList { infos })
}
