//! The bookkeeping, with a mock in place of the port: no port on a machine without such a card carries rules out. What
//! the real calls answer there is shown by the tests of the `dpdk` crate.

use std::cell::RefCell;
use std::rc::Rc;

use packet::{DecodeOptions, Frame, LinkType};
use record::{Format, LogSet, RecordBuffer};
use serde_json::Value;
use worker::{Settings, Shunting, Worker};

use super::*;

const CLIENT: [u8; 4] = [10, 0, 0, 1];
const SERVER: [u8; 4] = [192, 0, 2, 53];
const SEGMENT: usize = 1400;
const LARGE: usize = 20 << 20;
const SYN: u8 = 0x02;
const ACK: u8 = 0x10;
const FIN: u8 = 0x01;

/// What a port would do: drops and counts what a rule matches.
#[derive(Debug, Default)]
struct MockPort {
    rules: Vec<(DropMatch, RuleCount)>,
    full: bool,
}

impl MockPort {
    /// Whether a rule takes the frame: Ethernet, IPv4 without options.
    fn takes(&mut self, frame: &[u8]) -> bool {
        let port = |at: usize| u16::from_be_bytes([frame[at], frame[at + 1]]);
        let end = |at: usize, ports: usize| {
            let address: [u8; 4] = frame[at..at + 4].try_into().unwrap();
            SocketAddr::from((address, port(ports)))
        };
        let is_tcp = frame[23] == 6;
        let is_control = is_tcp && frame[47] & 0x07 != 0;
        let found = self.rules.iter_mut().find(|(rule, _)| {
            (rule.source, rule.destination) == (end(26, 34), end(30, 36))
                && (rule.transport == DropTransport::Tcp) == is_tcp
                && !is_control
        });
        if let Some((_, count)) = found {
            count.packets += 1;
            count.octets += frame.len() as u64;
            return true;
        }
        false
    }
}

#[derive(Debug, Default, Clone)]
struct MockEngine(Rc<RefCell<MockPort>>);

impl RuleEngine for MockEngine {
    type Rule = DropMatch;

    fn install(&mut self, packets: &DropMatch) -> Result<DropMatch, Refusal> {
        let mut port = self.0.borrow_mut();
        if port.full {
            return Err(Refusal::Full);
        }
        port.rules.push((*packets, RuleCount::default()));
        Ok(*packets)
    }

    fn count(&mut self, rule: &mut DropMatch) -> Option<RuleCount> {
        self.0.borrow().rules.iter().find(|(other, _)| other == rule).map(|(_, count)| *count)
    }

    fn remove(&mut self, rule: DropMatch) -> Option<RuleCount> {
        let mut port = self.0.borrow_mut();
        let at = port.rules.iter().position(|(other, _)| *other == rule)?;
        Some(port.rules.remove(at).1)
    }
}

/// A worker behind a port.
struct Bench {
    port: Rc<RefCell<MockPort>>,
    worker: Worker,
    out: RecordBuffer,
    link: Arc<OffloadLink>,
    offloader: Offloader<MockEngine>,
    number: u64,
    received: u64,
}

impl Bench {
    fn new(offload: u64) -> Self {
        let engine = MockEngine::default();
        let link = Arc::<OffloadLink>::default();
        let settings = Settings {
            decode: DecodeOptions { verify_checksums: false, ..DecodeOptions::default() },
            shunting: Shunting { offload, ..Shunting::default() },
            ..Settings::default()
        };
        Self {
            port: Rc::clone(&engine.0),
            worker: Worker::new(Arc::new(settings)),
            out: RecordBuffer::new(Format::JsonWithPath, LogSet::ALL),
            offloader: Offloader::new(engine, vec![Arc::clone(&link)], 16),
            link,
            number: 0,
            received: 0,
        }
    }

    fn now(&self) -> Time {
        Time::new(1_700_000_000, 0).after(Interval(self.number * 1_000_000))
    }

    /// A frame, a millisecond after the one before.
    fn frame(&mut self, data: &[u8]) {
        let time = self.now();
        let number = self.number;
        self.number += 1;
        if !self.port.borrow_mut().takes(data) {
            self.received += data.len() as u64;
            let frame = Frame { time, clock: time, number, data, wire_len: data.len() as u32 };
            self.worker.burst(LinkType::Ethernet, &[frame], &mut self.out);
            self.link.ask(&mut self.worker);
        }
        self.offloader.round(time);
        if number.is_multiple_of(100) {
            self.link.tell(&mut self.worker);
        }
    }

    /// Ends as a sensor does; the connection's record, and what was made of elephants.
    fn finish(mut self) -> (Value, OffloadCounters) {
        self.offloader.end_all(self.now());
        self.link.tell(&mut self.worker);
        self.worker.finish(&mut self.out);
        assert_eq!(self.port.borrow().rules, []);
        assert_eq!(self.link.gone.get(), 0);
        let records: Vec<Value> =
            self.out.iter().map(|(_, line)| serde_json::from_slice(line).unwrap()).collect();
        let mut conns = records.iter().filter(|record| record["_path"] == "conn");
        let conn = conns.next().unwrap().clone();
        assert!(conns.next().is_none());
        (conn, self.offloader.counters())
    }
}

