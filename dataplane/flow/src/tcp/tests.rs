use crate::testing::{Bench, CLIENT, SERVER, tcp};
use crate::{Config, Limits};

/// A packet: `>` is the client (port 40000), `<` the server (port 80), then flags, sequence number, acknowledgment and
/// payload.
type Line<'s> = (char, &'s str, u32, u32, &'s str);

fn play(script: &[Line<'_>]) -> Bench {
    let mut bench = Bench::new();
    for (direction, flags, sequence, ack, payload) in script {
        match direction {
            '>' => bench.client(flags, *sequence, *ack, payload.as_bytes()),
            _ => bench.server(flags, *sequence, *ack, payload.as_bytes()),
        };
    }
    bench
}

#[test]
fn sequences_have_the_states_and_histories_of_the_log_format() {
    let cases: &[(&str, &[Line<'_>])] = &[
        ("S0 S", &[('>', "S", 100, 0, "")]),
        ("S0 S", &[('>', "S", 100, 0, ""), ('>', "S", 100, 0, "")]),
        ("S1 Sh", &[('>', "S", 100, 0, ""), ('<', "SA", 500, 101, "")]),
        ("REJ Sr", &[('>', "S", 100, 0, ""), ('<', "RA", 0, 101, "")]),
        ("RSTOS0 SR", &[('>', "S", 100, 0, ""), ('>', "R", 101, 0, "")]),
        ("SH SF", &[('>', "S", 100, 0, ""), ('>', "F", 101, 0, "")]),
        ("S1 ShA", &[('>', "S", 100, 0, ""), ('<', "SA", 500, 101, ""), ('>', "A", 101, 501, "")]),
        (
            "SF ShADadFf",
            &[
                ('>', "S", 100, 0, ""),
                ('<', "SA", 500, 101, ""),
                ('>', "A", 101, 501, ""),
                ('>', "PA", 101, 501, "abc"),
                ('<', "A", 501, 104, ""),
                ('<', "PA", 501, 104, "defg"),
                ('>', "FA", 104, 505, ""),
                ('<', "FA", 505, 105, ""),
                ('>', "A", 105, 506, ""),
            ],
        ),
        (
            "RSTR ShADr",
            &[
                ('>', "S", 100, 0, ""),
                ('<', "SA", 500, 101, ""),
                ('>', "A", 101, 501, ""),
                ('>', "PA", 101, 501, "abc"),
                ('<', "RA", 501, 104, ""),
            ],
        ),
        (
            "RSTO ShAR",
            &[
                ('>', "S", 100, 0, ""),
                ('<', "SA", 500, 101, ""),
                ('>', "A", 101, 501, ""),
                ('>', "RA", 101, 501, ""),
            ],
        ),
        // A retransmission, and a zero window would be W; each is written once, then at the tenth time.
        (
            "S1 ShADT",
            &[
                ('>', "S", 100, 0, ""),
                ('<', "SA", 500, 101, ""),
                ('>', "A", 101, 501, ""),
                ('>', "PA", 101, 501, "abc"),
                ('>', "PA", 101, 501, "abc"),
                ('>', "PA", 101, 501, "abc"),
            ],
        ),
        // Inconsistent flags.
        ("SH Q", &[('>', "SF", 100, 0, "")]),
        // Midstream, from the client and, turned round by its port, from the server.
        ("OTH Da", &[('>', "PA", 100, 500, "abc"), ('<', "A", 500, 103, "")]),
        ("OTH ^d", &[('<', "PA", 500, 100, "abc")]),
        ("SHR ^hf", &[('<', "SA", 500, 101, ""), ('<', "FA", 501, 101, "")]),
        (
            "S1 ^hADd",
            &[
                ('<', "SA", 500, 101, ""),
                ('>', "A", 101, 501, ""),
                ('>', "PA", 101, 501, "abc"),
                ('<', "PA", 501, 104, "d"),
            ],
        ),
    ];
    for (expected, script) in cases {
        assert_eq!(play(script).summaries(), [*expected], "{script:?}");
    }
}

#[test]
fn counts_come_from_sequence_numbers_and_headers() {
    let mut bench = Bench::new();
    bench
        .handshake()
        .client("PA", 101, 501, b"hello")
        .server("PA", 501, 106, b"goodbye!")
        .client("FA", 106, 509, b"")
        .server("FA", 509, 107, b"")
        .client("A", 107, 510, b"");
    let records = bench.finish();
    let text = "tcp 10.0.0.1:40000 10.0.0.2:80 SF ShADdFf bytes 5/8 missed 0 packets 5/3 ip 205/128 for 6";
    assert_eq!(records[0].text, text);
    assert_eq!((records[0].orig.as_slice(), records[0].resp.as_slice()), (&b"hello"[..], &b"goodbye!"[..]));
    assert_eq!(bench.recorder.events, ["end Originator", "end Responder"]);
}

#[test]
fn an_acknowledged_hole_is_a_gap() {
    let mut bench = Bench::new();
    bench
        .handshake()
        .client("PA", 101, 501, b"abc")
        .client("PA", 109, 501, b"xyz")
        .server("A", 501, 112, b"")
        .client("FA", 112, 501, b"");
    let records = bench.finish();
    assert!(records[0].text.contains("S2 ShADaGF bytes 11/0 missed 5"), "{}", records[0].text);
    assert_eq!(records[0].orig, b"abc_____xyz");
    assert_eq!(bench.recorder.events, ["gap Originator 5", "end Originator"]);
}

#[test]
fn gaps_are_counted_when_payload_is_not_wanted() {
    let mut bench = Bench::new();
    bench.recorder.refuse = true;
    bench
        .handshake()
        .client("PA", 101, 501, b"abc")
        .client("PA", 104, 501, b"def")
        .client("PA", 110, 501, b"xyz")
        .server("A", 501, 113, b"");
    let records = bench.finish();
    assert!(records[0].text.contains("bytes 12/0 missed 3"), "{}", records[0].text);
    assert_eq!(records[0].orig, b"abc___");
}

#[test]
fn a_gap_before_the_handshake_is_none_of_the_record() {
    // Partial: the first acknowledgment is of data before the capture.
    let mut bench = Bench::new();
    bench.client("PA", 100, 500, b"abc").server("A", 500, 200, b"");
    let records = bench.finish();
    assert!(records[0].text.contains("missed 0"), "{}", records[0].text);
}

#[test]
fn a_new_syn_after_the_end_begins_a_new_connection() {
    let mut bench = Bench::new();
    bench
        .handshake()
        .client("FA", 101, 501, b"")
        .server("FA", 501, 102, b"")
        .client("A", 102, 502, b"")
        .client("S", 9000, 0, b"");
    assert_eq!(bench.summaries(), ["SF ShAFf", "S0 S"]);
    assert_eq!(bench.recorder.weirds, ["premature_connection_reuse"]);
}

#[test]
fn a_syn_after_a_rejection_begins_a_new_connection_even_with_the_same_number() {
    let mut bench = Bench::new();
    for _ in 0..3 {
        bench.client("S", 100, 0, b"").server("RA", 0, 101, b"");
    }
    assert_eq!(bench.summaries(), ["REJ Sr", "REJ Sr", "REJ Sr"]);
}

#[test]
fn a_syn_inside_a_connection_begins_a_new_one() {
    let mut bench = Bench::new();
    bench.handshake().client("S", 9000, 0, b"");
    assert_eq!(bench.summaries(), ["S1 ShA", "S0 S"]);
    assert_eq!(bench.recorder.weirds, ["active_connection_reuse"]);
}

#[test]
fn a_syn_ack_of_an_unlikely_server_turns_round_when_it_is_answered() {
    let mut bench = Bench::new();
    let (client, server) = ((1, 40000), (2, 5000));
    bench.packet(&tcp(server, client, "SA", 500, 101, b""));
    bench.packet(&tcp(client, server, "A", 101, 501, b""));
    bench.packet(&tcp(client, server, "PA", 101, 501, b"abc"));
    let records = bench.finish();
    assert_eq!(
        records[0].text,
        "tcp 10.0.0.1:40000 10.0.0.2:5000 OTH ^hAD bytes 3/0 missed 0 packets 2/1 ip 83/40 for 2"
    );
    assert_eq!(records[0].orig, b"abc");
}

#[test]
fn syn_and_syn_ack_in_the_wrong_order_are_put_right() {
    let mut bench = Bench::new();
    let (client, server) = ((1, 40000), (2, 5000));
    bench.packet(&tcp(server, client, "SA", 500, 101, b""));
    bench.packet(&tcp(client, server, "S", 100, 0, b""));
    bench.packet(&tcp(client, server, "A", 101, 501, b""));
    let records = bench.finish();
    assert!(records[0].text.starts_with("tcp 10.0.0.1:40000 10.0.0.2:5000 S1 Hs^A"), "{}", records[0].text);
}

#[test]
fn odd_segments_are_reported_by_name() {
    let cases: &[(&[&str], &[Line<'_>])] = &[
        (&["SYN_with_data"], &[('>', "S", 100, 0, "abc")]),
        (&["baroque_SYN"], &[('>', "SU", 100, 0, "")]),
        (&["data_before_established"], &[('>', "S", 100, 0, ""), ('>', "", 101, 0, "abc")]),
        (&["possible_split_routing"], &[('>', "S", 100, 0, ""), ('>', "A", 101, 501, "")]),
        (&["inappropriate_FIN"], &[('>', "S", 100, 0, ""), ('>', "F", 101, 0, "")]),
        (&["bad_SYN_ack"], &[('>', "S", 100, 0, ""), ('<', "SA", 500, 999, "")]),
        (
            &["FIN_advanced_last_seq"],
            &[
                ('>', "S", 100, 0, ""),
                ('<', "SA", 500, 101, ""),
                ('>', "FA", 101, 501, ""),
                ('>', "FA", 150, 501, ""),
            ],
        ),
        (
            &["data_after_reset"],
            &[
                ('>', "S", 100, 0, ""),
                ('<', "SA", 500, 101, ""),
                ('>', "RA", 101, 501, ""),
                ('>', "PA", 101, 501, "abc"),
            ],
        ),
        (
            &["TCP_ack_underflow_or_misorder"],
            &[('>', "S", 100, 0, ""), ('<', "SA", 500, 101, ""), ('>', "A", 101, 400, "")],
        ),
        (
            &["TCP_seq_underflow_or_misorder"],
            &[('>', "S", 100, 0, ""), ('<', "SA", 500, 101, ""), ('>', "PA", 50, 501, "abc")],
        ),
    ];
    for (expected, script) in cases {
        let bench = play(script);
        assert_eq!(bench.recorder.weirds, *expected, "{script:?}");
    }
}

#[test]
fn too_much_above_a_hole_without_acknowledgments_is_given_up() {
    let limits = Limits { above_hole_bytes: 10, ..Limits::default() };
    let mut bench = Bench::with(Config { limits, ..Config::default() });
    bench.client("S", 100, 0, b"").server("SA", 500, 101, b"").client("PA", 200, 501, &[b'x'; 11]);
    assert_eq!(bench.recorder.weirds, ["above_hole_data_without_any_acks"]);
    assert_eq!(bench.finish()[0].orig, b"");
}

#[test]
fn buffers_are_bounded_for_a_stream_and_for_the_table() {
    let stream = Limits { buffered_segments: 3, ..Limits::default() };
    let total = Limits { total_buffered_bytes: 300, ..Limits::default() };
    for limits in [stream, total] {
        let mut bench = Bench::with(Config { limits, ..Config::default() });
        bench.handshake().client("PA", 101, 501, b"a").server("A", 501, 102, b"");
        for hole in 0..10 {
            bench.client("PA", 110 + hole * 10, 501, b"x");
        }
        let counters = *bench.table.counters();
        assert_eq!(counters.stream_limit_hits + counters.total_limit_hits, 1);
        assert_eq!(bench.recorder.weirds, ["excessive_data_without_further_acks"]);
        assert_eq!(counters.buffered_bytes, 0);
        bench.finish();
    }
}

#[test]
fn a_cut_capture_leaves_a_gap() {
    let mut bench = Bench::new();
    bench.handshake();
    let mut cut = tcp(CLIENT, SERVER, "PA", 101, 501, b"abc");
    cut.payload = b"a";
    bench.packet(&cut).server("A", 501, 104, b"");
    assert_eq!(bench.recorder.weirds, ["truncated_tcp_payload"]);
    let records = bench.finish();
    assert!(records[0].text.contains("ShADaG bytes 3/0 missed 3"), "{}", records[0].text);
}

#[test]
fn packets_with_bad_checksums_are_only_noted() {
    let mut bench = Bench::new();
    bench.handshake();
    for _ in 0..10 {
        let mut bad = tcp(SERVER, CLIENT, "PA", 501, 101, b"abc");
        bad.bad_checksum = true;
        bench.packet(&bad);
    }
    let records = bench.finish();
    assert!(records[0].text.contains("S1 ShAcc bytes 0/0 missed 0 packets 2/1"), "{}", records[0].text);
    assert_eq!(bench.table.counters().bad_checksums, 10);
}

#[test]
fn two_gigabytes_and_more_are_counted_through_wraps() {
    let mut bench = Bench::new();
    bench.client("S", u32::MAX - 1, 0, b"").server("SA", 500, u32::MAX, b"");
    let mut sequence = u32::MAX;
    for _ in 0..5 {
        bench.server("A", 501, sequence, b"");
        bench.client("A", sequence, 501, b"x");
        sequence = sequence.wrapping_add(1 << 30);
        bench.server("A", 501, sequence, b"");
        bench.client("PA", sequence, 501, b"x");
        sequence = sequence.wrapping_add(1);
    }
    let records = bench.finish();
    let expected = format!("bytes {}/0", 5 * ((1u64 << 30) + 1));
    assert!(records[0].text.contains(&expected), "{}", records[0].text);
}

#[test]
fn an_unanswered_attempt_ends_after_five_seconds_and_a_closed_connection_too() {
    let mut bench = Bench::new();
    bench.client("S", 100, 0, b"").wait(3000).client("S", 100, 0, b"").wait(3000).client("S", 100, 0, b"");
    assert_eq!(bench.summaries(), ["S0 S", "S0 S"]);

    let mut bench = Bench::new();
    bench.handshake().client("RA", 101, 501, b"").wait(4000).server("A", 501, 101, b"");
    bench.wait(1500).server("A", 501, 101, b"");
    assert_eq!(bench.summaries(), ["RSTO ShARa", "OTH ^a"]);
}

#[test]
fn a_fin_before_the_start_makes_no_gap_of_what_is_acknowledged() {
    let mut bench = play(&[
        ('<', "SRU", 1, 587_208_704, ""),
        ('<', "FP", 0, 1_224_810_768, ""),
        ('>', "SRA", 4_043_342_848, 1000, ""),
    ]);
    bench.finish();
    let gaps: Vec<&String> = bench.recorder.events.iter().filter(|event| event.starts_with("gap")).collect();
    assert_eq!(gaps, ["gap Originator 998"]);
}

/// Six gigabytes of a server, of which a port drops all but the first and the last octets.
#[test]
fn what_a_port_drops_of_a_stream_is_counted_by_its_acknowledgments() {
    const STEP: u32 = 1 << 30;
    let mut bench = Bench::new();
    bench.packet(&tcp(CLIENT, SERVER, "S", 100, 0, b"")).packet(&tcp(SERVER, CLIENT, "SA", 500, 101, b""));
    bench
        .packet(&tcp(CLIENT, SERVER, "A", 101, 501, b""))
        .packet(&tcp(SERVER, CLIENT, "A", 501, 101, b"first"));
    bench.packet(&tcp(CLIENT, SERVER, "A", 101, 506, b""));
    bench.offload(&tcp(SERVER, CLIENT, "A", 506, 101, b""), 1_000, 2_000_000);
    let mut seq = 506_u32;
    for _ in 0..6 {
        seq = seq.wrapping_add(STEP);
        bench.packet(&tcp(CLIENT, SERVER, "A", 101, seq, b""));
    }
    bench.packet(&tcp(SERVER, CLIENT, "FA", seq.wrapping_add(10), 101, b""));
    bench.packet(&tcp(CLIENT, SERVER, "A", 101, seq.wrapping_add(11), b""));
    bench.packet(&tcp(CLIENT, SERVER, "FA", 101, seq.wrapping_add(11), b""));
    bench.packet(&tcp(SERVER, CLIENT, "A", seq.wrapping_add(11), 102, b""));
    let records = bench.finish();
    let octets = 5 + 6 * u64::from(STEP) + 10;
    assert!(
        records[0].text.contains(&format!("SF ShAdfFa bytes 0/{octets} missed 0")),
        "{}",
        records[0].text
    );
    assert!(records[0].text.contains("packets 11/1004"), "{}", records[0].text);
    assert!(bench.recorder.events.iter().all(|event| !event.contains("gap")), "{:?}", bench.recorder.events);
    assert!(bench.recorder.weirds.is_empty(), "{:?}", bench.recorder.weirds);
}

#[test]
fn octets_past_two_gigabytes_are_delivered() {
    let mut bench = Bench::new();
    bench.packet(&tcp(CLIENT, SERVER, "S", 100, 0, b"")).packet(&tcp(SERVER, CLIENT, "SA", 500, 101, b""));
    bench.packet(&tcp(CLIENT, SERVER, "A", 101, 501, b""));
    let mut seq = 501_u32;
    for _ in 0..9 {
        // What was not captured of half a gigabyte, but acknowledged.
        seq = seq.wrapping_add(1 << 29);
        bench.packet(&tcp(CLIENT, SERVER, "A", 101, seq, b""));
        bench.packet(&tcp(SERVER, CLIENT, "A", seq, 101, b"octets"));
        seq = seq.wrapping_add(6);
        bench.packet(&tcp(CLIENT, SERVER, "A", 101, seq, b""));
    }
    let records = bench.finish();
    let octets = 9 * ((1_u64 << 29) + 6);
    assert!(records[0].text.contains(&format!("bytes 0/{octets} ")), "{}", records[0].text);
    assert_eq!(records[0].resp.iter().filter(|octet| **octet != b'_').count(), 9 * 6);
    assert!(bench.recorder.weirds.is_empty(), "{:?}", bench.recorder.weirds);
}
