//! What Baleen is measured with: a generator of traffic whose every flow is known, and what benchmarks have in common.
//!
//! The program `baleen-perf` writes captures with it; benchmarks of other crates may take the frames from memory
//! ([`generate::Generator`]), and give their figures the form that all have ([`results::Document`]).

pub mod checksum;
pub mod cpu;
pub mod generate;
pub mod results;
pub mod spread;
