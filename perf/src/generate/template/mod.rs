//! Flows recorded from captures: the same packets with other addresses, ports, sequence numbers and names.

mod grow;
mod profile;
mod read;
mod vary;

use std::ops::Range;
use std::sync::Arc;

use super::frame::{FrameBuilder, Protocol, Side, TCP, UDP, flags};

pub use profile::ProfileError;
pub(crate) use profile::{Template, load};

/// A TCP header of a template, with numbers relative to the sides' initial ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TemplateSegment {
    flags: u8,
    window: u16,
    seq: u32,
    ack: u32,
    options: Vec<u8>,
    /// Where in the options the edges of SACK blocks are (RFC 2018), which are the other side's sequence numbers.
    edges: Vec<usize>,
}

/// How octets of a payload differ between flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Variation {
    /// Any octets, as of an identifier or a random value.
    Octets,
    /// Letters and digits, as of a name.
    Name,
}

/// A packet of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TemplatePacket {
    /// Who sends it.
    pub(crate) side: Side,
    /// Time since the packet before, in nanoseconds.
    pub(crate) gap: u64,
    /// Its TCP header; without one it is UDP.
    pub(crate) segment: Option<TemplateSegment>,
    /// Its payload.
    pub(crate) payload: Vec<u8>,
    /// What of the payload differs between flows.
    pub(crate) variations: Vec<(Range<usize>, Variation)>,
}

impl TemplatePacket {
    /// Octets of the IP packet behind its header.
    pub(crate) fn octets(&self) -> u32 {
        let header = self.segment.as_ref().map_or(UDP, |segment| TCP + segment.options.len() as u32);
        header + self.payload.len() as u32
    }
}

/// One flow of a template.
#[derive(Debug, Clone)]
pub(crate) struct TemplateFlow {
    /// Name in the ground truth.
    pub(crate) label: Arc<str>,
    /// Transport protocol.
    pub(crate) protocol: Protocol,
    /// IP version: packets may be too large for the other.
    pub(crate) is_v6: bool,
    /// The responder's port, which instances keep: it tells the service.
    pub(crate) port: u16,
    /// Start after the template's first flow, in nanoseconds.
    pub(crate) after: u64,
    /// The packets.
    pub(crate) packets: Vec<TemplatePacket>,
}

/// A flow's place in its template.
#[derive(Debug, Clone)]
pub(crate) struct TemplateCursor {
    next: u32,
    initial: [u32; 2],
    seed: u64,
}

impl TemplateCursor {
    /// At the beginning, with each side's initial sequence number.
    pub(crate) fn new(initial: [u32; 2], seed: u64) -> Self {
        Self { next: 0, initial, seed }
    }

    /// The time before the next packet, in nanoseconds; none at the end.
    pub(crate) fn gap(&self, template: &TemplateFlow) -> Option<u64> {
        template.packets.get(self.next as usize).map(|packet| packet.gap)
    }

    /// The next packet.
    pub(crate) fn next<'t>(&mut self, template: &'t TemplateFlow) -> Option<&'t TemplatePacket> {
        let packet = template.packets.get(self.next as usize)?;
        self.next += 1;
        Some(packet)
    }

    /// Writes the transport header and payload of a packet.
    pub(crate) fn write(&self, packet: &TemplatePacket, frame: &mut FrameBuilder) {
        match &packet.segment {
            Some(segment) => self.write_segment(packet.side, segment, frame),
            None => frame.udp(),
        }
        let payload = frame.payload();
        let start = payload.len();
        payload.extend_from_slice(&packet.payload);
        if let Some(payload) = payload.get_mut(start..) {
            for (range, variation) in &packet.variations {
                if let Some(octets) = payload.get_mut(range.clone()) {
                    vary::apply(*variation, self.seed, octets);
                }
            }
        }
    }

    fn write_segment(&self, side: Side, segment: &TemplateSegment, frame: &mut FrameBuilder) {
        let [own, other] = side.order(self.initial);
        let seq = segment.seq.wrapping_add(own);
        let ack = if segment.flags & flags::ACK != 0 { segment.ack.wrapping_add(other) } else { segment.ack };
        let TemplateSegment { flags, window, options, edges, .. } = segment;
        if edges.is_empty() {
            frame.tcp(seq, ack, *flags, *window, options);
            return;
        }
        let mut options = options.clone();
        for at in edges {
            if let Some(edge) = options.get_mut(*at..).and_then(|rest| rest.first_chunk_mut::<4>()) {
                *edge = u32::from_be_bytes(*edge).wrapping_add(other).to_be_bytes();
            }
        }
        frame.tcp(seq, ack, *flags, *window, &options);
    }
}
