//! Configuration operations of tag `system`.

use super::ApiRoutes;

pub fn routes() -> ApiRoutes {
    ApiRoutes::new()
}
