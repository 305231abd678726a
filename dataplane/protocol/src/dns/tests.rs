//! Names, pairing, answers and framing of DNS.

use proptest::prelude::*;
use serde_json::Value;

use super::names;
use super::parse::{Damaged, NameStyle, Oddity, Reader};
use crate::Direction::{Originator, Responder};
use crate::testing::Harness;
use record::Interval;

const STYLE: NameStyle = NameStyle { long_labels: false, lower_case: true };

/// A header with one question and `answers` answers.
fn header(id: u16, flags: u16, questions: u16, answers: u16) -> Vec<u8> {
    [id, flags, questions, answers, 0, 0].iter().flat_map(|field| field.to_be_bytes()).collect()
}

/// `www.Example.org`, as labels.
const NAME: &[u8] = b"\x03www\x07Example\x03org\0";

fn query(id: u16) -> Vec<u8> {
    [&header(id, 0x0100, 1, 0), NAME, &[0, 1, 0, 1]].concat()
}

/// A response with one record of `rtype`, its owner a pointer to the question.
fn response(id: u16, rtype: u16, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap_or_default();
    [
        &header(id, 0x8580, 1, 1)[..],
        NAME,
        &[0, 1, 0, 1, 0xc0, 12],
        &rtype.to_be_bytes(),
        &[0, 1, 0, 0, 1, 0x2c],
        &length.to_be_bytes(),
        data,
    ]
    .concat()
}

