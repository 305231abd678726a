use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::testing::{Bench, Recorder, icmp, millis, other, tcp, udp};
use crate::{Limits, Timeouts};

#[test]
fn udp_counts_lengths_and_ends_after_a_minute_of_silence() {
    let mut bench = Bench::new();
    let (a, b) = ((1, 40000), (2, 9999));
    bench.packet(&udp(a, b, b"query")).packet(&udp(b, a, b"answer!")).wait(59_000).packet(&udp(a, b, b"x"));
    bench.wait(60_000).packet(&udp(b, a, b"late"));
    let records = bench.finish();
    assert_eq!(
        records[0].text,
        "udp 10.0.0.1:40000 10.0.0.2:9999 SF Dd bytes 6/7 missed 0 packets 2/1 ip 62/35 for 59002"
    );
    assert_eq!(
        records[1].text,
        "udp 10.0.0.2:9999 10.0.0.1:40000 S0 D bytes 4/0 missed 0 packets 1/0 ip 32/0 for 0"
    );
}

#[test]
fn udp_from_a_server_port_is_turned_round_unless_broadcast() {
    let mut bench = Bench::new();
    bench.packet(&udp((2, 53), (1, 40000), b"answer"));
    let mut broadcast = udp((2, 53), (1, 40000), b"hello");
    broadcast.ip.destination = Addr::v4([255; 4]);
    bench.packet(&broadcast);
    let records = bench.finish();
    assert!(records[0].text.starts_with("udp 10.0.0.1:40000 10.0.0.2:53 SHR ^d bytes 0/6"));
    assert!(records[1].text.starts_with("udp 10.0.0.2:53 255.255.255.255:40000 S0 D"));
}

#[test]
fn a_flow_of_names_ends_when_it_is_looked_at_after_nine_seconds_of_silence() {
    let (a, b) = ((1, 40000), (2, 53));
    let mut bench = Bench::new();
    // Looked at after 10 seconds: 5 of silence. After 20: 8 of silence. After 30: 18.
    bench.packet(&udp(a, b, b"1")).wait(5_000).packet(&udp(a, b, b"2")).wait(7_000).packet(&udp(a, b, b"3"));
    bench.wait(19_000).packet(&udp(a, b, b"4"));
    bench.finish();
    let counts: Vec<u64> = bench.recorder.connections.iter().map(|connection| connection.orig_pkts).collect();
    assert_eq!(counts, [3, 1]);

    // Just before the look it is still the same.
    let mut bench = Bench::new();
    bench.packet(&udp(a, b, b"1")).wait(12_000).packet(&udp(a, b, b"2")).wait(9_900).packet(&udp(a, b, b"3"));
    assert_eq!(bench.finish().len(), 2);
    let mut bench = Bench::new();
    bench.packet(&udp(a, b, b"1")).wait(5_000).packet(&udp(a, b, b"2")).wait(14_900).packet(&udp(a, b, b"3"));
    assert_eq!(bench.finish().len(), 1);
}

#[test]
fn icmp_requests_meet_replies_and_errors_stay_apart() {
    let mut bench = Bench::new();
    bench.packet(&icmp(1, 2, 8, 0, b"ping")).packet(&icmp(2, 1, 0, 0, b"ping"));
    bench.packet(&icmp(1, 2, 3, 1, b"unreachable")).packet(&icmp(2, 1, 3, 1, b"unreachable"));
    let records = bench.finish();
    assert_eq!(
        records[0].text,
        "icmp 10.0.0.1:8 10.0.0.2:0 OTH  bytes 4/4 missed 0 packets 1/1 ip 32/32 for 1"
    );
    assert!(records[1].text.starts_with("icmp 10.0.0.1:3 10.0.0.2:1 OTH  bytes 11/0"));
    assert!(records[2].text.starts_with("icmp 10.0.0.2:3 10.0.0.1:1 OTH  bytes 11/0"));
}

#[test]
fn other_protocols_are_told_apart_by_their_number_and_igmp_is_none() {
    let mut bench = Bench::new();
    bench
        .packet(&other(1, 2, 89, b"ospf"))
        .packet(&other(2, 1, 89, b"ospf"))
        .packet(&other(1, 2, 132, b"sctp"));
    bench.packet(&other(1, 2, 2, b"igmp"));
    let records = bench.finish();
    assert_eq!(records.len(), 2);
    assert_eq!(
        records[0].text,
        "unknown_transport 10.0.0.1:0 10.0.0.2:0 OTH  bytes 0/0 missed 0 packets 1/1 ip 24/24 for 1"
    );
}

#[test]
fn a_connection_with_itself_has_one_direction() {
    let mut bench = Bench::new();
    bench.packet(&udp((1, 7), (1, 7), b"a")).packet(&udp((1, 7), (1, 7), b"b"));
    assert!(bench.finish()[0].text.contains("S0 D bytes 2/0"));
}

#[test]
fn a_full_table_evicts_the_idlest() {
    let limits = Limits { flows: 4, ..Limits::default() };
    let mut bench = Bench::with(Config { limits, ..Config::default() });
    for port in 1..=4 {
        bench.packet(&udp((1, port), (2, 9999), b"x"));
    }
    bench.packet(&udp((1, 1), (2, 9999), b"x")).packet(&udp((1, 5), (2, 9999), b"x"));
    assert_eq!(bench.table.len(), 4);
    assert_eq!(bench.table.counters().evicted, 1);
    assert!(bench.recorder.records[0].text.contains("10.0.0.1:2 "));
    assert_eq!(bench.recorder.connections[0].removal, Removal::Evicted);
    bench.finish();
}

