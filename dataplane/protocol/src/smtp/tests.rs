//! SMTP is confirmed by a command.

use crate::Direction::{Originator, Responder};
use crate::testing::Harness;

#[test]
fn command_confirms() {
    let mut harness = Harness::tcp(25);
    harness.data(Responder, b"220 mx ESMTP\r\n");
    assert_eq!(harness.services(), "");
    harness.data(Originator, b"EHLO a\r\n");
    assert_eq!(harness.services(), "smtp");
}

#[test]
fn reply_without_code_is_a_violation() {
    let mut harness = Harness::tcp(25);
    harness.data(Originator, b"EHLO a\r\n");
    harness.data(Responder, b"hello\r\n");
    assert_eq!(harness.services(), "");
}

#[test]
fn greetings_are_recognized_on_any_port() {
    let mut harness = Harness::tcp(2526);
    harness.data(Responder, b"220 mx ESMTP\r\n");
    harness.data(Originator, b"ehlo a\r\n");
    assert_eq!(harness.services(), "smtp");
}
