//! DNP3 is confirmed by a header with a right checksum.

use proptest::prelude::*;

use super::parse;
use crate::Direction::{Originator, Responder};
use crate::testing::Harness;

fn frame(control: u8, data: &[u8]) -> Vec<u8> {
    let length = u8::try_from(data.len()).unwrap_or_default() + 5;
    let mut frame = vec![0x05, 0x64, length, control, 1, 0, 2, 0];
    frame.extend_from_slice(&parse::checksum_of(&frame).to_le_bytes());
    for block in data.chunks(16) {
        frame.extend_from_slice(block);
        frame.extend_from_slice(&parse::checksum_of(block).to_le_bytes());
    }
    frame
}

#[test]
fn the_checksum_is_that_of_the_standard() {
    assert_eq!(parse::checksum_of(b"123456789"), 0xea82);
}

#[test]
fn frames_are_found_in_any_segments() {
    let stream = [frame(0xc4, &[7; 40]), frame(0xc4, &[]), frame(0xc4, &[9; 16])].concat();
    for size in 1..stream.len() {
        let mut harness = Harness::tcp(20000);
        for segment in stream.chunks(size) {
            harness.data(Originator, segment);
        }
        assert_eq!(harness.services(), "dnp3_tcp");
        assert!(harness.wants_payload() && harness.records().is_empty(), "segments of {size}");
    }
}

#[test]
fn a_server_is_found_on_any_port() {
    let mut harness = Harness::tcp(20001);
    harness.data(Originator, &frame(0xc4, &[1]));
    harness.data(Responder, &frame(0x44, &[1]));
    assert_eq!(harness.services(), "dnp3_tcp");
}

#[test]
fn damage_is_reported() {
    let mut harness = Harness::udp(20000);
    harness.data(Originator, &[0xff; 20]);
    assert!(!harness.wants_payload() && harness.records().is_empty());
    let mut broken = frame(0xc4, &[1]);
    broken[9] ^= 1;
    let mut harness = Harness::udp(20000);
    harness.data(Originator, &broken);
    assert!(harness.records().iter().any(|record| record.contains("dnp3_corrupt_header_checksum")));
    assert_eq!(harness.services(), "");
}

proptest! {
    #[test]
    fn any_octets_are_survived(segments in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..8)) {
        let mut harness = Harness::tcp(20000);
        harness.data(Originator, &frame(0xc4, &[1]));
        for segment in segments {
            harness.data(Originator, &segment);
        }
    }
}
