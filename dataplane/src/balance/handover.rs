//! Moves of buckets, as far as housekeeping, receivers and workers have to know of each other.
//!
//! Nobody waits and nothing is locked. Some buckets move at a time:
//!
//! 1. Housekeeping notes the old worker of each bucket as [`leaving`](Handover::leaving), enters the new one into the
//!    table and begins an epoch. A packet that a receiver sends to the new worker finds the note there, since it was
//!    written first: the worker parks it.
//! 2. Each receiver that finds the epoch sends no packet of these buckets to their old workers any more, and says how
//!    many packets it has sent into each ring until then: its mark.
//! 3. The old worker, once it has analyzed as many packets from each ring, has seen the last of its bucket. It sends the
//!    bucket's state to the new worker in [parcels](Parcel).
//! 4. The new worker takes the parcels in. After the last it clears the note, analyzes what it has parked, and the bucket
//!    is its own. When all notes are cleared, housekeeping may begin the next epoch.

use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};

use crossbeam_queue::ArrayQueue;
use worker::{BUCKETS, Parcel};

use super::IndirectionTable;
use super::plan::Move;

/// Parcels on their way to one worker at most.
const PARCELS: usize = 64;

/// A value on cache lines of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Apart<T>(T);

/// What one receiver has told. Written by that receiver.
#[derive(Debug)]
#[repr(align(128))]
struct Marks {
    epoch: AtomicU64,
    /// Packets sent to each worker when the epoch was found.
    sent: Box<[AtomicU64]>,
}

/// The indirection table, and the moves that are under way.
#[derive(Debug)]
pub struct Handover {
    table: IndirectionTable,
    /// Read by every thread in each round, written with each set of moves.
    state: Apart<State>,
    /// Of each bucket that is under way, its old worker and one; 0 for the others.
    leaving: Box<[AtomicU16; BUCKETS]>,
    receivers: Box<[Marks]>,
    /// On their way to each worker.
    parcels: Box<[ArrayQueue<Box<Parcel>>]>,
}

#[derive(Debug, Default)]
struct State {
    epoch: AtomicU64,
    /// Buckets under way, or more: they are counted down when all have arrived.
    moving: AtomicU64,
}

impl Handover {
    /// The epoch of a receiver that has ended.
    pub const END: u64 = u64::MAX;

    /// For so many workers and receivers, at least one each.
    pub fn new(workers: u16, receivers: u16) -> Self {
        let table = IndirectionTable::new(workers);
        let workers = usize::from(table.worker_count());
        let marks =
            || Marks { epoch: AtomicU64::new(0), sent: (0..workers).map(|_| AtomicU64::new(0)).collect() };
        Self {
            table,
            state: Apart::default(),
            leaving: Box::new([const { AtomicU16::new(0) }; BUCKETS]),
            receivers: (0..receivers.max(1)).map(|_| marks()).collect(),
            parcels: (0..workers).map(|_| ArrayQueue::new(PARCELS)).collect(),
        }
    }

    /// Who has which bucket.
    pub fn table(&self) -> &IndirectionTable {
        &self.table
    }

    /// Number of the latest set of moves.
    #[inline]
    pub fn epoch(&self) -> u64 {
        self.state.0.epoch.load(Ordering::Acquire)
    }

    /// Whether any bucket may be under way.
    #[inline]
    pub fn is_moving(&self) -> bool {
        self.state.0.moving.load(Ordering::Acquire) > 0
    }

    /// The old worker of a bucket that is under way.
    #[inline]
    pub fn leaving(&self, bucket: u16) -> Option<u16> {
        self.leaving.get(usize::from(bucket))?.load(Ordering::Acquire).checked_sub(1)
    }

    /// Begins moves; by housekeeping, when no others are under way. Those that make no sense are left out; returns how
    /// many there are.
    pub fn begin(&self, moves: &[Move]) -> usize {
        debug_assert!(!self.is_moving(), "moves are under way");
        self.state.0.moving.store(moves.len() as u64, Ordering::Release);
        let mut begun = 0;
        for to_do in moves {
            let bucket = usize::from(to_do.bucket);
            let (from, count) = (self.table.worker(bucket), self.table.worker_count());
            let Some(leaving) = self.leaving.get(bucket) else { continue };
            if to_do.to >= count || usize::from(to_do.to) == from || self.leaving(to_do.bucket).is_some() {
                continue;
            }
            leaving.store(from as u16 + 1, Ordering::Release);
            self.table.assign(bucket, to_do.to);
            begun += 1;
        }
        self.state.0.epoch.fetch_add(1, Ordering::Release);
        begun
    }

