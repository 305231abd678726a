//! MySQL is confirmed by the client's answer to the handshake.

use proptest::prelude::*;

use super::parse;
use crate::Direction::{Originator, Responder};
use crate::testing::Harness;

const HANDSHAKE: &[u8] = b"\x36\0\0\0\x0a5.6.12-log\0P\x9c\x84\x5d\x37^Th1XIE\0\xff\xf7\x21\x02\0\x7f\x80\x15\0\0\0\0\0\0\0\0\0\0^*THK\"eXf{W";

fn response(capabilities: [u8; 4], credentials: &[u8]) -> Vec<u8> {
    let mut packet = vec![32 + credentials.len() as u8, 0, 0, 1];
    packet.extend(capabilities);
    packet.extend([0; 28]);
    packet.extend(credentials);
    packet
}

#[test]
fn answered_handshake_confirms() {
    let mut harness = Harness::tcp(3306);
    harness.data(Responder, HANDSHAKE);
    assert_eq!(harness.services(), "");
    harness.data(Originator, &response([0x8d, 0xa2, 2, 0], b"root\0\0"));
    assert_eq!(harness.services(), "mysql");
}

#[test]
fn client_that_wants_tls_goes_on_as_tls() {
    let mut harness = Harness::tcp(3306);
    harness.data(Responder, HANDSHAKE);
    harness.data(Originator, &response([0x8d, 0xae, 2, 0], b""));
    assert_eq!(harness.services(), "mysql");
    assert!(harness.wants_payload());
}

#[test]
fn what_is_no_handshake_is_a_violation() {
    let mut harness = Harness::tcp(3306);
    harness.data(Responder, b"\x02\0\0\0\x0a5");
    harness.data(Originator, &response([0x8d, 0xa2, 2, 0], b"root\0\0"));
    assert_eq!(harness.services(), "");
}

#[test]
fn client_that_speaks_first_is_a_violation() {
    let mut harness = Harness::tcp(3306);
    harness.data(Originator, b"\x03\0\0\0abc");
    harness.data(Responder, HANDSHAKE);
    harness.data(Originator, &response([0x8d, 0xa2, 2, 0], b"root\0\0"));
    assert_eq!(harness.services(), "");
}

proptest! {
    #[test]
    fn any_octets_are_survived(packet in proptest::collection::vec(any::<u8>(), 0..120), version in 8_u8..12) {
        let _ = (parse::handshake(&packet), parse::handshake_response(&packet, version));
    }
}
