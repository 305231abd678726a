//! IRC is confirmed by a command of the client.

use proptest::prelude::*;

use super::parse::{self, Kind, Message, Reject};
use crate::Direction::{Originator, Responder};
use crate::testing::Harness;

#[test]
fn command_of_the_client_confirms() {
    let mut harness = Harness::tcp(6667);
    harness.data(Originator, b"353 \n");
    assert_eq!(harness.services(), "");
    harness.data(Originator, b"NICK joe\r\n");
    assert_eq!(harness.services(), "irc");
}

#[test]
fn registration_and_reply_are_recognized() {
    let mut harness = Harness::tcp(4000);
    harness.data(Originator, b"USER x +iw x :X\r\n");
    harness.data(Originator, b"NICK joe\r\n");
    harness.data(Responder, b":a.example NOTICE * :*** Looking up\r\n");
    assert_eq!(harness.services(), "");
    harness.data(Responder, b":a.example 001 joe :Welcome\r\n");
    assert_eq!(harness.services(), "irc");
}

#[test]
fn starttls_goes_on_as_tls() {
    let mut harness = Harness::tcp(6667);
    harness.data(Originator, b"STARTTLS\r\n");
    harness.data(Responder, b":a.example 670 joe :STARTTLS successful\r\n");
    harness.data(Originator, b"9\r\n99\r\n9999\r\n");
    assert_eq!(harness.services(), "irc");
}

#[test]
fn what_is_no_reply_is_a_violation() {
    let mut harness = Harness::tcp(6667);
    harness.data(Originator, b"NICK joe\r\n");
    harness.data(Responder, b"9999\r\n");
    assert_eq!(harness.services(), "");
    assert!(harness.end().iter().any(|record| record.contains("irc_invalid_reply_number")));
}

#[test]
fn parts_of_a_message() {
    let message = Message { prefix: b"joe!u@h", kind: Kind::Command(b"PRIVMSG"), parameters: b"#a :hi" };
    assert_eq!(parse::message(b":joe!u@h PRIVMSG #a :hi"), Ok(message));
    let message = Message { prefix: b"", kind: Kind::Reply(353), parameters: b"a" };
    assert_eq!(parse::message(b"353 a"), Ok(message));
    assert_eq!(parse::message(b":joe"), Err(Reject::PrefixOnly));
    assert_eq!(parse::message(b":joe a"), Err(Reject::NoCommand));
    assert_eq!(parse::message(&[b'a'; 600]), Err(Reject::TooLong));
}

proptest! {
    #[test]
    fn any_octets_are_survived(text in "[:1a \r\n]{0,40}") {
        let octets = text.as_bytes();
        let _ = (parse::message(octets), parse::registers(octets), parse::replies(octets), parse::is_server(octets));
    }
}
