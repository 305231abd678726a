//! Connections on their way from one table to another: those of a bucket of the indirection table, when another worker
//! takes it over.
//!
//! What moves is the whole entry: counts, TCP state, payload that waits, the user's state. Its time-outs are judged from
//! its own times, so they go on as if nothing had happened.

use super::{Entry, FlowTable, NEVER, TransportState};
use crate::timer_wheel::ShortTick;
use crate::{FlowInfo, Hooks};
use record::Time;

/// Slots that one call passes for each connection that it may take: a slot costs two octets of memory to look at.
const SLOTS_PER_FLOW: usize = 64;

/// A connection that is in no table.
#[derive(Debug)]
pub struct DetachedFlow<S> {
    flow: FlowInfo,
    transport: TransportState,
    state: S,
}

impl<S> DetachedFlow<S> {
    /// What is known of it.
    pub const fn info(&self) -> &FlowInfo {
        &self.flow
    }

    /// What the user keeps of it.
    pub const fn state(&self) -> &S {
        &self.state
    }
}

/// How far the connections of a bucket have been taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extraction {
    next_slot: usize,
}

impl TransportState {
    /// Octets that reassembly holds.
    fn buffered(&self) -> u64 {
        match self {
            Self::Tcp(tcp) => tcp.buffered(),
            Self::Datagram(_) => 0,
        }
    }
}

impl<S> FlowTable<S> {
    /// Takes at most `most` connections of a bucket out, into `flows`, and goes on where the call before stopped; true
    /// when there are no more. Bounded work, whatever the size of the table.
    ///
    /// No packet of the bucket may come between the first call and the last.
    pub fn extract(
        &mut self,
        bucket: u16,
        progress: &mut Extraction,
        most: usize,
        flows: &mut Vec<DetachedFlow<S>>,
    ) -> bool {
        let mut room = most;
        let mut slots = most.saturating_mul(SLOTS_PER_FLOW);
        while room > 0 && slots > 0 {
            let start = progress.next_slot;
            let end = start.saturating_add(slots).min(self.buckets.len());
            let part = self.buckets.get(start..end).unwrap_or_default();
            if part.is_empty() {
                return true;
            }
            let Some(found) = part.iter().position(|of| *of == bucket) else {
                progress.next_slot = end;
                return end == self.buckets.len();
            };
            slots -= found + 1;
            progress.next_slot = start + found + 1;
            // A slot that is free has the bucket of its last connection.
            if let Some(Entry { flow, transport, state, .. }) = self.take((start + found) as u32) {
                let buffered = transport.buffered();
                self.counters.buffered_bytes = self.counters.buffered_bytes.saturating_sub(buffered);
                self.counters.moved_out = self.counters.moved_out.wrapping_add(1);
                flows.push(DetachedFlow { flow, transport, state });
                room -= 1;
            }
        }
        progress.next_slot >= self.buckets.len()
    }

    /// Takes a connection in that was in another table. A full table evicts another one for it.
    pub fn insert<H: Hooks<State = S>>(&mut self, now: Time, flow: DetachedFlow<S>, hooks: &mut H) {
        if self.index.len() >= self.config.limits.flows as usize {
            self.evict(hooks);
        }
        self.wheel.start(now.max(self.clock));
        let DetachedFlow { flow, transport, state } = flow;
        let buffered = transport.buffered();
        self.counters.buffered_bytes = self.counters.buffered_bytes.saturating_add(buffered);
        self.counters.moved_in = self.counters.moved_in.wrapping_add(1);
        let hash = (self.hash_key.hash(&flow.key()) >> 32) as u32;
        let bucket = H::bucket(&state);
        let entry = Entry { flow, due: NEVER, hash, tick: ShortTick::NONE, transport, state };
        if let Some(slot) = self.place(entry, bucket) {
            self.schedule(slot);
        }
    }
}

#[cfg(test)]
mod tests;
