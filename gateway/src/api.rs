//! `/api/v4`: one module per tag of the contract, each with its routes on top. An operation no module routes answers
//! 401 without a session and 501 with one.

pub mod analytics;
pub mod brand;
pub mod channels;
pub mod cluster;
pub mod config;
pub mod contract;
pub mod emoji;
pub mod files;
pub mod jobs;
pub mod license;
pub mod logs;
pub mod openapi;
pub mod opengraph;
pub mod ping;
pub mod posts;
pub mod preferences;
pub mod reactions;
pub mod roles;
pub mod status;
pub mod system;
pub mod teams;
pub mod users;

use crate::{
    edge,
    error::ApiError,
    extract::{RequestFacts, Session},
    state::Gateway,
};
use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    handler::Handler,
    response::{IntoResponse, Response},
    routing::MethodFilter,
};
use muster_error::ErrorId;
use std::collections::BTreeSet;

/// Largest JSON body, bytes. Uploads set their own limit.
const BODY_MAX: usize = 4 * 1024 * 1024;

/// Ids one request may name.
pub const IDS_MAX: usize = 10_000;

/// Routes of a tag, remembered so that the rest of the contract can be answered for.
#[derive(Default)]
pub struct ApiRoutes {
    router: Router<Gateway>,
    built: BTreeSet<(String, String)>,
}

macro_rules! verbs {
    ($($verb:ident = $method:ident),*) => {
        $(
            #[must_use]
            pub fn $verb<H, T>(self, path: &str, handler: H) -> Self
            where
                H: Handler<T, Gateway>,
                T: 'static,
            {
                self.on(MethodFilter::$method, stringify!($method), path, handler)
            }
        )*
    };
}

impl ApiRoutes {
    pub fn new() -> Self {
        Self::default()
    }

    verbs! { get = GET, post = POST, put = PUT, delete = DELETE }

    fn on<H, T>(mut self, filter: MethodFilter, method: &str, path: &str, handler: H) -> Self
    where
        H: Handler<T, Gateway>,
        T: 'static,
    {
        self.built.insert((method.to_owned(), path.to_owned()));
        self.router = self.router.route(path, axum::routing::on(filter, handler));
        self
    }

    /// Adds a layer around the routes so far (a larger body limit for uploads, say).
    #[must_use]
    pub fn map(mut self, change: impl FnOnce(Router<Gateway>) -> Router<Gateway>) -> Self {
        self.router = change(self.router);
        self
    }

    #[must_use]
    pub fn merge(mut self, other: ApiRoutes) -> Self {
        self.router = self.router.merge(other.router);
        self.built.extend(other.built);
        self
    }
}

/// Every operation this gateway has built.
fn built() -> ApiRoutes {
    ApiRoutes::new()
        .merge(analytics::routes())
        .merge(brand::routes())
        .merge(channels::routes())
        .merge(cluster::routes())
        .merge(config::routes())
        .merge(emoji::routes())
        .merge(files::routes())
        .merge(jobs::routes())
        .merge(license::routes())
        .merge(logs::routes())
        .merge(openapi::routes())
        .merge(opengraph::routes())
        .merge(ping::routes())
        .merge(posts::routes())
        .merge(preferences::routes())
        .merge(reactions::routes())
        .merge(roles::routes())
        .merge(status::routes())
        .merge(system::routes())
        .merge(teams::routes())
        .merge(users::routes())
}

/// The router below `/api/v4`.
pub fn router(gateway: Gateway) -> Router {
    let mut routes = built();
    for (method, path) in contract::OPERATIONS {
        if routes.built.contains(&((*method).to_owned(), (*path).to_owned())) {
            continue;
        }
        routes = match *method {
            "GET" => routes.get(path, not_built),
            "POST" => routes.post(path, not_built),
            "PUT" => routes.put(path, not_built),
            _ => routes.delete(path, not_built),
        };
    }
    routes
        .router
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .route_layer(axum::middleware::from_fn_with_state(gateway.clone(), edge::operation))
        .fallback(unknown)
        .method_not_allowed_fallback(unknown)
        .with_state(gateway)
}

/// What is left of version 3: while it is off, every path says so; while it is on, there is nothing behind it.
pub fn v3(gateway: Gateway) -> Router {
    Router::new()
        .route("/api/v3/{*rest}", axum::routing::any(version_3))
        .route_layer(axum::middleware::from_fn_with_state(gateway.clone(), edge::operation))
        .with_state(gateway)
}

async fn version_3(State(gateway): State<Gateway>, facts: RequestFacts) -> Response {
    if gateway.settings().settings.enable_api_v3 {
        return edge::no_such_route(&facts.path);
    }
    ApiError::from(ErrorId::ApiV3Disabled).into_response()
}

async fn not_built(_: Session) -> ApiError {
    ErrorId::NotImplemented.into()
}

async fn unknown(request: Request) -> Response {
    // The nested router sees the path without its prefix; the facts hold it as sent.
    let facts = request.extensions().get::<RequestFacts>().cloned().unwrap_or_default();
    edge::no_such_route(&facts.path)
}

/// `(method, path)` of every built operation, for the parity test.
pub fn built_operations() -> Vec<(String, String)> {
    built().built.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// axum panics when a route is registered twice or two paths conflict: better here than at start.
    #[test]
    fn routes_fit_together() {
        let operations = built_operations();
        let unbuilt = contract::OPERATIONS.iter().filter(|(m, p)| !operations.contains(&((*m).to_owned(), (*p).to_owned()))).count();
        assert!(operations.len() + unbuilt >= contract::OPERATIONS.len());
    }
}
