//! Makes seeds for the fuzz targets from captures: `seeds OUTPUT FOLDER`.
//!
//! Ends with what the seeds reach: for each protocol how many of them start its analyzer, and how many it confirms.

use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use flow::{Config, Connection, FlowInfo, FlowTable, Hooks};
use packet::{DecodeOptions, Decoded, Fragment, LinkType, Packet, Transport, WeirdList, tcp_flags};
use pcap::{Burst, Reader};
use protocol::testing::Harness;
use protocol::{Direction, Protocol};
use record::Proto;

/// Captures above this size are passed over, in octets.
const MAX_CAPTURE: u64 = 200_000;
/// Seeds are cut to this size.
const MAX_SEED: usize = 8192;
/// Connections taken from one capture.
const MAX_SESSIONS: usize = 8;
/// Connections to one port taken from all captures.
const MAX_SESSIONS_OF_PORT: usize = 40;
/// Certificates in one seed.
const MAX_CHAIN: usize = 4;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(output), Some(folder)) = (arguments.next(), arguments.next()) else {
        return Err("usage: seeds OUTPUT FOLDER".into());
    };
    let mut captures = Vec::new();
    find_captures(Path::new(&folder), &mut captures)?;
    captures.sort();
    let mut seeds = Seeds {
        output: PathBuf::from(output),
        counts: HashMap::new(),
        sessions: HashMap::new(),
        reached: BTreeMap::new(),
    };
    for capture in &captures {
        seeds.write("pcap", &fs::read(capture)?)?;
        take(capture, &mut seeds)?;
    }
    ports(&mut seeds)?;
    spool(&mut seeds)?;
    control_socket(&mut seeds)?;
    println!("protocol     started confirmed");
    for protocol in Protocol::ALL {
        let (started, confirmed) = seeds.reached.get(protocol).copied().unwrap_or_default();
        println!("{:12} {started:7} {confirmed:9}", protocol.name());
        // A connection that another one announced is never found by its own port or content.
        if started == 0 && *protocol != Protocol::Transfer {
            return Err(format!("no seed starts the analyzer of {}", protocol.name()).into());
        }
    }
    Ok(())
}

fn find_captures(folder: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            find_captures(&path, found)?;
        } else if path
            .extension()
            .is_some_and(|ending| ["pcap", "pcapng", "trace", "cap"].iter().any(|known| ending == *known))
            && entry.metadata()?.len() <= MAX_CAPTURE
        {
            found.push(path);
        }
    }
    Ok(())
}

/// Where seeds go, and what they reach.
struct Seeds {
    output: PathBuf,
    /// Seeds written, by target.
    counts: HashMap<&'static str, usize>,
    /// Connections, by transport and responder's port.
    sessions: HashMap<(Proto, u16), usize>,
    /// Seeds that start an analyzer, and that it confirms.
    reached: BTreeMap<Protocol, (usize, usize)>,
}

impl Seeds {
    fn write(&mut self, target: &'static str, input: &[u8]) -> std::io::Result<()> {
        let count = self.counts.entry(target).or_default();
        let folder = self.output.join(target);
        if *count == 0 {
            fs::create_dir_all(&folder)?;
        }
        *count += 1;
        fs::write(folder.join(format!("seed-{count:05}")), input)
    }

    fn session(&mut self, proto: Proto, input: &[u8]) -> std::io::Result<()> {
        let (target, start): (_, fn(u16) -> Harness) = match proto {
            Proto::Tcp => ("tcp_session", Harness::tcp),
            _ => ("udp_session", Harness::udp),
        };
        if let Some(harness) = baleen_fuzz::feed(input, start) {
            for protocol in harness.started() {
                let (started, confirmed) = self.reached.entry(protocol).or_default();
                *started += 1;
                *confirmed += usize::from(!harness.services().is_empty());
            }
        }
        self.write(target, input)
    }
}

/// One connection's input.
#[derive(Debug, Default)]
struct Session {
    input: Vec<u8>,
    certificates: Vec<u8>,
    is_full: bool,
}

impl Session {
    fn push(&mut self, direction: Direction, payload: &[u8]) {
        self.is_full |= self.input.len() + payload.len() > MAX_SEED;
        if !self.is_full {
            baleen_fuzz::push_data(&mut self.input, direction, payload);
        }
    }
}

/// Collects the connections of a capture.
#[derive(Debug, Default)]
struct Collector {
    sessions: Vec<(Proto, u16, Session)>,
}

impl Hooks for Collector {
    type State = Session;

    fn new_connection(&mut self, _flow: &mut FlowInfo, _packet: &Packet<'_>) -> Session {
        Session::default()
    }

