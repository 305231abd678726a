//! DHCP is confirmed by one whole message.

use proptest::prelude::*;

use super::parse;
use crate::Direction::Originator;
use crate::testing::Harness;

fn message(options: &[u8]) -> Vec<u8> {
    [&[1, 1, 6, 0][..], &[0; 232], &parse::COOKIE, options].concat()
}

#[test]
fn one_message_confirms() {
    let mut harness = Harness::udp(67);
    harness.data(Originator, &message(&[0, 12, 2, b'p', b'c', 53, 1, 1, 255, 0, 0]));
    assert_eq!(harness.services(), "dhcp");
}

#[test]
fn it_is_found_on_any_port_by_its_cookie() {
    let mut harness = Harness::udp(40067);
    harness.data(Originator, &message(&[53, 1, 5, 255]));
    assert_eq!(harness.services(), "dhcp");
}

#[test]
fn what_is_no_dhcp_is_refused() {
    assert_eq!(parse::message_type(&message(&[53, 1, 1])), Err("options without an end"));
    assert_eq!(parse::message_type(&message(&[255])), Err("no message type option"));
    assert_eq!(parse::message_type(&message(&[53, 9, 1])), Err("option runs over the end"));
    assert_eq!(parse::message_type(&[0; 300]), Err("bad cookie"));
    assert_eq!(parse::message_type(&[0; 230]), Err("message too short"));
    let mut harness = Harness::udp(67);
    harness.data(Originator, &[0; 300]);
    assert!(!harness.wants_payload());
}

proptest! {
    #[test]
    fn any_options_are_survived(options in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = parse::message_type(&message(&options));
    }
}
