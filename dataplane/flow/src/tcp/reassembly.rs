//! One direction of a TCP connection: octets in order, each once, and the gaps.
//!
//! Sequence numbers are relative and 64 bits wide: the SYN has 0, the first octet of payload 1. Delivered data is not
//! kept; only how far it reaches is, since data that the peer has not acknowledged yet keeps a connection from being
//! closed. What has come before its turn waits in a map. A hole is given up when the peer acknowledges data beyond it:
//! it has it, so it will not come again.

use std::collections::BTreeMap;

use crate::{Counters, Limits};

/// Octets that a buffered segment costs besides its payload, near enough.
const SEGMENT_COST: u64 = 64;

/// Where reassembled data goes.
pub(crate) trait Sink {
    /// Whether payload is still wanted.
    fn wants(&self) -> bool;
    /// The next octets.
    fn data(&mut self, payload: &[u8]);
    /// So many octets are missing.
    fn gap(&mut self, len: u64);
}

/// What reassembly has to know of the connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts {
    /// The beginning of the connection was not seen.
    pub(crate) is_partial: bool,
    /// Nothing of this direction has been acknowledged so far.
    pub(crate) nothing_acked: bool,
    /// More has been sent than any sender sends without an acknowledgment, so these are not seen.
    pub(crate) acks_unseen: bool,
}

/// Why reassembly of a direction was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GivenUp {
    /// Too much data above a hole, and no acknowledgment at all.
    AboveHole,
    /// Too much data that is not acknowledged, or too much to buffer.
    Excessive,
}

/// The state of one direction.
#[derive(Debug)]
pub(crate) struct Reassembly {
    /// The next octet to deliver.
    next: u64,
    /// Everything before this is acknowledged, or not waited for.
    trimmed: u64,
    /// Where delivered data ends; beyond `trimmed` it is not acknowledged yet.
    delivered: u64,
    waiting: Option<Box<Waiting>>,
    /// Given up.
    skip: bool,
}

#[derive(Debug, Default)]
struct Waiting {
    /// Segments above a hole by their first octet; they do not overlap.
    segments: BTreeMap<u64, Segment>,
    /// What they cost of the table's memory.
    cost: u64,
}

#[derive(Debug)]
struct Segment {
    end: u64,
    /// Empty when the payload was not wanted.
    payload: Box<[u8]>,
}

impl Reassembly {
    /// The first octet of a stream: acknowledgments up to it say nothing of data.
    pub(crate) const FIRST: u64 = 1;

    pub(crate) const fn new() -> Self {
        Self { next: Self::FIRST, trimmed: Self::FIRST, delivered: 0, waiting: None, skip: false }
    }

    /// The next octet to deliver.
    pub(crate) const fn next(&self) -> u64 {
        self.next
    }

    pub(crate) const fn is_given_up(&self) -> bool {
        self.skip
    }

    /// What it costs of the table's memory.
    pub(crate) fn cost(&self) -> u64 {
        self.waiting.as_ref().map_or(0, |waiting| waiting.cost)
    }

    /// Whether there is data that the peer has not acknowledged.
    pub(crate) fn has_unacked(&self) -> bool {
        self.delivered > self.trimmed || self.is_waiting()
    }

    fn is_waiting(&self) -> bool {
        self.waiting.as_ref().is_some_and(|waiting| !waiting.segments.is_empty())
    }

    /// Takes `payload`, whose first octet is `seq`. First data wins.
    pub(crate) fn segment(
        &mut self,
        seq: u64,
        payload: &[u8],
        facts: Facts,
        limits: &Limits,
        counters: &mut Counters,
        sink: &mut impl Sink,
    ) -> Option<GivenUp> {
        let end = seq.wrapping_add(payload.len() as u64);
        if self.skip || end < seq {
            return None;
        }
        let mut over_limit = false;
        if end > self.trimmed {
            let (seq, payload) = cut_front(seq, payload, self.trimmed);
            if seq <= self.next {
                self.in_turn(seq, end, payload, facts, counters, sink);
            } else {
                over_limit = !self.wait(seq, payload, limits, counters, sink.wants());
            }
        }
        if facts.nothing_acked && self.undelivered() > limits.above_hole_bytes {
            self.give_up(counters);
            return Some(GivenUp::AboveHole);
        }
        let unacked = self.delivered.saturating_sub(self.trimmed);
        if over_limit || unacked.saturating_add(self.cost()) > limits.unacked_bytes {
            self.give_up(counters);
            return Some(GivenUp::Excessive);
        }
        None
    }

    /// Data at or before the next octet.
    fn in_turn(
        &mut self,
        seq: u64,
        end: u64,
        payload: &[u8],
        facts: Facts,
        counters: &mut Counters,
        sink: &mut impl Sink,
    ) {
        self.delivered = self.delivered.max(end.min(self.next));
        if end <= self.next {
            return;
        }
        let (mut seq, mut payload) = cut_front(seq, payload, self.next);
        // What waits above the hole came first, so it wins.
        while seq < end {
            let waiting = self.first_waiting().filter(|start| *start < end);
            let until = waiting.unwrap_or(end).max(seq);
            let (now, rest) = payload.split_at_checked((until - seq) as usize).unwrap_or((payload, &[]));
            self.deliver(now, until, counters, sink);
            payload = rest;
            seq = until;
            if waiting.is_some() {
                self.deliver_waiting(counters, sink);
                (seq, payload) = cut_front(seq, payload, self.next);
            }
        }
        self.deliver_waiting(counters, sink);
        if facts.acks_unseen {
            self.trimmed = self.trimmed.max(self.next);
        }
    }

