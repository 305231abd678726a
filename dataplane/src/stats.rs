//! Statistics: counters with one writer each, read by others without locks, and the sums
//! that have to come out.
//!
//! For a port: received = analyzed + dropped, by reason, as soon as nothing is in a ring
//! any more; until then the difference is what is under way.

use std::sync::atomic::{AtomicU64, Ordering};

/// A counter that one thread writes and any thread reads.
///
/// Adding is a load and a store, not an atomic addition, which is some twenty times as
/// dear: two writers would lose counts, but nothing worse.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds; by the one writer.
    #[inline]
    pub fn add(&self, count: u64) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(count), Ordering::Relaxed);
    }

    /// Sets; by the one writer.
    #[inline]
    pub fn set(&self, count: u64) {
        self.0.store(count, Ordering::Relaxed);
    }

    /// The count; by any thread.
    #[inline]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What one lcore received from one port. Written by that lcore; on cache lines of its own
/// (two, since CPUs fetch them in pairs).
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct ReceiveCounters {
    /// Packets.
    pub received: Counter,
    /// Their bytes.
    pub octets: Counter,
    /// Packets dropped since the ring to their worker was full.
    pub ring_full: Counter,
}

/// What one worker did. Written by that worker; on cache lines of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct WorkerCounters {
    /// Packets given to the analysis.
    pub received: Counter,
    /// Their bytes.
    pub octets: Counter,
    /// Packets that were analyzed.
    pub analyzed: Counter,
    /// Well-formed packets of nothing that is analyzed.
    pub not_ip: Counter,
    /// Packets with damaged headers.
    pub damaged: Counter,
}

/// Sums over any number of lcores and ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Books {
    /// Packets received from ports.
    pub received: u64,
    /// Packets analyzed.
    pub analyzed: u64,
    /// Packets dropped since a ring was full.
    pub ring_full: u64,
    /// Packets of nothing that is analyzed.
    pub not_ip: u64,
    /// Packets with damaged headers.
    pub damaged: u64,
}

impl Books {
    /// Adds one lcore's share of a port.
    pub fn add_receiver(&mut self, counters: &ReceiveCounters) {
        self.ring_full += counters.ring_full.get();
        self.received += counters.received.get();
    }

    /// Adds one worker. Workers are read before receivers, so that what is received in
    /// between is under way rather than missing.
    pub fn add_worker(&mut self, counters: &WorkerCounters) {
        self.analyzed += counters.analyzed.get();
        self.not_ip += counters.not_ip.get();
        self.damaged += counters.damaged.get();
    }

    /// Packets dropped, by reason.
    pub fn dropped(&self) -> [(&'static str, u64); 3] {
        [("ring_full", self.ring_full), ("not_ip", self.not_ip), ("damaged", self.damaged)]
    }

    /// Packets received of which it is not known yet what became of them: in rings, or in
    /// the burst at hand. Zero once everything has stopped; if not, a count is wrong.
    pub fn under_way(&self) -> i128 {
        let dropped: i128 = self.dropped().iter().map(|(_, count)| i128::from(*count)).sum();
        i128::from(self.received) - i128::from(self.analyzed) - dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_do_not_share_cache_lines() {
        assert_eq!(align_of::<ReceiveCounters>(), 128);
        assert_eq!(size_of::<[WorkerCounters; 2]>(), 256);
    }

    #[test]
    fn the_difference_is_under_way() {
        let (receiver, worker) = (ReceiveCounters::default(), WorkerCounters::default());
        receiver.received.add(100);
        receiver.ring_full.add(10);
        worker.analyzed.set(70);
        worker.not_ip.add(5);
        let mut books = Books::default();
        books.add_worker(&worker);
        books.add_receiver(&receiver);
        assert_eq!(books.under_way(), 15);
        worker.damaged.add(15);
        let mut books = Books::default();
        books.add_worker(&worker);
        books.add_receiver(&receiver);
        assert_eq!(books.under_way(), 0);
    }
}
