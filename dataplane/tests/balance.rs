//! Skewed traffic through receivers, rings and workers: buckets move until the workers are even, and the records are
//! those of one worker that sees everything.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use baleen_dataplane::analysis::{WorkerLcore, WorkerShared};
use baleen_dataplane::balance::{Balancer, Distributor, Exchange, FullRing, Handover, Settings};
use baleen_dataplane::clock::PacketClock;
use baleen_dataplane::poll::{Idle, Input, Receiver, WorkerInput, run};
use baleen_dataplane::records::{RecordReceiver, channel};
use baleen_dataplane::stats::{Books, Load, ReceiveCounters};
use baleen_dataplane::{BURST, Burst};
use dpdk::test_support::eal;
use dpdk::{Mempool, Port, PortConfig, Producer, Timestamps, ring};
use packet::{DecodeOptions, Frame, LinkType};
use record::{Format, LogSet, RecordBuffer, Time};
use serde_json::Value;
use worker::Worker;

const WORKERS: usize = 4;
const RECEIVERS: usize = 2;

/// Numbers that look random, from a seed (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end as u64) as usize
    }
}

/// What comes in, when, and at which receiver.
struct Packet {
    data: Vec<u8>,
    time: Time,
    receiver: usize,
    bucket: u16,
}

fn sum(octets: &[u8]) -> u32 {
    octets.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0))).sum()
}

/// An Ethernet frame with a TCP segment.
fn tcp(from: ([u8; 4], u16), to: ([u8; 4], u16), seq: u32, ack: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0];
    frame.extend(((40 + payload.len()) as u16).to_be_bytes());
    frame.extend([0, 1, 0x40, 0, 64, 6, 0, 0]);
    frame.extend(from.0);
    frame.extend(to.0);
    let total = sum(&frame[14..34]);
    let checksum = !((total & 0xffff) + (total >> 16)) as u16;
    frame[24..26].copy_from_slice(&checksum.to_be_bytes());
    frame.extend(from.1.to_be_bytes());
    frame.extend(to.1.to_be_bytes());
    frame.extend(seq.to_be_bytes());
    frame.extend(ack.to_be_bytes());
    frame.extend([0x50, flags, 0x20, 0, 0, 0, 0, 0]);
    frame.extend(payload);
    frame
}

fn bucket_of(data: &[u8]) -> u16 {
    let frame = Frame { time: Time(0), clock: Time(0), number: 0, data, wire_len: data.len() as u32 };
    worker::bucket(LinkType::Ethernet, &frame)
}

/// Two hosts that talk, connection after connection.
struct Pair {
    client: [u8; 4],
    server: [u8; 4],
    /// How often it has its turn.
    weight: usize,
    connections: u16,
    /// Of the connection at hand, the last first.
    segments: Vec<Vec<u8>>,
}

impl Pair {
    /// The next segment. Connections are HTTP with a long answer, of which some segments come in the wrong order.
    fn next(&mut self, random: &mut Random) -> Vec<u8> {
        if let Some(segment) = self.segments.pop() {
            return segment;
        }
        self.connections += 1;
        let client = (self.client, 20000 + self.connections);
        let server = (self.server, 80);
        let mut to_server = 1000;
        let mut to_client = 5000;
        let mut segments = vec![
            tcp(client, server, 999, 0, 2, b""),
            tcp(server, client, 4999, 1000, 0x12, b""),
            tcp(client, server, 1000, 5000, 0x10, b""),
        ];
        for round in 0..1 + random.below(3) {
            let request = format!("GET /{round} HTTP/1.1\r\nHost: a.example\r\n\r\n");
            segments.push(tcp(client, server, to_server, to_client, 0x18, request.as_bytes()));
            to_server += request.len() as u32;
            let body = [b'x'; 300];
            let mut answer =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
            answer.extend(body);
            let first = segments.len();
            for piece in answer.chunks(60) {
                segments.push(tcp(server, client, to_client, to_server, 0x10, piece));
                to_client += piece.len() as u32;
            }
            let swapped = first + random.below(segments.len() - first - 1);
            segments.swap(swapped, swapped + 1);
            segments.push(tcp(client, server, to_server, to_client, 0x10, b""));
        }
        segments.push(tcp(client, server, to_server, to_client, 0x11, b""));
        segments.push(tcp(server, client, to_client, to_server + 1, 0x11, b""));
        segments.push(tcp(client, server, to_server + 1, to_client + 1, 0x10, b""));
        segments.reverse();
        self.segments = segments;
        self.next(random)
    }
}

