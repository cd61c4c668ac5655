//! Tag `teams`; one module per topic below.

use super::ApiRoutes;

pub fn routes() -> ApiRoutes {
    ApiRoutes::new()
}