#[test]
fn the_wheel_removes_what_is_over() {
    let mut bench = Bench::new();
    for port in 1001..=1100 {
        bench.packet(&udp((1, port), (2, 9999), b"x"));
    }
    let Bench { table, recorder, .. } = &mut bench;
    table.expire(millis(50_000), 100_000, recorder);
    assert_eq!(table.len(), 100);
    table.expire(millis(63_000), 100_000, recorder);
    assert_eq!(table.len(), 0);
    assert!(recorder.connections.iter().all(|connection| connection.removal == Removal::Inactivity));
}

#[test]
fn times_that_go_back_are_judged_by_the_clock_of_the_source() {
    let mut bench = Bench::new();
    let packet = udp((1, 1), (2, 9999), b"x");
    bench.table.packet(millis(0), &packet, &mut bench.recorder);
    bench.table.set_clock(millis(100_000));
    bench.table.packet(millis(1), &packet, &mut bench.recorder);
    assert_eq!(bench.finish().len(), 2);
}

#[test]
fn the_entry_of_a_flow_is_small() {
    // With what a worker keeps beside it.
    let entry = size_of::<Option<Entry<[u64; 2]>>>();
    assert!(entry <= 280, "{entry}");
}

/// A packet of one of a few connections.
#[derive(Debug, Clone)]
struct Step {
    gap: u64,
    host: u8,
    port: u16,
    back: bool,
    flags: usize,
    sequence: u32,
    len: usize,
}

const FLAGS: [&str; 16] =
    ["S", "SA", "A", "PA", "FA", "R", "RA", "PA", "A", "F", "", "SF", "SR", "FRA", "SFRPAU", "SU"];

/// Mostly near each other, some around the wrap, some anywhere.
fn sequences() -> impl Strategy<Value = u32> {
    prop_oneof![4 => 0..200u32, 2 => u32::MAX - 100..=u32::MAX, 1 => any::<u32>()]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (0..4000u64, 1..4u8, 1..4u16, any::<bool>(), 0..FLAGS.len(), sequences(), 0..60usize)
        .prop_map(|(gap, host, port, back, flags, sequence, len)| Step {
            gap,
            host,
            port,
            back,
            flags,
            sequence,
            len,
        });
    prop::collection::vec(step, 1..120)
}

fn run(steps: &[Step], tables: u8, expire: bool) -> Vec<crate::testing::Record> {
    const PAYLOAD: [u8; 60] = [b'x'; 60];
    let mut all = Vec::new();
    for table in 0..tables {
        let mut bench = Bench::new();
        let mut now = 0;
        for step in steps {
            now += step.gap;
            if step.host % tables != table {
                continue;
            }
            let (a, b) = ((step.host, 40000), (9, step.port));
            let (from, to) = if step.back { (b, a) } else { (a, b) };
            let packet = tcp(from, to, FLAGS[step.flags], step.sequence, step.sequence, &PAYLOAD[..step.len]);
            bench.table.packet(millis(now), &packet, &mut bench.recorder);
            if expire {
                bench.table.expire(millis(now), 50, &mut bench.recorder);
            }
        }
        all.extend(bench.finish());
    }
    all.sort();
    all
}

proptest! {
    #[test]
    fn records_depend_neither_on_the_number_of_tables_nor_on_the_wheel(steps in steps()) {
        let alone = run(&steps, 1, false);
        prop_assert_eq!(&alone, &run(&steps, 1, true));
        prop_assert_eq!(&alone, &run(&steps, 3, true));
    }

    #[test]
    fn the_table_agrees_with_a_map(
        packets in prop::collection::vec((1..6u8, 1..20u16, 1..6u8, 1..20u16, 0..3_000u64), 1..200),
    ) {
        let timeouts = Timeouts { wheel_grace: record::Interval(0), ..Timeouts::default() };
        let mut table = FlowTable::new(Config { timeouts, ..Config::default() }, 3);
        let mut recorder = Recorder::default();
        let mut model: HashMap<[(u8, u16); 2], (u64, u64)> = HashMap::new();
        let mut ended = Vec::new();
        let mut now = 0;
        for (source, source_port, destination, destination_port, gap) in packets {
            now += gap;
            let (a, b) = ((source, 1000 + source_port), (destination, 1000 + destination_port));
            table.packet(millis(now), &udp(a, b, b"x"), &mut recorder);
            table.expire(millis(now), usize::MAX, &mut recorder);
            let known = model.entry([a.min(b), a.max(b)]).or_insert((0, now));
            if now - known.1 >= 60_000 {
                ended.push(known.0);
                known.0 = 0;
            }
            *known = (known.0 + 1, now);
        }
        table.finish(&mut recorder);
        ended.extend(model.values().map(|(count, _)| *count));
        ended.sort_unstable();
        let mut counts: Vec<u64> =
            recorder.connections.iter().map(|connection| connection.orig_pkts + connection.resp_pkts).collect();
        counts.sort_unstable();
        prop_assert_eq!(counts, ended);
        let counters = table.counters();
        prop_assert_eq!(counters.created, counters.removed);
    }
}
