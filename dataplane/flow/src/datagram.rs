//! Protocols without streams: UDP, ICMP and everything that has no analysis of its own.

use packet::{Packet, Transport};
use record::Time;

use crate::info::{Side, seen};
use crate::{Counters, FlowInfo, Hooks};

/// Octets of a UDP header.
const UDP_HEADER: i64 = 8;
/// Octets of an ICMP header as far as all messages have it.
const ICMP_HEADER: i64 = 8;

pub(crate) fn process<H: Hooks>(
    flow: &mut FlowInfo,
    state: &mut H::State,
    side: Side,
    packet: &Packet<'_>,
    now: Time,
    counters: &mut Counters,
    hooks: &mut H,
) {
    if is_corrupt(flow, side, packet, hooks) {
        // Decoding has reported it.
        counters.bad_checksums = counters.bad_checksums.wrapping_add(1);
        flow.note_weird();
        if matches!(packet.transport, Transport::Udp { .. }) {
            flow.bad_checksum(side);
        }
        return;
    }
    match packet.transport {
        Transport::Udp { length, .. } => {
            if i64::from(length) != i64::from(packet.payload_len) + UDP_HEADER {
                // Decoding has reported it.
                flow.note_weird();
            }
            flow.set_last(now);
            flow.check_history(side, seen::DATA, b'D');
            flow.count_payload(side, i64::from(length) - UDP_HEADER);
        }
        Transport::Icmp { .. } => {
            flow.set_last(now);
            let header = i64::from(packet.ip.header_len) + ICMP_HEADER;
            flow.count_payload(side, (i64::from(packet.ip.total_len) - header).max(0));
        }
        Transport::Tcp(_) | Transport::Other => flow.set_last(now),
    }
    flow.count_packet(side, packet.ip.total_len);
    hooks.datagram(flow, state, flow.direction(side), packet);
}

/// Whether the packet's checksum is wrong. Where decoding has left the payload to whoever reads it, that of one that nobody
/// wants counts as right.
#[inline]
pub(crate) fn is_corrupt<H: Hooks>(flow: &FlowInfo, side: Side, packet: &Packet<'_>, hooks: &mut H) -> bool {
    if packet.unverified.is_none() {
        return packet.bad_checksum;
    }
    let is_read = packet.payload_len == 0 || flow.skip(side) < u64::from(packet.payload_len);
    let is_bad = is_read && packet.has_bad_payload();
    if is_bad {
        hooks.bad_payload(packet);
    }
    is_bad
}

pub(crate) fn weird<H: Hooks>(
    flow: &mut FlowInfo,
    hooks: &mut H,
    name: &'static str,
    detail: &str,
    source: &'static str,
) {
    flow.note_weird();
    hooks.weird(flow, name, detail, source);
}
