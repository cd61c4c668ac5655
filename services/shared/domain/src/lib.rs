//! Pure rules and types of Muster: no I/O, no other crate of the workspace.

pub mod config;
pub mod ids;
pub mod paging;
pub mod permissions;
pub mod roles;
pub mod time;
