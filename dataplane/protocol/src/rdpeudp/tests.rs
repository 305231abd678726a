//! RDP over UDP is confirmed by the answer to a SYN.

use crate::Direction::{Originator, Responder};
use crate::testing::Harness;

fn syn() -> Vec<u8> {
    let mut syn = vec![0xff, 0xff, 0xff, 0xff, 0, 64, 0x10, 0x01];
    syn.resize(1232, 0);
    syn
}

#[test]
fn a_handshake_confirms_on_any_port() {
    for port in [3389, 3390] {
        let mut harness = Harness::udp(port);
        harness.data(Originator, &syn());
        assert_eq!(harness.services(), "");
        harness.data(Responder, &[0, 0, 0, 1, 0, 64, 0x10, 0x05]);
        assert_eq!(harness.services(), "rdpeudp");
        assert!(!harness.wants_payload());
    }
}

#[test]
fn without_a_syn_nothing_is_confirmed() {
    let mut harness = Harness::udp(3389);
    harness.data(Responder, &[0, 0, 0, 1, 0, 64, 0, 5]);
    assert_eq!(harness.services(), "");
    harness.data(Originator, &[0; 7]);
    assert!(!harness.wants_payload());
}
