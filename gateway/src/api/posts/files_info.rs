//! `GET /posts/{post_id}/files/info`.

use crate::api::ApiRoutes;

pub fn routes() -> ApiRoutes {
    ApiRoutes::new()
}
