//! Large flows: their bytes take the short path, and no record shows a difference.

use std::sync::Arc;

use packet::{DecodeOptions, Frame, LinkType};
use record::{Format, LogSet, RecordBuffer, Time};
use serde_json::Value;

use super::{CLIENT, SERVER, ipv4, of_log, udp};
use crate::{Counters, Settings, Shunting, Worker};

/// Octets of an elephant.
const LARGE: usize = 20 << 20;
/// Octets of a segment's payload.
const SEGMENT: usize = 1448;

const SYN: u8 = 0x02;
const ACK: u8 = 0x10;
const FIN: u8 = 0x01;

/// A worker that is given frames one by one.
struct Run {
    worker: Worker,
    out: RecordBuffer,
    number: u64,
}

impl Run {
    fn new(settings: Settings) -> Self {
        let decode = DecodeOptions { verify_checksums: false, ..DecodeOptions::default() };
        Self {
            worker: Worker::new(Arc::new(Settings { decode, ..settings })),
            out: RecordBuffer::new(Format::JsonWithPath, LogSet::ALL),
            number: 0,
        }
    }

    fn frame(&mut self, data: &[u8]) {
        let time = Time::new(1_700_000_000, 0).after(record::Interval(self.number * 1_000_000));
        let frame = Frame { time, clock: time, number: self.number, data, wire_len: data.len() as u32 };
        self.worker.burst(LinkType::Ethernet, &[frame], &mut self.out);
        self.number += 1;
    }

    fn finish(mut self) -> (Counters, Vec<String>) {
        self.worker.finish(&mut self.out);
        let records = self.out.iter().map(|(_, line)| String::from_utf8(line.to_vec()).unwrap()).collect();
        (*self.worker.counters(), records)
    }
}

/// The two ends of a TCP connection; what they send goes to `deliver`.
struct Tcp<'d> {
    port: u16,
    /// Next sequence numbers of client and server.
    next: [u32; 2],
    deliver: &'d mut dyn FnMut(Vec<u8>),
}

impl<'d> Tcp<'d> {
    /// With its handshake.
    fn open(port: u16, deliver: &'d mut dyn FnMut(Vec<u8>)) -> Self {
        // The server's numbers wrap on the way.
        let mut tcp = Self { port, next: [1000, u32::MAX - 5_000_000], deliver };
        tcp.segment(0, SYN, &[]);
        tcp.segment(1, SYN | ACK, &[]);
        tcp.segment(0, ACK, &[]);
        tcp
    }

    fn segment(&mut self, from: usize, flags: u8, payload: &[u8]) {
        let (own, peer) = (self.next[from], self.next[1 - from]);
        let acknowledgment = if flags & ACK == 0 { 0 } else { peer };
        let ports = if from == 0 { [40000, self.port] } else { [self.port, 40000] };
        let mut segment = Vec::with_capacity(20 + payload.len());
        segment.extend(ports.iter().flat_map(|port: &u16| port.to_be_bytes()));
        segment.extend(own.to_be_bytes());
        segment.extend(acknowledgment.to_be_bytes());
        segment.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        segment.extend(payload);
        self.next[from] =
            own.wrapping_add(payload.len() as u32).wrapping_add(u32::from(flags & (SYN | FIN) != 0));
        let (source, destination) = if from == 0 { (CLIENT, SERVER) } else { (SERVER, CLIENT) };
        (self.deliver)(ipv4(source, destination, 6, 0, &segment));
    }

    /// Sends octets, each second segment acknowledged.
    fn send(&mut self, from: usize, octets: &[u8]) {
        for (number, part) in octets.chunks(SEGMENT).enumerate() {
            self.segment(from, ACK, part);
            if number % 2 == 1 {
                self.segment(1 - from, ACK, &[]);
            }
        }
        self.segment(1 - from, ACK, &[]);
    }

    fn close(&mut self) {
        self.segment(1, FIN | ACK, &[]);
        self.segment(0, FIN | ACK, &[]);
        self.segment(1, ACK, &[]);
    }
}

/// Octets that look like nothing.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    let step = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8 | 1
    };
    (0..len).map(step).collect()
}

fn record(content: u8, body: &[u8]) -> Vec<u8> {
    [&[content, 3, 3], (body.len() as u16).to_be_bytes().as_slice(), body].concat()
}