fn records(harness: &mut Harness) -> Vec<Value> {
    harness.end().iter().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn answer_of(rtype: u16, data: &[u8]) -> String {
    let mut harness = Harness::udp(53);
    harness.data(Originator, &query(1));
    harness.data(Responder, &response(1, rtype, data));
    let records = records(&mut harness);
    let dns = records.iter().find(|record| record["_path"] == "dns");
    dns.and_then(|record| record["answers"][0].as_str()).unwrap_or_default().to_owned()
}

#[test]
fn query_and_response_make_one_record() {
    let mut harness = Harness::udp(53);
    harness.data(Originator, &query(7));
    harness.pass(Interval::from_millis(20));
    harness.data(Responder, &response(7, 1, &[192, 0, 2, 80]));
    assert_eq!(harness.services(), "dns");
    let records = records(&mut harness);
    assert_eq!(records.len(), 1);
    let dns = &records[0];
    assert_eq!(dns["query"], "www.example.org");
    assert_eq!(dns["qtype_name"], "A");
    assert_eq!(dns["qclass_name"], "C_INTERNET");
    assert_eq!(dns["rcode_name"], "NOERROR");
    assert_eq!(dns["opcode_name"], "query");
    assert_eq!(dns["rtt"].to_string(), "0.02");
    assert_eq!(dns["answers"][0], "192.0.2.80");
    assert_eq!(dns["TTLs"][0], 300.0);
    assert_eq!((&dns["AA"], &dns["RD"], &dns["RA"]), (&true.into(), &true.into(), &true.into()));
    assert_eq!(dns["rejected"], false);
}

#[test]
fn unpaired_messages_are_written_at_the_end() {
    let mut harness = Harness::udp(53);
    harness.data(Originator, &query(1));
    harness.data(Originator, &query(2));
    harness.data(Responder, &response(3, 1, &[192, 0, 2, 80]));
    assert!(harness.records().is_empty());
    let records = records(&mut harness);
    let ids: Vec<_> = records.iter().filter_map(|record| record["trans_id"].as_u64()).collect();
    assert_eq!(ids, [1, 2, 3]);
}

#[test]
fn queries_with_the_same_id_are_answered_in_order() {
    let mut harness = Harness::udp(53);
    for _ in 0..3 {
        harness.data(Originator, &query(9));
        harness.pass(Interval::from_secs(1));
    }
    harness.data(Responder, &response(9, 1, &[192, 0, 2, 1]));
    harness.data(Responder, &response(9, 1, &[192, 0, 2, 2]));
    let records = records(&mut harness);
    let rtts: Vec<_> = records.iter().map(|record| record["rtt"].to_string()).collect();
    assert_eq!(rtts, ["3.0", "2.0", "null"]);
}

#[test]
fn a_response_before_its_query_completes_with_it() {
    let mut harness = Harness::udp(53);
    harness.data(Originator, &query(1));
    harness.data(Responder, &response(2, 1, &[192, 0, 2, 1]));
    harness.data(Originator, &query(2));
    assert_eq!(harness.records().len(), 1);
}

#[test]
fn a_response_of_the_originator_turns_the_connection() {
    let mut harness = Harness::udp(53);
    harness.data(Originator, &response(1, 1, &[192, 0, 2, 80]));
    let records = records(&mut harness);
    assert_eq!(records[0]["id.orig_h"], "192.0.2.1");
    assert_eq!(records[0]["query"], "www.example.org");
    assert_eq!(records[0].get("rtt"), None);
}

#[test]
fn a_response_without_records_is_a_rejection() {
    let mut harness = Harness::udp(53);
    harness.data(Originator, &query(1));
    harness.data(Responder, &[&header(1, 0x8183, 1, 0), NAME, &[0, 1, 0, 1]].concat());
    let records = records(&mut harness);
    assert_eq!(records[0]["rejected"], true);
    assert_eq!(records[0]["rcode_name"], "NXDOMAIN");
}

#[test]
fn answers_are_written_as_zeek_does() {
    assert_eq!(answer_of(28, &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]), "2001:db8::1");
    assert_eq!(answer_of(5, b"\x01A\xc0\x10"), "a.example.org");
    assert_eq!(answer_of(15, b"\0\x0a\x04mail\xc0\x10"), "mail.example.org");
    assert_eq!(answer_of(33, b"\0\x01\0\x02\x13\xc4\x03sip\xc0\x10"), "sip.example.org");
    assert_eq!(answer_of(16, b"\x02ab\x03cde"), "TXT 2 ab TXT 3 cde");
    assert_eq!(answer_of(99, b"\x04v=sp"), "SPF 4 v=sp");
    assert_eq!(answer_of(48, &[1, 1, 3, 8, 0]), "DNSKEY 8");
    assert_eq!(answer_of(43, &[0, 1, 8, 2, 0]), "DS 8 2");
    assert_eq!(answer_of(44, &[1, 1, 0xab, 0x0c]), "SSHFP: ab0c");
    assert_eq!(answer_of(35, b"\0\x64\0\x64\x01s\x03SIP\0\xc0\x10"), "NAPTR 100 100 s SIP example.org");
    assert_eq!(answer_of(46, &[&[0, 1, 8, 2], &[0; 14][..], &[0, 9]].concat()), "RRSIG 1 <Root>");
    assert_eq!(answer_of(10, b"xyz"), "<unknown type=10>");
    assert_eq!(answer_of(29, &[0, 18, 22, 19, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), "LOC:  18 22 19");
}

#[test]
fn tcp_messages_are_found_in_any_segments() {
    let framed = |message: Vec<u8>| {
        let length = u16::try_from(message.len()).unwrap_or_default();
        [&length.to_be_bytes()[..], &message].concat()
    };
    let queries = [framed(query(1)), framed(query(2))].concat();
    for size in 1..queries.len() {
        let mut harness = Harness::tcp(53);
        for segment in queries.chunks(size) {
            harness.data(Originator, segment);
        }
        harness.data(Responder, &framed(response(2, 1, &[192, 0, 2, 80])));
        assert_eq!(records(&mut harness).len(), 2, "segments of {size}");
    }
}

#[test]
fn a_gap_inside_a_message_loses_that_message_only() {
    let framed = [&[0, 33][..], &query(1), &[0, 33], &query(2)].concat();
    let mut harness = Harness::tcp(53);
    harness.data(Originator, &framed[..10]);
    harness.gap(Originator, 5);
    harness.data(Originator, &framed[15..]);
    let records = records(&mut harness);
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["trans_id"], 2);
}

#[test]
fn an_update_names_what_it_changes() {
    let update = |flags| {
        let counts: Vec<u8> =
            [5_u16, flags, 1, 0, 2, 0].iter().flat_map(|field| field.to_be_bytes()).collect();
        [
            &counts[..],
            NAME,
            &[0, 6, 0, 1],
            &[0xc0, 12, 0, 28, 0, 255, 0, 0, 0, 0, 0, 0],
            &[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7],
        ]
        .concat()
    };
    let mut harness = Harness::udp(53);
    harness.data(Originator, &update(0x2800));
    harness.data(Responder, &update(0xa800));
    let records = records(&mut harness);
    assert_eq!(records[0]["opcode_name"], "dynamic-update");
    assert_eq!(records[0]["answers"][0], "del: RRSet AAAA");
    assert_eq!(records[0]["answers"][1], "add: A www.example.org 192.0.2.7");
}

#[test]
fn netbios_names_are_decoded() {
    let mut message = header(1, 0x0110, 1, 0);
    message.extend_from_slice(b"\x20FHFAEBEECACACACACACACACACACACAAA\0\0\x20\0\x01");
    let mut harness = Harness::udp(137);
    harness.data(Originator, &message);
    let records = records(&mut harness);
    assert_eq!(records[0]["query"], "WPAD");
    assert_eq!(records[0]["qtype_name"], "NIMLOC");
    assert_eq!(records[0]["opcode_name"], "netbios-query");
    assert_eq!(names::netbios(b"ckaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa").as_deref(), Some(&b"*"[..]));
    assert_eq!(names::netbios(b"www.example.org"), None);
}

