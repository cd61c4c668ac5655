//! The files service: uploads, thumbnails, previews, profile pictures and other images.

pub mod imaging;
pub mod mime;
pub mod objects;
