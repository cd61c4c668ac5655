//! The contract between Muster's processes, generated from `muster/**.proto`.
//!
//! [`model`] holds the entities; their serde form is the public JSON of the API. Requests and replies have no serde.

pub mod json;
pub mod serde_rules;
pub mod sessions;
pub mod views;

/// The generated code, in modules named like the proto packages (it refers to itself by them).
#[allow(clippy::all)]
mod muster {
    pub mod model {
        pub mod v1 {
            tonic::include_proto!("muster.model.v1");
        }
    }
    pub mod identity {
        pub mod v1 {
            tonic::include_proto!("muster.identity.v1");
        }
    }
    pub mod teams {
        pub mod v1 {
            tonic::include_proto!("muster.teams.v1");
        }
    }
    pub mod posts {
        pub mod v1 {
            tonic::include_proto!("muster.posts.v1");
        }
    }
    pub mod files {
        pub mod v1 {
            tonic::include_proto!("muster.files.v1");
        }
    }
    pub mod jobs {
        pub mod v1 {
            tonic::include_proto!("muster.jobs.v1");
        }
    }
    pub mod event {
        pub mod v1 {
            tonic::include_proto!("muster.event.v1");
        }
    }
}

/// Entities: what the public API shows.
pub mod model {
    pub use crate::muster::model::v1::*;
}
/// gRPC services of identity.
pub mod identity {
    pub use crate::muster::identity::v1::*;
}
/// gRPC services of teams and channels.
pub mod teams {
    pub use crate::muster::teams::v1::*;
}
/// gRPC services of posts.
pub mod posts {
    pub use crate::muster::posts::v1::*;
}
/// gRPC services of files.
pub mod files {
    pub use crate::muster::files::v1::*;
}
/// gRPC services of jobs.
pub mod jobs {
    pub use crate::muster::jobs::v1::*;
}
/// What travels on NATS.
pub mod event {
    pub use crate::muster::event::v1::*;
}

/// Encoded descriptors of all files above, for gRPC reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
