//! Certificates: what is told of them, host names, validation of chains.
//!
//! The certificates below were made for these tests with P-256 keys: a root, an intermediate authority (at most the
//! last of its path), a host's certificate with all kinds of alternative names, and a self-signed one. All are valid
//! from November 2026 on, for about ten years.

use proptest::prelude::*;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::x509::X509Name;

use super::roots::Roots;
use super::verify::{Outcome, validate};
use super::{name, serial};
use crate::Direction::{Originator, Responder};
use crate::testing::Harness;

const ROOT: &str = "\
    MIIBmzCCAUGgAwIBAgICAIAwCgYIKoZIzj0EAwIwJDETMBEGA1UECgwKVGVzdCwgSW5jLjENMAsGA1UEAwwEUm9vdDAeFw0yNjExMjIwNTIxMT \
    laFw0zNjExMTkwNTIxMTlaMCQxEzARBgNVBAoMClRlc3QsIEluYy4xDTALBgNVBAMMBFJvb3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQ5 \
    QZfQd07aiT2aciM4LnJ7vkzVcB0qJliExQ60cXLfbGjkaRCsOhhsHdQIz1k+pJmuk4Ao6hk2VjdrO3Hu1jFio2MwYTAdBgNVHQ4EFgQUD+tJXr \
    w8MKi2XqY9AO4pKLeraXQwHwYDVR0jBBgwFoAUD+tJXrw8MKi2XqY9AO4pKLeraXQwDwYDVR0TAQH/BAUwAwEB/zAOBgNVHQ8BAf8EBAMCAgQw \
    CgYIKoZIzj0EAwIDSAAwRQIhAOk6tPCp9c0VAFIhu/8ouqWtAUKmm9A7VEFpB3h1mCUzAiBLrbDY/OUXjdlij3Hs/AYywNXGP1R2GOKpsJBr1/ \
    AdRQ==";
const INTERMEDIATE: &str = "\
    MIIBgDCCASagAwIBAgIBAjAKBggqhkjOPQQDAjAkMRMwEQYDVQQKDApUZXN0LCBJbmMuMQ0wCwYDVQQDDARSb290MB4XDTI2MTEyMjA1MjExOV \
    oXDTM2MDkzMDA1MjExOVowFzEVMBMGA1UEAwwMSW50ZXJtZWRpYXRlMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE9N/QlFWMiWxUDUNGIVsU \
    nlqs2dUoJRLrN8HHW178158lhPHvu93DGxw7lTC/BJbnKO7TuBTccJybd9JTj3IT7KNWMFQwEgYDVR0TAQH/BAgwBgEB/wIBADAdBgNVHQ4EFg \
    QUld7I1mwr2J64uO0iA6/gTz9y9vMwHwYDVR0jBBgwFoAUD+tJXrw8MKi2XqY9AO4pKLeraXQwCgYIKoZIzj0EAwIDSAAwRQIhALhBBjVDwUS0 \
    CQI4Yi3xXD387G6228znQqXjKvEbVpGqAiAfZN0z6K7rJ4b6E7ihXcx/GcEc/CeJoAjv8SN4LGy65w==";
const HOST: &str = "\
    MIIByDCCAW6gAwIBAgICEjQwCgYIKoZIzj0EAwIwFzEVMBMGA1UEAwwMSW50ZXJtZWRpYXRlMB4XDTI2MTEyMjA1MjExOVoXDTM2MDYyMjA1Mj \
    ExOVowJzELMAkGA1UEBhMCREUxGDAWBgNVBAMMD3d3dy5leGFtcGxlLmNvbTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABAfGfYcDra7cxlAC \
    TaZ5M7/U9c0t7Oqu/EsbbhUaIuKKHV/+PIwvUxmhQXU6xpxXG5u86D5irG9XyH3OEmpd73OjgZkwgZYwVAYDVR0RBE0wS4IPd3d3LmV4YW1wbG \
    UuY29tgg0qLmV4YW1wbGUub3JnhwTAAAIHgQ1hQGV4YW1wbGUuY29thhRodHRwczovL2V4YW1wbGUuY29tLzAdBgNVHQ4EFgQUmsH8+LJ0D1dn \
    ue41ue2ISOjCqVowHwYDVR0jBBgwFoAUld7I1mwr2J64uO0iA6/gTz9y9vMwCgYIKoZIzj0EAwIDSAAwRQIgKUP43fEQNncv65QkrNmoOeZqYY \
    3nx5F2GrDwvfDKOXQCIQDB4OSWw9pySXbpa1ZtMKtxj2LCgkVd/LEazVikoEex4w==";
