//! Packets and a recording user of the table, for tests.

use packet::{IpHeader, Layer2, Packet, TcpHeader, Transport, ip_proto};
use record::{Addr, Time};

use crate::{Config, Connection, Direction, FlowInfo, FlowTable, Hooks};

pub(crate) const CLIENT: (u8, u16) = (1, 40000);
pub(crate) const SERVER: (u8, u16) = (2, 80);

pub(crate) fn millis(at: u64) -> Time {
    Time(1_000_000_000_000 + at * 1_000_000)
}

fn ip(source: u8, destination: u8, protocol: u8, payload: u32) -> IpHeader {
    IpHeader {
        source: Addr::v4([10, 0, 0, source]),
        destination: Addr::v4([10, 0, 0, destination]),
        protocol,
        ttl: 64,
        total_len: 20 + payload,
        header_len: 20,
    }
}

fn packet<'p>(ip: IpHeader, transport: Transport<'p>, payload: &'p [u8]) -> Packet<'p> {
    Packet {
        layer2: Layer2::default(),
        ip,
        transport,
        payload,
        payload_len: payload.len() as u32,
        bad_checksum: false,
        bad_header: false,
        unverified: None,
    }
}

/// A TCP segment; `flags` are letters of S, A, F, R, P, U.
pub(crate) fn tcp<'p>(
    from: (u8, u16),
    to: (u8, u16),
    flags: &str,
    sequence: u32,
    acknowledgment: u32,
    payload: &'p [u8],
) -> Packet<'p> {
    let bits = flags.bytes().fold(0, |bits, letter| {
        bits | match letter {
            b'F' => 0x01,
            b'S' => 0x02,
            b'R' => 0x04,
            b'P' => 0x08,
            b'A' => 0x10,
            b'U' => 0x20,
            _ => panic!("no flag {letter}"),
        }
    });
    let header = TcpHeader {
        source_port: from.1,
        destination_port: to.1,
        sequence,
        acknowledgment,
        flags: bits,
        window: 1000,
        header_len: 20,
        options: &[],
    };
    let ip = ip(from.0, to.0, ip_proto::TCP, 20 + payload.len() as u32);
    packet(ip, Transport::Tcp(header), payload)
}

pub(crate) fn udp(from: (u8, u16), to: (u8, u16), payload: &[u8]) -> Packet<'_> {
    let length = 8 + payload.len() as u16;
    let transport = Transport::Udp { source_port: from.1, destination_port: to.1, length };
    packet(ip(from.0, to.0, ip_proto::UDP, u32::from(length)), transport, payload)
}

pub(crate) fn icmp(from: u8, to: u8, kind: u8, code: u8, payload: &[u8]) -> Packet<'_> {
    let transport = Transport::Icmp { kind, code, identifier: 7 };
    packet(ip(from, to, ip_proto::ICMP, 8 + payload.len() as u32), transport, payload)
}

pub(crate) fn other(from: u8, to: u8, protocol: u8, payload: &[u8]) -> Packet<'_> {
    packet(ip(from, to, protocol, payload.len() as u32), Transport::Other, payload)
}

/// The bucket of a packet: the same for both directions.
pub(crate) fn bucket(packet: &Packet<'_>) -> u16 {
    u16::from(packet.ip.source.0[15] ^ packet.ip.destination.0[15])
}

/// A record as the tests compare it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Record {
    pub(crate) text: String,
    pub(crate) orig: Vec<u8>,
    pub(crate) resp: Vec<u8>,
}

/// What a connection delivered.
#[derive(Debug, Default)]
pub(crate) struct Streams([Vec<u8>; 2], u16);

/// Writes down what it is told.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    pub(crate) records: Vec<Record>,
    pub(crate) connections: Vec<Connection>,
    pub(crate) weirds: Vec<&'static str>,
    pub(crate) events: Vec<String>,
    /// Directions whose payload is refused once some has come.
    pub(crate) refuse: bool,
}

impl Hooks for Recorder {
    type State = Streams;

    fn new_connection(&mut self, _flow: &mut FlowInfo, packet: &Packet<'_>) -> Streams {
        Streams(Default::default(), bucket(packet))
    }

    fn bucket(state: &Streams) -> u16 {
        state.1
    }

    fn data(&mut self, flow: &mut FlowInfo, state: &mut Streams, direction: Direction, payload: &[u8]) {
        state.0[direction.index()].extend_from_slice(payload);
        if self.refuse {
            flow.skip_payload(direction);
        }
    }

    fn gap(&mut self, _flow: &mut FlowInfo, state: &mut Streams, direction: Direction, length: u64) {
        state.0[direction.index()].extend(std::iter::repeat_n(b'_', length.min(1000) as usize));
        self.events.push(format!("gap {direction:?} {length}"));
    }

