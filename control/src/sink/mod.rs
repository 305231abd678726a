//! Sinks: where records go from the spool.

mod files;

pub(crate) use files::{FileSink, SinkError};