const SELF_SIGNED: &str = "\
    MIIBXzCCAQagAwIBAgIBATAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARzZWxmMB4XDTI2MTEyMjA1MjExOVoXDTM2MTExOTA1MjExOVowDzENMA \
    sGA1UEAwwEc2VsZjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABLmQ2T7DfQxuZM+6yyrjyKrxElgBmQW8mmga/rhDOirtJpn2jCXv3jiLiOk2 \
    wFgxbNzVpb/xPZMgMG+syo+AETijUzBRMB0GA1UdDgQWBBQHzYvlBF8oyL2Lwl4ZRVJCPCNBqjAfBgNVHSMEGDAWgBQHzYvlBF8oyL2Lwl4ZRV \
    JCPCNBqjAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0cAMEQCIB3+4ANBtXcb1fI9vuBqyETBujNQNrwkOrPOFOSWUufQAiBN5CwMijS6 \
    9R00qYC0rA37sSaJchBNohpGJ8jt1nXqkA==";

/// In 2027, 2023 and 2040.
const DURING: i64 = 1_800_000_000;
const BEFORE: i64 = 1_700_000_000;
const AFTER: i64 = 2_208_988_800;

fn der(base64: &str) -> &'static [u8] {
    let compact: String = base64.split_ascii_whitespace().collect();
    data_encoding::BASE64.decode(compact.as_bytes()).unwrap().leak()
}

fn certificate(der: &[u8]) -> X509Certificate<'_> {
    X509Certificate::from_der(der).unwrap().1
}

/// The result of a validation in words; `roots` and `chain` as DER.
fn result(chain: &[&'static [u8]], roots: &[&'static [u8]], now: i64) -> &'static str {
    let chain: Vec<_> = chain.iter().map(|der| certificate(der)).collect();
    let (own, others) = chain.split_first().unwrap();
    let others: Vec<_> = others.iter().collect();
    let roots = Roots::of(roots.iter().copied());
    match validate(own, &others, &roots, now) {
        Outcome::Trusted(path) => {
            assert!(path.len() > 1);
            "ok"
        }
        Outcome::Failed(reason) => reason,
        Outcome::Unsupported => "unsupported",
    }
}

#[test]
fn path_to_a_root_is_trusted() {
    let (root, intermediate, host) = (der(ROOT), der(INTERMEDIATE), der(HOST));
    assert_eq!(result(&[host, intermediate], &[root], DURING), "ok");
    assert_eq!(result(&[host, root, intermediate], &[root], DURING), "ok");
}

#[test]
fn missing_authority_is_told() {
    let (root, intermediate, host) = (der(ROOT), der(INTERMEDIATE), der(HOST));
    assert_eq!(result(&[host], &[root], DURING), "unable to get local issuer certificate");
    assert_eq!(result(&[host, intermediate], &[], DURING), "unable to get local issuer certificate");
}

#[test]
fn self_signed_certificates_are_told() {
    let (root, intermediate, host, own) = (der(ROOT), der(INTERMEDIATE), der(HOST), der(SELF_SIGNED));
    assert_eq!(result(&[own], &[root], DURING), "self signed certificate");
    assert_eq!(
        result(&[host, intermediate, root], &[], DURING),
        "self-signed certificate in certificate chain"
    );
}

#[test]
fn time_of_the_connection_counts() {
    let (root, intermediate, host) = (der(ROOT), der(INTERMEDIATE), der(HOST));
    assert_eq!(result(&[host, intermediate], &[root], BEFORE), "certificate is not yet valid");
    assert_eq!(result(&[host, intermediate], &[root], AFTER), "certificate has expired");
}

#[test]
fn damaged_signature_is_told() {
    let (root, intermediate) = (der(ROOT), der(INTERMEDIATE));
    let mut host = der(HOST).to_vec();
    *host.last_mut().unwrap() ^= 1;
    assert_eq!(result(&[host.leak(), intermediate], &[root], DURING), "certificate signature failure");
}

#[test]
fn host_is_no_authority() {
    let (root, intermediate, host) = (der(ROOT), der(INTERMEDIATE), der(HOST));
    // Seen as a root, the host's certificate cannot have issued anything.
    assert_ne!(result(&[host, intermediate], &[host], DURING), "ok");
    assert_eq!(result(&[intermediate], &[root], DURING), "ok");
}

#[test]
fn mozilla_roots_are_read() {
    let roots = Roots::mozilla();
    let some = webpki_root_certs::TLS_SERVER_ROOT_CERTS.first().unwrap();
    let some = certificate(some);
    assert!(!roots.of_subject(&name::comparable(some.subject())).is_empty());
}

/// A handshake with these certificates, up to the server's.
fn log_of(certificates: &[&[u8]]) -> Vec<String> {
    let mut list = Vec::new();
    for der in certificates {
        list.extend_from_slice(&(der.len() as u32).to_be_bytes()[1..]);
        list.extend_from_slice(der);
    }
    let mut message = vec![11];
    message.extend_from_slice(&(list.len() as u32 + 3).to_be_bytes()[1..]);
    message.extend_from_slice(&(list.len() as u32).to_be_bytes()[1..]);
    message.extend_from_slice(&list);
    let mut record = vec![22, 3, 3];
    record.extend_from_slice(&(message.len() as u16).to_be_bytes());
    record.extend_from_slice(&message);
    let mut harness = Harness::tcp(443);
    harness.pass(record::Interval::from_secs((DURING - BEFORE) as u64));
    let name = [&[0, 0, 0, 20, 0, 18, 0, 0, 15][..], b"www.example.com"].concat();
    let mut hello = vec![3, 3];
    hello.extend([7; 32]);
    hello.extend([0, 0, 2, 0xC0, 0x2F, 1, 0, 0, 24]);
    hello.extend(name);
    let mut client = vec![22, 3, 1, 0, hello.len() as u8 + 4, 1, 0, 0, hello.len() as u8];
    client.extend(hello);
    harness.data(Originator, &client);
    harness.data(Responder, &record);
    harness.end()
}

