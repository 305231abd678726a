//! Syslog is confirmed by a message.

use proptest::prelude::*;

use super::parse::Framing;
use crate::Direction::Originator;
use crate::testing::Harness;

#[test]
fn any_datagram_confirms() {
    let mut harness = Harness::udp(514);
    harness.data(Originator, b"no priority");
    assert_eq!(harness.services(), "syslog");
}

#[test]
fn counted_messages_and_lines_are_found_in_any_segments() {
    let stream = b"<34>1 - - first\n9 <34>1 abc<13>second\n11 hello world";
    for size in 1..stream.len() {
        let mut framing = Framing::default();
        let results: Vec<_> = stream.chunks(size).map(|segment| framing.add(segment)).collect();
        assert!(results.iter().all(Result::is_ok), "segments of {size}: {results:?}");
        assert_eq!(results.last(), Some(&Ok(true)));
    }
}

#[test]
fn other_streams_are_refused() {
    let mut harness = Harness::tcp(514);
    harness.data(Originator, b"1022\0root\0");
    assert_eq!(harness.services(), "");
    assert_eq!(Framing::default().add(b"<a>"), Err("neither a length nor a priority"));
    assert_eq!(Framing::default().add(b"<1>\n"), Err("neither a length nor a priority"));
}

proptest! {
    #[test]
    fn any_octets_are_survived(octets in "[<>0-9 a\n]{0,40}", size in 1_usize..10) {
        let mut framing = Framing::default();
        for segment in octets.as_bytes().chunks(size) {
            if framing.add(segment).is_err() {
                break;
            }
        }
    }
}
