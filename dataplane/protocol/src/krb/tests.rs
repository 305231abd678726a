//! Kerberos is confirmed by a whole message.

use proptest::prelude::*;

use super::parse::{self, Framing};
use crate::Direction::{Originator, Responder};
use crate::testing::Harness;

/// A KRB-ERROR as far as its type, with `extra` octets that nobody reads.
fn error(extra: u8) -> Vec<u8> {
    let mut message = vec![0x7e, 12 + extra, 0x30, 10 + extra];
    message.extend_from_slice(&[0xa0, 3, 2, 1, 5, 0xa1, 3, 2, 1, 30]);
    message.resize(message.len() + usize::from(extra), 0);
    message
}

#[test]
fn a_datagram_confirms() {
    let mut harness = Harness::udp(88);
    harness.data(Responder, &error(20));
    assert_eq!(harness.services(), "krb");
}

#[test]
fn other_datagrams_are_refused() {
    assert_eq!(parse::message(b"GET / HTTP/1.1"), Err("unknown message type"));
    assert_eq!(parse::message(&error(20)[..30]), Err("message runs over the end"));
    let mut wrong = error(0);
    wrong[8] = 4;
    assert_eq!(parse::message(&wrong), Err("not version 5"));
}

#[test]
fn a_request_is_found_on_any_port() {
    let mut request = vec![0x6c, 0x82, 0x01, 0x00, 0x30, 0x82, 0x00, 0xfc];
    request.extend_from_slice(&[0xa1, 3, 2, 1, 5, 0xa2, 3, 2, 1, 12]);
    request.resize(0x104, 0);
    let mut harness = Harness::udp(4088);
    harness.data(Originator, &request);
    assert_eq!(harness.services(), "krb");
}

#[test]
fn tcp_messages_are_framed() {
    let message = error(100);
    let length = u32::try_from(message.len()).unwrap_or_default();
    let stream = [&length.to_be_bytes()[..], &message].concat().repeat(2);
    for size in [1, 3, 50, 200, 1000] {
        let mut harness = Harness::tcp(88);
        for segment in stream.chunks(size) {
            harness.data(Originator, segment);
        }
        assert_eq!(harness.services(), "krb_tcp");
    }
}

proptest! {
    #[test]
    fn any_octets_are_survived(octets in proptest::collection::vec(any::<u8>(), 0..80), size in 1_usize..40) {
        let _ = parse::message(&octets);
        let mut framing = Framing::default();
        for segment in octets.chunks(size) {
            let _ = framing.add(segment);
        }
    }
}
