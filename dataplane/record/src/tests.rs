//! What the encoders write.

use proptest::prelude::*;

use crate::{
    Addr, Conn, Date, Endpoints, Format, IdSource, Interval, Log, LogSet, Proto, RecordBuffer, Time, Value,
    community_id, tsv_header,
};

fn endpoints() -> Endpoints {
    Endpoints {
        orig_h: Addr::v4([192, 168, 1, 52]),
        orig_p: 54585,
        resp_h: Addr::v4([8, 8, 8, 8]),
        resp_p: 53,
    }
}

fn conn(service: Option<&[u8]>) -> Conn<'_> {
    Conn {
        ts: Time::new(1_600_000_000, 123_456_789),
        uid: IdSource::seeded(1).uid(Time(1), &endpoints(), 17, 0),
        id: endpoints(),
        proto: Proto::Udp,
        service,
        duration: Some(Interval(1_500)),
        orig_bytes: None,
        resp_bytes: None,
        conn_state: Some("SF"),
        local_orig: Some(true),
        local_resp: Some(false),
        missed_bytes: 0,
        history: None,
        orig_pkts: Some(1),
        orig_ip_bytes: Some(60),
        resp_pkts: Some(0),
        resp_ip_bytes: Some(0),
        tunnel_parents: None,
        ip_proto: Some(17),
        community_id: None,
        vlan: None,
        inner_vlan: None,
    }
}

fn encode(format: Format, service: Option<&[u8]>) -> String {
    let mut buffer = RecordBuffer::new(format, LogSet::ALL);
    buffer.emit(&conn(service));
    let line = buffer.iter().next().map(|(_, line)| line.to_vec());
    String::from_utf8(line.unwrap_or_default()).unwrap()
}

#[test]
fn json_leaves_out_what_is_unset_and_keeps_dots_in_names() {
    let line = encode(Format::Json, Some(b"dns"));
    let value: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(value["id.orig_h"], "192.168.1.52");
    assert_eq!(value["service"], "dns");
    assert!(line.starts_with("{\"ts\":1600000000.123456,\"uid\":\"C"));
    assert!(value.get("history").is_none());
}

#[test]
fn spool_form_starts_with_the_path() {
    assert!(encode(Format::JsonWithPath, None).starts_with("{\"_path\":\"conn\",\"ts\":"));
}

#[test]
fn tsv_has_a_column_for_every_field() {
    let line = encode(Format::Tsv, None);
    assert_eq!(line.trim_end().split('\t').count(), Log::Conn.fields().len());
    let header = String::from_utf8(tsv_header(Log::Conn, "2020-01-01-00-00-00")).unwrap();
    let names = header.lines().find(|l| l.starts_with("#fields")).unwrap();
    assert_eq!(names.split('\t').count() - 1, Log::Conn.fields().len());
}

#[test]
fn tsv_escapes_what_would_read_as_unset() {
    assert!(encode(Format::Tsv, Some(b"-")).contains("\t\\x2d\t"));
    assert!(encode(Format::Tsv, Some(b"a\tb\\")).contains("\ta\\x09b\\\\\t"));
}

#[test]
fn unwanted_logs_are_not_encoded() {
    let mut buffer = RecordBuffer::new(Format::Json, LogSet::ALL.without(Log::Conn));
    buffer.emit(&conn(None));
    assert!(buffer.is_empty());
}

#[test]
fn community_ids_are_those_of_the_specification() {
    // Values published with the specification's reference implementation for the same tuples.
    let id = Endpoints {
        orig_h: Addr::v4([128, 232, 110, 120]),
        orig_p: 34855,
        resp_h: Addr::v4([66, 35, 250, 204]),
        resp_p: 80,
    };
    assert_eq!(community_id(0, &id, 6, false), "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
    let back = Endpoints { orig_h: id.resp_h, orig_p: id.resp_p, resp_h: id.orig_h, resp_p: id.orig_p };
    assert_eq!(community_id(0, &back, 6, false), community_id(0, &id, 6, false));
}

proptest! {
    #[test]
    fn any_bytes_become_valid_json(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let line = encode(Format::Json, Some(&bytes));
        prop_assert!(serde_json::from_str::<serde_json::Value>(&line).is_ok(), "{}", line);
    }

    #[test]
    fn any_bytes_stay_one_tsv_column(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let line = encode(Format::Tsv, Some(&bytes));
        prop_assert_eq!(line.matches('\n').count(), 1);
        prop_assert_eq!(line.trim_end_matches('\n').split('\t').count(), Log::Conn.fields().len());
    }

    #[test]
    fn text_survives_json(text in "[\\PC&&[^\u{fff0}-\u{ffff}]]{0,40}") {
        let line = encode(Format::Json, Some(text.as_bytes()));
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        prop_assert_eq!(value["service"].as_str().unwrap(), text.as_str());
    }
}

#[test]
fn json_keeps_text_and_escapes_binary_values_as_a_whole() {
    let service = |bytes: &[u8]| -> String {
        let value: serde_json::Value = serde_json::from_str(&encode(Format::Json, Some(bytes))).unwrap();
        value["service"].as_str().unwrap().to_owned()
    };
    assert_eq!(service("luca’s \u{1f600}\u{7}".as_bytes()), "luca’s \u{1f600}\\x07");
    assert_eq!(service(b"\xc3\xb1\xc0\x81"), "\\xc3\\xb1\\xc0\\x81");
    assert_eq!(service(b"\xc3\xb1\xee\x80\x80"), "\\xc3\\xb1\\xee\\x80\\x80");
}

#[test]
fn dates_before_1970_and_in_the_far_future_are_written() {
    let json = |date: Date| {
        let mut out = Vec::new();
        Value::json(&date, &mut out);
        String::from_utf8(out).unwrap()
    };
    assert_eq!(json(Date(-86_400)), "-86400.000000");
    assert_eq!(json(Date(253_402_300_799)), "253402300799.000000");
}
