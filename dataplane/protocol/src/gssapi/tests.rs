//! Tokens are read down to the messages of their mechanisms.

use proptest::prelude::*;

use crate::Direction::Originator;
use crate::testing::Harness;

/// An element with a length of one or two octets.
pub(crate) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let head = if length < 128 { vec![tag, length as u8] } else { vec![tag, 0x81, length as u8] };
    [head, content.to_vec()].concat()
}

/// The first token of SPNEGO with a token of a mechanism.
pub(crate) fn spnego(mechanism_token: &[u8]) -> Vec<u8> {
    let token = element(0xa2, &element(0x04, mechanism_token));
    let init = element(0xa0, &element(0x30, &token));
    element(0x60, &[element(0x06, b"\x2b\x06\x01\x05\x05\x02"), init].concat())
}

/// An NTLM negotiate message.
pub(crate) fn ntlm() -> Vec<u8> {
    let mut message = b"NTLMSSP\0\x01\0\0\0".to_vec();
    message.resize(40, 0);
    message
}

/// Runs a token through a bind of DCE-RPC with that kind of authentication.
fn services(kind: u8, token: &[u8]) -> String {
    let mut harness = Harness::tcp(135);
    harness.data(Originator, &crate::dce_rpc::tests::bind(kind, token));
    harness.services()
}

#[test]
fn spnego_is_read_down_to_ntlm() {
    assert_eq!(services(9, &spnego(&ntlm())), "ntlm,gssapi,dce_rpc");
}

#[test]
fn kerberos_is_found_with_and_without_its_identifier() {
    let request = element(0x6e, b"\x30\x00");
    let with_identifier = element(
        0x60,
        &[element(0x06, b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"), vec![1, 0], request.clone()].concat(),
    );
    assert_eq!(services(9, &spnego(&request)), "krb,gssapi,dce_rpc");
    assert_eq!(services(9, &spnego(&with_identifier)), "krb,gssapi,dce_rpc");
    assert_eq!(services(9, &with_identifier), "krb,gssapi,dce_rpc");
}

#[test]
fn an_answer_of_spnego_is_read() {
    let answer = element(0xa1, &element(0x30, &element(0xa0, b"\x0a\x01\x01")));
    assert_eq!(services(9, &answer), "gssapi,dce_rpc");
}

#[test]
fn what_is_no_token_confirms_nothing() {
    assert_eq!(services(9, &[0xff; 16]), "dce_rpc");
}

proptest! {
    #[test]
    fn any_octets_are_survived(octets in proptest::collection::vec(any::<u8>(), 0..80)) {
        services(9, &octets);
        services(9, &spnego(&octets));
    }
}
