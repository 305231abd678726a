//! RFB is confirmed by the version of the client.

use proptest::prelude::*;

use crate::Direction::{Originator, Responder};
use crate::testing::Harness;

/// The exchange of a session with VNC authentication, version 3.8.
fn session(harness: &mut Harness) {
    harness.data(Responder, b"RFB 003.008\n");
    harness.data(Originator, b"RFB 003.008\n");
    harness.data(Responder, b"\x02\x01\x02");
    harness.data(Originator, b"\x02");
    harness.data(Responder, &[1; 16]);
    harness.data(Originator, &[2; 16]);
    harness.data(Responder, &[0; 4]);
    harness.data(Originator, &[1]);
}

#[test]
fn version_of_the_client_confirms() {
    let mut harness = Harness::tcp(5900);
    harness.data(Responder, b"RFB 003.008\n");
    assert_eq!(harness.services(), "");
    harness.data(Originator, b"RFB 003.008\n");
    assert_eq!(harness.services(), "rfb");
}

#[test]
fn nothing_is_wanted_after_the_screen_is_known() {
    let mut harness = Harness::tcp(5901);
    session(&mut harness);
    assert!(harness.wants_payload());
    let mut screen = vec![0; 20];
    screen.extend([0, 0, 0, 2, b'h', b'i']);
    harness.data(Responder, &screen);
    assert!(!harness.wants_payload());
    assert_eq!(harness.services(), "rfb");
}

#[test]
fn unknown_security_type_is_a_violation() {
    let mut harness = Harness::tcp(5900);
    harness.data(Responder, b"RFB 003.003\n");
    harness.data(Originator, b"RFB 003.003\n");
    harness.data(Responder, &[0, 0, 0, 9]);
    assert_eq!(harness.services(), "");
}

#[test]
fn client_out_of_turn_is_a_violation() {
    let mut harness = Harness::tcp(5900);
    harness.data(Responder, b"RFB 003.003\n");
    harness.data(Originator, b"RFB 003.003\n");
    harness.data(Originator, b"?");
    assert_eq!(harness.services(), "");
}

proptest! {
    #[test]
    fn any_octets_are_survived(pieces in proptest::collection::vec((any::<bool>(), proptest::collection::vec(any::<u8>(), 0..40)), 0..9)) {
        let mut harness = Harness::tcp(5900);
        session(&mut harness);
        for (originator, piece) in pieces {
            harness.data(if originator { Originator } else { Responder }, &piece);
        }
    }
}
