//! The analyzers of a TCP connection.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::testing::Harness;

fuzz_target!(|input: &[u8]| baleen_fuzz::session(input, Harness::tcp));
