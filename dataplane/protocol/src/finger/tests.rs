//! Finger is confirmed by a query for someone, or by an answer of some length.

use crate::Direction::{Originator, Responder};
use crate::testing::Harness;

#[test]
fn queries_for_someone_confirm() {
    for (query, service) in [
        ("joe\r\n", "finger"),
        ("/W joe\r\n", "finger"),
        ("/W\r\n", "finger"),
        ("\r\n", ""),
        ("@host\r\n", ""),
    ] {
        let mut harness = Harness::tcp(79);
        harness.data(Originator, query.as_bytes());
        assert_eq!(harness.services(), service, "{query:?}");
    }
}

#[test]
fn an_answer_of_some_length_confirms() {
    let mut harness = Harness::tcp(79);
    harness.data(Originator, b"\r\n");
    harness.data(Responder, b"Login\r\nNo");
    assert_eq!(harness.services(), "");
    harness.data(Responder, b" one logged on\r\n");
    assert_eq!(harness.services(), "finger");
}

#[test]
fn what_is_no_text_is_a_violation() {
    let mut harness = Harness::tcp(79);
    harness.data(Originator, b"\xff\xfe\r\n");
    harness.data(Responder, b"No one logged on\r\n");
    assert_eq!(harness.services(), "");
}
