//! What Baleen is measured with: a generator of traffic whose every flow is known.
//!
//! The program `baleen-perf` writes captures with it; benchmarks of the live path take the frames from memory
//! ([`generate::Generator`]).

pub mod generate;
