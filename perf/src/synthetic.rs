//! Frames made one by one, and a worker that is given them: for benchmarks that need very many connections, which no
//! capture has.

use std::time::Duration;

use baleen_perf::checksum;
use baleen_perf::cpu::{self, RunError};
use packet::{Frame, LinkType};
use record::{Format, Log, LogSet, RecordBuffer, Time};
use worker::{Settings, Worker};

/// Octets of each frame: the least that Ethernet allows, without the check sequence.
const FRAME: usize = 60;
/// Frames that a worker is given at once, as by a port.
const BURST: usize = 64;
/// Frames made before the worker's time is taken: few enough to stay in the CPU's cache.
const BATCH: usize = 64 * BURST;
/// Octets of records after which they are taken away, as by a worker lcore.
const FULL: usize = 256 << 10;
/// Time of the first packet.
const START: u64 = 1_700_000_000_000_000_000;

/// A packet of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The client's SYN.
    Syn,
    /// The server's answer.
    SynAck,
    /// The client's acknowledgment, without data.
    Ack,
    /// The client's UDP datagram of a protocol that nobody knows.
    Datagram,
}

/// A frame with packet `kind` of connection `flow`. Every number below 2^40 is another connection.
fn frame(kind: Kind, flow: u64) -> [u8; FRAME] {
    let client = [10, (flow >> 16) as u8, (flow >> 8) as u8, flow as u8];
    let server = [198, 51, 100, 7];
    let client_port = 1024_u16.wrapping_add((flow >> 24) as u16).to_be_bytes();
    let server_port = if kind == Kind::Datagram { 9999_u16 } else { 443 }.to_be_bytes();
    let from_client = kind != Kind::SynAck;
    let (source, destination) = if from_client { (client, server) } else { (server, client) };
    let (source_port, destination_port) =
        if from_client { (client_port, server_port) } else { (server_port, client_port) };

    let mut frame = [0; FRAME];
    let (ethernet, rest) = frame.split_at_mut(14);
    ethernet.copy_from_slice(&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0]);
    let (ip, transport) = rest.split_at_mut(20);
    let (protocol, length) = if kind == Kind::Datagram { (17, 26) } else { (6, 20) };
    ip.copy_from_slice(&[0x45, 0, 0, 20 + length, 0, 1, 0x40, 0, 64, protocol, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    put(ip, 12, &source);
    put(ip, 16, &destination);
    let sum = internet_checksum(&[ip]);
    put(ip, 10, &sum);
    put(transport, 0, &source_port);
    put(transport, 2, &destination_port);
    // The client begins with 1000, the server with 2000.
    let (sequence, acknowledged, flags) = match kind {
        Kind::Syn => (1000_u32, 0_u32, 0x02),
        Kind::SynAck => (2000, 1001, 0x12),
        Kind::Ack => (1001, 2001, 0x10),
        Kind::Datagram => {
            put(transport, 4, &[0, length, 0, 0]);
            put(transport, 8, &[0xa5; 18]);
            (0, 0, 0)
        }
    };
    let checksum_at = if kind == Kind::Datagram {
        6
    } else {
        put(transport, 4, &sequence.to_be_bytes());
        put(transport, 8, &acknowledged.to_be_bytes());
        put(transport, 12, &[0x50, flags, 0x20, 0]);
        16
    };
    let segment = transport.get(..usize::from(length)).unwrap_or_default();
    let sum = internet_checksum(&[&source, &destination, &[0, protocol, 0, length], segment]);
    put(transport, checksum_at, &sum);
    frame
}

fn put(place: &mut [u8], at: usize, octets: &[u8]) {
    if let Some(place) = place.get_mut(at..at + octets.len()) {
        place.copy_from_slice(octets);
    }
}

/// The Internet checksum (RFC 1071) of parts of even length.
fn internet_checksum(parts: &[&[u8]]) -> [u8; 2] {
    (!checksum::fold(parts.iter().map(|part| checksum::sum(part)).sum())).to_be_bytes()
}

/// A worker with all logs, given packets at a steady rate in packet time.
#[derive(Debug)]
pub(crate) struct Driven {
    worker: Worker,
    out: RecordBuffer,
    frames: Vec<[u8; FRAME]>,
    /// Packets given so far.
    packets: u64,
    /// Nanoseconds of packet time from one packet to the next.
    step: u64,
    /// Records of connections made so far.
    conn_records: u64,
}

impl Driven {
    /// A worker for at most so many connections; so many packets come in a second of packet time.
    pub(crate) fn new(flows: u32, packets_per_second: u32) -> Self {
        let mut settings = Settings::default();
        settings.flow.limits.flows = flows;
        let mut worker = Worker::new(settings.into());
        // As the sensor does with its workers.
        worker.reserve();
        Self {
            worker,
            out: RecordBuffer::new(Format::JsonWithPath, LogSet::ALL),
            frames: Vec::with_capacity(BATCH),
            packets: 0,
            step: 1_000_000_000 / u64::from(packets_per_second.max(1)),
            conn_records: 0,
        }
    }

    /// Gives the worker these packets. The CPU time that it takes for them, making them not counted.
    pub(crate) fn give(
        &mut self,
        packets: impl IntoIterator<Item = (Kind, u64)>,
    ) -> Result<Duration, RunError> {
        let mut packets = packets.into_iter();
        let mut total = Duration::ZERO;
        loop {
            self.frames.clear();
            self.frames.extend(packets.by_ref().take(BATCH).map(|(kind, flow)| frame(kind, flow)));
            if self.frames.is_empty() {
                return Ok(total);
            }
            let frames: Vec<Frame<'_>> = self
                .frames
                .iter()
                .zip(self.packets..)
                .map(|(data, number)| {
                    let time = Time(START + number * self.step);
                    Frame { time, clock: time, number, data, wire_len: FRAME as u32 }
                })
                .collect();
            self.packets += frames.len() as u64;
            let before = cpu::thread()?;
            for burst in frames.chunks(BURST) {
                self.worker.burst(LinkType::Ethernet, burst, &mut self.out);
            }
            total += cpu::thread()?.saturating_sub(before);
            if self.out.byte_len() >= FULL {
                self.take_records();
            }
        }
    }

    fn take_records(&mut self) {
        self.conn_records += self.out.iter().filter(|(entry, _)| entry.log == Log::Conn).count() as u64;
        self.out.clear();
    }

    /// Ends all connections; how many records of connections there were in all.
    pub(crate) fn finish(&mut self) -> u64 {
        self.worker.finish(&mut self.out);
        self.take_records();
        self.conn_records
    }

    /// What the worker's connection table counted.
    pub(crate) fn flows(&self) -> Flows {
        let counters = self.worker.counters();
        Flows {
            created: counters.flows.created,
            open: counters.flows.created.saturating_sub(counters.flows.removed),
            evicted: counters.flows.evicted,
            not_analyzed: counters.dropped().map(|(_, count)| count).sum(),
        }
    }
}

/// Connections of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flows {
    pub(crate) created: u64,
    pub(crate) open: u64,
    pub(crate) evicted: u64,
    /// Packets that are wrong.
    pub(crate) not_analyzed: u64,
}

