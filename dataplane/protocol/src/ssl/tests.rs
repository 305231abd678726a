//! Handshakes made octet by octet, in every segmentation, and what is logged of them.

use proptest::prelude::*;

use super::{ciphers, names, parse};
use crate::Direction::{Originator, Responder};
use crate::testing::Harness;

/// A handshake message.
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = (body.len() as u32).to_be_bytes();
    [&[kind, a, b, c], body].concat()
}

/// A record of TLS 1.2.
fn record(content: u8, body: &[u8]) -> Vec<u8> {
    let [a, b] = (body.len() as u16).to_be_bytes();
    [&[content, 3, 3, a, b], body].concat()
}

/// An extension.
fn extension(kind: u16, value: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &(value.len() as u16).to_be_bytes(), value].concat()
}

/// A ClientHello for `example.com`.
fn client_hello(session_id: &[u8], extensions: &[Vec<u8>]) -> Vec<u8> {
    let name = extension(0, &[&[0, 14, 0, 0, 11][..], b"example.com"].concat());
    let extensions = [name, extensions.concat()].concat();
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.push(session_id.len() as u8);
    body.extend(session_id);
    body.extend([0, 2, 0xC0, 0x2F, 1, 0]);
    body.extend((extensions.len() as u16).to_be_bytes());
    body.extend(extensions);
    message(parse::kind::CLIENT_HELLO, &body)
}

/// A ServerHello that chooses `cipher`.
fn server_hello(random: [u8; 32], session_id: &[u8], cipher: u16, extensions: &[Vec<u8>]) -> Vec<u8> {
    let extensions = extensions.concat();
    let mut body = vec![3, 3];
    body.extend(random);
    body.push(session_id.len() as u8);
    body.extend(session_id);
    body.extend(cipher.to_be_bytes());
    body.push(0);
    body.extend((extensions.len() as u16).to_be_bytes());
    body.extend(extensions);
    message(parse::kind::SERVER_HELLO, &body)
}

/// A ServerKeyExchange with secp256r1 and a signature.
fn server_key_exchange() -> Vec<u8> {
    message(parse::kind::SERVER_KEY_EXCHANGE, &[3, 0, 23, 2, 4, 4, 4, 1, 0, 2, 9, 9])
}

/// A full handshake of TLS 1.2 without certificate, as pieces by direction.
fn tls_1_2() -> Vec<(crate::Direction, Vec<u8>)> {
    let server = [
        server_hello([8; 32], &[1; 32], 0xC02F, &[extension(16, &[0, 3, 2, b'h', b'2'])]),
        server_key_exchange(),
        message(parse::kind::SERVER_HELLO_DONE, &[]),
    ]
    .concat();
    let client = [
        record(22, &message(parse::kind::CLIENT_KEY_EXCHANGE, &[0; 33])),
        record(20, &[1]),
        record(22, &[0xEE; 40]),
    ];
    vec![
        (Originator, record(22, &client_hello(&[], &[]))),
        (Responder, record(22, &server)),
        (Originator, client.concat()),
        (Responder, [record(20, &[1]), record(22, &[0xDD; 40])].concat()),
    ]
}

const TLS_1_2: &str = r#""version":"TLSv12","cipher":"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256","curve":"secp256r1","server_name":"example.com","resumed":false,"next_protocol":"h2","established":true,"ssl_history":"CsknGIi"}"#;

fn log_of(pieces: &[(crate::Direction, Vec<u8>)]) -> (Vec<String>, Harness) {
    let mut harness = Harness::tcp(443);
    for (direction, piece) in pieces {
        harness.data(*direction, piece);
    }
    (harness.end(), harness)
}

#[test]
fn full_handshake_is_logged_when_both_sides_encrypt() {
    let mut harness = Harness::tcp(443);
    for (direction, piece) in tls_1_2() {
        assert!(harness.records().is_empty());
        harness.data(direction, &piece);
    }
    assert!(!harness.wants_payload());
    let [record] = &harness.records()[..] else { panic!("one record expected") };
    assert!(record.ends_with(TLS_1_2), "{record}");
    assert_eq!(harness.services(), "ssl");
    assert_eq!(harness.end().len(), 1);
}

