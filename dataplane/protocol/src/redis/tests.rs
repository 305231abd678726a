//! Redis is confirmed by a whole reply.

use proptest::prelude::*;

use super::parse::{self, Values, Words};
use crate::Direction::{Originator, Responder};
use crate::testing::Harness;

const GET: &[u8] = b"*2\r\n$3\r\nGET\r\n$14\r\n:1:factorial_3\r\n";

#[test]
fn reply_confirms_on_any_port() {
    for port in [6379, 10625] {
        let mut harness = Harness::tcp(port);
        harness.data(Originator, GET);
        assert_eq!(harness.services(), "");
        harness.data(Responder, b"$1\r\n6\r\n");
        assert_eq!(harness.services(), "redis");
    }
}

#[test]
fn nested_values_end_together() {
    let reply = b"*3\r\n%1\r\n+a\r\n$2\r\n\r\n\r\n|1\r\n+ttl\r\n:3600\r\n:3\r\n*-1\r\n+OK\r\n";
    for cut in 1..reply.len() {
        let mut values = Values::default();
        let ended: usize = reply.chunks(cut).map(|piece| values.read(piece).unwrap()).sum();
        assert_eq!(ended, 2, "{cut}");
    }
}

#[test]
fn commands_are_arrays_or_lines() {
    let mut words = Words::default();
    assert_eq!(words.read(b"PING\r\n"), Ok(1));
    assert_eq!(words.read(GET), Ok(1));
    assert!(words.read(b"*1\r\n+GET\r\n").is_err());
    assert!(Words::default().read(&[b'a'; 2000]).is_err());
}

#[test]
fn what_is_no_value_is_a_violation() {
    let mut harness = Harness::tcp(6379);
    harness.data(Originator, b"AUTH noone password\r\nPING\r\n");
    harness.data(Responder, b"+OK\r\n+OK\r\nnot RESP\r\n");
    assert_eq!(harness.services(), "");
}

#[test]
fn lines_of_other_protocols_are_not_recognized() {
    assert_eq!(parse::begins_command(b"USER joe\r\n"), Some(false));
    assert_eq!(parse::begins_command(b"*12"), None);
    assert_eq!(parse::begins_reply(b"* OK ready\r\n"), Some(false));
    assert_eq!(parse::begins_reply(b"+OK\r\n"), Some(true));
}

proptest! {
    #[test]
    fn any_octets_are_survived(pieces in proptest::collection::vec("[*$+|%:0-9a\r\n]{0,20}", 0..9)) {
        let (mut values, mut words) = (Values::default(), Words::default());
        for piece in &pieces {
            let _ = (values.read(piece.as_bytes()), words.read(piece.as_bytes()));
        }
    }
}
