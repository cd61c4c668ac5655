//! The WebSocket: connections, who hears what, and the actions clients send.

mod actions;
mod connection;
mod fanout;
mod hub;
pub mod presence;

pub use connection::router;
pub use hub::Hub;
