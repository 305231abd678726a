//! One worker's pipeline: a burst of frames in, records out.
//!
//! What the NIC's poll loop and the capture file reader both drive. A worker shares nothing with others; what has to
//! hold over all of them (one record per certificate and day, sampled weirds) is the [`Limiter`]'s, where their
//! records come together.
//!
//! Sans-IO: frames and packet time in, records out. May depend on `packet`, `flow`, `protocol` and `record`.

mod balance;
mod connections;
mod counters;
mod limiter;
mod offload;
mod settings;
mod transfer;
mod tunnels;
mod worker;

#[cfg(test)]
mod tests;

pub use balance::{BUCKETS, bucket, flow_hash};
pub use counters::{Counters, Drop};
pub use flow::Offloaded;
pub use limiter::Limiter;
pub use offload::{OffloadAction, OffloadReport, OffloadRequest};
pub use settings::{Settings, Shunting, seeded_id_key};
pub use transfer::{Departure, Parcel};
pub use worker::Worker;
