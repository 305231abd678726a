//! Announcements are bounded in number and time; what they announce is a file.

use record::{Addr, Endpoints, Interval, Time};

use super::expected::{Announcement, Expected};
use crate::Direction::{Originator, Responder};
use crate::testing::Harness;

const CLIENT: Addr = Addr::v4([10, 0, 0, 1]);
const SERVER: Addr = Addr::v4([192, 0, 2, 1]);

fn announcement(originator: Option<Addr>) -> Announcement {
    Announcement { originator, service: "ftp-data", source: "FTP_DATA", filename: None }
}

fn to_port(resp_p: u16) -> Endpoints {
    Endpoints { orig_h: CLIENT, orig_p: 40000, resp_h: SERVER, resp_p }
}

#[test]
fn oldest_announcement_gives_way() {
    let mut expected = Expected::default();
    let now = Time::new(1_700_000_000, 0);
    for port in 0..=4096 {
        expected.announce(now, 0, (SERVER, port), announcement(None));
    }
    assert!(expected.find(now, &to_port(0)).is_none());
    assert!(expected.find(now, &to_port(1)).is_some());
}

#[test]
fn announcing_again_prolongs() {
    let mut expected = Expected::default();
    let now = Time::new(1_700_000_000, 0);
    let later = now.after(Interval::from_secs(200));
    expected.announce(now, 0, (SERVER, 7), announcement(None));
    expected.announce(later, 0, (SERVER, 7), announcement(Some(CLIENT)));
    let end = later.after(Interval::from_secs(299));
    expected.expire(end);
    assert!(expected.find(end, &to_port(7)).is_some());
    expected.expire(end.after(Interval::from_secs(1)));
    assert!(expected.find(end, &to_port(7)).is_none());
}

#[test]
fn announcements_move_with_the_bucket_and_keep_their_time() {
    let (mut a, mut b) = (Expected::default(), Expected::default());
    let now = Time::new(1_700_000_000, 0);
    a.announce(now, 1, (SERVER, 7), announcement(None));
    a.announce(now, 2, (SERVER, 8), announcement(None));
    b.announce(now.after(Interval::from_secs(9)), 3, (SERVER, 9), announcement(None));
    a.extract(1).into_iter().for_each(|detached| b.insert(detached));
    assert!(a.find(now, &to_port(7)).is_none() && a.find(now, &to_port(8)).is_some());
    assert!(b.find(now, &to_port(7)).is_some());
    let end = now.after(Interval::from_secs(300));
    b.expire(end);
    assert!(b.extract(1).is_empty());
    assert!(b.find(end, &to_port(9)).is_some());
}

#[test]
fn offered_file_has_its_name() {
    let mut harness = Harness::tcp(6667);
    harness.data(Originator, b"PRIVMSG bob :\x01DCC SEND hello.txt 167772161 5555 12\x01\r\n");
    harness.connect(SERVER, CLIENT, 5555);
    assert_eq!(harness.services(), "irc-dcc-data");
    harness.gap(Responder, 3);
    harness.data(Responder, b"hello world\n");
    let records = harness.end();
    assert!(records.iter().any(|record| record.contains("\"source\":\"IRC_DATA\"")
        && record.contains("\"filename\":\"hello.txt\"")
        && record.contains("\"missing_bytes\":3")
        && record.contains("\"seen_bytes\":12")));
}