#[test]
fn messages_across_records_are_joined() {
    let hello = client_hello(&[], &[]);
    let records: Vec<u8> = hello.chunks(9).flat_map(|piece| record(22, piece)).collect();
    let mut pieces = tls_1_2();
    pieces[0].1 = records;
    assert!(log_of(&pieces).0[0].ends_with(TLS_1_2));
}

#[test]
fn tls_1_3_is_established_by_application_data() {
    let versions = extension(43, &[3, 4]);
    let share = extension(51, &[0, 29, 0, 2, 5, 5]);
    let pieces = [
        (Originator, record(22, &client_hello(&[1; 32], &[]))),
        (Responder, record(22, &server_hello([8; 32], &[1; 32], 0x1301, &[versions, share]))),
        (Responder, [record(20, &[1]), record(23, &[0; 99])].concat()),
        (Originator, [record(20, &[1]), record(23, &[0; 99])].concat()),
    ];
    let (records, _) = log_of(&pieces);
    assert!(
        records[0].ends_with(r#""version":"TLSv13","cipher":"TLS_AES_128_GCM_SHA256","curve":"x25519","server_name":"example.com","resumed":false,"established":true,"ssl_history":"CsiI"}"#),
        "{records:?}"
    );
}

#[test]
fn hello_retry_request_has_its_letter() {
    let share = extension(51, &[0, 23]);
    let (records, _) = log_of(&[
        (Originator, record(22, &client_hello(&[], &[]))),
        (Responder, record(22, &server_hello(parse::HELLO_RETRY_REQUEST, &[], 0x1301, &[share]))),
        (Originator, record(22, &client_hello(&[], &[]))),
    ]);
    assert!(records[0].contains(r#""ssl_history":"CjC""#), "{records:?}");
    assert!(records[0].contains(r#""curve":"secp256r1""#));
}

#[test]
fn same_session_id_means_resumed() {
    let (records, _) = log_of(&[
        (Originator, record(22, &client_hello(&[5; 32], &[]))),
        (Responder, record(22, &server_hello([8; 32], &[5; 32], 0xC02F, &[]))),
    ]);
    assert!(records[0].contains(r#""resumed":true"#), "{records:?}");
}

#[test]
fn ticket_without_key_exchange_means_resumed() {
    let ticket = extension(35, &[1, 2, 3]);
    let (records, _) = log_of(&[
        (Originator, record(22, &client_hello(&[], &[ticket]))),
        (Responder, [record(22, &server_hello([8; 32], &[], 0xC02F, &[])), record(20, &[1])].concat()),
        (Originator, record(20, &[1])),
    ]);
    assert!(records[0].contains(r#""resumed":true"#), "{records:?}");
}

#[test]
fn alert_is_logged_at_the_end() {
    let (records, _) =
        log_of(&[(Originator, record(22, &client_hello(&[], &[]))), (Responder, record(21, &[2, 40]))]);
    assert!(
        records[0].contains(r#""last_alert":"handshake_failure","established":false,"ssl_history":"Cl""#),
        "{records:?}"
    );
}

#[test]
fn version_2_hello_goes_on_as_tls() {
    let hello = [&[0x80, 30, 1, 3, 1, 0, 3, 0, 0, 0, 18, 7, 0, 0xC0][..], &[9; 18]].concat();
    let (records, harness) =
        log_of(&[(Originator, hello), (Responder, record(22, &server_hello([8; 32], &[], 0x002F, &[])))]);
    assert!(records[0].contains(r#""ssl_history":"Cs""#), "{records:?}");
    assert_eq!(harness.services(), "ssl");
}

#[test]
fn other_protocols_leave_no_trace() {
    let mut harness = Harness::tcp(443);
    harness.data(Originator, &[0x17, 0, 0, 0, 1, 2, 3]);
    assert!(harness.end().is_empty());
    assert_eq!(harness.services(), "");
}

#[test]
fn gap_ends_the_analysis() {
    let pieces = tls_1_2();
    let mut harness = Harness::tcp(443);
    harness.data(Originator, &pieces[0].1);
    harness.gap(Responder, 100);
    assert!(!harness.wants_payload());
    assert!(harness.end()[0].contains(r#""ssl_history":"C""#));
}

#[test]
fn hello_is_recognized_on_any_port() {
    let mut harness = Harness::tcp(4433);
    let pieces = tls_1_2();
    let (first, rest) = pieces[0].1.split_at(7);
    harness.data(Originator, first);
    harness.data(Originator, rest);
    for (direction, piece) in &pieces[1..] {
        harness.data(*direction, piece);
    }
    assert!(harness.end()[0].ends_with(TLS_1_2));
    assert_eq!(harness.services(), "ssl");
}

#[test]
fn endless_message_is_refused() {
    let mut harness = Harness::tcp(443);
    harness.data(Originator, &record(22, &[1, 0xFF, 0xFF, 0xFF, 3, 3]));
    harness.data(Originator, &record(22, &client_hello(&[], &[])));
    let records = harness.end();
    assert_eq!(records.len(), 1);
    assert!(records[0].contains(r#""ssl_history":"""#), "{records:?}");
}

#[test]
fn versions_have_names() {
    assert_eq!(names::version(0x7F12), "TLSv13-draft18");
    assert_eq!(names::version(0xFB1A), "unknown-64282");
    assert_eq!(names::version(0xFEFC), "DTLSv13");
    assert_eq!(names::group(0x1A1A), "grease_0x1A1A");
    assert_eq!(names::group(29), "x25519");
    assert_eq!(names::cipher(0xC0FF), "unknown-49407");
}

#[test]
fn registered_ciphers_have_their_registered_names() {
    for number in 0..=u16::MAX {
        if let Some(suite) = tls_parser::TlsCipherSuite::from_id(number) {
            let name = ciphers::name(number.into()).unwrap_or_default();
            assert!(
                name.eq_ignore_ascii_case(suite.name),
                "{number:#06x}: {name}, registered as {}",
                suite.name
            );
        }
    }
}

proptest! {
    #[test]
    fn segmentation_does_not_matter(cuts in proptest::collection::vec(1_usize..60, 1..40)) {
        let mut cuts = cuts.into_iter().cycle();
        let mut pieces = Vec::new();
        for (direction, octets) in tls_1_2() {
            let mut rest = &octets[..];
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(cuts.next().unwrap_or(1).min(rest.len()));
                pieces.push((direction, piece.to_vec()));
                rest = after;
            }
        }
        let (records, _) = log_of(&pieces);
        prop_assert_eq!(records.len(), 1);
        prop_assert!(records[0].ends_with(TLS_1_2));
    }

    #[test]
    fn any_octets_are_survived(pieces in proptest::collection::vec((any::<bool>(), proptest::collection::vec(any::<u8>(), 0..200)), 1..8)) {
        let mut harness = Harness::tcp(443);
        for (from_client, piece) in &pieces {
            harness.data(if *from_client { Originator } else { Responder }, &record(22, piece));
        }
        harness.end();
    }

    #[test]
    fn damage_in_a_handshake_is_survived(place in 0_usize..600, octet in any::<u8>()) {
        let mut pieces = tls_1_2();
        let mut place = place;
        for (_, piece) in &mut pieces {
            if let Some(target) = piece.get_mut(place) {
                *target = octet;
                break;
            }
            place -= piece.len();
        }
        let (records, _) = log_of(&pieces);
        prop_assert!(records.iter().filter(|record| record.contains(r#""_path":"ssl""#)).count() <= 1);
    }
}

#[test]
fn stapled_ocsp_response_is_a_file() {
    let mut pieces = tls_1_2();
    let response = b"\x30\x0e\x06\x09\x2b\x06\x01\x05\x05\x07\x30\x01\x01\x04\x01\x00";
    let status = message(22, &[&[1, 0, 0, 16][..], response].concat());
    pieces[1].1.extend(record(22, &status));
    let (records, _) = log_of(&pieces);
    let is_file = |record: &String| {
        record.contains("\"source\":\"SSL\"")
            && record.contains("\"seen_bytes\":16")
            && !record.contains("total_bytes")
    };
    assert!(records.iter().any(is_file), "{records:?}");
}
