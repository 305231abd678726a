//! Records and fragments of DTLS, and what is logged of them.

use proptest::prelude::*;

use crate::Direction::{Originator, Responder};
use crate::testing::Harness;

/// A record of epoch 0.
fn record(content: u8, sequence: u8, body: &[u8]) -> Vec<u8> {
    let [a, b] = (body.len() as u16).to_be_bytes();
    [&[content, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, sequence, a, b], body].concat()
}

/// A piece of a handshake message.
fn fragment(kind: u8, sequence: u8, message: &[u8], from: usize, to: usize) -> Vec<u8> {
    let [_, a, b, c] = (message.len() as u32).to_be_bytes();
    let [_, d, e, f] = (from as u32).to_be_bytes();
    let [_, g, h, i] = ((to - from) as u32).to_be_bytes();
    [&[kind, a, b, c, 0, sequence, d, e, f, g, h, i], &message[from..to]].concat()
}

fn client_hello(cookie: &[u8]) -> Vec<u8> {
    let mut body = vec![0xFE, 0xFD];
    body.extend([7; 32]);
    body.extend([0, cookie.len() as u8]);
    body.extend(cookie);
    body.extend([0, 2, 0xC0, 0x2B, 1, 0]);
    body
}

fn server_hello() -> Vec<u8> {
    let mut body = vec![0xFE, 0xFD];
    body.extend([8; 32]);
    body.extend([0, 0xC0, 0x2B, 0]);
    body
}

#[test]
fn handshake_with_cookie_and_fragments_is_logged() {
    let mut harness = Harness::udp(4444);
    let whole =
        |kind, sequence, body: &[u8]| record(22, sequence, &fragment(kind, sequence, body, 0, body.len()));
    harness.data(Originator, &whole(1, 0, &client_hello(&[])));
    harness.data(Responder, &whole(3, 0, &[0xFE, 0xFD, 2, 1, 2]));
    harness.data(Originator, &whole(1, 1, &client_hello(&[1, 2])));
    let hello = server_hello();
    harness.data(Responder, &record(22, 2, &fragment(2, 1, &hello, 20, hello.len())));
    harness.data(Responder, &record(22, 1, &fragment(2, 1, &hello, 0, 20)));
    harness.data(Responder, &record(22, 3, &fragment(14, 2, &[], 0, 0)));
    harness.data(Originator, &[whole(16, 2, &[5; 8]), record(20, 3, &[1])].concat());
    let mut finished = record(22, 0, &[9; 40]);
    finished[4] = 1;
    harness.data(Responder, &[record(20, 4, &[1]), finished].concat());
    let records = harness.end();
    assert!(
        records[0].ends_with(r#""version":"DTLSv12","cipher":"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256","resumed":false,"established":true,"ssl_history":"CvCsnGIi"}"#),
        "{records:?}"
    );
    assert_eq!(harness.services(), "dtls");
}

#[test]
fn hello_from_the_responder_turns_the_directions() {
    let mut harness = Harness::udp(443);
    let hello = client_hello(&[]);
    harness.data(Responder, &record(22, 0, &fragment(1, 0, &hello, 0, hello.len())));
    assert!(harness.end()[0].contains(r#""ssl_history":"^C""#));
}

#[test]
fn repeated_fragments_count_once() {
    let mut harness = Harness::udp(443);
    let hello = client_hello(&[]);
    for _ in 0..2 {
        harness.data(Originator, &record(22, 0, &fragment(1, 0, &hello, 0, 10)));
        harness.data(Originator, &record(22, 1, &fragment(1, 0, &hello, 10, hello.len())));
    }
    assert!(harness.end()[0].contains(r#""ssl_history":"C""#));
}

#[test]
fn overlapping_fragments_make_the_message() {
    let mut harness = Harness::udp(443);
    let hello = client_hello(&[]);
    for (from, to) in [(20, hello.len()), (0, 12), (8, 30)] {
        harness.data(Originator, &record(22, 0, &fragment(1, 0, &hello, from, to)));
    }
    assert!(harness.end()[0].contains(r#""ssl_history":"C""#));
}

#[test]
fn memory_follows_what_came_not_the_length_claimed() {
    let mut assembly = super::Assembly::default();
    for sequence in 0..100 {
        let fragment =
            super::parse::Fragment { kind: 1, length: 100_000, sequence, offset: 99_000, data: &[1; 4] };
        assert_eq!(assembly.add(0, &fragment), Ok(None));
    }
    assert!(assembly.data.capacity() < 1000);
}

#[test]
fn stun_in_between_is_passed_over() {
    let mut harness = Harness::udp(5555);
    let stun = [&[0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42][..], &[3; 20]].concat();
    let hello = client_hello(&[]);
    harness.data(Originator, &stun);
    harness.data(Originator, &record(22, 0, &fragment(1, 0, &hello, 0, hello.len())));
    harness.data(Responder, &stun);
    assert!(harness.end()[0].contains(r#""ssl_history":"C""#));
    assert_eq!(harness.services(), "dtls");
}

proptest! {
    #[test]
    fn any_datagrams_are_survived(datagrams in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..120), 1..8)) {
        let mut harness = Harness::udp(443);
        for datagram in &datagrams {
            harness.data(Originator, &record(22, 0, datagram));
            harness.data(Responder, datagram);
        }
        harness.end();
    }
}
