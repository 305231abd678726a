//! Which octets of a template's payload differ between flows, and what they are.

use std::ops::Range;

use super::super::frame::Protocol;
use super::Variation;

const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Overwrites octets by what a seed gives.
pub(super) fn apply(variation: Variation, seed: u64, octets: &mut [u8]) {
    let mut state = seed | 1;
    for octet in octets {
        // A linear congruential generator (Knuth's MMIX): it need not be better.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let bits = (state >> 56) as u8;
        *octet = match variation {
            Variation::Octets => bits,
            Variation::Name => LETTERS.get(usize::from(bits & 31)).copied().unwrap_or(b'a'),
        };
    }
}

/// Finds what may differ in a packet's payload without a change of its structure.
pub(super) fn find(protocol: Protocol, ports: [u16; 2], payload: &[u8]) -> Vec<(Range<usize>, Variation)> {
    match protocol {
        Protocol::Udp if ports.contains(&53) => dns(payload),
        Protocol::Udp => Vec::new(),
        Protocol::Tcp if payload.starts_with(&[22, 3]) => tls(payload),
        Protocol::Tcp => http(payload),
    }
}

/// The identifier, and the first label of the one question, where that name stands only once.
fn dns(payload: &[u8]) -> Vec<(Range<usize>, Variation)> {
    if payload.len() < 17 {
        return Vec::new();
    }
    let mut found = vec![(0..2, Variation::Octets)];
    let label = |at: usize| payload.get(at..).and_then(|rest| rest.split_first());
    if let (Some([0, 1]), Some((length, rest))) = (payload.get(4..6), label(12)) {
        let name = rest.get(..usize::from(*length)).unwrap_or_default();
        let is_plain = name.iter().all(|octet| octet.is_ascii_alphanumeric() || *octet == b'-');
        let repeated =
            name.len() >= 3 && payload.windows(name.len()).filter(|window| *window == name).count() > 1;
        if (3..64).contains(&name.len()) && is_plain && !repeated {
            found.push((13..13 + name.len(), Variation::Name));
        }
    }
    found
}

/// The random value of a hello, without its first four octets, which may be a time.
fn tls(payload: &[u8]) -> Vec<(Range<usize>, Variation)> {
    match payload.get(5) {
        Some(1 | 2) if payload.len() > 50 => vec![(15..43, Variation::Octets)],
        _ => Vec::new(),
    }
}

/// The last letters of a request's path.
fn http(payload: &[u8]) -> Vec<(Range<usize>, Variation)> {
    let is_request =
        [b"GET /".as_slice(), b"POST /", b"HEAD /", b"PUT /"].iter().any(|m| payload.starts_with(m));
    let Some(space) = payload.iter().position(|octet| *octet == b' ').filter(|_| is_request) else {
        return Vec::new();
    };
    let path = payload.get(space + 1..).unwrap_or_default();
    let end = path.iter().position(|octet| matches!(octet, b' ' | b'?' | b'\r' | b'\n')).unwrap_or(0);
    let letters =
        path.iter().take(end).rev().take(8).take_while(|octet| octet.is_ascii_alphanumeric()).count();
    match letters {
        0 | 1 => Vec::new(),
        _ => vec![(space + 1 + end - letters..space + 1 + end, Variation::Name)],
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn identifiers_names_and_paths_differ() {
        let query = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x04mail\x07example\x03org\0\0\x01\0\x01";
        let found = find(Protocol::Udp, [4000, 53], query);
        assert_eq!(found, [(0..2, Variation::Octets), (13..17, Variation::Name)]);
        let found = find(Protocol::Tcp, [4000, 80], b"GET /a/index?x=1 HTTP/1.1\r\n");
        assert_eq!(found, [(7..12, Variation::Name)]);
    }

    proptest! {
        #[test]
        fn what_differs_is_within_the_payload(
            tcp: bool,
            start in prop::sample::select(vec![b"GET /".as_slice(), b"\x16\x03\x01\x00\x20\x01", b"\0\0\0\0\0\x01"]),
            rest in prop::collection::vec(any::<u8>(), 0..100),
        ) {
            let payload = [start, &rest].concat();
            let protocol = if tcp { Protocol::Tcp } else { Protocol::Udp };
            for (range, _) in find(protocol, [1, 53], &payload) {
                prop_assert!(range.start <= range.end && range.end <= payload.len());
            }
        }
    }
}
