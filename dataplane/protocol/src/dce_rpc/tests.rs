//! DCE-RPC is confirmed by a whole PDU.

use proptest::prelude::*;

use crate::Direction::{Originator, Responder};
use crate::testing::Harness;

/// A bind, little-endian, with a token of the security provider `kind`, or none.
pub(crate) fn bind(kind: u8, token: &[u8]) -> Vec<u8> {
    let body = [0; 12];
    let tail = if token.is_empty() { vec![] } else { [&[kind, 2, 0, 0, 0, 0, 0, 0][..], token].concat() };
    let length = (16 + body.len() + tail.len()) as u16;
    [
        &[5, 0, 11, 3, 0x10, 0, 0, 0][..],
        &length.to_le_bytes(),
        &(token.len() as u16).to_le_bytes(),
        &[1, 0, 0, 0],
        &body,
        &tail,
    ]
    .concat()
}

#[test]
fn a_whole_pdu_confirms_on_any_port() {
    let mut harness = Harness::tcp(49668);
    let pdu = bind(0, &[]);
    let (first, second) = pdu.split_at(20);
    harness.data(Originator, first);
    assert_eq!(harness.services(), "");
    harness.data(Originator, second);
    assert_eq!(harness.services(), "dce_rpc");
}

#[test]
fn another_version_removes_the_analyzer() {
    let mut harness = Harness::tcp(135);
    harness.data(Originator, &bind(0, &[]));
    harness.data(Responder, b"HTTP/1.1 200 OK\r\n");
    assert_eq!(harness.services(), "");
}

#[test]
fn what_was_carried_outlasts_the_analyzer() {
    let mut harness = Harness::tcp(135);
    harness.data(Originator, &bind(10, &crate::gssapi::tests::ntlm()));
    assert_eq!(harness.services(), "ntlm,dce_rpc");
    harness.data(Responder, b"HTTP/1.1 200 OK\r\n");
    assert_eq!(harness.services(), "ntlm");
}

#[test]
fn big_endian_lengths_are_read() {
    let mut pdu = bind(0, &[]);
    pdu[4] = 0;
    pdu[8..10].reverse();
    let mut harness = Harness::tcp(135);
    harness.data(Originator, &pdu);
    assert_eq!(harness.services(), "dce_rpc");
}

#[test]
fn an_unknown_provider_is_told() {
    let mut harness = Harness::tcp(135);
    harness.data(Originator, &bind(0x7f, &[0; 4]));
    assert!(harness.end().iter().any(|record| record.contains("unknown_dce_rpc_auth_type")));
}

proptest! {
    #[test]
    fn any_stream_is_survived(mut stream in proptest::collection::vec(any::<u8>(), 0..80), length: u8) {
        if let [a, b, _, _, c, _, _, _, d, e, ..] = stream.as_mut_slice() {
            (*a, *b, *c, *d, *e) = (5, 0, 0x10, length, 0);
        }
        let mut harness = Harness::tcp(135);
        for piece in stream.chunks(7) {
            harness.data(Originator, piece);
        }
        harness.end();
    }
}
