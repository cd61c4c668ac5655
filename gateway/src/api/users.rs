//! Tag `users`; one module per topic below.

mod account;
pub mod cookies;
mod credentials;
pub mod image;
mod lists;
mod login;
mod mfa;
mod password_reset;
mod sessions;
pub mod shown;
mod switching;
mod tokens;
mod verification;

use super::ApiRoutes;

pub fn routes() -> ApiRoutes {
    ApiRoutes::new()
        .merge(account::routes())
        .merge(credentials::routes())
        .merge(lists::routes())
        .merge(login::routes())
        .merge(mfa::routes())
        .merge(password_reset::routes())
        .merge(sessions::routes())
        .merge(switching::routes())
        .merge(tokens::routes())
        .merge(verification::routes())
        .merge(image::routes())
}