#[test]
fn certificate_of_a_host_is_logged() {
    let records = log_of(&[der(HOST), der(INTERMEDIATE)]);
    let [x509, ssl] = &records[..] else { panic!("{records:?}") };
    for part in [
        r#""certificate.version":3,"certificate.serial":"1234","certificate.subject":"CN=www.example.com,C=DE","certificate.issuer":"CN=Intermediate","#,
        r#""certificate.key_alg":"id-ecPublicKey","certificate.sig_alg":"ecdsa-with-SHA256","certificate.key_type":"ecdsa","certificate.key_length":256,"certificate.curve":"prime256v1","#,
        r#""san.dns":["www.example.com","*.example.org"],"san.uri":["https://example.com/"],"san.email":["a@example.com"],"san.ip":["192.0.2.7"],"host_cert":true,"client_cert":false"#,
    ] {
        assert!(x509.contains(part), "{part} in {x509}");
    }
    assert!(
        ssl.contains(
            r#""sni_matches_cert":true,"validation_status":"unable to get local issuer certificate""#
        ),
        "{ssl}"
    );
    assert_eq!(ssl.matches("\"cert_chain_fps\":[\"").count(), 1);
}

#[test]
fn unreadable_certificate_is_reported() {
    let records = log_of(&[&[0x30, 0x82, 1, 2, 3]]);
    assert!(records[0].contains(r#""name":"x509_cert_parse_error""#), "{records:?}");
    assert!(records[1].contains(r#""cert_chain_fps":[]"#), "{records:?}");
}

#[test]
fn serial_numbers_are_written_in_hexadecimal() {
    assert_eq!(serial(&[0]), "00");
    assert_eq!(serial(&[0, 0x80]), "80");
    assert_eq!(serial(&[0x01, 0x0F]), "010F");
    assert_eq!(serial(&[0xFF]), "-01");
    assert_eq!(serial(&[0xFF, 0x00]), "-0100");
}

/// A name with one attribute for each entry of `attributes`: last octet of its type in 2.5.4, tag, value.
fn name_of(attributes: &[(u8, u8, &[u8])]) -> Vec<u8> {
    let mut parts = Vec::new();
    for (kind, tag, value) in attributes {
        let attribute = [&[6, 3, 0x55, 4, *kind, *tag, value.len() as u8][..], value].concat();
        let attribute = [&[0x30, attribute.len() as u8][..], &attribute].concat();
        parts.extend([&[0x31, attribute.len() as u8][..], &attribute].concat());
    }
    [&[0x30, parts.len() as u8][..], &parts].concat()
}

fn text_of(attributes: &[(u8, u8, &[u8])]) -> String {
    let der = name_of(attributes);
    let name = X509Name::from_der(&der).unwrap().1;
    String::from_utf8(name::text(&name, 2047)).unwrap()
}

#[test]
fn names_are_escaped() {
    assert_eq!(text_of(&[(6, 19, b"US"), (10, 12, b"A, B"), (3, 12, b"#x")]), r"CN=\#x,O=A\, B,C=US");
    assert_eq!(text_of(&[(3, 12, " \u{e9}\n ".as_bytes())]), r"CN=\ \C3\A9\0A\ ");
    assert_eq!(text_of(&[(3, 20, &[0xE9])]), r"CN=\C3\A9");
    assert_eq!(text_of(&[(3, 30, &[0, b'a', 0x20, 0xAC])]), r"CN=a\E2\82\AC");
    assert_eq!(text_of(&[(123, 12, b"x")]), "2.5.4.123=#0C0178");
}

#[test]
fn names_compare_without_case_and_type() {
    let comparable = |attributes: &[(u8, u8, &[u8])]| {
        let der = name_of(attributes);
        name::comparable(&X509Name::from_der(&der).unwrap().1)
    };
    assert_eq!(comparable(&[(3, 12, b"A  Root")]), comparable(&[(3, 19, b" a root ")]));
    assert_ne!(comparable(&[(3, 12, b"A")]), comparable(&[(10, 12, b"A")]));
}

proptest! {
    #[test]
    fn damaged_certificates_are_survived(place in 0_usize..460, octet in any::<u8>()) {
        let mut damaged = der(HOST).to_vec();
        if let Some(target) = damaged.get_mut(place) {
            *target = octet;
        }
        let records = log_of(&[&damaged, der(INTERMEDIATE)]);
        prop_assert_eq!(records.iter().filter(|record| record.contains(r#""_path":"ssl""#)).count(), 1);
    }
}
