//! Tag `users`; one module per topic below.

mod account;
pub mod cookies;
pub mod image;
mod lists;
mod login;
mod sessions;
pub mod shown;

use super::ApiRoutes;

pub fn routes() -> ApiRoutes {
    ApiRoutes::new().merge(account::routes()).merge(lists::routes()).merge(login::routes()).merge(sessions::routes()).merge(image::routes())
}
