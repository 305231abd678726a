//! Initial packets are opened, and a connection's packets make its history.

use data_encoding::HEXLOWER;
use proptest::prelude::*;
use serde_json::Value;

use super::parse::{self, Kind, VERSION_1, VERSION_2};
use super::protection::Protection;
use super::stream::Stream;
use crate::Direction::{self, Originator, Responder};
use crate::testing::Harness;

const CLIENT_DESTINATION: [u8; 8] = [0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08];

fn crypto(offset: u16, data: &[u8]) -> Vec<u8> {
    let offset = (0x4000 | offset).to_be_bytes();
    let length = (0x4000 | data.len() as u16).to_be_bytes();
    [&[6][..], &offset, &length, data].concat()
}

/// An Initial packet of the client whose connection id has one octet, or of the server.
fn initial(version: u32, sender: Direction, number: u32, frames: &[u8]) -> Vec<u8> {
    let mut frames = frames.to_vec();
    frames.resize(frames.len().max(40), 0);
    let length = 0x4000 | (4 + frames.len() as u16 + 16);
    let first: u8 = if version == VERSION_2 { 0xd3 } else { 0xc3 };
    let ids: &[u8] = match sender {
        Originator => &[8, 0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08, 1, 0xcc],
        Responder => &[1, 0xcc, 2, 0xbb, 0xbb],
    };
    let header =
        [&[first][..], &version.to_be_bytes(), ids, &[0], &length.to_be_bytes(), &number.to_be_bytes()]
            .concat();
    Protection::new(version, &CLIENT_DESTINATION, sender).unwrap().seal(&header, number, &frames)
}

fn client_hello() -> Vec<u8> {
    let name = b"\x00\x00\x00\x0e\x00\x0c\x00\x00\x09localhost";
    let alpn = b"\x00\x10\x00\x08\x00\x06\x02h3\x02h2";
    let extensions = [&name[..], alpn].concat();
    let body = [
        &[3, 3][..],
        &[7; 32],
        &[0, 0, 2, 0x13, 0x01, 1, 0],
        &(extensions.len() as u16).to_be_bytes(),
        &extensions,
    ]
    .concat();
    [&[1, 0][..], &(body.len() as u16).to_be_bytes(), &body].concat()
}

fn server_hello() -> Vec<u8> {
    let body = [&[3, 3][..], &[9; 32], &[0, 0x13, 0x01, 0, 0, 6, 0, 43, 0, 2, 3, 4]].concat();
    [&[2, 0][..], &(body.len() as u16).to_be_bytes(), &body].concat()
}

fn of_log(records: &[String], log: &str) -> Vec<Value> {
    records
        .iter()
        .map(|record| serde_json::from_str::<Value>(record).unwrap())
        .filter(|record| record["_path"] == log)
        .collect()
}

/// RFC 9001, appendix A.3.
#[test]
fn server_packet_of_the_rfc_opens() {
    let packet = HEXLOWER
        .decode(
            b"cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a5816b6394100f37a1c69797554780bb38cc5a9\
              9f5ede4cf73c3ec2493a1839b3dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73cc3f3bded74b562bfb19fb84022f8ef4cd\
              d93795d77d06edbb7aaf2f58891850abbdca3d20398c276456cbc42158407dd074ee"
                .iter()
                .copied()
                .filter(|octet| *octet != b' ')
                .collect::<Vec<u8>>()
                .as_slice(),
        )
        .unwrap();
    let (long, rest) = parse::long(&packet).unwrap();
    assert!(rest.is_empty());
    let Kind::Initial(initial) = long.kind else { panic!("not an Initial packet") };
    let frames = Protection::new(VERSION_1, &CLIENT_DESTINATION, Responder).unwrap().open(initial).unwrap();
    assert_eq!(frames[..8], [0x02, 0, 0, 0, 0, 0x06, 0, 0x40]);
}

#[test]
fn hellos_are_logged() {
    for version in [VERSION_1, VERSION_2, 0xff00_001d] {
        let mut harness = Harness::udp(4433);
        if version != VERSION_1 && version != VERSION_2 {
            harness = Harness::udp(853);
        }
        harness.data(Originator, &initial(version, Originator, 0, &crypto(0, &client_hello())));
        assert_eq!(harness.services(), "quic,ssl");
        harness.data(Responder, &initial(version, Responder, 0, &crypto(0, &server_hello())));
        for _ in 0..4 {
            harness.data(Originator, &[0x40; 30]);
        }
        let records = harness.end();
        let quic = &of_log(&records, "quic")[0];
        assert_eq!(quic["history"], "ISisOOO");
        assert_eq!(quic["server_name"], "localhost");
        assert_eq!(quic["client_protocol"], "h3");
        assert_eq!(quic["client_initial_dcid"], "8394c8f03e515708");
        assert_eq!(quic["client_scid"], "cc");
        assert_eq!(quic["server_scid"], "bbbb");
        assert_eq!(of_log(&records, "ssl")[0]["ssl_history"], "Cs");
        assert_eq!(of_log(&records, "weird")[0]["addl"], "[h3, h2]");
    }
}