    /// Whether all moves are done; by housekeeping.
    pub fn is_done(&self) -> bool {
        if self.is_moving() {
            if (0..BUCKETS as u16).any(|bucket| self.leaving(bucket).is_some()) {
                return false;
            }
            self.state.0.moving.store(0, Ordering::Release);
        }
        true
    }

    /// Notes how much a receiver has sent to each worker, all of it before `epoch`; by that receiver.
    pub(super) fn mark(&self, receiver: usize, epoch: u64, sent: impl Iterator<Item = u64>) {
        let Some(marks) = self.receivers.get(receiver) else { return };
        for (mark, sent) in marks.sent.iter().zip(sent) {
            mark.store(sent, Ordering::Relaxed);
        }
        marks.epoch.store(epoch, Ordering::Release);
    }

    /// Whether a worker that has analyzed so many packets from each receiver's ring has analyzed all that were sent
    /// before `epoch`.
    pub(super) fn has_passed(&self, worker: usize, epoch: u64, mut taken: impl Iterator<Item = u64>) -> bool {
        self.receivers.iter().all(|marks| {
            let Some(taken) = taken.next() else { return true };
            marks.epoch.load(Ordering::Acquire) >= epoch
                && marks.sent.get(worker).is_none_or(|sent| taken >= sent.load(Ordering::Relaxed))
        })
    }

    /// Buckets that leave a worker, with the worker that they go to.
    pub(super) fn departures(&self, worker: u16) -> impl Iterator<Item = (u16, u16)> {
        (0..BUCKETS as u16)
            .filter(move |bucket| self.leaving(*bucket) == Some(worker))
            .map(|bucket| (bucket, self.table.worker(usize::from(bucket)) as u16))
    }

    /// Sends a parcel to a worker, or gives it back when too many are on their way there.
    pub(super) fn send(&self, to: u16, parcel: Box<Parcel>) -> Result<(), Box<Parcel>> {
        match self.parcels.get(usize::from(to)) {
            Some(queue) => queue.push(parcel),
            None => Err(parcel),
        }
    }

    /// The next parcel for a worker.
    pub(super) fn receive(&self, worker: u16) -> Option<Box<Parcel>> {
        self.parcels.get(usize::from(worker))?.pop()
    }

    /// A bucket has arrived, and nothing of it waits; by its new worker.
    pub(super) fn arrived(&self, bucket: u16) {
        if let Some(leaving) = self.leaving.get(usize::from(bucket)) {
            leaving.store(0, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_different_threads_write_lies_on_different_cache_lines() {
        assert_eq!(align_of::<Marks>(), 128);
        assert_eq!(align_of::<Apart<State>>(), 128);
        assert_eq!(size_of::<Apart<State>>(), 128);
    }

    #[test]
    fn a_worker_has_seen_the_last_packet_when_all_receivers_say_so() {
        let handover = Handover::new(2, 2);
        let moves = [Move { bucket: 0, to: 1 }, Move { bucket: 1, to: 1 }, Move { bucket: 2, to: 7 }];
        // Bucket 1 is there already, and there is no worker 7.
        assert_eq!(handover.begin(&moves), 1);
        assert_eq!((handover.leaving(0), handover.leaving(1)), (Some(0), None));
        assert_eq!(handover.departures(0).collect::<Vec<_>>(), [(0, 1)]);
        let passed = |taken: [u64; 2]| handover.has_passed(0, 1, taken.into_iter());
        assert!(!passed([9, 9]));
        handover.mark(0, 1, [5, 0].into_iter());
        assert!(!passed([9, 9]));
        handover.mark(1, Handover::END, [3, 0].into_iter());
        assert!(!passed([4, 3]) && !passed([5, 2]) && passed([5, 3]));
        assert!(!handover.is_done());
        handover.arrived(0);
        assert!(handover.is_done() && !handover.is_moving());
    }
}