    fn data(&mut self, _: &mut FlowInfo, session: &mut Session, direction: Direction, payload: &[u8]) {
        session.push(direction, payload);
        push_certificates(&mut session.certificates, payload);
    }

    fn gap(&mut self, _: &mut FlowInfo, session: &mut Session, direction: Direction, length: u64) {
        if !session.is_full {
            baleen_fuzz::push_gap(&mut session.input, direction, length);
        }
    }

    fn end_of_stream(&mut self, _: &mut FlowInfo, session: &mut Session, direction: Direction) {
        if !session.is_full {
            baleen_fuzz::push_end(&mut session.input, direction);
        }
    }

    fn datagram(
        &mut self,
        _: &mut FlowInfo,
        session: &mut Session,
        direction: Direction,
        packet: &Packet<'_>,
    ) {
        if matches!(packet.transport, Transport::Udp { .. }) {
            session.push(direction, packet.payload);
        }
    }

    fn weird(&mut self, _flow: &FlowInfo, _name: &'static str, _detail: &str, _source: &'static str) {}

    fn removed(&mut self, flow: &mut FlowInfo, session: &mut Session, _connection: &Connection) {
        if !session.input.is_empty() {
            self.sessions.push((flow.proto, flow.id.resp_p, std::mem::take(session)));
        }
    }
}

/// Adds what looks like certificates: one SEQUENCE right within another, both with two octets of length.
fn push_certificates(found: &mut Vec<u8>, payload: &[u8]) {
    let mut count = 0;
    let mut rest = payload;
    while let [first, after @ ..] = rest {
        rest = after;
        if let [0x82, high, low, 0x30, 0x82, ..] = after
            && *first == 0x30
            && let length = usize::from(u16::from_be_bytes([*high, *low]))
            && let Some(value) = after.get(..3 + length)
            && count < MAX_CHAIN
        {
            baleen_fuzz::push_length(found, &[&[0x30], value].concat());
            rest = &after[3 + length..];
            count += 1;
        }
    }
}

fn take(capture: &Path, seeds: &mut Seeds) -> Result<(), Box<dyn Error>> {
    let Ok(mut reader) = Reader::open(capture) else { return Ok(()) };
    let mut frames = Vec::new();
    let mut fragments = Vec::new();
    let mut segments = Segments::default();
    let mut table = FlowTable::new(Config::default(), 7);
    let mut collector = Collector::default();
    let options = DecodeOptions { verify_checksums: false, ..DecodeOptions::default() };
    loop {
        let mut burst = Burst::new();
        if !matches!(reader.next_burst(&mut burst), Ok(1..)) {
            break;
        }
        for frame in burst.frames() {
            if frames.is_empty() {
                frames.extend_from_slice(&[burst.link_type() as u8, 0]);
            }
            if frames.len() + frame.data.len() < MAX_SEED {
                baleen_fuzz::push_length(&mut frames, frame.data);
            }
            let link = LinkType::from_dlt(u32::from(burst.link_type()));
            match packet::decode(link, frame, &options, &mut WeirdList::new()) {
                Decoded::Flow(packet) => {
                    segments.push(&packet);
                    table.packet(frame.time, &packet, &mut collector);
                }
                Decoded::Fragment(fragment) if fragments.len() < MAX_SEED => {
                    push_fragment(&mut fragments, &fragment);
                }
                _ => {}
            }
        }
    }
    table.finish(&mut collector);
    for (target, input) in [("worker", frames), ("fragments", fragments), ("flow", segments.input)] {
        if !input.is_empty() {
            seeds.write(target, &input)?;
        }
    }
    for (proto, port, session) in collector.sessions.into_iter().take(MAX_SESSIONS) {
        if !session.certificates.is_empty() {
            let mut chain = Vec::new();
            baleen_fuzz::push_length(&mut chain, b"www.example.com");
            chain.extend_from_slice(&session.certificates);
            seeds.write("certificate", &chain)?;
        }
        let sessions = seeds.sessions.entry((proto, port)).or_default();
        *sessions += 1;
        if *sessions <= MAX_SESSIONS_OF_PORT {
            seeds.session(proto, &[baleen_fuzz::session_input(port), session.input].concat())?;
        }
    }
    Ok(())
}

/// The first TCP connection of a capture, as the `flow` target wants it.
#[derive(Debug, Default)]
struct Segments {
    input: Vec<u8>,
    /// Ports of client and server.
    ports: Option<(u16, u16)>,
    /// First sequence numbers of client and server.
    first: [Option<u32>; 2],
}

