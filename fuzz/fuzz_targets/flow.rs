//! The flow table and TCP reassembly: segments of one connection, each eleven octets: kind, flags, sequence and
//! acknowledgment number (four octets each, from the first of their direction), length.
//!
//! Every octet of payload is the lowest octet of its sequence number, so that what comes out can be told to be in
//! order, each octet once, and every gap as long as it is said to be.
#![no_main]

use flow::{Config, Connection, Direction, FlowInfo, FlowTable, Hooks, Limits};
use libfuzzer_sys::fuzz_target;
use packet::{IpHeader, Layer2, Packet, TcpHeader, Transport, ip_proto, tcp_flags};
use record::{Addr, Interval, Time};

const FROM_SERVER: u8 = 1;
const LATER: u8 = 2;
const MUCH_LATER: u8 = 4;
const CUT: u8 = 8;
const BAD_CHECKSUM: u8 = 16;
/// The length counts in so many octets.
const LONG: u8 = 32;
const LONG_UNIT: usize = 200;

const CLIENT: (u8, u16) = (1, 40_000);
const SERVER: (u8, u16) = (2, 80);

/// What came out, by sender: client, server.
#[derive(Debug, Default)]
struct Check {
    /// Lowest octet of the sequence number that comes next, where it is known.
    next: [Option<u8>; 2],
    /// Something has been sent.
    sent: [bool; 2],
    /// A later SYN has set the sequence numbers anew, under data that may still wait: nothing is checked any more.
    renumbered: [bool; 2],
    ended: [bool; 2],
    given: u64,
    delivered: u64,
}

impl Check {
    fn sender(flow: &FlowInfo, direction: Direction) -> usize {
        let originator_is_client = flow.id.orig_p == CLIENT.1;
        usize::from(originator_is_client != (direction == Direction::Originator))
    }
}

impl Hooks for Check {
    type State = ();

    fn new_connection(&mut self, _flow: &mut FlowInfo, _packet: &Packet<'_>) {
        (self.next, self.sent, self.renumbered, self.ended) = Default::default();
    }

    fn packet(&mut self, flow: &mut FlowInfo, (): &mut (), direction: Direction, packet: &Packet<'_>) {
        let sender = Self::sender(flow, direction);
        if let Transport::Tcp(header) = packet.transport {
            self.renumbered[sender] |= self.sent[sender] && header.flags & tcp_flags::SYN != 0;
        }
        self.sent[sender] = true;
    }

    fn data(&mut self, flow: &mut FlowInfo, (): &mut (), direction: Direction, payload: &[u8]) {
        let sender = Self::sender(flow, direction);
        assert!(!payload.is_empty());
        let next = &mut self.next[sender];
        for octet in payload {
            let is_next = self.renumbered[sender] || next.is_none_or(|next| next == *octet);
            assert!(is_next, "{octet} where {next:?} comes next");
            *next = Some(octet.wrapping_add(1));
        }
        self.delivered += payload.len() as u64;
        assert!(self.delivered <= self.given);
    }

    fn gap(&mut self, flow: &mut FlowInfo, (): &mut (), direction: Direction, length: u64) {
        let next = &mut self.next[Self::sender(flow, direction)];
        assert!(0 < length && length <= 1 << 33, "a gap of {length}");
        *next = next.map(|next| next.wrapping_add(length as u8));
    }

    fn end_of_stream(&mut self, flow: &mut FlowInfo, (): &mut (), direction: Direction) {
        let ended = &mut self.ended[Self::sender(flow, direction)];
        assert!(!*ended);
        *ended = true;
    }

    fn datagram(&mut self, _: &mut FlowInfo, (): &mut (), _: Direction, _: &Packet<'_>) {
        unreachable!("only TCP is sent");
    }

    fn weird(&mut self, _flow: &FlowInfo, _name: &'static str, _detail: &str, _source: &'static str) {}

    fn removed(&mut self, _flow: &mut FlowInfo, (): &mut (), connection: &Connection) {
        assert!(connection.missed_bytes <= 1 << 40);
    }
}

fuzz_target!(|input: &[u8]| {
    let limits = Limits { buffered_segments: 64, buffered_bytes: 20_000, ..Limits::default() };
    let mut table = FlowTable::new(Config { limits, ..Config::default() }, 7);
    let mut check = Check::default();
    let mut now = Time::new(1_700_000_000, 0);
    for &[kind, flags, s0, s1, s2, s3, a0, a1, a2, a3, length] in input.as_chunks::<11>().0 {
        let has = |flag| kind & flag != 0;
        let (from, to) = if has(FROM_SERVER) { (SERVER, CLIENT) } else { (CLIENT, SERVER) };
        let sequence = u32::from_be_bytes([s0, s1, s2, s3]);
        let unit = if has(LONG) { LONG_UNIT } else { 1 };
        let syn = u32::from(flags & tcp_flags::SYN != 0);
        let whole: Vec<u8> = (0..usize::from(length) * unit)
            .map(|place| sequence.wrapping_add(syn).wrapping_add(place as u32) as u8)
            .collect();
        let payload = &whole[..if has(CUT) { whole.len() / 2 } else { whole.len() }];
        let packet = Packet {
            layer2: Layer2::default(),
            ip: IpHeader {
                source: Addr::v4([10, 0, 0, from.0]),
                destination: Addr::v4([10, 0, 0, to.0]),
                protocol: ip_proto::TCP,
                ttl: 64,
                total_len: 40 + whole.len() as u32,
                header_len: 20,
            },
            transport: Transport::Tcp(TcpHeader {
                source_port: from.1,
                destination_port: to.1,
                sequence,
                acknowledgment: u32::from_be_bytes([a0, a1, a2, a3]),
                flags,
                window: u16::from_be_bytes([a3, s3]),
                header_len: 20,
                options: &[],
            }),
            payload,
            payload_len: whole.len() as u32,
            bad_checksum: has(BAD_CHECKSUM),
            bad_header: false,
            unverified: None,
        };
        now = now.after(match (has(LATER), has(MUCH_LATER)) {
            (false, false) => Interval(1_000_000),
            (true, false) => Interval::from_secs(4),
            (_, true) => Interval::from_secs(400),
        });
        check.given += payload.len() as u64;
        table.packet(now, &packet, &mut check);
        table.expire(now, 100, &mut check);
        assert!(table.counters().buffered_bytes <= 2 * limits.buffered_bytes);
    }
    table.finish(&mut check);
    assert!(table.is_empty() && table.counters().buffered_bytes == 0);
});
