//! Every log: typed record, field documentation, JSON and TSV encoders, schema.
//!
//! Depends on nothing of Baleen; everything else may depend on it.

mod value;

pub use value::{Addr, Endpoints, Interval, Proto, Time};
