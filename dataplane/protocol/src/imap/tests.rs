//! IMAP is confirmed by the greeting.

use proptest::prelude::*;

use super::parse::{self, Line};
use crate::Direction::{Originator, Responder};
use crate::testing::Harness;

#[test]
fn greeting_confirms() {
    let mut harness = Harness::tcp(143);
    harness.data(Responder, b"* OK IMAP4 ready\r\n");
    assert_eq!(harness.services(), "imap");
}

#[test]
fn starttls_goes_on_as_tls() {
    let mut harness = Harness::tcp(143);
    harness.data(Responder, b"* OK IMAP4 ready\r\n");
    harness.data(Originator, b"a1 STARTTLS\r\n");
    harness.data(Responder, b"a1 OK begin\r\n");
    harness.data(Originator, b"\x16\x03\x01");
    assert_eq!(harness.services(), "imap");
    assert!(harness.wants_payload());
}

#[test]
fn mail_is_a_violation() {
    let mut harness = Harness::tcp(143);
    harness.data(Responder, b"* OK IMAP4 ready\r\n");
    harness.data(Responder, b"* 1 FETCH (BODY {303}\r\n\tby server\r\n");
    assert_eq!(harness.services(), "");
}

#[test]
fn words_of_a_line() {
    let mut rest = b"a1 LOGIN joe pw\r\na2 NOOP\r\n".as_slice();
    assert_eq!(parse::line(&mut rest), Some(Line { tag: b"a1", command: b"LOGIN" }));
    assert_eq!(parse::line(&mut rest), Some(Line { tag: b"a2", command: b"NOOP" }));
    assert!(rest.is_empty());
    assert_eq!(parse::line(&mut b"a3 NOOP".as_slice()), None);
}

proptest! {
    #[test]
    fn any_octets_are_survived(text in "[a* \r\n\t]{0,40}") {
        let mut rest = text.as_bytes();
        while parse::line(&mut rest).is_some() {}
    }
}
