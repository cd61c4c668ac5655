//! Profile pictures.

use crate::api::ApiRoutes;

pub fn routes() -> ApiRoutes {
    ApiRoutes::new()
}
