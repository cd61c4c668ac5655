//! Pure rules and types of Muster: no I/O, no other crate of the workspace.

pub mod channels;
pub mod config;
pub mod emojis;
pub mod ids;
pub mod mentions;
pub mod mime;
pub mod paging;
pub mod passwords;
pub mod permissions;
pub mod posts;
pub mod preferences;
pub mod roles;
pub mod statuses;
pub mod system_posts;
pub mod teams;
pub mod text;
pub mod time;
pub mod useragent;
pub mod users;
