//! Buckets that move between workers while traffic goes on: the records are those of workers whose buckets stay.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use packet::{DecodeOptions, Frame, LinkType};
use pcap::{Burst, Reader};
use proptest::prelude::*;
use record::{Format, LogSet, RecordBuffer, Time};
use worker::{BUCKETS, Departure, Parcel, Settings, Worker, bucket};

const fn is_send<T: Send>() {}
const _: () = is_send::<Parcel>();

/// Numbers that look random, from a seed (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end.max(1)
    }
}

/// How often each record came; of those under a limit, only that they came.
type Records = BTreeMap<String, u32>;

/// Some workers, and who has which bucket.
struct Workers {
    all: Vec<Worker>,
    out: RecordBuffer,
    owner: Vec<usize>,
    flows_moved: usize,
    clock: Time,
}

impl Workers {
    fn new(count: usize) -> Self {
        let settings = Arc::new(Settings {
            decode: DecodeOptions { verify_checksums: false, ..DecodeOptions::default() },
            ..Settings::default()
        });
        Self {
            all: (0..count).map(|_| Worker::new(Arc::clone(&settings))).collect(),
            out: RecordBuffer::new(Format::JsonWithPath, LogSet::ALL),
            owner: (0..BUCKETS).map(|bucket| bucket % count).collect(),
            flows_moved: 0,
            clock: Time(0),
        }
    }

    fn frame(&mut self, link: LinkType, frame: Frame<'_>) {
        let owner = self.owner[usize::from(bucket(link, &frame))];
        self.clock = self.clock.max(frame.clock);
        self.all[owner].burst(link, &[frame], &mut self.out);
    }

    fn move_bucket(&mut self, bucket: u16, to: usize) {
        let from = std::mem::replace(&mut self.owner[usize::from(bucket)], to);
        if from == to {
            return;
        }
        let mut departure = Departure::of(bucket);
        loop {
            let Some(parcel) = self.all[from].extract(&mut departure) else { continue };
            let is_last = parcel.is_last();
            self.flows_moved += parcel.flows();
            self.all[to].insert(parcel, &mut self.out);
            if is_last {
                break;
            }
        }
    }

    fn finish(mut self) -> (Records, usize) {
        for worker in &mut self.all {
            worker.idle(self.clock, &mut self.out);
            worker.finish(&mut self.out);
            assert_eq!(worker.counters().flows.current(), 0);
        }
        let mut records = Records::new();
        for (entry, line) in self.out.iter() {
            if entry.limit.key == 0 {
                *records.entry(String::from_utf8_lossy(line).into_owned()).or_default() += 1;
            } else {
                records.insert(format!("{:?} under limit {}", entry.log, entry.limit.key), 1);
            }
        }
        (records, self.flows_moved)
    }
}

/// Runs frames through workers; `moves` says how many buckets move after each frame.
fn run<'f>(
    count: usize,
    frames: impl Iterator<Item = (LinkType, Frame<'f>)>,
    seed: u64,
    moves: u64,
) -> (Records, usize) {
    let mut workers = Workers::new(count);
    let mut random = Random(seed);
    let mut last = None;
    for (link, frame) in frames {
        workers.frame(link, frame);
        for number in 0..moves {
            // The bucket of a frame has something to move; others rarely do.
            let last = *last.get_or_insert_with(|| bucket(link, &frame));
            let bucket = match number % 3 {
                0 => bucket(link, &frame),
                1 => last,
                _ => random.below(BUCKETS as u64) as u16,
            };
            let to = random.below(count as u64) as usize;
            workers.move_bucket(bucket, to);
        }
        if random.below(4) == 0 {
            last = Some(bucket(link, &frame));
        }
    }
    workers.finish()
}

/// What is in one and not in the other.
fn difference(a: &Records, b: &Records) -> Vec<String> {
    let only = |a: &Records, b: &Records, sign: &str| {
        let missing = a.iter().filter(|(line, count)| b.get(*line) != Some(count));
        missing.map(|(line, _)| format!("{sign} {line}")).collect::<Vec<_>>()
    };
    [only(a, b, "-"), only(b, a, "+")].concat()
}

/// An Ethernet frame with an IPv4 packet.
fn ipv4(
    source: [u8; 4],
    destination: [u8; 4],
    protocol: u8,
    id: u16,
    fragment: u16,
    payload: &[u8],
) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0];
    frame.extend_from_slice(&((20 + payload.len()) as u16).to_be_bytes());
    frame.extend_from_slice(&id.to_be_bytes());
    frame.extend_from_slice(&fragment.to_be_bytes());
    frame.extend_from_slice(&[64, protocol, 0, 0]);
    frame.extend_from_slice(&source);
    frame.extend_from_slice(&destination);
    frame.extend_from_slice(payload);
    frame
}