/// Traffic of which the first worker has most without moves, and how uneven that is: packets of the busiest worker as a
/// multiple of the mean.
fn skewed_traffic(packets: usize, seed: u64) -> (Vec<Packet>, f64) {
    let mut random = Random(seed);
    let mut pairs: Vec<Pair> = (0..200_usize)
        .map(|number| {
            let (client, server) = ([10, 1, 0, number as u8], [192, 0, 2, random.below(250) as u8]);
            let probe = tcp((client, 1), (server, 80), 0, 0, 2, b"");
            let weight = if usize::from(bucket_of(&probe)) % WORKERS == 0 { 12 } else { 3 + random.below(3) };
            Pair { client, server, weight, connections: 0, segments: Vec::new() }
        })
        .collect();
    let turns: Vec<usize> =
        pairs.iter().enumerate().flat_map(|(number, pair)| vec![number; pair.weight]).collect();
    let mut shares = [0; WORKERS];
    let traffic: Vec<Packet> = (0..packets)
        .map(|number| {
            let pair = turns[random.below(turns.len())];
            let data = pairs[pair].next(&mut random);
            let bucket = bucket_of(&data);
            shares[usize::from(bucket) % WORKERS] += 1;
            let time = Time(1_700_000_000_000_000_000 + number as u64 * 10_000);
            Packet { data, time, receiver: pair % RECEIVERS, bucket }
        })
        .collect();
    (traffic, imbalance(&shares))
}

fn imbalance(shares: &[u64]) -> f64 {
    let sum: u64 = shares.iter().sum();
    shares.iter().copied().max().unwrap_or(0) as f64 * shares.len() as f64 / sum.max(1) as f64
}

/// How often each record came, without what depends on the number of the packet at its worker, and, but for `conn`,
/// without times: those are of the worker's clock, the latest packet that it has seen.
type Records = BTreeMap<String, u32>;

fn keep(records: &mut Records, buffer: &RecordBuffer) {
    for (_, line) in buffer.iter() {
        let mut record: BTreeMap<String, Value> = serde_json::from_slice(line).unwrap();
        let is_conn = record.get("_path").is_some_and(|path| path == "conn");
        let own: &[&str] = if is_conn { &["uid"] } else { &["uid", "fuid", "resp_fuids", "ts", "duration"] };
        record.retain(|name, _| !own.contains(&name.as_str()));
        *records.entry(serde_json::to_string(&record).unwrap()).or_default() += 1;
    }
}

fn analysis() -> Arc<worker::Settings> {
    let decode = DecodeOptions { verify_checksums: false };
    Arc::new(worker::Settings { decode, ..worker::Settings::default() })
}

/// The records of one worker that sees everything.
fn expected(traffic: &[Packet]) -> Records {
    let mut worker = Worker::new(analysis());
    let mut out = RecordBuffer::new(Format::JsonWithPath, LogSet::ALL);
    for (number, packet) in traffic.iter().enumerate() {
        let (time, data) = (packet.time, packet.data.as_slice());
        let frame = Frame { time, clock: time, number: number as u64, data, wire_len: data.len() as u32 };
        worker.burst(LinkType::Ethernet, &[frame], &mut out);
    }
    worker.finish(&mut out);
    let mut records = Records::new();
    keep(&mut records, &out);
    records
}

/// Everything between the ports and the records.
struct Bench {
    pool: Mempool,
    stamps: Timestamps,
    handover: Arc<Handover>,
    feeds: Vec<Producer>,
    received: Vec<Arc<ReceiveCounters>>,
    receivers: Vec<Receiver>,
    shared: Vec<Arc<WorkerShared>>,
    workers: Vec<WorkerLcore>,
    records: Vec<RecordReceiver>,
    balancer: Balancer,
    fed: u64,
}

