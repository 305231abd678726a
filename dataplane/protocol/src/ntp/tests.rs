//! NTP is confirmed by a message long enough for its mode.

use proptest::prelude::*;

use super::parse;
use crate::Direction::Originator;
use crate::Protocol;
use crate::testing::Harness;

#[test]
fn client_message_confirms() {
    let mut message = vec![0x23];
    message.resize(48, 0);
    let mut harness = Harness::udp(123);
    harness.data(Originator, &message);
    assert_eq!(harness.services(), "ntp");
}

#[test]
fn short_message_removes_the_analyzer() {
    let mut harness = Harness::udp(123);
    harness.data(Originator, &[0x23, 0, 0]);
    assert_eq!(harness.services(), "");
    assert_eq!(Protocol::from_name("ntp"), Some(Protocol::Ntp));
}

#[test]
fn version_and_mode_are_read_from_the_first_octet() {
    let mut message = vec![0xe3];
    message.resize(48, 0);
    assert_eq!(parse::header(&message), Ok(parse::Header { version: 4, mode: 3 }));
}

#[test]
fn extensions_must_fit() {
    let mut message = vec![0x23];
    message.resize(48, 0);
    message.extend_from_slice(&[1, 4, 0, 28]);
    message.resize(48 + 28 + 20, 0);
    assert!(parse::header(&message).is_ok());
    message[51] = 200;
    assert!(parse::header(&message).is_err());
}

proptest! {
    #[test]
    fn any_octets_are_survived(message in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = parse::header(&message);
    }
}
