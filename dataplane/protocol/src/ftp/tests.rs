//! FTP is confirmed by a command; its data connections are known by what it says of them.

use proptest::prelude::*;
use record::{Addr, Interval};

use super::parse::{extended, extended_passive, host_port, passive};
use crate::Direction::{Originator, Responder};
use crate::testing::Harness;

/// The ends of the harness's connection.
const CLIENT: Addr = Addr::v4([10, 0, 0, 1]);
const SERVER: Addr = Addr::v4([192, 0, 2, 1]);

#[test]
fn command_confirms() {
    let mut harness = Harness::tcp(21);
    harness.data(Responder, b"220-hello\r\nthere\r\n220 done\r\n");
    harness.data(Originator, b"USER a\r\n");
    assert_eq!(harness.services(), "ftp");
}

#[test]
fn reply_without_code_is_a_violation() {
    let mut harness = Harness::tcp(21);
    harness.data(Originator, b"USER a\r\n");
    harness.data(Responder, b"hello\r\n");
    assert_eq!(harness.services(), "");
}

#[test]
fn addresses_of_data_connections_are_read() {
    let host = Addr::v4([192, 0, 2, 9]);
    assert_eq!(host_port(b"192,0,2,9,4,1"), Some((host, 1025)));
    assert_eq!(host_port(b"192,0,2,9,4"), None);
    assert_eq!(host_port(b"192,0,2,256,4,1"), None);
    assert_eq!(passive(b"Entering Passive Mode (192,0,2,9,4,1)."), Some((host, 1025)));
    assert_eq!(passive(b"Go to =192,0,2,9,4,1"), Some((host, 1025)));
    assert_eq!(passive(b"no"), None);
    assert_eq!(extended(b"|1|192.0.2.9|1025|"), Some((Some(host), 1025)));
    assert_eq!(extended(b"|1|192.0.2.9|1025"), None);
    assert_eq!(extended(b"|3|nobody|1025|"), None);
    assert_eq!(extended_passive(b"Extended (|||1025|)"), Some((None, 1025)));
}

#[test]
fn passive_data_connection_is_a_file() {
    let mut harness = Harness::tcp(21);
    harness.data(Originator, b"USER a\r\nPASV\r\n");
    harness.data(Responder, b"220 a\r\n227 Entering Passive Mode (192,0,2,1,4,1)\r\n");
    harness.connect(CLIENT, SERVER, 1025);
    assert_eq!(harness.services(), "ftp-data");
    harness.data(Responder, b"some text of a file\r\n");
    let records = harness.end();
    assert!(records.iter().any(|record| record.contains("\"source\":\"FTP_DATA\"")
        && record.contains("\"seen_bytes\":21")
        && record.contains("\"is_orig\":false")));
}

#[test]
fn active_data_connection_comes_from_the_server() {
    let mut harness = Harness::tcp(21);
    harness.data(Originator, b"USER a\r\nPORT 10,0,0,1,4,1\r\n");
    harness.connect(SERVER, CLIENT, 1025);
    assert_eq!(harness.services(), "ftp-data");
    harness.connect(CLIENT, SERVER, 1025);
    assert_eq!(harness.services(), "");
}

#[test]
fn data_connections_are_expected_for_a_while() {
    let mut harness = Harness::tcp(21);
    harness.data(Originator, b"USER a\r\nEPSV\r\n");
    harness.data(Responder, b"229 Extended Passive Mode (|||1025|)\r\n");
    harness.pass(Interval::from_secs(299));
    harness.connect(CLIENT, SERVER, 1025);
    assert_eq!(harness.services(), "ftp-data");
    harness.pass(Interval::from_secs(1));
    harness.connect(CLIENT, SERVER, 1025);
    assert_eq!(harness.services(), "");
}

proptest! {
    #[test]
    fn any_lines_are_survived(lines in "((227|229|335|PORT|EPRT|ADAT|AUTH GSSAPI)[ (=|,0-9a-z\\-]{0,40}\r\n){0,20}") {
        let mut harness = Harness::tcp(21);
        harness.data(Originator, lines.as_bytes());
        harness.data(Responder, lines.as_bytes());
        harness.end();
    }
}
