//! SOCKS is confirmed by a reply; what follows is something else.

use proptest::prelude::*;

use super::parse::{self, Auth};
use crate::Direction::{Originator, Responder};
use crate::testing::Harness;

/// A request to connect, and that it was done.
fn connect(harness: &mut Harness) {
    harness.data(Originator, b"\x05\x01\x00\x01\xc0\x00\x02\x01\x00\x50");
    assert_eq!(harness.services(), "");
    harness.data(Responder, b"\x05\x00\x00\x01\x00\x00\x00\x00\x10\x10");
    assert_eq!(harness.services(), "socks");
}

#[test]
fn version_5_without_authentication() {
    for port in [1080, 21477] {
        let mut harness = Harness::tcp(port);
        harness.data(Originator, b"\x05\x02\x00\x01");
        harness.data(Responder, b"\x05\x00");
        connect(&mut harness);
        let records = harness.end();
        assert!(records.iter().any(|record| record.contains("Tunnel::SOCKS")), "{records:?}");
    }
}

#[test]
fn version_5_with_user_and_password() {
    let mut harness = Harness::tcp(1080);
    harness.data(Originator, b"\x05\x02\x00\x02");
    harness.data(Responder, b"\x05\x02");
    harness.data(Originator, b"\x01\x03bob\x02pw");
    harness.data(Responder, b"\x01\x00");
    connect(&mut harness);
}

#[test]
fn version_4a_with_a_name() {
    for port in [1080, 9999] {
        let mut harness = Harness::tcp(port);
        harness.data(Originator, b"\x04\x01\x00\x50\x00\x00\x00\x01me\0www.example.org\0");
        assert_eq!(harness.services(), "");
        harness.data(Responder, b"\x00\x5a\x00\x50\x00\x00\x00\x00");
        assert_eq!(harness.services(), "socks");
    }
}

#[test]
fn what_is_inside_is_recognized() {
    let mut harness = Harness::tcp(21477);
    harness.data(Originator, b"\x05\x01\x00");
    harness.data(Responder, b"\x05\x00");
    connect(&mut harness);
    harness.data(Originator, b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
    harness.data(Responder, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(harness.services(), "socks,http");
}

#[test]
fn malformed_requests_are_violations() {
    for request in [b"\x05\x09\x00\x01\xc0\x00\x02\x01\x00\x50".as_slice(), b"\x05\x01\x00\x07", b"\x07"] {
        assert!(parse::message(request, Originator, Auth::Done).is_err());
    }
}

proptest! {
    #[test]
    fn any_octets_are_survived(payload in proptest::collection::vec(any::<u8>(), 0..40), method in 0_u8..4) {
        for auth in [Auth::Undecided, Auth::Negotiates(method), Auth::Done] {
            let _ = (parse::message(&payload, Originator, auth), parse::message(&payload, Responder, auth));
        }
    }
}
