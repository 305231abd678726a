//! FTP is confirmed by a command.

use crate::Direction::{Originator, Responder};
use crate::testing::Harness;

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