fn tls(deliver: &mut dyn FnMut(Vec<u8>)) {
    let hello = |kind: u8, rest: &[u8]| {
        let body = [&[3, 3], [7; 32].as_slice(), &[0], rest].concat();
        record(22, &[&[kind, 0, 0, body.len() as u8], body.as_slice()].concat())
    };
    let finished = [record(20, &[1]), record(22, &noise(40))].concat();
    let mut tcp = Tcp::open(443, deliver);
    tcp.send(0, &hello(1, &[0, 2, 0xc0, 0x2f, 1, 0]));
    tcp.send(1, &hello(2, &[0xc0, 0x2f, 0]));
    tcp.send(0, &finished);
    tcp.send(1, &finished);
    let data: Vec<u8> = noise(LARGE).chunks(16_000).flat_map(|part| record(23, part)).collect();
    tcp.send(1, &data);
    tcp.close();
}

fn http(deliver: &mut dyn FnMut(Vec<u8>)) {
    let mut tcp = Tcp::open(80, deliver);
    tcp.send(0, b"GET /large HTTP/1.1\r\nHost: example.org\r\n\r\n");
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {LARGE}\r\n\r\n%PDF-1.4\n");
    let body = noise(LARGE - 9);
    tcp.send(1, &[head.as_bytes(), &body].concat());
    // The connection is followed on.
    tcp.send(0, b"GET /small HTTP/1.1\r\nHost: example.org\r\n\r\n");
    tcp.send(1, b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nnever");
    tcp.close();
}

fn chunked_http(deliver: &mut dyn FnMut(Vec<u8>)) {
    let mut tcp = Tcp::open(80, deliver);
    tcp.send(0, b"GET /large HTTP/1.1\r\nHost: example.org\r\n\r\n");
    let mut reply = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for part in noise(LARGE).chunks(100_000) {
        reply.extend(format!("{:x}\r\n", part.len()).bytes());
        reply.extend(part);
        reply.extend(b"\r\n");
    }
    reply.extend(b"0\r\n\r\n");
    tcp.send(1, &reply);
    tcp.close();
}

fn bulk_udp(deliver: &mut dyn FnMut(Vec<u8>)) {
    for part in noise(LARGE).chunks(SEGMENT) {
        deliver(ipv4(SERVER, CLIENT, 17, 0, &udp(9999, 40000, part)));
    }
}

fn without_hashes(shunting: Shunting) -> Settings {
    let mut settings = Settings { shunting, ..Settings::default() };
    settings.analysis.hash_files = false;
    settings
}

fn run(shunting: Shunting, traffic: fn(&mut dyn FnMut(Vec<u8>))) -> (Counters, Vec<String>) {
    let mut run = Run::new(without_hashes(shunting));
    traffic(&mut |frame| run.frame(&frame));
    run.finish()
}

/// Runs with and without shunting, and shows that there is no difference but the path.
fn compare(traffic: fn(&mut dyn FnMut(Vec<u8>))) -> Vec<Value> {
    let (counters, records) = run(Shunting::default(), traffic);
    let (all, expected) = run(Shunting { enabled: false, ..Shunting::default() }, traffic);
    assert_eq!(records, expected);
    assert_eq!((all.shunted, all.shunted_octets), (0, 0));
    assert_eq!(counters.received, counters.analyzed + counters.shunted);
    let share = counters.shunted_octets as f64 / counters.octets as f64;
    assert!(share >= 0.9, "{:.1} % of the bytes took the short path", share * 100.0);
    records.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn encrypted_elephants_take_the_short_path() {
    let records = compare(tls);
    let conn = &of_log(&records, "conn")[0];
    assert_eq!((&conn["service"], &conn["conn_state"]), (&"ssl".into(), &"SF".into()));
    assert!(conn["resp_bytes"].as_u64().unwrap() > LARGE as u64);
    assert_eq!(of_log(&records, "ssl")[0]["established"], true);
}

#[test]
fn bodies_that_nobody_wants_take_the_short_path() {
    let records = compare(http);
    let files = of_log(&records, "files");
    assert_eq!((&files[0]["mime_type"], &files[0]["seen_bytes"]), (&"application/pdf".into(), &LARGE.into()));
    let http = of_log(&records, "http");
    assert_eq!((&http[0]["response_body_len"], &http[1]["status_code"]), (&LARGE.into(), &404.into()));
}

#[test]
fn chunks_that_nobody_wants_take_the_short_path() {
    let records = compare(chunked_http);
    assert_eq!(of_log(&records, "files")[0]["seen_bytes"], LARGE);
}

#[test]
fn unknown_bulk_datagrams_take_the_short_path() {
    let records = compare(bulk_udp);
    let conn = &of_log(&records, "conn")[0];
    assert_eq!(conn["orig_bytes"], LARGE);
    assert_eq!(conn["orig_pkts"], LARGE.div_ceil(SEGMENT));
}

#[test]
fn loss_and_reordering_are_the_same_on_the_short_path() {
    for traffic in [http as fn(&mut dyn FnMut(Vec<u8>)), chunked_http] {
        for seed in 1..4_u32 {
            let disturbed = |shunting| {
                let mut run = Run::new(without_hashes(shunting));
                let (mut state, mut late) = (seed, Vec::new());
                traffic(&mut |frame| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    match state >> 22 {
                        0..4 if run.number > 200 => {}
                        4..40 => late.push(frame),
                        _ => {
                            run.frame(&frame);
                            late.drain(..).for_each(|frame| run.frame(&frame));
                        }
                    }
                });
                run.finish()
            };
            let (counters, records) = disturbed(Shunting::default());
            let (_, expected) = disturbed(Shunting { enabled: false, ..Shunting::default() });
            assert_eq!(records, expected, "seed {seed}");
            assert_eq!(counters.received, counters.analyzed + counters.shunted);
        }
    }
}

#[test]
fn hashing_ends_at_its_limit() {
    let mut settings = Settings::default();
    settings.analysis.hash_limit = 1 << 20;
    let mut limited = Run::new(settings);
    http(&mut |frame| limited.frame(&frame));
    let (counters, records) = limited.finish();
    assert!(counters.shunted_octets * 10 > counters.octets * 9);
    let records: Vec<Value> = records.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let files = of_log(&records, "files");
    assert_eq!((&files[0]["seen_bytes"], &files[0]["md5"]), (&LARGE.into(), &Value::Null));
    assert!(files[1]["md5"].is_string());
}

#[test]
fn flows_are_followed_up_to_their_limits() {
    let limits = Shunting { tcp: 1 << 20, udp: 1 << 20, ..Shunting::default() };
    for traffic in [http as fn(&mut dyn FnMut(Vec<u8>)), bulk_udp] {
        let mut run = Run::new(Settings { shunting: limits, ..Settings::default() });
        traffic(&mut |frame| run.frame(&frame));
        let (counters, records) = run.finish();
        assert!(counters.shunted_octets * 10 > counters.octets * 9);
        let records: Vec<Value> = records.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        let conn = &of_log(&records, "conn")[0];
        let bytes = conn["orig_bytes"].as_u64().unwrap() + conn["resp_bytes"].as_u64().unwrap();
        assert!(bytes >= LARGE as u64, "{bytes}");
    }
}

/// Fills in the checksums of an IPv4 packet with TCP.
fn with_checksums(mut frame: Vec<u8>) -> Vec<u8> {
    let sum = |parts: &[&[u8]]| {
        let words = parts.iter().flat_map(|part| part.chunks(2));
        let mut sum: u64 = words.map(|w| u64::from(w[0]) << 8 | u64::from(*w.get(1).unwrap_or(&0))).sum();
        while sum > 0xffff {
            sum = (sum >> 16) + (sum & 0xffff);
        }
        (!(sum as u16)).to_be_bytes()
    };
    let ip = sum(&[&frame[14..34]]);
    let length = (frame.len() - 34) as u16;
    let tcp = sum(&[&frame[26..34], &[0, 6], &length.to_be_bytes(), &frame[34..]]);
    frame[24..26].copy_from_slice(&ip);
    frame[50..52].copy_from_slice(&tcp);
    frame
}

/// Each hundredth segment of the server is corrupt, also before the handshake is over.
fn corrupt_tls(decode: DecodeOptions) -> (Counters, Vec<Value>) {
    let mut run = Run {
        worker: Worker::new(Arc::new(Settings { decode, ..Settings::default() })),
        ..Run::new(Settings::default())
    };
    let mut number = 0;
    tls(&mut |frame| {
        number += 1;
        let mut frame = with_checksums(frame);
        if number % 100 == 3 || number % 100 == 50 {
            *frame.last_mut().unwrap() ^= 1;
        }
        run.frame(&frame);
    });
    let (counters, records) = run.finish();
    (counters, records.iter().map(|line| serde_json::from_str(line).unwrap()).collect())
}

#[test]
fn checksums_are_verified_as_far_as_payload_is_read() {
    let (all, verified) = corrupt_tls(DecodeOptions { verify_checksums: true, defer_payload: false });
    let (some, deferred) = corrupt_tls(DecodeOptions { verify_checksums: true, defer_payload: true });
    assert!(all.flows.bad_checksums > 200);
    // Those without payload, and those before the end of the handshake.
    assert!((1..all.flows.bad_checksums / 2).contains(&some.flows.bad_checksums), "{:?}", some.flows);
    assert_eq!(of_log(&verified, "ssl"), of_log(&deferred, "ssl"));
    let weird = |records: &[Value]| of_log(records, "weird")[0]["name"].clone();
    assert_eq!((weird(&verified), weird(&deferred)), ("bad_TCP_checksum".into(), "bad_TCP_checksum".into()));
    for records in [&verified, &deferred] {
        assert!(of_log(records, "conn")[0]["history"].as_str().unwrap().contains(['C', 'c']));
    }
}