/// Numbers below `end` as if at random, the same in every run.
#[derive(Debug)]
pub(crate) struct Random {
    state: u64,
    end: u64,
}

impl Random {
    /// `end` is at most 2^32.
    pub(crate) const fn below(end: u64) -> Self {
        Self { state: 0x9e37_79b9_7f4a_7c15, end }
    }
}

impl Iterator for Random {
    type Item = u64;

    /// SplitMix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators", 2014).
    fn next(&mut self) -> Option<u64> {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        Some(((z >> 32) * self.end) >> 32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handshake_makes_a_connection_and_a_datagram_another() {
        let mut driven = Driven::new(100, 1000);
        let packets = [(Kind::Syn, 7), (Kind::SynAck, 7), (Kind::Ack, 7), (Kind::Datagram, 7)];
        driven.give(packets).unwrap();
        let flows = driven.flows();
        assert_eq!(flows, Flows { created: 2, open: 2, evicted: 0, not_analyzed: 0 });
        driven.worker.finish(&mut driven.out);
        let text: String =
            driven.out.iter().map(|(_, line)| String::from_utf8_lossy(line).into_owned()).collect();
        assert!(text.contains(r#""conn_state":"S1""#) && text.contains(r#""history":"ShA""#), "{text}");
        assert!(!text.contains("weird"), "{text}");
        driven.take_records();
        assert_eq!(driven.conn_records, 2);
    }

    #[test]
    fn every_number_is_another_connection() {
        let mut driven = Driven::new(1000, 1000);
        let flows = [0, 1, 0xffff, 1 << 16, 1 << 23, 1 << 24, (1 << 40) - 1];
        driven.give(flows.map(|flow| (Kind::Syn, flow))).unwrap();
        driven.give(flows.map(|flow| (Kind::Syn, flow))).unwrap();
        assert_eq!(driven.flows().created, flows.len() as u64);
    }

    #[test]
    fn numbers_at_random_are_below_their_end_and_reach_it() {
        let seen: std::collections::HashSet<u64> = Random::below(10).take(1000).collect();
        assert_eq!(seen.len(), 10);
        assert!(seen.iter().all(|number| *number < 10));
    }
}