impl Bench {
    fn new(name: &str, settings: Settings) -> Self {
        let pool = Mempool::new(eal(), 16383, 512, None).unwrap();
        let stamps = Timestamps::register(eal()).unwrap();
        let handover = Arc::new(Handover::new(WORKERS as u16, RECEIVERS as u16));
        let (mut feeds, mut received, mut receivers, mut buckets) = (vec![], vec![], vec![], vec![]);
        let mut rings: Vec<Vec<_>> = (0..WORKERS).map(|_| Vec::new()).collect();
        for number in 0..RECEIVERS {
            let (feed, consumer) = ring(eal(), 1023, None).unwrap();
            let port = Port::from_rings(eal(), &format!("rings:{name}{number}"), vec![consumer]).unwrap();
            let queue = port.start(&PortConfig::default(), pool).unwrap().rx.remove(0);
            let counters: Arc<ReceiveCounters> = Arc::default();
            let clock = PacketClock::Stamped { stamps, unit: 1 };
            let input = Input { queue, clock, full_ring: FullRing::Drop, counters: Arc::clone(&counters) };
            let mut producers = Vec::new();
            for rings in &mut rings {
                let (producer, consumer) = ring(eal(), 1023, None).unwrap();
                producers.push(producer);
                rings.push(consumer);
            }
            let distributor = Distributor::new(Arc::clone(&handover), number, producers);
            buckets.push(Arc::clone(distributor.buckets()));
            receivers.push(Receiver::new(vec![input], distributor, stamps));
            feeds.push(feed);
            received.push(counters);
        }
        let shared: Vec<Arc<WorkerShared>> = (0..WORKERS).map(|_| Arc::default()).collect();
        let (mut workers, mut records) = (Vec::new(), Vec::new());
        for (number, (rings, shared)) in rings.into_iter().zip(&shared).enumerate() {
            let exchange = Exchange::new(Arc::clone(&handover), number as u16, Arc::clone(&shared.moves));
            let input = WorkerInput::new(Vec::new(), rings, stamps).with_exchange(exchange);
            let (sender, receiver) = channel(Format::JsonWithPath, LogSet::ALL);
            records.push(receiver);
            workers.push(WorkerLcore::new(Worker::new(analysis()), input, sender, Arc::clone(shared), false));
        }
        let movable = Some(Arc::clone(&handover));
        let balancer = Balancer::new(settings, movable, buckets, shared.clone(), false);
        Self {
            pool,
            stamps,
            handover,
            feeds,
            received,
            receivers,
            shared,
            workers,
            records,
            balancer,
            fed: 0,
        }
    }

    fn feed(&mut self, packet: &Packet) {
        let mut mbuf = self.pool.alloc().unwrap();
        mbuf.append(&packet.data).unwrap();
        self.stamps.set(&mut mbuf, packet.time.0);
        let mut burst = Burst::new();
        burst.push(mbuf).unwrap();
        assert_eq!(self.feeds[packet.receiver].enqueue(&mut burst), 1);
        self.fed += 1;
    }

    fn books(&self) -> Books {
        let mut books = Books::default();
        for shared in &self.shared {
            books.add_worker(&shared.counters);
            books.add_moves(&shared.moves);
        }
        self.received.iter().for_each(|received| books.add_receiver(received));
        books
    }

    fn analyzed(&self) -> Vec<u64> {
        self.shared.iter().map(|shared| shared.counters.analyzed.get()).collect()
    }

    fn flows_moved(&self) -> u64 {
        self.shared.iter().map(|shared| shared.moves.flows.get()).sum()
    }

    fn parked(&self) -> u64 {
        self.shared.iter().map(|shared| shared.moves.parked.get()).sum()
    }

    fn take_records(&mut self, into: &mut Records) {
        self.records.iter_mut().for_each(|records| _ = records.take(|buffer| keep(into, buffer)));
    }

    /// Ends the receivers and lets everything come to its end.
    fn finish(mut self, records: &mut Records) -> Books {
        self.receivers.iter_mut().for_each(Receiver::finish);
        let deadline = Instant::now() + Duration::from_secs(20);
        while !(self.handover.is_done() && self.books().under_way() == 0) {
            self.workers.iter_mut().for_each(|worker| _ = worker.round());
            assert!(Instant::now() < deadline, "{:?}", self.books());
        }
        let stop = AtomicBool::new(true);
        for worker in std::mem::take(&mut self.workers) {
            thread::scope(|scope| {
                let running = scope.spawn(|| worker.run(&stop, Idle::SHARED));
                while !running.is_finished() {
                    self.records.iter_mut().for_each(|taken| _ = taken.take(|buffer| keep(records, buffer)));
                }
            });
        }
        self.take_records(records);
        self.books()
    }
}

