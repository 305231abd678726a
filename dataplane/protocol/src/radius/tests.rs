//! RADIUS is confirmed by a message whose attributes fit.

use proptest::prelude::*;

use super::parse;
use crate::Direction::Originator;
use crate::testing::Harness;

#[test]
fn a_request_confirms() {
    let message = [&[1, 7, 0, 26][..], &[0; 16], &[1, 6, b'n', b'e', b'm', b'o']].concat();
    let mut harness = Harness::udp(1812);
    harness.data(Originator, &message);
    assert_eq!(harness.services(), "radius");
}

#[test]
fn attributes_must_fit() {
    let with = |attributes: &[u8]| [&[0; 20][..], attributes].concat();
    assert_eq!(parse::check(&[0; 19]), Err("message too short"));
    assert_eq!(parse::check(&with(&[1])), Err("attribute without length"));
    assert_eq!(parse::check(&with(&[1, 1])), Err("attribute too short"));
    assert_eq!(parse::check(&with(&[1, 4, 0])), Err("attribute runs over the end"));
    assert_eq!(parse::check(&with(&[])), Ok(()));
}

proptest! {
    #[test]
    fn any_octets_are_survived(octets in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = parse::check(&octets);
    }
}
