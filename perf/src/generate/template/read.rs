//! Reads the flows of a capture file.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use packet::{DecodeOptions, Decoded, Frame, LinkType, Packet, Transport, WeirdList, decode};
use pcap::{Burst, Reader};

use super::super::frame::{Protocol, Side, flags};
use super::profile::ProfileError;
use super::{TemplateFlow, TemplatePacket, TemplateSegment, vary};

/// Packets of one template; more are left out, since a template is kept in memory.
const MOST_PACKETS: usize = 1_000_000;

type End = (IpAddr, u16);

/// A flow while it is read.
struct Reading {
    originator: End,
    flow: TemplateFlow,
    last: u64,
    /// The first sequence number of each side, as far as it is known.
    initial: [Option<u32>; 2],
}

/// The flows of TCP and UDP in a capture file, in order of their first packets. Fragments, packets that were cut short
/// and packets with IPv4 options are left out.
pub(super) fn flows(file: &Path, label: &str) -> Result<Vec<TemplateFlow>, ProfileError> {
    let mut reader = Reader::open(file)?;
    let mut index: HashMap<(Protocol, End, End), usize> = HashMap::new();
    let mut flows: Vec<Reading> = Vec::new();
    let mut packets = 0;
    let mut begin = None;
    let label: Arc<str> = Arc::from(label);
    loop {
        let mut burst = Burst::new();
        let count = reader
            .next_burst(&mut burst)
            .map_err(|damage| ProfileError::Damage { file: file.to_owned(), damage })?;
        if count == 0 || packets >= MOST_PACKETS {
            return Ok(flows.into_iter().map(Reading::finish).collect());
        }
        let link = LinkType::from_dlt(u32::from(burst.link_type()));
        for frame in burst.frames() {
            packets += 1;
            let mut weirds = WeirdList::new();
            let options = DecodeOptions { verify_checksums: false, ..DecodeOptions::default() };
            let Decoded::Flow(packet) = decode(link, frame, &options, &mut weirds) else { continue };
            let Some((protocol, ports)) = transport(&packet) else { continue };
            let begin = *begin.get_or_insert(frame.time.0);
            let ends = [(packet.ip.source.to_ip(), ports[0]), (packet.ip.destination.to_ip(), ports[1])];
            let [from, to] = ends;
            let key = if from <= to { (protocol, from, to) } else { (protocol, to, from) };
            let position = *index.entry(key).or_insert(flows.len());
            if position == flows.len() {
                flows.push(Reading::new(&packet, ends, protocol, &label, frame, begin));
            }
            if let Some(flow) = flows.get_mut(position) {
                flow.add(&packet, from, frame);
            }
        }
    }
}

/// The transport of a packet that can be told again.
fn transport(packet: &Packet<'_>) -> Option<(Protocol, [u16; 2])> {
    let is_whole = packet.payload.len() as u64 == u64::from(packet.payload_len);
    let header = if packet.ip.source.is_v4() { 20 } else { 40 };
    if !is_whole || packet.bad_header || packet.ip.header_len != header {
        return None;
    }
    match packet.transport {
        Transport::Tcp(tcp) => Some((Protocol::Tcp, [tcp.source_port, tcp.destination_port])),
        Transport::Udp { source_port, destination_port, length }
            if u32::from(length) == packet.payload_len + 8 =>
        {
            Some((Protocol::Udp, [source_port, destination_port]))
        }
        _ => None,
    }
}

impl Reading {
    fn new(
        packet: &Packet<'_>,
        [from, to]: [End; 2],
        protocol: Protocol,
        label: &Arc<str>,
        frame: &Frame<'_>,
        begin: u64,
    ) -> Self {
        // A capture may begin with the answer to a SYN.
        let answered = flags::SYN | flags::ACK;
        let is_answer = matches!(packet.transport, Transport::Tcp(tcp) if tcp.flags & answered == answered);
        let (originator, responder) = if is_answer { (to, from) } else { (from, to) };
        let flow = TemplateFlow {
            label: Arc::clone(label),
            protocol,
            is_v6: !packet.ip.source.is_v4(),
            port: responder.1,
            after: frame.time.0.saturating_sub(begin),
            packets: Vec::new(),
        };
        Self { originator, flow, last: frame.time.0, initial: [None; 2] }
    }

    fn add(&mut self, packet: &Packet<'_>, from: End, frame: &Frame<'_>) {
        let side = if from == self.originator { Side::Originator } else { Side::Responder };
        let gap = frame.time.0.saturating_sub(self.last);
        self.last = self.last.max(frame.time.0);
        let segment = match packet.transport {
            Transport::Tcp(tcp) => {
                if let Some(initial) = self.initial.get_mut(side.index()) {
                    initial.get_or_insert(tcp.sequence);
                }
                if tcp.flags & flags::ACK != 0
                    && let Some(initial) = self.initial.get_mut(side.other().index())
                {
                    initial.get_or_insert(tcp.acknowledgment);
                }
                Some(TemplateSegment {
                    flags: tcp.flags,
                    window: tcp.window,
                    seq: tcp.sequence,
                    ack: tcp.acknowledgment,
                    options: tcp.options.to_vec(),
                    edges: edges(tcp.options),
                })
            }
            _ => None,
        };
        let ports = [from.1, self.flow.port];
        let variations = vary::find(self.flow.protocol, ports, packet.payload);
        let payload = packet.payload.to_vec();
        self.flow.packets.push(TemplatePacket { side, gap, segment, payload, variations });
    }

    /// Makes sequence numbers relative.
    fn finish(mut self) -> TemplateFlow {
        let initial = self.initial.map(Option::unwrap_or_default);
        for packet in &mut self.flow.packets {
            let [own, other] = packet.side.order(initial);
            if let Some(segment) = &mut packet.segment {
                segment.seq = segment.seq.wrapping_sub(own);
                if segment.flags & flags::ACK != 0 {
                    segment.ack = segment.ack.wrapping_sub(other);
                }
                for at in &segment.edges {
                    if let Some(edge) =
                        segment.options.get_mut(*at..).and_then(|rest| rest.first_chunk_mut::<4>())
                    {
                        *edge = u32::from_be_bytes(*edge).wrapping_sub(other).to_be_bytes();
                    }
                }
            }
        }
        self.flow
    }
}

/// Where the edges of SACK blocks are.
fn edges(options: &[u8]) -> Vec<usize> {
    let mut edges = Vec::new();
    let mut at = 0;
    while let Some(kind) = options.get(at) {
        match (kind, options.get(at + 1)) {
            (1, _) => at += 1,
            (0, _) | (_, None | Some(0 | 1)) => break,
            (kind, Some(length)) => {
                let end = at + usize::from(*length);
                if *kind == 5 {
                    edges.extend(
                        (at + 2..end.min(options.len())).step_by(4).filter(|edge| edge + 4 <= options.len()),
                    );
                }
                at = end;
            }
        }
    }
    edges
}