    fn end_of_stream(&mut self, _flow: &mut FlowInfo, _state: &mut Streams, direction: Direction) {
        self.events.push(format!("end {direction:?}"));
    }

    fn reset(&mut self, _flow: &mut FlowInfo, _state: &mut Streams, direction: Direction) {
        self.events.push(format!("reset {direction:?}"));
    }

    fn datagram(
        &mut self,
        _flow: &mut FlowInfo,
        state: &mut Streams,
        direction: Direction,
        packet: &Packet<'_>,
    ) {
        state.0[direction.index()].extend_from_slice(packet.payload);
    }

    fn weird(&mut self, _flow: &FlowInfo, name: &'static str, _detail: &str, _source: &'static str) {
        self.weirds.push(name);
    }

    fn removed(&mut self, flow: &mut FlowInfo, state: &mut Streams, connection: &Connection) {
        let c = connection;
        let id = flow.id;
        let text = format!(
            "{} {}:{} {}:{} {} {} bytes {}/{} missed {} packets {}/{} ip {}/{} for {}",
            flow.proto.name(),
            id.orig_h,
            id.orig_p,
            id.resp_h,
            id.resp_p,
            c.state,
            flow.history().as_str(),
            c.orig_bytes,
            c.resp_bytes,
            c.missed_bytes,
            c.orig_pkts,
            c.resp_pkts,
            c.orig_ip_bytes,
            c.resp_ip_bytes,
            c.duration.map_or(0, |duration| duration.0 / 1_000_000),
        );
        let [orig, resp] = std::mem::take(&mut state.0);
        self.records.push(Record { text, orig, resp });
        self.connections.push(*connection);
    }
}

/// A table and its user.
pub(crate) struct Bench {
    pub(crate) table: FlowTable<Streams>,
    pub(crate) recorder: Recorder,
    now: u64,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(Config {
            tcp_server_ports: [80, 8080].into_iter().collect(),
            udp_server_ports: [53].into_iter().collect(),
            ..Config::default()
        })
    }

    pub(crate) fn with(config: Config) -> Self {
        Self { table: FlowTable::new(config, 7), recorder: Recorder::default(), now: 0 }
    }

    /// A port drops the direction of `packet` from now on, and has dropped so many packets of so many octets already.
    pub(crate) fn offload(&mut self, packet: &Packet<'_>, packets: u64, ip_octets: u64) {
        let tuple = crate::key::Tuple::of(packet);
        let counted = crate::Offloaded {
            uid: record::Uid::default(),
            ends: tuple.ends,
            proto: tuple.proto,
            time: millis(self.now),
            packets,
            ip_octets,
            payload: 0,
        };
        let (flow, _) = self.table.count_offloaded(&counted).expect("the connection is there");
        let from_originator = flow.id.orig_h == tuple.ends.orig_h;
        flow.offload(if from_originator { Direction::Originator } else { Direction::Responder });
    }

    /// A packet, a millisecond after the one before.
    pub(crate) fn packet(&mut self, packet: &Packet<'_>) -> &mut Self {
        self.now += 1;
        self.table.packet(millis(self.now), packet, &mut self.recorder);
        self
    }

    pub(crate) fn wait(&mut self, millis: u64) -> &mut Self {
        self.now += millis;
        self
    }

    pub(crate) fn client(&mut self, flags: &str, sequence: u32, ack: u32, payload: &[u8]) -> &mut Self {
        self.packet(&tcp(CLIENT, SERVER, flags, sequence, ack, payload))
    }

    pub(crate) fn server(&mut self, flags: &str, sequence: u32, ack: u32, payload: &[u8]) -> &mut Self {
        self.packet(&tcp(SERVER, CLIENT, flags, sequence, ack, payload))
    }

    /// A handshake: the next sequence number of the client is 101, that of the server 501.
    pub(crate) fn handshake(&mut self) -> &mut Self {
        self.client("S", 100, 0, b"").server("SA", 500, 101, b"").client("A", 101, 501, b"")
    }

    /// Ends all connections; their records in the order of removal.
    pub(crate) fn finish(&mut self) -> Vec<Record> {
        self.table.finish(&mut self.recorder);
        assert!(self.table.is_empty());
        assert_eq!(self.table.counters().buffered_bytes, 0);
        std::mem::take(&mut self.recorder.records)
    }

    /// The state and history of each record.
    pub(crate) fn summaries(&mut self) -> Vec<String> {
        let words = |record: &Record| record.text.split(' ').skip(3).take(2).collect::<Vec<_>>().join(" ");
        self.finish().iter().map(words).collect()
    }
}