fn frame(from_client: bool, protocol: u8, transport: &[u8]) -> Vec<u8> {
    let (source, destination) = if from_client { (CLIENT, SERVER) } else { (SERVER, CLIENT) };
    let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0];
    frame.extend((20 + transport.len() as u16).to_be_bytes());
    frame.extend([0, 7, 0, 0, 64, protocol, 0, 0]);
    frame.extend(source);
    frame.extend(destination);
    frame.extend(transport);
    frame
}

/// A segment, with time stamps.
fn segment(next: &mut [u32; 2], from: usize, flags: u8, payload: &[u8]) -> Vec<u8> {
    let ports: [u16; 2] = if from == 0 { [40000, 7777] } else { [7777, 40000] };
    let mut tcp: Vec<u8> = ports.iter().flat_map(|port| port.to_be_bytes()).collect();
    tcp.extend(next[from].to_be_bytes());
    tcp.extend(if flags & ACK == 0 { 0 } else { next[1 - from] }.to_be_bytes());
    tcp.extend([0x80, flags, 0xff, 0xff, 0, 0, 0, 0, 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 1]);
    tcp.extend(payload);
    next[from] = next[from].wrapping_add(payload.len() as u32 + u32::from(flags & (SYN | FIN) != 0));
    frame(from == 0, 6, &tcp)
}

/// A download of something unknown, then silence until the connection's time is over.
fn download(bench: &mut Bench) {
    let mut next = [1000, u32::MAX - 5_000_000];
    for (from, flags) in [(0, SYN), (1, SYN | ACK), (0, ACK)] {
        bench.frame(&segment(&mut next, from, flags, &[]));
    }
    bench.frame(&segment(&mut next, 0, ACK, &[0xf5; 100]));
    for number in 0..LARGE / SEGMENT {
        bench.frame(&segment(&mut next, 1, ACK, &[0xf5; SEGMENT]));
        if number % 2 == 1 {
            bench.frame(&segment(&mut next, 0, ACK, &[]));
        }
    }
    // The last octets come with the FIN.
    bench.frame(&segment(&mut next, 1, FIN | ACK, b"end"));
    bench.frame(&segment(&mut next, 0, ACK, &[]));
    bench.frame(&segment(&mut next, 0, FIN | ACK, &[]));
    bench.frame(&segment(&mut next, 1, ACK, &[]));
}

fn datagrams(bench: &mut Bench) {
    for _ in 0..LARGE / SEGMENT {
        datagrams_once(bench);
    }
}

#[test]
fn a_dropped_download_has_the_record_of_one_that_was_seen() {
    let mut seen = Bench::new(u64::MAX);
    download(&mut seen);
    let all = seen.received;
    let mut dropped = Bench::new(100_000);
    download(&mut dropped);
    assert!(dropped.received * 10 < all, "{} of {all} octets came", dropped.received);
    // The server's FIN has ended the rule already.
    assert_eq!(dropped.port.borrow().rules, []);
    let (expected, _) = seen.finish();
    let (conn, counters) = dropped.finish();
    assert_eq!(conn, expected);
    assert_eq!(conn["resp_bytes"], LARGE / SEGMENT * SEGMENT + 3);
    assert_eq!((counters.begun, counters.active, counters.full), (1, 0, 0));
}

#[test]
fn dropped_datagrams_are_in_the_record() {
    let mut seen = Bench::new(u64::MAX);
    datagrams(&mut seen);
    let all = seen.received;
    let mut dropped = Bench::new(100_000);
    datagrams(&mut dropped);
    assert!(dropped.received * 10 < all, "{} of {all} octets came", dropped.received);
    let (mut expected, _) = seen.finish();
    let (mut conn, counters) = dropped.finish();
    assert!(counters.packets > 14_000);
    // When the last one came is known to a second.
    let seconds = |conn: &mut Value| conn["duration"].take().as_f64().unwrap();
    assert!((seconds(&mut conn) - seconds(&mut expected)).abs() <= 1.0);
    assert_eq!(conn, expected);
}

#[test]
fn without_room_elephants_stay_with_the_worker() {
    let mut seen = Bench::new(u64::MAX);
    download(&mut seen);
    let mut refused = Bench::new(100_000);
    refused.port.borrow_mut().full = true;
    download(&mut refused);
    assert_eq!(refused.received, seen.received);
    let (conn, counters) = refused.finish();
    assert_eq!(conn, seen.finish().0);
    // Asked once for the server's octets, never again.
    assert_eq!((counters.begun, counters.full), (0, 1));
}

#[test]
fn a_rule_that_nothing_meets_is_removed() {
    let mut bench = Bench::new(100_000);
    for _ in 0..200 {
        datagrams_once(&mut bench);
    }
    assert_eq!(bench.offloader.counters().active, 1);
    for _ in 0..40 {
        bench.number += 1000;
        bench.offloader.round(bench.now());
    }
    assert_eq!(bench.offloader.counters().active, 0);
    bench.link.tell(&mut bench.worker);
    // It is wanted again with the next datagram.
    datagrams_once(&mut bench);
    assert_eq!(
        bench.offloader.counters(),
        OffloadCounters {
            active: 1,
            begun: 2,
            packets: bench.offloader.counters().packets,
            ..OffloadCounters::default()
        }
    );
}

fn datagrams_once(bench: &mut Bench) {
    let mut udp = vec![0x9c, 0x40, 0x27, 0x0f];
    udp.extend((8 + SEGMENT as u16).to_be_bytes());
    udp.extend([0, 0]);
    udp.extend([0xf5; SEGMENT]);
    bench.frame(&frame(true, 17, &udp));
}
