//! Chains of X.509 certificates: the host name, then each certificate, all with two octets of length.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::testing::Harness;

fuzz_target!(|input: &[u8]| {
    let mut pieces = baleen_fuzz::lengths(input);
    let Some(name) = pieces.next() else { return };
    let chain: Vec<&[u8]> = pieces.collect();
    let mut harness = Harness::tcp(443);
    harness.certificates(&chain, name);
    // Once more, now that they are known.
    harness.certificates(&chain, name);
    baleen_fuzz::check_records(&harness.end());
});