#[test]
fn a_hello_in_pieces_out_of_order_is_joined() {
    let hello = client_hello();
    let (first, second) = hello.split_at(30);
    let mut harness = Harness::udp(853);
    let frames = [crypto(30, second), vec![1], crypto(20, &hello[20..40])].concat();
    harness.data(Originator, &initial(VERSION_1, Originator, 0, &frames));
    assert_eq!(harness.services(), "quic");
    harness.data(Originator, &initial(VERSION_1, Originator, 1, &crypto(0, first)));
    let records = harness.end();
    assert_eq!(of_log(&records, "quic")[0]["history"], "IIS");
    assert_eq!(of_log(&records, "quic")[0]["server_name"], "localhost");
}

#[test]
fn coalesced_packets_and_a_close_are_told_apart() {
    let mut harness = Harness::udp(853);
    let handshake = [&[0xe0, 0, 0, 0, 1, 0, 1, 0xcc, 5][..], &[0; 5]].concat();
    let datagram =
        [initial(VERSION_1, Originator, 0, &[0x1c, 0, 6, 2, b'n', b'o']), handshake, vec![0; 9]].concat();
    harness.data(Originator, &datagram);
    let records = harness.end();
    let histories: Vec<_> = of_log(&records, "quic").iter().map(|record| record["history"].clone()).collect();
    assert_eq!(histories, ["IC", "HX"]);
}

#[test]
fn a_retry_begins_anew() {
    let mut harness = Harness::udp(853);
    let hello = initial(VERSION_1, Originator, 0, &crypto(0, &client_hello()));
    harness.data(Originator, &hello);
    harness.data(Responder, &[&[0xf0, 0, 0, 0, 1, 1, 0xcc, 1, 0xbb][..], &[0; 20]].concat());
    harness.data(Originator, &hello);
    let records = harness.end();
    let histories: Vec<_> = of_log(&records, "quic").iter().map(|record| record["history"].clone()).collect();
    assert_eq!(histories, ["ISr", "IS"]);
    assert_eq!(of_log(&records, "ssl").len(), 1);
}

#[test]
fn an_unknown_version_is_one_record() {
    let mut harness = Harness::udp(853);
    harness.data(Originator, &[0xc0, 0x0a, 0x0a, 0x0a, 0x0a, 1, 0xaa, 0, 1, 2, 3]);
    assert!(!harness.wants_payload());
    let records = harness.end();
    assert_eq!(of_log(&records, "quic")[0]["version"], "unknown-a0a0a0a");
    assert_eq!(of_log(&records, "quic")[0]["history"], "U");
    assert_eq!(harness.services(), "");
}

#[test]
fn a_packet_that_does_not_open_confirms_nothing() {
    let mut packet = initial(VERSION_1, Originator, 0, &crypto(0, &client_hello()));
    *packet.last_mut().unwrap() ^= 1;
    let mut harness = Harness::udp(853);
    harness.data(Originator, &packet);
    assert_eq!(harness.services(), "");
    assert!(!harness.wants_payload());
    assert_eq!(of_log(&harness.end(), "quic")[0]["history"], "I");
}

#[test]
fn history_is_bounded() {
    let mut harness = Harness::udp(853);
    let packet = initial(VERSION_1, Originator, 0, &[1]);
    for _ in 0..150 {
        harness.data(Originator, &packet);
    }
    let records = harness.end();
    assert_eq!(of_log(&records, "quic")[0]["history"].as_str().unwrap().len(), 100);
    assert_eq!(of_log(&records, "weird").len(), 1);
}

proptest! {
    #[test]
    fn any_datagram_is_survived(datagrams in proptest::collection::vec((any::<bool>(), proptest::collection::vec(any::<u8>(), 0..80)), 0..8)) {
        let mut harness = Harness::udp(853);
        for (orig, mut datagram) in datagrams {
            if let [first, a, b, c, d, ..] = datagram.as_mut_slice() && *first & 0x80 != 0 {
                [*a, *b, *c, *d] = VERSION_1.to_be_bytes();
            }
            harness.data(if orig { Originator } else { Responder }, &datagram);
        }
        harness.end();
    }

    #[test]
    fn any_frames_are_survived(frames in proptest::collection::vec(any::<u8>(), 40..120)) {
        let mut harness = Harness::udp(853);
        harness.data(Originator, &initial(VERSION_1, Originator, 0, &frames));
        harness.end();
    }

    #[test]
    fn pieces_in_any_order_make_the_message(
        body in proptest::collection::vec(any::<u8>(), 0..300),
        cuts in proptest::collection::vec((any::<u16>(), any::<u8>()), 0..40),
    ) {
        let message = [&[1, 0][..], &(body.len() as u16).to_be_bytes(), &body].concat();
        let mut stream = Stream::default();
        let mut made = None;
        for (from, length) in cuts.iter().copied().chain([(0, 255), (255, 255)]) {
            let from = usize::from(from) % message.len();
            let to = message.len().min(from + usize::from(length));
            if let Some(complete) = stream.add(from as u64, &message[from..to]).unwrap() {
                made = Some(complete.to_vec());
            }
        }
        prop_assert!(stream.is_finished() || message.len() > 510);
        if let Some(made) = made {
            prop_assert_eq!(made, message);
        }
    }
}
