use proptest::prelude::*;
use record::Time;

use super::*;
use crate::testing::{Bench, CLIENT, Record, Recorder, SERVER, Streams, bucket, millis, tcp, udp};
use crate::{Config, Limits};

fn table(seed: u64) -> FlowTable<Streams> {
    FlowTable::new(Config::default(), seed)
}

/// Moves a bucket, so many connections at a time; how many calls it took.
fn move_all(from: &mut FlowTable<Streams>, to: &mut FlowTable<Streams>, bucket: u16, most: usize) -> usize {
    let mut recorder = Recorder::default();
    let (mut progress, mut calls, mut done) = (Extraction::default(), 0, false);
    while !done {
        let mut flows = Vec::new();
        done = from.extract(bucket, &mut progress, most, &mut flows);
        assert!(flows.len() <= most);
        for flow in flows {
            to.insert(Time(0), flow, &mut recorder);
        }
        calls += 1;
    }
    assert_eq!(recorder.records, []);
    calls
}

#[test]
fn payload_that_waits_moves_with_its_connection() {
    let (mut a, mut b) = (Bench::new(), FlowTable::new(Bench::new().table.config().clone(), 99));
    a.handshake().client("A", 104, 501, b"def");
    let bucket = u16::from(CLIENT.0 ^ SERVER.0);
    let buffered = a.table.counters().buffered_bytes;
    assert!(buffered > 0);
    move_all(&mut a.table, &mut b, bucket, 1);
    assert_eq!((a.table.len(), a.table.counters().buffered_bytes, a.table.counters().current()), (0, 0, 0));
    assert_eq!((b.len(), b.counters().buffered_bytes, b.counters().current()), (1, buffered, 1));

    let mut recorder = Recorder::default();
    b.packet(millis(10), &tcp(CLIENT, SERVER, "A", 101, 501, b"abc"), &mut recorder);
    b.finish(&mut recorder);
    assert_eq!(recorder.records[0].orig, b"abcdef");
    assert_eq!(b.counters().buffered_bytes, 0);
    assert_eq!(b.counters().current(), 0);
}

#[test]
fn only_the_bucket_moves_and_in_bounded_steps() {
    let (mut a, mut b) = (table(1), table(2));
    let mut recorder = Recorder::default();
    for port in 0..100 {
        a.packet(millis(1), &udp((1, 1000 + port), (2, 9), b"x"), &mut recorder);
        a.packet(millis(1), &udp((1, 1000 + port), (4, 9), b"x"), &mut recorder);
    }
    let calls = move_all(&mut a, &mut b, 3, 10);
    assert!(calls >= 10, "{calls}");
    assert_eq!((a.len(), b.len()), (100, 100));
    assert_eq!(move_all(&mut a, &mut b, 77, 10), 1);
}

#[test]
fn a_connection_that_moved_ends_by_its_own_time_outs() {
    let (mut a, mut b) = (table(1), table(2));
    let mut recorder = Recorder::default();
    a.packet(millis(1), &udp((1, 1000), (2, 9), b"x"), &mut recorder);
    move_all(&mut a, &mut b, 3, 10);
    b.expire(millis(30_000), usize::MAX, &mut recorder);
    assert_eq!(b.len(), 1);
    b.expire(millis(200_000), usize::MAX, &mut recorder);
    a.expire(millis(200_000), usize::MAX, &mut recorder);
    assert_eq!((b.len(), recorder.records.len()), (0, 1));
}

#[test]
fn a_full_table_evicts_for_what_comes_in() {
    let limits = Limits { flows: 1, ..Limits::default() };
    let (mut a, mut b) = (table(1), FlowTable::new(Config { limits, ..Config::default() }, 2));
    let mut recorder = Recorder::default();
    a.packet(millis(1), &udp((1, 1000), (2, 9), b"x"), &mut recorder);
    b.packet(millis(1), &udp((1, 1000), (4, 9), b"x"), &mut recorder);
    let mut flows = Vec::new();
    assert!(a.extract(3, &mut Extraction::default(), 10, &mut flows));
    b.insert(millis(2), flows.remove(0), &mut recorder);
    assert_eq!((b.len(), b.counters().evicted, recorder.records.len()), (1, 1, 1));
}

/// What happens at a step.
#[derive(Debug, Clone)]
enum Step {
    Tcp { client: u8, from_client: bool, flags: &'static str, sequence: u32, len: usize },
    Udp { client: u8, reply: bool },
    Wait(u64),
    Move { bucket: u16, to: usize, most: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let flags = prop::sample::select(vec!["S", "SA", "A", "A", "A", "FA", "R"]);
    prop_oneof![
        6 => (0..6_u8, any::<bool>(), flags, 0..40_u32, 0..20_usize).prop_map(
            |(client, from_client, flags, sequence, len)| Step::Tcp { client, from_client, flags, sequence, len }
        ),
        2 => (0..6_u8, any::<bool>()).prop_map(|(client, reply)| Step::Udp { client, reply }),
        1 => (0..90_000_u64).prop_map(Step::Wait),
        3 => (0..8_u16, 0..3_usize, 1..3_usize).prop_map(|(bucket, to, most)| Step::Move { bucket, to, most }),
    ]
}

fn run(steps: &[Step], moves: bool) -> Vec<Record> {
    let mut tables = [table(1), table(2), table(3)];
    let mut recorder = Recorder::default();
    let mut owner = [0_usize; 256];
    let mut now = 1;
    let server = (64, 80);
    for step in steps {
        now += 1;
        let payload = [b'p'; 20];
        let packet = match step {
            Step::Tcp { client, from_client, flags, sequence, len } => {
                let client = (*client, 40000);
                let (from, to) = if *from_client { (client, server) } else { (server, client) };
                let payload = payload.get(..*len).filter(|_| *flags == "A").unwrap_or_default();
                tcp(from, to, flags, 100 + sequence, 100, payload)
            }
            Step::Udp { client, reply } => {
                let client = (*client, 5000);
                let (from, to) = if *reply { (server, client) } else { (client, server) };
                udp(from, to, b"datagram")
            }
            Step::Wait(silence) => {
                now += silence;
                for table in &mut tables {
                    table.expire(millis(now), usize::MAX, &mut recorder);
                }
                continue;
            }
            Step::Move { bucket, to, most } => {
                let bucket = 64 ^ bucket;
                let from = std::mem::replace(&mut owner[usize::from(bucket)], *to);
                if moves && from != *to {
                    let [a, b] = tables.get_disjoint_mut([from, *to]).unwrap();
                    move_all(a, b, bucket, *most);
                }
                continue;
            }
        };
        let table = if moves { owner[usize::from(bucket(&packet))] } else { 0 };
        tables[table].packet(millis(now), &packet, &mut recorder);
    }
    for table in &mut tables {
        table.finish(&mut recorder);
        assert_eq!((table.counters().current(), table.counters().buffered_bytes), (0, 0));
    }
    recorder.records.sort();
    recorder.records
}

proptest! {
    #[test]
    fn records_do_not_depend_on_moves(steps in prop::collection::vec(step(), 0..80)) {
        prop_assert_eq!(run(&steps, true), run(&steps, false));
    }
}