    fn first_waiting(&self) -> Option<u64> {
        self.waiting.as_ref()?.segments.first_key_value().map(|(start, _)| *start)
    }

    fn deliver(&mut self, payload: &[u8], end: u64, counters: &mut Counters, sink: &mut impl Sink) {
        self.next = end;
        self.delivered = self.delivered.max(end);
        if !payload.is_empty() && sink.wants() {
            counters.delivered_bytes = counters.delivered_bytes.wrapping_add(payload.len() as u64);
            sink.data(payload);
        }
    }

    /// Delivers what waits, as far as there is no hole.
    fn deliver_waiting(&mut self, counters: &mut Counters, sink: &mut impl Sink) {
        while let Some(waiting) = &mut self.waiting
            && let Some(first) = waiting.segments.first_entry()
            && *first.key() <= self.next
        {
            let (start, segment) = first.remove_entry();
            let cost = segment.payload.len() as u64 + SEGMENT_COST;
            waiting.cost = waiting.cost.saturating_sub(cost);
            counters.buffered_bytes = counters.buffered_bytes.saturating_sub(cost);
            if segment.end > self.next {
                let (_, payload) = cut_front(start, &segment.payload, self.next);
                self.deliver(payload, segment.end, counters, sink);
            }
        }
        if !self.is_waiting() {
            self.waiting = None;
        }
    }

    /// Keeps data above a hole; false when a limit forbids it.
    fn wait(
        &mut self,
        seq: u64,
        payload: &[u8],
        limits: &Limits,
        counters: &mut Counters,
        wanted: bool,
    ) -> bool {
        let waiting = self.waiting.get_or_insert_default();
        let end = seq.saturating_add(payload.len() as u64);
        let mut start = seq;
        // The segment before may reach into this one.
        if let Some((_, before)) = waiting.segments.range(..=start).next_back() {
            start = start.max(before.end);
        }
        while start < end {
            let next = waiting.segments.range(start..).next().map(|(at, segment)| (*at, segment.end));
            let until = next.map_or(end, |(at, _)| at.min(end));
            if until > start {
                let piece = if wanted {
                    payload.get((start - seq) as usize..(until - seq) as usize).unwrap_or_default()
                } else {
                    &[]
                };
                let cost = piece.len() as u64 + SEGMENT_COST;
                if waiting.segments.len() >= limits.buffered_segments
                    || waiting.cost.saturating_add(cost) > limits.buffered_bytes
                {
                    counters.stream_limit_hits = counters.stream_limit_hits.wrapping_add(1);
                    return false;
                }
                if counters.buffered_bytes.saturating_add(cost) > limits.total_buffered_bytes {
                    counters.total_limit_hits = counters.total_limit_hits.wrapping_add(1);
                    return false;
                }
                waiting.cost += cost;
                counters.buffered_bytes += cost;
                counters.buffered_segments = counters.buffered_segments.wrapping_add(1);
                waiting.segments.insert(start, Segment { end: until, payload: piece.into() });
            }
            start = match next {
                Some((_, segment_end)) if until < end => segment_end,
                _ => end,
            };
        }
        true
    }

    /// Octets from the next one to the end of what waits, the holes in between included.
    fn undelivered(&self) -> u64 {
        match self.waiting.as_ref().and_then(|waiting| waiting.segments.last_key_value()) {
            Some((_, last)) => last.end.saturating_sub(self.next),
            None => 0,
        }
    }

    fn give_up(&mut self, counters: &mut Counters) {
        self.release(counters);
        self.delivered = 0;
        self.skip = true;
    }

    /// Frees what waits.
    pub(crate) fn release(&mut self, counters: &mut Counters) {
        counters.buffered_bytes = counters.buffered_bytes.saturating_sub(self.cost());
        self.waiting = None;
    }

    /// The peer has everything before `ack`. Returns whether some of that was never seen.
    pub(crate) fn acked(
        &mut self,
        ack: u64,
        facts: Facts,
        counters: &mut Counters,
        sink: &mut impl Sink,
    ) -> bool {
        if ack <= self.trimmed {
            return false;
        }
        let mut missing = false;
        // A partial connection's numbers were made up as though there had been a SYN: the octet or two that seem to
        // be missing at its start (a keep-alive) are none.
        if ack > self.next && !(ack <= 2 && facts.is_partial) {
            missing = true;
            if !self.skip {
                while let Some(start) = self.first_waiting().filter(|start| *start < ack) {
                    if start > self.next {
                        sink.gap(start - self.next);
                        self.next = start;
                    }
                    self.deliver_waiting(counters, sink);
                }
                if ack > self.next {
                    sink.gap(ack - self.next);
                }
            }
            self.next = self.next.max(ack);
        }
        self.trimmed = ack;
        self.deliver_waiting(counters, sink);
        if facts.acks_unseen {
            self.trimmed = self.trimmed.max(self.next);
        }
        missing
    }
}

/// Drops what is before `from`.
fn cut_front(seq: u64, payload: &[u8], from: u64) -> (u64, &[u8]) {
    if seq >= from {
        return (seq, payload);
    }
    (from, payload.get((from - seq) as usize..).unwrap_or_default())
}

#[cfg(test)]
mod tests;
