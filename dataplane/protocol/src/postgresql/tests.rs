//! PostgreSQL is confirmed by a startup message, or by the answer to a request for TLS.

use proptest::prelude::*;

use super::parse;
use crate::Direction::{Originator, Responder};
use crate::testing::Harness;

const STARTUP: &[u8] = b"\0\0\0\x1e\0\x03\0\0user\0oryx\0database\0x\0\0";
const SSL_REQUEST: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x2f";
const AUTHENTICATION_OK: &[u8] = b"R\0\0\0\x08\0\0\0\0";

#[test]
fn startup_confirms_on_any_port() {
    for port in [5432, 15432] {
        let mut harness = Harness::tcp(port);
        harness.data(Originator, STARTUP);
        harness.data(Responder, AUTHENTICATION_OK);
        harness.data(Responder, b"S\0\0\0\x0cab\0on\0\x31\0\0\0\x04Z\0\0\0\x05I");
        assert_eq!(harness.services(), "postgresql");
        assert!(harness.wants_payload());
    }
}

#[test]
fn server_without_tls_goes_on_in_the_clear() {
    let mut harness = Harness::tcp(5432);
    harness.data(Originator, SSL_REQUEST);
    harness.data(Responder, b"N");
    assert_eq!(harness.services(), "postgresql");
    harness.data(Originator, STARTUP);
    harness.data(Responder, AUTHENTICATION_OK);
    assert_eq!(harness.services(), "postgresql");
}

#[test]
fn server_with_tls_goes_on_as_tls() {
    let mut harness = Harness::tcp(5432);
    harness.data(Originator, SSL_REQUEST);
    harness.data(Responder, b"S");
    harness.data(Originator, b"\x16\x03\x01");
    assert_eq!(harness.services(), "postgresql");
    assert!(harness.wants_payload());
}

#[test]
fn malformed_messages_are_violations() {
    for answer in
        [b"R\0\0\0\x0c\0\0\0\0\0\0\0\0".as_slice(), b"Z\0\0\0\x05?", b"E\0\0\0\x06Ab", b"K\0\0\0\x03"]
    {
        let mut harness = Harness::tcp(5432);
        harness.data(Originator, STARTUP);
        harness.data(Responder, answer);
        assert_eq!(harness.services(), "", "{answer:?}");
    }
}

#[test]
fn request_for_gssapi_or_cancel_is_no_startup() {
    for request in [b"\0\0\0\x08\x04\xd2\x16\x30".as_slice(), b"\0\0\0\x10\x04\xd2\x16\x2e\0\0\0\0\0\0\0\0"] {
        let mut harness = Harness::tcp(5432);
        harness.data(Originator, request);
        harness.data(Responder, b"G");
        assert_eq!(harness.services(), "");
    }
}

proptest! {
    #[test]
    fn any_octets_are_survived(octets in proptest::collection::vec(any::<u8>(), 0..80), kind in "[RZSKDENQ]") {
        let mut message = kind.into_bytes();
        message.extend(octets);
        let _ = (parse::startup(&message), parse::backend(&message, false), parse::frontend(&message, false));
    }
}
