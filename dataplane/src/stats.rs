//! Statistics: counters with one writer each, read by others without locks, and the sums
//! that have to come out.
//!
//! For a port: received = analyzed + shunted + dropped, by reason, as soon as nothing is in a ring
//! any more; until then the difference is what is under way.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use worker::BUCKETS;

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

/// Packets that one receiver saw of each bucket of the indirection table. Written by that receiver; on cache lines of its
/// own.
#[derive(Debug)]
#[repr(align(128))]
pub struct BucketCounters([Counter; BUCKETS]);

impl Default for BucketCounters {
    fn default() -> Self {
        Self([const { Counter(AtomicU64::new(0)) }; BUCKETS])
    }
}

impl BucketCounters {
    /// Counts a packet; by the one writer.
    #[inline]
    pub fn count(&self, bucket: usize) {
        if let Some(counter) = self.0.get(bucket) {
            counter.add(1);
        }
    }

    /// The counts, bucket by bucket; by any thread.
    pub fn get(&self) -> impl Iterator<Item = u64> {
        self.0.iter().map(Counter::get)
    }
}

/// What a worker does about buckets that move. Written by that worker; on cache lines of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct MoveCounters {
    /// Connections that came from other workers.
    pub flows: Counter,
    /// Packets that waited for the connections of their bucket.
    pub parked: Counter,
    /// Of those, dropped since too many waited.
    pub parking_full: Counter,
}

/// How busy an lcore is, in ticks of the CPU's time stamp counter. Written by that lcore.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Load {
    /// In rounds that had packets.
    pub busy: Counter,
    /// In rounds that had none, and asleep.
    pub idle: Counter,
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
    /// Packets whose payload nobody wanted.
    pub shunted: Counter,
    /// Their bytes.
    pub shunted_octets: Counter,
    /// Packets that were not, by reason.
    dropped: [Counter; REASONS],
    /// Records made.
    pub records: Counter,
    /// Everything that the analysis counts, as of a fraction of a second ago. The worker
    /// never waits for the lock: what it can not write now, it writes next time.
    all: Mutex<worker::Counters>,
}

/// Reasons of the analysis to drop a packet.
const REASONS: usize = worker::Drop::ALL.len();

impl WorkerCounters {
    /// Takes over the counts of the analysis; by the worker, after each burst.
    #[inline]
    pub fn publish(&self, counters: &worker::Counters) {
        self.received.set(counters.received);
        self.octets.set(counters.octets);
        self.analyzed.set(counters.analyzed);
        self.shunted.set(counters.shunted);
        self.shunted_octets.set(counters.shunted_octets);
        self.records.set(counters.records);
        for (counter, (_, count)) in self.dropped.iter().zip(counters.dropped()) {
            counter.set(count);
        }
    }

    /// Takes over all that the analysis counts; by the worker, now and then.
    pub fn publish_all(&self, counters: &worker::Counters) {
        if let Ok(mut all) = self.all.try_lock() {
            *all = *counters;
        }
    }

    /// Packets not analyzed, by reason.
    pub fn dropped(&self) -> impl Iterator<Item = (&'static str, u64)> {
        worker::Drop::ALL.into_iter().map(worker::Drop::name).zip(self.dropped.iter().map(Counter::get))
    }

    /// All that the analysis counts, as last published.
    pub fn all(&self) -> worker::Counters {
        *self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sums over any number of lcores and ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Books {
    /// Packets received from ports.
    pub received: u64,
    /// Packets analyzed.
    pub analyzed: u64,
    /// Packets whose payload nobody wanted.
    pub shunted: u64,
    /// Packets dropped since a ring was full.
    pub ring_full: u64,
    /// Packets dropped since too many waited for their bucket to arrive at its worker.
    pub parking_full: u64,
    /// Packets dropped by the analysis, in the order of its reasons.
    by_analysis: [u64; REASONS],
}

impl Books {
    /// Adds one lcore's share of a port.
    pub fn add_receiver(&mut self, counters: &ReceiveCounters) {
        self.ring_full += counters.ring_full.get();
        self.received += counters.received.get();
    }

    /// Adds what a worker dropped of buckets that move.
    pub fn add_moves(&mut self, counters: &MoveCounters) {
        self.parking_full += counters.parking_full.get();
    }

    /// Adds one worker. Workers are read before receivers, so that what is received in
    /// between is under way rather than missing.
    pub fn add_worker(&mut self, counters: &WorkerCounters) {
        self.analyzed += counters.analyzed.get();
        self.shunted += counters.shunted.get();
        for (sum, count) in self.by_analysis.iter_mut().zip(&counters.dropped) {
            *sum += count.get();
        }
    }

    /// Packets dropped, by reason.
    pub fn dropped(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let by_analysis = worker::Drop::ALL.into_iter().map(worker::Drop::name).zip(self.by_analysis);
        [("ring_full", self.ring_full), ("parking_full", self.parking_full)].into_iter().chain(by_analysis)
    }

    /// Packets received of which it is not known yet what became of them: in rings, or in
    /// the burst at hand. Zero once everything has stopped; if not, a count is wrong.
    pub fn under_way(&self) -> i128 {
        let dropped: i128 = self.dropped().map(|(_, count)| i128::from(count)).sum();
        i128::from(self.received) - i128::from(self.analyzed) - i128::from(self.shunted) - dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_do_not_share_cache_lines() {
        assert_eq!(align_of::<ReceiveCounters>(), 128);
        assert_eq!(align_of::<WorkerCounters>(), 128);
        assert_eq!(align_of::<BucketCounters>(), 128);
        assert_eq!(align_of::<MoveCounters>(), 128);
        assert_eq!(align_of::<Load>(), 128);
        // Nothing else can lie on the last of their lines.
        assert_eq!(size_of::<WorkerCounters>() % 128, 0);
        assert_eq!(size_of::<BucketCounters>() % 128, 0);
    }

    #[test]
    fn the_difference_is_under_way() {
        let (receiver, worker) = (ReceiveCounters::default(), WorkerCounters::default());
        receiver.received.add(100);
        receiver.ring_full.add(10);
        worker.analyzed.set(70);
        worker.dropped[0].add(5);
        let mut books = Books::default();
        books.add_worker(&worker);
        books.add_receiver(&receiver);
        assert_eq!(books.under_way(), 15);
        worker.dropped[1].add(8);
        worker.shunted.set(7);
        let mut books = Books::default();
        books.add_worker(&worker);
        books.add_receiver(&receiver);
        assert_eq!(books.under_way(), 0);
        let dropped: Vec<_> = books.dropped().collect();
        assert_eq!(dropped, [("ring_full", 10), ("parking_full", 0), ("not_ip", 5), ("damaged", 8)]);
    }
}
