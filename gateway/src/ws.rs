//! The WebSocket: connections, who hears what, and the actions clients send.

mod actions;
mod connection;
mod fanout;
mod hub;
pub mod presence;
mod socket;
mod upgrade;

pub use connection::router;
pub use hub::Hub;
