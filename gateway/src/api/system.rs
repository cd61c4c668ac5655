//! Tag `system` and other small operations.

use super::ApiRoutes;

pub fn routes() -> ApiRoutes {
    ApiRoutes::new()
}
