//! RDP is confirmed by the settings of either side.

use proptest::prelude::*;

use super::parse;
use crate::Direction::{Originator, Responder};
use crate::testing::Harness;

const REQUEST: &[u8] = b"\x03\0\0\x22\x1e\xe0\0\0\0\0\0Cookie: mstshash=joe\r\n\0";

/// A server's confirmation that selects a protocol.
const fn confirm(protocol: u8) -> [u8; 19] {
    [3, 0, 0, 19, 14, 0xd0, 0, 0, 0x12, 0x34, 0, 2, 0, 8, 0, protocol, 0, 0, 0]
}

/// Settings of a client with core data of so many octets.
fn settings(octets: u8) -> Vec<u8> {
    let mut message =
        b"\x02\xf0\x80\x7f\x65\x82\x01\x94\x04\x01\x01\0\x08\0\x10\0\x01\xc0\0Duca\x80\xde\x01\xc0".to_vec();
    message.extend([octets + 4, 0]);
    message.resize(message.len() + usize::from(octets), 0);
    let length = message.len() as u16 + 4;
    [&[3, 0], length.to_be_bytes().as_slice(), &message].concat()
}

#[test]
fn settings_of_the_client_confirm_on_any_port() {
    for port in [3389, 4000] {
        let mut harness = Harness::tcp(port);
        harness.data(Originator, REQUEST);
        harness.data(Responder, &confirm(0));
        assert_eq!(harness.services(), "");
        harness.data(Originator, &settings(212));
        assert_eq!(harness.services(), "rdp");
    }
}

#[test]
fn short_settings_are_a_violation() {
    let mut harness = Harness::tcp(3389);
    harness.data(Originator, &settings(20));
    harness.data(Originator, &settings(212));
    assert_eq!(harness.services(), "");
}

#[test]
fn tls_is_something_else() {
    let mut harness = Harness::tcp(3389);
    harness.data(Originator, REQUEST);
    harness.data(Responder, &confirm(1));
    harness.data(Originator, &settings(212));
    assert_eq!(harness.services(), "");
}

proptest! {
    #[test]
    fn any_octets_are_survived(octets in proptest::collection::vec(any::<u8>(), 0..80), kind in prop_oneof![Just(0xd0_u8), Just(0xf0)]) {
        let mut message = vec![3, 0, 0, 0, 0, kind];
        message.extend(octets);
        if let Ok(parse::Connection::Client(blocks) | parse::Connection::Server(blocks)) = parse::connection(&message) {
            prop_assert!(blocks.into_iter().count() < 100);
        }
    }
}
