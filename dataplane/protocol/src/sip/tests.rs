//! SIP is confirmed by a response.

use proptest::prelude::*;

use super::parse::{self, Kind};
use crate::Direction::{Originator, Responder};
use crate::testing::Harness;

const REQUEST: &[u8] =
    b"OPTIONS sip:a@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1\r\nTo : <sip:a>\r\n\r\n";
const RESPONSE: &[u8] = b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 10.0.0.1\r\n\r\n";

#[test]
fn a_response_confirms() {
    let mut harness = Harness::udp(5060);
    harness.data(Originator, b"\r\n");
    harness.data(Originator, REQUEST);
    assert_eq!(harness.services(), "");
    harness.data(Responder, RESPONSE);
    assert_eq!(harness.services(), "sip");
}

#[test]
fn it_is_found_on_any_port() {
    let mut harness = Harness::udp(5999);
    harness.data(Originator, REQUEST);
    harness.data(Responder, RESPONSE);
    assert_eq!(harness.services(), "sip");
}

#[test]
fn junk_before_a_request_is_reported() {
    let mut harness = Harness::udp(5060);
    harness.data(Originator, b"   ");
    harness.data(Originator, &[b" ", REQUEST].concat());
    harness.data(Responder, RESPONSE);
    assert_eq!(harness.services(), "sip");
    let records = harness.end();
    assert!(
        records
            .iter()
            .any(|record| record.contains("sip_junk_before_request") && record.contains("\"    \""))
    );
}

#[test]
fn what_is_no_sip_is_refused() {
    assert_eq!(parse::first_line(b"GET / HTTP/1.1\r\n"), Err("not a SIP request line"));
    assert_eq!(parse::first_line(b"SIP/2.0 OK\r\n"), Err("bad status code"));
    assert_eq!(parse::first_line(REQUEST).map(|(kind, _)| kind), Ok(Kind::Request));
    assert_eq!(parse::headers(b"A: b\r\n c\r\n"), Err("header without a name"));
    assert_eq!(parse::headers(b"A b\r\n"), Err("header without a colon"));
}

proptest! {
    #[test]
    fn any_octets_are_survived(octets in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = parse::first_line(&octets);
        let _ = parse::headers(&octets);
        parse::starts_with_request_line(&octets);
    }
}