#[test]
fn unknown_operations_and_short_messages_are_weird() {
    let mut harness = Harness::udp(53);
    harness.data(Originator, &header(1, 0x4800, 0, 0));
    harness.data(Originator, &[0; 11]);
    let records = records(&mut harness);
    assert_eq!(records[0]["name"], "DNS_unknown_opcode");
    assert_eq!(records[0]["addl"], "9");
    assert_eq!(records[0]["source"], "DNS");
    assert_eq!(records[1]["name"], "DNS_truncated_len_lt_hdr_len");
    assert_eq!(harness.services(), "");
}

#[test]
fn too_many_questions_are_a_violation() {
    let mut harness = Harness::udp(53);
    harness.data(Originator, &query(1));
    assert_eq!(harness.services(), "dns");
    harness.data(Originator, &header(1, 0, 26, 0));
    assert_eq!(harness.services(), "");
    assert!(!harness.wants_payload());
}

/// Reads the name at `position` of `message`.
fn name_at(message: &[u8], position: usize) -> (Result<(), Damaged>, Vec<u8>, Vec<Oddity>) {
    let mut reader = Reader::new(message);
    reader.advance_to(position);
    let (mut name, mut oddities) = (Vec::new(), Vec::new());
    let result = reader.name(STYLE, &mut name, &mut oddities);
    (result, name, oddities)
}

#[test]
fn pointers_lead_back_and_not_too_often() {
    let (result, _, oddities) = name_at(b"............\xc0\x0c", 12);
    assert_eq!(result, Err(Damaged));
    assert_eq!(oddities, [Oddity::plain("DNS_label_forward_compress_offset")]);

    // A name "a" at 12, then pointers, each to the one before.
    let mut message = Vec::from(*b"............\x01a\0.");
    for pointer in 0..40_u8 {
        let target = if pointer == 0 { 12 } else { 14 + 2 * pointer };
        message.extend_from_slice(&[0xc0, target]);
    }
    let last = message.len() - 2;
    let (result, name, oddities) = name_at(&message, last);
    assert_eq!((result, name.as_slice()), (Ok(()), &b""[..]));
    assert_eq!(oddities, [Oddity::plain("DNS_max_compression_chain_depth_exceeded")]);
    let (result, name, oddities) = name_at(&message, 16 + 2 * 19);
    assert_eq!((result, name.as_slice(), oddities.len()), (Ok(()), &b"a"[..], 0));
}

#[test]
fn damaged_names_are_reported() {
    assert_eq!(name_at(b"............\x03ab", 12).2, [Oddity::plain("DNS_label_len_gt_pkt")]);
    assert_eq!(name_at(b"............\x02ab", 12).2, [Oddity::plain("dns_invalid_name")]);
    assert_eq!(name_at(b"............\xc0", 12).2, [Oddity::plain("dns_invalid_name")]);
    let long = [&[0; 12][..], &[0x40], &[b'a'; 0x40], &[0]].concat();
    assert_eq!(name_at(&long, 12).2, [Oddity::plain("DNS_label_too_long")]);
    let many = [&[0; 12][..], &[&[63][..], &[b'a'; 63]].concat().repeat(9), &[0]].concat();
    assert_eq!(name_at(&many, 12).2, [Oddity::plain("DNS_label_len_gt_name_len")]);
}

proptest! {
    #[test]
    fn any_datagrams_are_survived(
        messages in proptest::collection::vec((any::<bool>(), proptest::collection::vec(any::<u8>(), 0..200)), 0..8),
        port in proptest::sample::select(vec![53_u16, 137, 5353, 5355]),
    ) {
        let mut harness = Harness::udp(port);
        for (from_originator, message) in messages {
            harness.data(if from_originator { Originator } else { Responder }, &message);
        }
        harness.end();
    }

    #[test]
    fn any_records_are_survived(rtype in any::<u16>(), low in 0_u16..260, data in proptest::collection::vec(any::<u8>(), 0..80)) {
        answer_of(rtype, &data);
        answer_of(low, &data);
    }

    #[test]
    fn any_stream_is_survived(segments in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..20)) {
        let mut harness = Harness::tcp(53);
        for segment in segments {
            harness.data(Originator, &segment);
            harness.gap(Originator, 1);
        }
        harness.end_of_stream(Originator);
        harness.end();
    }
}
