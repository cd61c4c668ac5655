//! Licence operations: every feature is on for everyone.

use super::ApiRoutes;

pub fn routes() -> ApiRoutes {
    ApiRoutes::new()
}