fn settings() -> Settings {
    Settings { interval: Duration::from_millis(100), ..Settings::default() }
}

/// Compares, telling what is different only.
fn assert_same(records: &Records, expected: &Records) {
    let different: Vec<_> =
        records.iter().filter(|(line, count)| expected.get(*line) != Some(count)).collect();
    let missing: Vec<_> = expected.iter().filter(|(line, _)| !records.contains_key(*line)).collect();
    let first = |lines: &[(&String, &u32)]| {
        lines.iter().take(5).map(|line| format!("{line:?}\n")).collect::<String>()
    };
    assert!(
        different.is_empty() && missing.is_empty(),
        "{} records too many or changed, such as\n{}{} missing, such as\n{}",
        different.len(),
        first(&different),
        missing.len(),
        first(&missing)
    );
}

/// One thread that gives everybody their turn in random order: the same each time.
fn in_random_order(name: &str, seed: u64, packets: usize) {
    let (traffic, uneven) = skewed_traffic(packets, seed);
    assert!(uneven >= 1.6, "{uneven}");
    let mut bench = Bench::new(name, settings());
    let (mut random, mut records) = (Random(seed), Records::new());
    let start = Instant::now();
    let mut steps = 0;
    let mut next = traffic.iter();
    let mut before_last_part = None;
    loop {
        if bench.fed as usize * 3 > packets * 2 && before_last_part.is_none() {
            before_last_part = Some(bench.analyzed());
        }
        match random.below(RECEIVERS + WORKERS + 2) {
            0 => {
                if bench.fed - bench.analyzed().iter().sum::<u64>() < 900 {
                    let Some(packet) = next.next() else { break };
                    bench.feed(packet);
                    for packet in next.by_ref().take(random.below(BURST)) {
                        bench.feed(packet);
                    }
                }
            }
            1 => {
                // A hundred steps are a millisecond, whatever the clock says.
                bench.balancer.step(start + Duration::from_micros(10 * steps));
                bench.take_records(&mut records);
            }
            number if number < 2 + RECEIVERS => _ = bench.receivers[number - 2].poll(),
            number => _ = bench.workers[number - 2 - RECEIVERS].round(),
        }
        steps += 1;
    }
    for _ in 0..100 {
        bench.receivers.iter_mut().for_each(|receiver| _ = receiver.poll());
        bench.workers.iter_mut().for_each(|worker| _ = worker.round());
    }
    let before = before_last_part.unwrap();
    let shares: Vec<u64> = bench.analyzed().iter().zip(&before).map(|(end, start)| end - start).collect();
    let (flows, parked, report) = (bench.flows_moved(), bench.parked(), bench.balancer.report().clone());
    let books = bench.finish(&mut records);
    println!(
        "{name}: {uneven:.2} became {:.2}; {flows} flows, {parked} packets parked, {report:?}",
        imbalance(&shares)
    );
    assert_eq!(
        (books.received, books.analyzed, books.under_way()),
        (packets as u64, packets as u64, 0),
        "{books:?}"
    );
    assert!(report.moves > 0 && flows > 0 && parked > 0, "{report:?}");
    assert!(imbalance(&shares) <= 1.15, "{shares:?}");
    assert_same(&records, &expected(&traffic));
}

#[test]
fn skewed_traffic_becomes_even_and_no_flow_is_split() {
    for seed in 1..=3 {
        in_random_order(&format!("even{seed}-"), seed, 60_000);
    }
}

