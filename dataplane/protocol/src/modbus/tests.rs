//! Modbus is confirmed by a whole message.

use proptest::prelude::*;

use super::parse::{Framing, check_request, check_response};
use crate::Direction::{Originator, Responder};
use crate::testing::Harness;

const READ_COILS: &[u8] = &[0, 1, 0, 0, 0, 6, 10, 1, 0, 0, 0, 1];
const COILS: &[u8] = &[0, 1, 0, 0, 0, 4, 10, 1, 1, 0];

#[test]
fn messages_are_found_in_any_segments() {
    let stream = READ_COILS.repeat(3);
    for size in 1..stream.len() {
        let mut harness = Harness::tcp(502);
        for segment in stream.chunks(size) {
            harness.data(Originator, segment);
        }
        harness.data(Responder, COILS);
        assert_eq!(harness.services(), "modbus");
        assert!(harness.wants_payload(), "segments of {size}");
    }
}

#[test]
fn a_part_of_a_message_does_not_confirm() {
    let mut harness = Harness::tcp(502);
    let mut long = vec![0, 1, 0, 0, 0x88, 4, 10, 99];
    long.resize(900, 0);
    harness.data(Originator, &long);
    assert_eq!(harness.services(), "");
    harness.data(Originator, &vec![0; 0x8804 + 6 - 900]);
    assert_eq!(harness.services(), "modbus");
}

#[test]
fn data_must_fit_the_function() {
    assert!(check_request(3, &[0, 0, 0, 125]).is_ok());
    assert!(check_request(3, &[0, 0, 0, 126]).is_err());
    assert!(check_request(5, &[0, 0, 0xff, 0]).is_ok());
    assert!(check_request(5, &[0, 0, 1, 0]).is_err());
    assert!(check_request(22, &[0, 0, 0, 0]).is_err());
    assert!(check_request(16, &[0, 0, 0, 1, 2, 0, 7]).is_ok());
    assert!(check_response(3, &[2, 0, 7]).is_ok());
    assert!(check_response(3, &[4, 0, 7, 1]).is_err());
    assert!(check_response(0x83, &[]).is_err());
}

proptest! {
    #[test]
    fn any_octets_are_survived(octets in proptest::collection::vec(any::<u8>(), 0..80), size in 1_usize..20) {
        let mut framing = Framing::default();
        for segment in octets.chunks(size) {
            if framing.add(segment, check_request).is_err() {
                break;
            }
        }
    }
}
