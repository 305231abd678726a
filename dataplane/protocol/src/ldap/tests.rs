//! LDAP is confirmed by its first whole message.

use proptest::prelude::*;

use super::parse::{self, Progress};
use crate::Direction::{Originator, Responder};
use crate::gssapi::tests::{element, ntlm, spnego};
use crate::testing::Harness;
use record::Proto;

const BIND: &[u8] = b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\0\x80\0";
const BOUND: &[u8] = b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\0\x04\0\x04\0";

#[test]
fn a_message_confirms_in_any_segments() {
    for size in 1..BIND.len() {
        let mut harness = Harness::tcp(389);
        for segment in BIND.chunks(size) {
            assert_eq!(harness.services(), "");
            harness.data(Originator, segment);
        }
        assert_eq!(harness.services(), "ldap_tcp");
    }
}

#[test]
fn request_and_answer_are_found_on_any_port() {
    let mut harness = Harness::udp(1389);
    harness.data(Originator, BIND);
    assert_eq!(harness.services(), "");
    harness.data(Responder, BOUND);
    assert_eq!(harness.services(), "ldap_udp");
    let mut harness = Harness::tcp(1389);
    harness.data(Originator, BIND);
    harness.data(Responder, b"no");
    assert_eq!(harness.services(), "");
}

/// A bind with that choice of authentication, and an unrelated message in front.
fn login(choice: &[u8]) -> Vec<u8> {
    let bind = element(0x60, &[b"\x02\x01\x03\x04\0", choice].concat());
    let abandon = element(0x30, b"\x02\x01\x01\x50\x01\x07");
    [abandon, element(0x30, &[b"\x02\x01\x02", bind.as_slice()].concat())].concat()
}

fn services_of(stream: &[u8], size: usize) -> String {
    let mut harness = Harness::tcp(389);
    for piece in stream.chunks(size) {
        harness.data(Originator, piece);
    }
    harness.services()
}

#[test]
fn logins_are_read_down_to_their_mechanism() {
    let sasl = |token: &[u8]| login(&element(0xa3, &[element(4, b"GSS-SPNEGO"), element(4, token)].concat()));
    for size in [5, 40] {
        assert_eq!(services_of(&sasl(&spnego(&ntlm())), size), "ldap_tcp,ntlm,gssapi");
        assert_eq!(services_of(&sasl(&ntlm()), size), "ldap_tcp,ntlm");
        assert_eq!(services_of(&login(&element(0x8a, &ntlm())), size), "ldap_tcp,ntlm");
    }
}

#[test]
fn after_encryption_no_payload_is_wanted() {
    let mut harness = Harness::tcp(389);
    harness.data(Originator, BIND);
    harness.data(Responder, BOUND);
    assert!(harness.wants_payload());
    harness.data(Originator, &[0, 0, 0, 60, 5, 4, 4, 0xff]);
    assert!(!harness.wants_payload());
    assert_eq!(harness.services(), "ldap_tcp");
}

#[test]
fn long_messages_need_not_be_kept() {
    let mut message = b"\x30\x82\x03\xe8\x02\x01\x01\x64\x82\x03\xe1".to_vec();
    message.resize(1004, 0);
    let mut harness = Harness::tcp(389);
    harness.data(Responder, &message[..1000]);
    assert_eq!(harness.services(), "");
    harness.data(Responder, &message[1000..]);
    assert_eq!(harness.services(), "ldap_tcp");
}

#[test]
fn a_search_nested_too_deep_is_refused() {
    let search = |depth: usize| {
        let mut content = b"\x04\0\x0a\x01\0\x0a\x01\0\x02\x01\0\x02\x01\0\x01\x01\0".to_vec();
        content.extend(std::iter::repeat_n([0xa2, 0x82, 0, 0], depth).flatten());
        let length = u8::try_from(content.len() / 256).unwrap_or_default();
        let low = u8::try_from(content.len() % 256).unwrap_or_default();
        [&[0x30, 0x84, 0, 0, 0xff, 0xff, 2, 1, 1, 0x63, 0x82, length, low][..], &content].concat()
    };
    assert_eq!(parse::message(&search(90), 70_000), Progress::Complete);
    assert_eq!(parse::message(&search(101), 70_000), Progress::Refused("search nested too deep"));
}

#[test]
fn what_is_no_ldap_is_refused() {
    assert_eq!(parse::message(b"GET /", 5), Progress::Refused("no sequence"));
    assert_eq!(parse::message(b"\x30\x05\x04\x01\x01\x60\0", 7), Progress::Refused("no message id"));
    assert_eq!(parse::message(b"\x30\x05\x02\x01\x01\x30\0", 7), Progress::Refused("no operation"));
    let over = parse::message(b"\x30\x05\x02\x01\x01\x60\x09", 7);
    assert_eq!(over, Progress::Refused("operation runs over the message"));
    assert!(!parse::looks_like_request(b"\x30\x05\x02\x01\x01\x42\0", Proto::Tcp));
}

proptest! {
    #[test]
    fn any_octets_are_survived(octets in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = parse::message(&octets, 80);
        services_of(&login(&octets), 7);
        parse::looks_like_request(&octets, Proto::Udp);
    }
}