#[test]
fn threads_even_skewed_traffic_out_and_split_no_flow() {
    const PACKETS: usize = 200_000;
    let (traffic, uneven) = skewed_traffic(PACKETS, 9);
    assert!(uneven >= 1.6, "{uneven}");
    let mut bench = Bench::new("threads", settings());
    let (stop_receivers, stop_workers) = (AtomicBool::new(false), AtomicBool::new(false));
    let (mut records, mut shares) = (Records::new(), Vec::new());
    let mut receivers = std::mem::take(&mut bench.receivers);
    let workers = std::mem::take(&mut bench.workers);
    thread::scope(|scope| {
        let (stop_receivers, stop_workers) = (&stop_receivers, &stop_workers);
        let receiving: Vec<_> = receivers
            .iter_mut()
            .map(|receiver| {
                scope.spawn(|| {
                    run(stop_receivers, Idle::SHARED, &Load::default(), || receiver.poll());
                    receiver.finish();
                })
            })
            .collect();
        let working: Vec<_> = workers
            .into_iter()
            .map(|worker| scope.spawn(|| worker.run(stop_workers, Idle::SHARED)))
            .collect();
        let mut before = Vec::new();
        for (number, packet) in traffic.iter().enumerate() {
            // Many fewer than a ring holds: how fast this machine is does not matter.
            while bench.fed - bench.books().analyzed > 700 {
                bench.balancer.step(Instant::now());
                bench.take_records(&mut records);
                thread::yield_now();
            }
            if number == PACKETS * 2 / 3 {
                before = bench.analyzed();
            }
            bench.feed(packet);
        }
        let deadline = Instant::now() + Duration::from_secs(60);
        while bench.books().analyzed < PACKETS as u64 && Instant::now() < deadline {
            bench.balancer.step(Instant::now());
            bench.take_records(&mut records);
            thread::yield_now();
        }
        shares.extend(bench.analyzed().iter().zip(&before).map(|(end, start)| end - start));
        stop_receivers.store(true, Ordering::Release);
        receiving.into_iter().for_each(|thread| thread.join().unwrap());
        while !bench.handover.is_done() && Instant::now() < deadline {
            thread::yield_now();
        }
        stop_workers.store(true, Ordering::Release);
        while working.iter().any(|thread| !thread.is_finished()) {
            bench.take_records(&mut records);
            thread::yield_now();
        }
    });
    bench.take_records(&mut records);
    let (report, books) = (bench.balancer.report(), bench.books());
    println!(
        "threads: {uneven:.2} became {:.2}; {} flows, {} packets parked, {report:?}",
        imbalance(&shares),
        bench.flows_moved(),
        bench.parked()
    );
    assert_eq!((books.analyzed, books.under_way()), (PACKETS as u64, 0), "{books:?}");
    assert!(report.moves > 0 && bench.flows_moved() > 0, "{report:?}");
    assert!(imbalance(&shares) <= 1.15, "{shares:?}");
    assert_same(&records, &expected(&traffic));
}

#[test]
fn an_elephant_has_a_worker_for_itself() {
    const PACKETS: usize = 60_000;
    let (mut traffic, _) = skewed_traffic(PACKETS, 4);
    // Three packets in five become those of one pair of hosts.
    let (client, server) = (([10, 9, 9, 9], 4000), ([192, 0, 2, 1], 5000));
    let elephant = bucket_of(&tcp(client, server, 0, 0, 0x10, b""));
    let mut sequence = 1;
    for (number, packet) in traffic.iter_mut().enumerate() {
        if number % 5 < 3 {
            packet.data = tcp(client, server, sequence, 1, 0x10, b"0123456789");
            packet.bucket = elephant;
            packet.receiver = 0;
            sequence += 10;
        }
    }
    let mut bench = Bench::new("elephant", settings());
    let mut records = Records::new();
    let start = Instant::now();
    for (number, packets) in traffic.chunks(BURST).enumerate() {
        packets.iter().for_each(|packet| bench.feed(packet));
        for _ in 0..3 {
            bench.receivers.iter_mut().for_each(|receiver| _ = receiver.poll());
            bench.workers.iter_mut().for_each(|worker| _ = worker.round());
            bench.balancer.step(start + Duration::from_millis(number as u64));
        }
        bench.take_records(&mut records);
    }
    let table = bench.handover.table();
    let home = table.worker(usize::from(elephant));
    assert_eq!(home, usize::from(elephant) % WORKERS, "the elephant has moved");
    // What still is there beside it is next to nothing.
    let last = &traffic[PACKETS * 9 / 10..];
    let beside = last
        .iter()
        .filter(|packet| packet.bucket != elephant && table.worker(usize::from(packet.bucket)) == home);
    let beside = beside.count();
    let report = bench.balancer.report().clone();
    println!("elephant: {beside} of {} packets beside it; {report:?}", last.len());
    assert_eq!(report.elephants, 1);
    assert!(beside * 50 < last.len(), "{beside} of {}", last.len());
    bench.finish(&mut records);
    assert_same(&records, &expected(&traffic));
}
