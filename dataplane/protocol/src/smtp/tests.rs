//! SMTP is confirmed by a command; the parts of its mails are files.

use proptest::prelude::*;

use super::parse::{Chunk, Command, command};
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

/// The `files` records of a mail.
fn files(pieces: &[(crate::Direction, &[u8])]) -> Vec<String> {
    let mut harness = Harness::tcp(25);
    for (direction, piece) in pieces {
        harness.data(*direction, piece);
    }
    harness.end().into_iter().filter(|record| record.contains("\"source\":\"SMTP\"")).collect()
}

#[test]
fn parts_of_a_mail_are_files() {
    let records = files(&[
        (Responder, b"220 mx\r\n"),
        (Originator, b"EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n"),
        (Responder, b"250-mx\r\n250 PIPELINING\r\n250 ok\r\n250 ok\r\n354 go on\r\n"),
        (
            Originator,
            b"Content-Type: multipart/mixed;\r\n boundary=xx\r\n\r\nno part\r\n--xx\r\n\r\n..hello\r\n",
        ),
        (
            Originator,
            b"--xx\r\nContent-Type: text/plain; name=\"a.txt\"\r\nContent-Transfer-Encoding: base64\r\n\r\n",
        ),
        (Originator, b"YWJj\r\nZA==\r\n--xx--\r\n.\r\nQUIT\r\n"),
    ]);
    let [first, second] = &records[..] else { panic!("{records:?}") };
    assert!(first.contains("\"seen_bytes\":6") && first.contains("\"depth\":2"), "{first}");
    assert!(second.contains("\"seen_bytes\":4") && second.contains("\"filename\":\"a.txt\""), "{second}");
}

#[test]
fn refused_data_is_no_mail() {
    let mut harness = Harness::tcp(25);
    harness.data(Responder, b"220 mx\r\n");
    harness.data(Originator, b"DATA\r\n");
    harness.data(Responder, b"503 no\r\n");
    harness.data(Originator, b"STARTTLS\r\n");
    harness.data(Responder, b"220 go on\r\n");
    assert!(harness.end().iter().all(|record| !record.contains("SMTP")));
}

#[test]
fn chunks_of_a_mail_are_joined() {
    let records =
        files(&[(Originator, b"BDAT 9\r\n\r\nhello \r"), (Originator, b"BDAT 7 LAST\r\n\nworld\n")]);
    let [record] = &records[..] else { panic!("{records:?}") };
    assert!(record.contains("\"seen_bytes\":14"), "{record}");
}

proptest! {
    #[test]
    fn any_segments_give_the_same_files(cut in 0_usize..60) {
        let mail = b"DATA\r\nContent-Type: message/rfc822\r\n\r\nA: b\r\n\r\nhello\r\nworld\r\n.\r\n";
        let (first, second) = mail.split_at(cut);
        let records = files(&[(Originator, first), (Originator, second)]);
        prop_assert_eq!(records.len(), 1);
        prop_assert!(records[0].contains("\"seen_bytes\":14"));
    }

    #[test]
    fn any_lines_are_survived(text in "((DATA|BDAT 5|BDAT 3 LAST|354 a|250-a|\\.|--x|Content-Type: (multipart/a; boundary=x|message/a)|[ -~]{0,9})(\r\n|\n)){0,40}", gap in 0_u64..20) {
        let mut harness = Harness::tcp(25);
        harness.data(Originator, text.as_bytes());
        harness.gap(Originator, gap);
        harness.data(Responder, text.as_bytes());
        harness.data(Originator, text.as_bytes());
        harness.end();
    }
}

#[test]
fn sizes_of_chunks_are_read() {
    let chunk = |size, is_last| Some(Command::Chunk(Some(Chunk { size, is_last })));
    assert_eq!(command(b"bdat 86 last"), chunk(86, true));
    assert_eq!(command(b"BDAT 86"), chunk(86, false));
    for wrong in
        [b"BDAT".as_slice(), b"BDAT x", b"BDAT 86LAST", b"BDAT 86 FIRST", b"BDAT 184467440737095516150"]
    {
        assert_eq!(command(wrong), Some(Command::Chunk(None)));
    }
    assert_eq!(command(b"HALO a"), None);
}
