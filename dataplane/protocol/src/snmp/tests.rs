//! SNMP is confirmed by a response with a sound header.

use proptest::prelude::*;

use super::parse;
use crate::Direction::{Originator, Responder};
use crate::testing::Harness;

/// A GetResponse of version 2c with one binding.
const RESPONSE: &[u8] =
    b"\x30\x1c\x02\x01\x01\x04\x06public\xa2\x0f\x02\x01\x07\x02\x01\0\x02\x01\0\x30\x04\x30\x02\x06\0\x05\0";

#[test]
fn a_response_confirms_a_request_does_not() {
    let mut harness = Harness::udp(161);
    harness.data(Originator, RESPONSE);
    assert_eq!(harness.services(), "");
    harness.data(Responder, RESPONSE);
    assert_eq!(harness.services(), "snmp");
}

#[test]
fn damage_removes_the_service() {
    let mut harness = Harness::udp(161);
    harness.data(Responder, RESPONSE);
    harness.data(Responder, &RESPONSE[..RESPONSE.len() - 1]);
    assert_eq!(harness.services(), "");
    assert!(!harness.wants_payload());
}

#[test]
fn version_3_with_an_encrypted_unit_is_sound() {
    let message = b"\x30\x1c\x02\x01\x03\x30\x0d\x02\x01\x01\x02\x02\x05\xdc\x04\x01\x03\x02\x01\x03\x04\x00\x04\x04abcd";
    let header = parse::header(message);
    assert!(header.as_ref().is_some_and(|header| parse::body(header).is_some()));
    assert!(parse::header(&message[..20]).is_none());
}

proptest! {
    #[test]
    fn any_octets_are_survived(octets in proptest::collection::vec(any::<u8>(), 0..80)) {
        if let Some(header) = parse::header(&octets) {
            let _ = parse::body(&header);
        }
    }
}
