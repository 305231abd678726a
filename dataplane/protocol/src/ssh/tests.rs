//! SSH is followed up to encryption, and the sizes after it tell whether a login succeeded.

use proptest::prelude::*;
use serde_json::Value;

use super::parse::{self, Speaks, Version};
use crate::Direction::{self, Originator, Responder};
use crate::testing::Harness;

fn string(octets: &[u8]) -> Vec<u8> {
    [&(octets.len() as u32).to_be_bytes()[..], octets].concat()
}

fn packet(message: u8, payload: &[u8]) -> Vec<u8> {
    let length = payload.len() as u32 + 2 + 4;
    [&length.to_be_bytes()[..], &[4, message], payload, &[0; 4]].concat()
}

/// `lists`: key exchange, host key, then cipher, MAC and compression, each to the server and to the client.
fn kex_init(lists: [&str; 8]) -> Vec<u8> {
    let mut payload = vec![7; 16];
    for list in lists.into_iter().chain(["", ""]) {
        payload.extend(string(list.as_bytes()));
    }
    payload.extend([0; 5]);
    packet(20, &payload)
}

const CLIENT: [&str; 8] = [
    "mlkem768x25519-sha256,curve25519-sha256",
    "ssh-ed25519,ssh-rsa",
    "aes128-ctr,aes256-ctr",
    "aes128-ctr,aes256-ctr",
    "hmac-sha2-256,hmac-sha1",
    "hmac-sha1",
    "none",
    "none",
];
const SERVER: [&str; 8] = [
    "curve25519-sha256",
    "ssh-rsa",
    "aes256-ctr",
    "aes256-ctr",
    "hmac-sha2-256",
    "hmac-sha1",
    "none",
    "none",
];

fn handshake(harness: &mut Harness) {
    harness.data(Responder, b"Authorized use only\r\nSSH-2.0-server\r\n");
    harness.data(Originator, b"SSH-2.0-client\r\n");
    harness.data(Originator, &kex_init(CLIENT));
    harness.data(Responder, &kex_init(SERVER));
    harness.data(Originator, &packet(30, &string(&[1; 32])));
    let reply = [string(b"host key"), string(&[2; 32]), string(&[3; 64])].concat();
    harness.data(Responder, &[packet(31, &reply), packet(21, &[])].concat());
    assert_eq!(harness.services(), "ssh");
    harness.data(Originator, &packet(21, &[]));
}

fn record(harness: &mut Harness) -> Value {
    let records = harness.end();
    assert_eq!(records.len(), 1, "{records:?}");
    serde_json::from_str(&records[0]).unwrap()
}

#[test]
fn negotiation_and_host_key_are_logged() {
    let mut harness = Harness::tcp(22);
    handshake(&mut harness);
    let record = record(&mut harness);
    assert_eq!(record["version"], 2);
    assert_eq!(record["client"], "SSH-2.0-client");
    assert_eq!(record["server"], "SSH-2.0-server");
    assert_eq!(record["kex_alg"], "curve25519-sha256");
    assert_eq!(record["host_key_alg"], "ssh-rsa");
    assert_eq!(record["cipher_alg"], "aes256-ctr");
    assert_eq!(record["mac_alg"], "To server: hmac-sha2-256, to client: hmac-sha1");
    assert_eq!(record["compression_alg"], "none");
    assert_eq!(record["host_key_fingerprint"], "SHA256:+xspGuW/PEF/5qpDMzUSFm9CUN7eQpfJ");
    assert_eq!(record["auth_attempts"], 0);
    assert!(record.get("auth_success").is_none());
}

#[test]
fn a_short_answer_after_failures_is_a_login() {
    let mut harness = Harness::tcp(22);
    handshake(&mut harness);
    for (direction, size) in [
        (Originator, 44),
        (Responder, 52),
        (Originator, 60),
        (Responder, 68),
        (Originator, 84),
        (Responder, 68),
    ] {
        harness.data(direction, &vec![9; size]);
    }
    assert!(harness.wants_payload());
    harness.data(Originator, &[9; 84]);
    harness.data(Responder, &[9; 36]);
    assert!(!harness.wants_payload());
    let record = record(&mut harness);
    assert_eq!(record["auth_success"], true);
    assert_eq!(record["auth_attempts"], 2);
}

#[test]
fn pieces_of_any_size_make_the_same_packets() {
    let stream = [&b"SSH-2.0-client\r\n"[..], &kex_init(CLIENT)].concat();
    let mut harness = Harness::tcp(22);
    harness.data(Responder, b"SSH-2.0-server\n");
    for octet in &stream {
        harness.data(Originator, &[*octet]);
    }
    harness.data(Responder, &kex_init(SERVER));
    assert_eq!(record(&mut harness)["kex_alg"], "curve25519-sha256");
}

#[test]
fn another_port_needs_both_identifications() {
    let mut harness = Harness::tcp(2222);
    harness.data(Responder, b"SSH-2.0-server\r\n");
    assert!(harness.wants_payload());
    harness.data(Originator, b"SSH-2.0-client\r\n");
    assert_eq!(record(&mut harness)["version"], 2);
}

#[test]
fn ssh_1_is_confirmed_by_the_session_key() {
    let v1 = |message: u8, payload: &[u8]| {
        let length = payload.len() as u32 + 5;
        let padding = vec![0; 8 - length as usize % 8];
        [&length.to_be_bytes()[..], &padding, &[message], payload, &[0; 4]].concat()
    };
    let mut harness = Harness::tcp(22);
    harness.data(Responder, b"SSH-1.99-server\n");
    harness.data(Originator, b"SSH-1.5-client\n");
    harness.data(Responder, &v1(2, &[0; 40]));
    assert_eq!(harness.services(), "");
    harness.data(Originator, &v1(3, &[0; 20]));
    assert_eq!(harness.services(), "ssh");
    harness.data(Responder, &[0; 12]);
    assert!(!harness.wants_payload());
    assert_eq!(record(&mut harness)["version"], 1);
}

#[test]
fn a_client_that_speaks_another_protocol_leaves_no_record() {
    let mut harness = Harness::tcp(22);
    harness.data(Originator, b"TUNNEL 1\r\n");
    assert!(harness.end().is_empty());
}

#[test]
fn identifications_need_not_be_text() {
    let mut harness = Harness::tcp(22);
    harness.data(Responder, b"SSH-2.0-\xff\xfe\x00\r\n");
    assert_eq!(record(&mut harness)["server"], "SSH-2.0-\\xff\\xfe\\x00");
}

#[test]
fn versions_agree_as_the_rfc_says() {
    assert_eq!(Speaks::of(b"SSH-1.99-x"), Some(Speaks::Both));
    assert_eq!(Speaks::V1.agree(Speaks::V2), None);
    assert_eq!(Speaks::V1.agree(Speaks::Both), Some(Version::V1));
    assert_eq!(Speaks::Both.agree(Speaks::Both), Some(Version::V2));
}

proptest! {
    #[test]
    fn any_octets_are_survived(pieces in proptest::collection::vec((any::<bool>(), proptest::collection::vec(any::<u8>(), 0..64)), 0..16)) {
        let mut harness = Harness::tcp(22);
        harness.data(Responder, b"SSH-2.0-a\r\n");
        harness.data(Originator, b"SSH-2.0-b\r\n");
        for (orig, piece) in pieces {
            harness.data(if orig { Originator } else { Direction::Responder }, &piece);
        }
        harness.end();
    }

    #[test]
    fn key_exchange_lists_are_bounded_by_the_payload(payload in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse::kex_init(&payload);
    }
}
