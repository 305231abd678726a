//! POP3 is confirmed by the reply to USER, CAPA or STLS.

use proptest::prelude::*;

use super::parse::{self, Command, Word};
use crate::Direction::{Originator, Responder};
use crate::testing::Harness;

fn greeted() -> Harness {
    let mut harness = Harness::tcp(110);
    harness.data(Responder, b"+OK ready\r\n");
    harness
}

#[test]
fn accepted_user_confirms() {
    let mut harness = greeted();
    harness.data(Originator, b"USER joe\r\n");
    assert_eq!(harness.services(), "");
    harness.data(Responder, b"+OK\r\n");
    assert_eq!(harness.services(), "pop3");
}

#[test]
fn mail_is_no_reply() {
    let mut harness = greeted();
    harness.data(Originator, b"USER joe\r\nPASS x\r\nLIST\r\nRETR 1\r\nQUIT\r\n");
    harness.data(
        Responder,
        b"+OK\r\n+OK\r\n+OK\r\n1 120\r\n.\r\n+OK\r\nSubject: a\r\n\r\nhi\r\n.\r\n+OK bye\r\n",
    );
    assert_eq!(harness.services(), "pop3");
}

#[test]
fn stls_goes_on_as_tls() {
    let mut harness = greeted();
    harness.data(Originator, b"CAPA\r\n");
    harness.data(Responder, b"+OK\r\nSTLS\r\n.\r\n");
    harness.data(Originator, b"STLS\r\n");
    harness.data(Responder, b"+OK begin\r\n");
    harness.data(Responder, b"what is this\r\n");
    assert_eq!(harness.services(), "pop3");
}

#[test]
fn unknown_reply_is_a_violation() {
    let mut harness = greeted();
    harness.data(Originator, b"USER joe\r\n");
    harness.data(Responder, b"+OK\r\n");
    harness.data(Responder, b"+\r\r..\r\n");
    assert_eq!(harness.services(), "");
    let records = harness.end();
    assert!(records.iter().any(|record| record.contains("pop3_server_command_unknown")), "{records:?}");
}

#[test]
fn words_are_known_in_any_case() {
    assert_eq!(parse::command(b" list  1"), Some(Command { word: Word::List, has_argument: true }));
    assert_eq!(parse::command(b"-ERR"), Some(Command { word: Word::Err, has_argument: false }));
    assert_eq!(parse::command(b"PING"), None);
}

proptest! {
    #[test]
    fn any_octets_are_survived(lines in proptest::collection::vec((any::<bool>(), "(USER|PASS|LIST|RETR|AUTH|CAPA|[+]OK|-ERR|[.]) ?[a]?\r\n"), 0..30)) {
        let mut harness = greeted();
        for (originator, line) in lines {
            harness.data(if originator { Originator } else { Responder }, line.as_bytes());
        }
    }
}
