//! Tag `files`: uploading, downloading, public links (reference: files, section 1).

mod download;
mod link;
mod upload;

use super::ApiRoutes;
use axum::extract::DefaultBodyLimit;

pub use download::{readable, send};
pub use link::public_routes;

pub fn routes() -> ApiRoutes {
    ApiRoutes::new()
        .post("/files", upload::upload)
        // Uploads are streamed and limited by `FileSettings.MaxFileSize`.
        .map(|router| router.layer(DefaultBodyLimit::disable()))
        .get("/files/{file_id}", download::file)
        .get("/files/{file_id}/thumbnail", download::thumbnail)
        .get("/files/{file_id}/preview", download::preview)
        .get("/files/{file_id}/link", link::link)
        .get("/files/{file_id}/info", download::info)
}
