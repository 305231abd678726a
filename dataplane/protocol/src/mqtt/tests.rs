//! MQTT is confirmed by CONNECT and PUBLISH.

use proptest::prelude::*;

use super::parse::{self, Connect, Packet, Publish};
use crate::Direction::{Originator, Responder};
use crate::testing::Harness;

const CONNECT: &[u8] = b"\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04baby";

#[test]
fn connect_confirms_on_any_port() {
    for port in [1883, 9999] {
        let mut harness = Harness::tcp(port);
        harness.data(Originator, CONNECT);
        harness.data(Responder, b"\x20\x02\x00\x00");
        assert_eq!(harness.services(), "mqtt");
    }
}

#[test]
fn fields_are_read() {
    let connect = Connect { protocol_name: b"MQTT", protocol_level: 4, client_id: b"baby" };
    assert_eq!(parse::packet(CONNECT), Ok(Packet::Connect(connect)));
    let publish = Publish { topic: b"a/b", message: b"hi" };
    assert_eq!(parse::packet(b"\x32\x09\x00\x03a/b\x00\x01hi"), Ok(Packet::Publish(publish)));
}

#[test]
fn packet_in_two_segments_is_a_violation() {
    let mut harness = Harness::tcp(1883);
    harness.data(Originator, CONNECT);
    harness.data(Originator, b"\x30\x40\x00\x03a/bhi");
    assert_eq!(harness.services(), "");
}

#[test]
fn mqtt_5_is_not_understood() {
    let mut harness = Harness::tcp(1883);
    harness.data(Originator, b"\x10\x15\x00\x04MQTT\x05\x02\x00\x3c\x03\x21\x00\x14\x00\x05hello");
    assert_eq!(harness.services(), "");
}

proptest! {
    #[test]
    fn any_octets_are_survived(payload in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = parse::packet(&payload);
    }
}
