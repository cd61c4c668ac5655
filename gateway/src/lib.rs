//! The edge of Muster: HTTP `/api/v4`, the WebSocket and the web client, in front of the five services.

pub mod access;
pub mod activity;
pub mod api;
pub mod audit;
pub mod caches;
pub mod channel_lists;
pub mod clients;
pub mod edge;
pub mod error;
pub mod extract;
pub mod limiter;
pub mod people;
pub mod pictures;
pub mod presence;
pub mod second_factors;
pub mod server;
pub mod sessions;
pub mod state;
pub mod uploads;
pub mod version;
pub mod web;
pub mod web_error;
pub mod wire;
pub mod ws;

pub use server::{Deps, start};
