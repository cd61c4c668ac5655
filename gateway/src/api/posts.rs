//! Tag `posts`; one module per topic below.

pub mod files_info;

use super::ApiRoutes;

pub fn routes() -> ApiRoutes {
    ApiRoutes::new().merge(files_info::routes())
}
