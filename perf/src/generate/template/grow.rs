//! Makes an elephant of a template: more octets from the responder before the flow ends.

use super::super::conversation::MICROSECOND;
use super::super::frame::{Protocol, Side, flags};
use super::super::random::Random;
use super::{TemplateFlow, TemplatePacket, TemplateSegment};

/// Time between added packets.
const GAP: u64 = 60 * MICROSECOND;
/// Octets that are added at most to one template, since it is kept in memory.
const MOST: u64 = 256 << 20;
/// Payload of an added datagram.
const DATAGRAM: u64 = 1_252;
/// Seed of the added octets.
const SEED: u64 = 0x9120_33aa;

/// Adds about so many octets, if the responder has sent anything.
pub(super) fn grow(flow: &mut TemplateFlow, octets: u64) {
    let octets = octets.min(MOST);
    match flow.protocol {
        Protocol::Tcp => grow_tcp(flow, octets),
        Protocol::Udp => grow_udp(flow, octets),
    }
}

fn grow_tcp(flow: &mut TemplateFlow, octets: u64) {
    let sent = |packet: &TemplatePacket| packet.side == Side::Responder && !packet.payload.is_empty();
    let Some(at) = flow.packets.iter().rposition(sent) else { return };
    let Some(last) = flow.packets.get(at).cloned() else { return };
    let Some(segment) = last.segment else { return };
    let is_closing = segment.flags & (flags::SYN | flags::FIN | flags::RST) != 0;
    if is_closing {
        return;
    }
    let is_tls = flow.packets.iter().any(|packet| packet.payload.starts_with(&[23, 3]));
    let mss = if flow.is_v6 { 1_428 } else { 1_448 };
    let count = (octets / mss).max(1);
    let payload = payload(mss as usize, is_tls);
    let end = segment.seq.wrapping_add(last.payload.len() as u32);
    let mut seq = end;
    let (ack, window) = (segment.ack, segment.window);
    let mut added = Vec::new();
    for number in 0..count {
        let header = |flags, seq, ack| TemplateSegment {
            flags,
            window,
            seq,
            ack,
            options: Vec::new(),
            edges: Vec::new(),
        };
        added.push(TemplatePacket {
            side: Side::Responder,
            gap: GAP,
            segment: Some(header(flags::ACK, seq, ack)),
            payload: payload.clone(),
            variations: Vec::new(),
        });
        seq = seq.wrapping_add(mss as u32);
        if number % 2 == 1 {
            added.push(TemplatePacket {
                side: Side::Originator,
                gap: GAP / 2,
                segment: Some(header(flags::ACK, ack, seq)),
                payload: Vec::new(),
                variations: Vec::new(),
            });
        }
    }
    // What follows is behind what was added: the responder's numbers, and the originator's acknowledgments of them.
    let more = (count * mss) as u32;
    let is_behind = |number: u32| number.wrapping_sub(end) < 1 << 31;
    for packet in flow.packets.iter_mut().skip(at + 1) {
        let Some(segment) = &mut packet.segment else { continue };
        let number = if packet.side == Side::Responder { &mut segment.seq } else { &mut segment.ack };
        if is_behind(*number) {
            *number = number.wrapping_add(more);
        }
    }
    let rest = flow.packets.split_off(at + 1);
    flow.packets.extend(added);
    flow.packets.extend(rest);
}

fn grow_udp(flow: &mut TemplateFlow, octets: u64) {
    let is_quic = flow.port == 443;
    if !flow.packets.iter().any(|packet| packet.side == Side::Responder) {
        return;
    }
    // A short header of QUIC, or the version of RTP.
    let first = if is_quic { 0x43 } else { 0x80 };
    let datagram = |side, length: u64| {
        let mut payload = payload(length as usize, false);
        payload.iter_mut().take(1).for_each(|octet| *octet = first);
        TemplatePacket { side, gap: GAP, segment: None, payload, variations: Vec::new() }
    };
    let (large, small) = (datagram(Side::Responder, DATAGRAM), datagram(Side::Originator, 34));
    for number in 0..(octets / DATAGRAM).max(1) {
        flow.packets.push(large.clone());
        if number % 8 == 0 {
            flow.packets.push(small.clone());
        }
    }
}

/// A segment's octets: a whole record of TLS, or noise.
fn payload(length: usize, is_tls: bool) -> Vec<u8> {
    let mut payload = vec![0; length];
    Random::new(SEED).fill(&mut payload);
    let [high, low] = (length.saturating_sub(5) as u16).to_be_bytes();
    if let (true, Some(header)) = (is_tls, payload.first_chunk_mut::<5>()) {
        *header = [23, 3, 3, high, low];
    }
    payload
}