fn udp(source_port: u16, destination_port: u16, payload: &[u8]) -> Vec<u8> {
    let mut datagram = Vec::new();
    for field in [source_port, destination_port, (8 + payload.len()) as u16, 0] {
        datagram.extend_from_slice(&field.to_be_bytes());
    }
    datagram.extend_from_slice(payload);
    datagram
}

fn tcp(source_port: u16, destination_port: u16, seq: u32, ack: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut segment = Vec::new();
    segment.extend_from_slice(&source_port.to_be_bytes());
    segment.extend_from_slice(&destination_port.to_be_bytes());
    segment.extend_from_slice(&seq.to_be_bytes());
    segment.extend_from_slice(&ack.to_be_bytes());
    segment.extend_from_slice(&[0x50, flags, 0x20, 0, 0, 0, 0, 0]);
    segment.extend_from_slice(payload);
    segment
}

/// Payloads of a TCP conversation, the client's with `true`.
fn conversation(ports: (u16, u16), turns: &[(bool, &[u8])]) -> Vec<(bool, Vec<u8>)> {
    let (client, server) = ports;
    let mut next = [1000_u32, 9000];
    let mut segments = vec![
        (true, tcp(client, server, 999, 0, 2, b"")),
        (false, tcp(server, client, 8999, 1000, 0x12, b"")),
        (true, tcp(client, server, 1000, 9000, 0x10, b"")),
    ];
    for (from_client, payload) in turns {
        let (side, from, to) = if *from_client { (0, client, server) } else { (1, server, client) };
        // In pieces, of which some are swapped by the shuffle below.
        for piece in payload.chunks(40) {
            segments.push((*from_client, tcp(from, to, next[side], next[1 - side], 0x18, piece)));
            next[side] += piece.len() as u32;
        }
    }
    segments.push((true, tcp(client, server, next[0], next[1], 0x11, b"")));
    segments.push((false, tcp(server, client, next[1], next[0] + 1, 0x11, b"")));
    segments
}

/// Frames of some pairs of hosts, each with HTTP (a file in pieces too), FTP with a data connection, names, fragments and
/// tunnels; mixed by `random`, the order within a pair kept but for some neighbours.
fn traffic(pairs: u8, random: &mut Random) -> Vec<Vec<u8>> {
    let mut queues: Vec<Vec<Vec<u8>>> = Vec::new();
    for pair in 0..pairs {
        let (client, server) = ([10, 0, 0, pair], [192, 0, 2, pair / 2]);
        let mut frames = Vec::new();
        let mut add = |segments: Vec<(bool, Vec<u8>)>, protocol| {
            for (from_client, segment) in segments {
                let (from, to) = if from_client { (client, server) } else { (server, client) };
                frames.push(ipv4(from, to, protocol, 1, 0x4000, &segment));
            }
        };
        let page = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 90\r\n\r\n".as_slice();
        let body = [b'b'; 90];
        let get = b"GET /page HTTP/1.1\r\nHost: a.example\r\n\r\n".as_slice();
        add(conversation((40000, 80), &[(true, get), (false, page), (false, &body), (true, get)]), 6);
        for (port, range) in [(40001, "0-49/100"), (40002, "50-99/100")] {
            let get = b"GET /file HTTP/1.1\r\nHost: f.example\r\nRange: bytes=0-\r\n\r\n".as_slice();
            let head = format!(
                "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {range}\r\nContent-Length: 50\r\n\r\n"
            );
            add(conversation((port, 80), &[(true, get), (false, head.as_bytes()), (false, &body[..50])]), 6);
        }
        let opened = format!("227 Entering Passive Mode (192,0,2,{},78,{})\r\n", pair / 2, 32 + pair);
        let turns: [(bool, &[u8]); 6] = [
            (false, b"220 ready\r\n"),
            (true, b"USER u\r\n"),
            (false, b"230 in\r\n"),
            (true, b"PASV\r\n"),
            (false, opened.as_bytes()),
            (true, b"RETR f\r\n"),
        ];
        add(conversation((40003, 21), &turns), 6);
        add(
            conversation(
                (40004, 20000 + u16::from(pair)),
                &[(false, b"the contents of the file that was asked for")],
            ),
            6,
        );
        let query = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01a\x07example\x00\x00\x01\x00\x01";
        add(vec![(true, udp(5353, 53, query))], 17);
        let mut answer = query.to_vec();
        answer[2] = 0x81;
        add(vec![(false, udp(53, 5353, &answer))], 17);
        let inside = ipv4([172, 16, 0, pair], [172, 17, 0, 1], 17, 1, 0, &udp(5000, 6000, b"inside"));
        for _ in 0..3 {
            add(vec![(true, [&[0, 0, 8, 0], &inside[14..]].concat())], 47);
            let vxlan = [&[8, 0, 0, 0, 0, 0, 42, 0], inside.as_slice()].concat();
            add(vec![(true, udp(40005, 4789, &vxlan))], 17);
        }
        let long = udp(40006, 9999, &[b'x'; 120]);
        for (number, part) in long.chunks(64).enumerate() {
            let more = if number == 0 { 0x2000 } else { 0 };
            frames.push(ipv4(client, server, 17, 77, more | (number as u16 * 8), part));
        }
        for at in 3..frames.len().saturating_sub(1) {
            if random.below(8) == 0 {
                frames.swap(at, at + 1);
            }
        }
        frames.reverse();
        queues.push(frames);
    }
    let mut mixed = Vec::new();
    while !queues.is_empty() {
        let at = random.below(queues.len() as u64) as usize;
        match queues[at].pop() {
            Some(frame) => mixed.push(frame),
            None => drop(queues.swap_remove(at)),
        }
    }
    mixed
}

