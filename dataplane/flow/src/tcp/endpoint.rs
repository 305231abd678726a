//! One end of a TCP connection: its state, sequence numbers and window.

use crate::EndpointState;
use crate::tcp::reassembly::Facts;

/// How far behind `b` is `a`, in the circular order of sequence numbers (RFC 9293, section 3.4).
pub(crate) const fn delta(a: u32, b: u32) -> i32 {
    a.wrapping_sub(b) as i32
}

/// Sequence numbers that are further off than this, from packets with SYN or RST, are not believed.
pub(crate) const TOO_LARGE_DELTA: i32 = 1_048_576;

/// One end of a connection.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) state: EndpointState,
    pub(crate) previous: EndpointState,
    /// Its close has been taken note of.
    pub(crate) did_close: bool,
    /// It has sent something.
    pub(crate) seen: bool,
    /// The end of its stream has been reported.
    pub(crate) ended: bool,
    /// Shift of the window (RFC 7323).
    pub(crate) window_scale: u8,
    /// The initial sequence number, or one less than the first seen.
    pub(crate) start: u32,
    /// One past the last sequence number it sent.
    last: u32,
    /// What its peer has acknowledged.
    acked: u32,
    last_wraps: u16,
    acked_wraps: u16,
    pub(crate) fins: u16,
    pub(crate) resets: u16,
    /// The window it offers, scaled.
    pub(crate) window: u32,
    pub(crate) window_ack: u32,
    pub(crate) window_seq: u32,
}

impl Endpoint {
    pub(crate) const fn new() -> Self {
        Self {
            state: EndpointState::Inactive,
            previous: EndpointState::Inactive,
            did_close: false,
            seen: false,
            ended: false,
            window_scale: 0,
            start: 0,
            last: 0,
            acked: 0,
            last_wraps: 0,
            acked_wraps: 0,
            fins: 0,
            resets: 0,
            window: 0,
            window_ack: 0,
            window_seq: 0,
        }
    }

    pub(crate) const fn last(&self) -> u32 {
        self.last
    }

    pub(crate) const fn acked(&self) -> u32 {
        self.acked
    }

    /// Sets the sequence numbers at the first packet, or at a SYN that starts anew.
    pub(crate) const fn init(&mut self, start: u32, last: u32) {
        self.start = start;
        self.acked = start;
        self.last = last;
    }

    pub(crate) const fn advance_last(&mut self, seq: u32) {
        if seq < self.last {
            self.last_wraps = self.last_wraps.saturating_add(1);
        }
        self.last = seq;
    }

    pub(crate) const fn advance_acked(&mut self, ack: u32) {
        if ack < self.acked {
            self.acked_wraps = self.acked_wraps.saturating_add(1);
        }
        self.acked = ack;
    }

    /// 64-bit sequence number of the last octet sent.
    pub(crate) fn last_full(&self) -> u64 {
        full(self.last, self.last_wraps)
    }

    /// No data of it has been acknowledged; its SYN may be.
    pub(crate) fn nothing_acked(&self) -> bool {
        let acked = full(self.acked, self.acked_wraps);
        let start = u64::from(self.start);
        acked == start || acked == start + 1
    }

    /// A sequence number of it relative to the start, and whether it is before the start.
    pub(crate) fn relative(&self, seq: u32) -> (u64, bool) {
        self.relative_to(seq, self.last, self.last_wraps)
    }

    /// An acknowledgment of it relative to the start, and whether it is before the start.
    pub(crate) fn relative_ack(&self, ack: u32) -> (u64, bool) {
        self.relative_to(ack, self.acked, self.acked_wraps)
    }

    fn relative_to(&self, seq: u32, latest: u32, wraps: u16) -> (u64, bool) {
        let wraps = match delta(seq, latest) {
            d if d < 0 && seq > latest => wraps.saturating_sub(1),
            d if d > 0 && seq < latest => wraps.saturating_add(1),
            _ => wraps,
        };
        if wraps == 0 {
            let relative = delta(seq, self.start);
            return (i64::from(relative) as u64, relative < 0);
        }
        (full(seq, wraps).wrapping_sub(u64::from(self.start)), false)
    }

    /// Octets of payload sent, from sequence numbers and acknowledgments.
    pub(crate) fn size(&self, peer: EndpointState) -> u64 {
        if self.previous == EndpointState::SynSent
            && self.state == EndpointState::Reset
            && peer == EndpointState::Inactive
            && !self.nothing_acked()
        {
            // A half-open connection, discovered and aborted: its sequence numbers say nothing of data.
            return 0;
        }
        let reached = self.last_full().max(full(self.acked, self.acked_wraps));
        let octets = reached.wrapping_sub(u64::from(self.start)).saturating_sub(1);
        octets.saturating_sub(u64::from(self.fins > 0))
    }

    pub(crate) fn facts(&self, peer: EndpointState, is_partial: bool, initial_window: u64) -> Facts {
        let nothing_acked = self.nothing_acked();
        Facts {
            is_partial,
            nothing_acked,
            acks_unseen: nothing_acked && initial_window > 0 && self.size(peer) > initial_window,
        }
    }

    /// Established, or closed after having been.
    pub(crate) fn is_clean(&self) -> bool {
        self.state == EndpointState::Established
            || (self.state == EndpointState::Closed && self.previous == EndpointState::Established)
    }
}

fn full(seq: u32, wraps: u16) -> u64 {
    u64::from(wraps) << 32 | u64::from(seq)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_leave_out_syn_and_fin_and_follow_wraps() {
        let mut end = Endpoint::new();
        end.init(u32::MAX - 9, u32::MAX - 8);
        assert_eq!(end.size(EndpointState::Established), 0);
        end.advance_last(90);
        assert_eq!(end.size(EndpointState::Established), 99);
        end.fins = 1;
        assert_eq!(end.size(EndpointState::Established), 98);
        // Acknowledged, though not seen.
        end.advance_acked(190);
        assert_eq!(end.size(EndpointState::Established), 198);
    }

    #[test]
    fn relative_numbers_follow_wraps_both_ways() {
        let mut end = Endpoint::new();
        end.init(u32::MAX - 9, u32::MAX - 8);
        assert_eq!(end.relative(5), (15, false));
        end.advance_last(5);
        assert_eq!(end.relative(u32::MAX), (9, false));
        assert_eq!(end.relative(10), (20, false));
        let mut early = Endpoint::new();
        early.init(100, 101);
        assert!(early.relative(90).1);
    }
}
