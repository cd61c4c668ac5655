//! Tag `preferences`.

use super::ApiRoutes;

pub fn routes() -> ApiRoutes {
    ApiRoutes::new()
}