fn timed(frames: &[Vec<u8>]) -> impl Iterator<Item = (LinkType, Frame<'_>)> {
    frames.iter().enumerate().map(|(number, data)| {
        let time = Time(1_700_000_000_000_000_000 + number as u64 * 1_000_000);
        let wire_len = data.len() as u32;
        (LinkType::Ethernet, Frame { time, clock: time, number: number as u64, data, wire_len })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn buckets_that_move_all_the_time_change_no_record(seed: u64, pairs in 1..8_u8, count in 2..5_usize) {
        let frames = traffic(pairs, &mut Random(seed));
        let (still, _) = run(1, timed(&frames), 0, 0);
        let (moving, flows) = run(count, timed(&frames), seed, 2);
        prop_assert!(flows > 0);
        let different = difference(&still, &moving);
        prop_assert!(different.is_empty(), "{}", different.join("\n"));
        for log in ["conn", "dns", "http", "files", "tunnel"] {
            let needle = format!("{{\"_path\":\"{log}\"");
            prop_assert!(still.keys().any(|line| line.starts_with(&needle)), "no {log}");
        }
    }
}

fn captures(directory: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        if path.is_dir() {
            captures(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "pcap" || extension == "pcapng")
            && path.metadata().is_ok_and(|metadata| metadata.len() < MAX_CAPTURE)
        {
            found.push(path);
        }
    }
}

/// Captures of more octets are passed over, to be done in time.
const MAX_CAPTURE: u64 = 300_000;

/// The frames of a capture up to its damage, if it has any.
fn frames_of(path: &Path) -> Vec<(LinkType, Frame<'static>, Vec<u8>)> {
    let mut frames = Vec::new();
    let Ok(mut reader) = Reader::open(path) else { return frames };
    loop {
        let mut burst = Burst::new();
        let Ok(count @ 1..) = reader.next_burst(&mut burst) else { return frames };
        debug_assert!(count > 0);
        let link = LinkType::from_dlt(u32::from(burst.link_type()));
        for frame in burst.frames() {
            let Frame { time, clock, number, wire_len, .. } = *frame;
            frames.push((link, Frame { time, clock, number, data: &[], wire_len }, frame.data.to_vec()));
        }
    }
}

#[test]
fn captures_have_the_same_records_however_buckets_move() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora");
    let mut paths = Vec::new();
    captures(&root, &mut paths);
    if paths.is_empty() {
        println!(
            "skipped: captures_have_the_same_records_however_buckets_move: no captures in ../shared/corpora"
        );
        return;
    }
    paths.sort();
    let (mut moved, mut different) = (0, Vec::new());
    for (seed, path) in paths.iter().enumerate() {
        let owned = frames_of(path);
        let frames = || owned.iter().map(|(link, frame, data)| (*link, Frame { data, ..*frame }));
        let (still, _) = run(1, frames(), 0, 0);
        let (moving, flows) = run(4, frames(), seed as u64, 2);
        moved += flows;
        let lines = difference(&still, &moving);
        if !lines.is_empty() {
            // What no choice by the outermost addresses keeps together is apart without moves too.
            let (apart, _) = run(BUCKETS, frames(), 0, 0);
            if difference(&still, &apart).is_empty() {
                different.push(format!("{}:\n{}", path.display(), lines.join("\n")));
            }
        }
    }
    assert!(moved > 1000, "{moved}");
    assert!(different.is_empty(), "{} of {}:\n{}", different.len(), paths.len(), different.join("\n"));
}
