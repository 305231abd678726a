//! Protocols without streams: UDP, ICMP and everything that has no analysis of its own.

use packet::{Packet, Transport};
use record::{Interval, Time};

use crate::info::{Millis, Side, seen};
use crate::{Counters, FlowInfo, Hooks};

/// Octets of a UDP header.
const UDP_HEADER: i64 = 8;
/// Octets of an ICMP header as far as all messages have it.
const ICMP_HEADER: i64 = 8;

const SECOND: u64 = 1_000_000_000;

/// The part of a connection without streams.
#[derive(Debug)]
pub(crate) struct DatagramState {
    /// Octets of payload. Below zero before the first.
    payload: [i64; 2],
    /// When to look next whether a flow of few packets is over, and how often; no period where that is not looked at.
    look: Time,
    period: Millis,
}

impl DatagramState {
    pub(crate) const fn new() -> Self {
        Self { payload: [-1; 2], look: Time(0), period: Millis::ZERO }
    }

    /// The connection lasts for a question and its answer: from `clock` on it is looked at every `period`, and removed
    /// when it has been silent for that time less a second.
    pub(crate) fn set_session_timeout(&mut self, clock: Time, period: Interval) {
        self.period = Millis::of(period);
        self.look = clock.after(self.period.interval());
    }

    fn is_session(&self, flow: &FlowInfo) -> bool {
        self.period != Millis::ZERO && !flow.outlasts_session()
    }

    /// When the session time-out removes the connection if nothing more comes.
    pub(crate) fn session_deadline(&self, flow: &FlowInfo) -> Option<Time> {
        self.is_session(flow).then(|| {
            let period = self.period.interval();
            let silent = flow.last().after(Interval(period.0.saturating_sub(SECOND)));
            next_look(self.look, period, silent)
        })
    }

    /// Moves a look that came to nothing.
    pub(crate) fn rearm(&mut self, flow: &FlowInfo, clock: Time) {
        if self.is_session(flow) {
            self.look = next_look(self.look, self.period.interval(), Time(clock.0.saturating_add(1)));
        }
    }

    /// Octets of payload of a side.
    pub(crate) fn payload(&self, side: Side) -> u64 {
        self.payload[side.index()].max(0).unsigned_abs()
    }

    /// Whether the side's payload count says that it has sent something.
    pub(crate) const fn has_sent(&self, side: Side) -> bool {
        self.payload[side.index()] >= 0
    }

    /// Adds a datagram's payload. Lengths below zero are those of headers that claim less than their own length.
    const fn count_payload(&mut self, side: Side, len: i64) {
        let total = &mut self.payload[side.index()];
        *total = if *total < 0 { len } else { total.saturating_add(len) };
    }
}

/// The first of the moments `look`, `look + period`, `look + 2 * period` ... that is not before `earliest`.
fn next_look(look: Time, period: Interval, earliest: Time) -> Time {
    let periods = earliest.since(look).0.div_ceil(period.0.max(1));
    look.after(Interval(period.0.saturating_mul(periods)))
}

/// Takes a packet of the connection, sent by `side`.
#[expect(clippy::too_many_arguments, reason = "the parts of one table entry, borrowed apart")]
pub(crate) fn process<H: Hooks>(
    flow: &mut FlowInfo,
    own: &mut DatagramState,
    state: &mut H::State,
    side: Side,
    packet: &Packet<'_>,
    now: Time,
    counters: &mut Counters,
    hooks: &mut H,
) {
    if packet.bad_checksum {
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
            own.count_payload(side, i64::from(length) - UDP_HEADER);
        }
        Transport::Icmp { .. } => {
            flow.set_last(now);
            let header = i64::from(packet.ip.header_len) + ICMP_HEADER;
            own.count_payload(side, (i64::from(packet.ip.total_len) - header).max(0));
        }
        Transport::Tcp(_) | Transport::Other => flow.set_last(now),
    }
    flow.count_packet(side, packet.ip.total_len);
    hooks.datagram(flow, state, flow.direction(side), packet);
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
