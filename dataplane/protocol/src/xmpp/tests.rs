//! XMPP is confirmed by the stream of the client.

use proptest::prelude::*;

use super::parse;
use crate::Direction::{Originator, Responder};
use crate::testing::Harness;

const STREAM: &[u8] = b"<stream:stream to='a.example' xmlns='jabber:client' version='1.0'>";
const FEATURES: &[u8] =
    b"<stream:features><mechanism>PLAIN</mechanism><starttls xmlns='urn:x'/></stream:features>";

#[test]
fn stream_of_the_client_confirms_on_any_port() {
    for port in [5222, 1299] {
        let mut harness = Harness::tcp(port);
        harness.data(Originator, b"<?xml version='1.0' ?>");
        harness.data(Originator, STREAM);
        harness.data(Responder, STREAM);
        harness.data(Responder, FEATURES);
        assert_eq!(harness.services(), "xmpp");
    }
}

#[test]
fn starttls_goes_on_as_tls() {
    let mut harness = Harness::tcp(5222);
    harness.data(Originator, STREAM);
    harness.data(Responder, FEATURES);
    harness.data(Originator, b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    harness.data(Responder, b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    harness.data(Originator, b"<not-xml");
    assert_eq!(harness.services(), "xmpp");
}

#[test]
fn nothing_is_wanted_after_the_login() {
    let mut harness = Harness::tcp(5222);
    harness.data(Originator, STREAM);
    harness.data(Responder, b"<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
    assert!(!harness.wants_payload());
}

#[test]
fn what_is_no_tag_is_a_violation() {
    let mut harness = Harness::tcp(5222);
    harness.data(Originator, STREAM);
    harness.data(Responder, b"\x16\x03\x01");
    assert_eq!(harness.services(), "");
}

proptest! {
    #[test]
    fn any_octets_are_survived(text in "[<>/?a: ]{0,40}") {
        let mut rest = text.as_bytes();
        while parse::tag(&mut rest).is_some() {}
        let _ = parse::begins_stream(text.as_bytes());
    }
}