impl Segments {
    fn push(&mut self, packet: &Packet<'_>) {
        /// Unit of length of long segments.
        const UNIT: usize = 200;
        let Transport::Tcp(header) = packet.transport else { return };
        let (source, destination) = (header.source_port, header.destination_port);
        let (client, server) = *self.ports.get_or_insert((source, destination));
        let side = match (source, destination) {
            _ if self.input.len() > MAX_SEED => return,
            ports if ports == (client, server) => 0,
            ports if ports == (server, client) => 1,
            _ => return,
        };
        let first = *self.first[side].get_or_insert(header.sequence);
        let mut sequence = header.sequence.wrapping_sub(first);
        let mut acknowledgment = 0;
        if header.flags & tcp_flags::ACK != 0 {
            let peer = *self.first[1 - side].get_or_insert(header.acknowledgment.wrapping_sub(1));
            acknowledgment = header.acknowledgment.wrapping_sub(peer);
        }
        let mut rest = packet.payload_len as usize;
        loop {
            let units = if rest > usize::from(u8::MAX) { (rest / UNIT).min(usize::from(u8::MAX)) } else { 0 };
            let (kind, length, octets) = if units > 0 { (32, units, units * UNIT) } else { (0, rest, rest) };
            self.input.extend_from_slice(&[kind | side as u8, header.flags]);
            self.input.extend_from_slice(&sequence.to_be_bytes());
            self.input.extend_from_slice(&acknowledgment.to_be_bytes());
            self.input.push(length as u8);
            rest -= octets;
            sequence = sequence.wrapping_add(octets as u32);
            if rest == 0 {
                break;
            }
        }
    }
}

/// Adds a fragment, as the `fragments` target wants it.
fn push_fragment(input: &mut Vec<u8>, fragment: &Fragment<'_>) {
    let place = fragment.fragment;
    let is_v6 = fragment.header.first().is_some_and(|octet| octet >> 4 == 6);
    let kind = u8::from(place.more) | u8::from(is_v6) << 1 | u8::from(place.dont_fragment) << 2;
    input.extend_from_slice(&[place.identification as u8, kind]);
    input.extend_from_slice(&((place.offset / 8) as u16).to_be_bytes());
    input.extend_from_slice(&(fragment.payload.len() as u16).to_be_bytes());
}

/// A session to every port that an analyzer is registered on.
fn ports(seeds: &mut Seeds) -> std::io::Result<()> {
    for protocol in Protocol::ALL {
        for proto in [Proto::Tcp, Proto::Udp] {
            for port in protocol.ports(proto) {
                let mut input = baleen_fuzz::session_input(*port);
                for direction in [Direction::Originator, Direction::Responder] {
                    baleen_fuzz::push_data(&mut input, direction, &[0; 16]);
                }
                seeds.session(proto, &input)?;
            }
        }
    }
    Ok(())
}

fn spool(seeds: &mut Seeds) -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let mut writer = spool::SpoolWriter::open(spool::Settings::new(directory.path(), 1 << 20))?;
    for _ in 0..3 {
        writer.append(spool::Block::new(b"{\"_path\":\"conn\",\"ts\":1.5}\n{\"_path\":\"dns\"}\n")?)?;
    }
    writer.seal()?;
    for entry in fs::read_dir(directory.path())? {
        let entry = entry?;
        if entry.metadata()?.len() > 0 && entry.file_type()?.is_file() {
            seeds.write("spool", &fs::read(entry.path())?)?;
        }
    }
    Ok(())
}

fn control_socket(seeds: &mut Seeds) -> Result<(), Box<dyn Error>> {
    use control_socket::{Failure, Port, Request, Response, Settings, Spool};

    let port: Port = serde_json::from_str("{\"source\":\"af_packet:eth1\",\"name\":\"tap\",\"queues\":2}")?;
    let spool: Spool = serde_json::from_str("{\"directory\":\"/var/spool/baleen\"}")?;
    let mut settings = Box::new(Settings::new(vec![port], spool));
    settings.local_networks = vec!["10.0.0.0/8".parse()?, "2001:db8::/32".parse()?];
    settings.logs = ["conn".to_owned()].into();
    let requests = [
        Request::Status,
        Request::Netstats,
        Request::Settings,
        Request::Supervision,
        Request::Stop,
        Request::Apply { settings: settings.clone() },
    ];
    let responses = [
        Response::Status(Default::default()),
        Response::Netstats(Default::default()),
        Response::Settings(settings),
        Response::Supervision(Default::default()),
        Response::Done,
        Response::Failed { failure: Failure::BadRequest, message: "no".to_owned() },
    ];
    let lines = requests.iter().map(serde_json::to_value).chain(responses.iter().map(serde_json::to_value));
    let mut all = Vec::new();
    for line in lines {
        let mut line = line?;
        line["id"] = 1.into();
        let line = format!("{line}\n").into_bytes();
        all.extend_from_slice(&line);
        seeds.write("control_socket", &line)?;
    }
    seeds.write("control_socket", &all)?;
    Ok(())
}
