//! Tag `users`; one module per topic below.

pub mod image;

use super::ApiRoutes;

pub fn routes() -> ApiRoutes {
    ApiRoutes::new().merge(image::routes())
}
