//! Flow load balancing in software: which worker a packet belongs to, and the way there.
//!
//! Buckets of the [`IndirectionTable`] move between workers while traffic goes on: [`Balancer`] measures and decides,
//! [`plan`] chooses, [`Handover`] is what receivers and workers see of it, [`Exchange`] a worker's part in it.

mod balancer;
mod exchange;
mod handover;
mod plan;

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use dpdk::Producer;
use packet::LinkType;

use crate::Burst;
use crate::clock::PacketClock;
use crate::frames::headers;
use crate::stats::{BucketCounters, ReceiveCounters};

pub use balancer::{Balancer, Report, Settings};
pub use exchange::Exchange;
pub use handover::Handover;
pub use plan::{Limits, Move, Plan, plan};
pub use worker::BUCKETS;

/// The indirection table: hash values, in buckets, to workers. One for all receivers; may
/// be changed while they use it.
#[derive(Debug)]
pub struct IndirectionTable {
    workers: Box<[AtomicU16; BUCKETS]>,
    count: u16,
}

impl IndirectionTable {
    /// Deals the buckets out to so many workers (at least one) in turn.
    pub fn new(workers: u16) -> Self {
        let count = workers.max(1);
        let table = std::array::from_fn(|bucket| AtomicU16::new((bucket % usize::from(count)) as u16));
        Self { workers: Box::new(table), count }
    }

    /// Number of workers.
    pub fn worker_count(&self) -> u16 {
        self.count
    }

    /// The worker of a bucket, below [`worker_count`](Self::worker_count). Who sees a change sees what was written before
    /// it, and whoever gets a packet for it too.
    #[inline]
    pub fn worker(&self, bucket: usize) -> usize {
        self.workers.get(bucket).map_or(0, |worker| usize::from(worker.load(Ordering::Acquire)))
    }

    /// Gives a bucket to another worker; whether both exist. Flows of the bucket that are
    /// open start anew at that worker, unless a [`Handover`] brings them there.
    pub fn assign(&self, bucket: usize, worker: u16) -> bool {
        match self.workers.get(bucket) {
            Some(entry) if worker < self.count => {
                entry.store(worker, Ordering::Release);
                true
            }
            _ => false,
        }
    }
}

/// What to do with packets for a worker whose ring is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FullRing {
    /// Drop them: to wait would make the port lose other workers' packets instead.
    Drop,
    /// Wait for the worker: for sources that wait as well, such as files.
    Wait,
}

/// Longest that a worker is waited for. One that does nothing for so long is dead.
const PATIENCE: Duration = Duration::from_secs(10);

/// The way from one receiver to all workers.
#[derive(Debug)]
pub struct Distributor {
    handover: Arc<Handover>,
    /// Which receiver this is.
    receiver: usize,
    /// The last moves that were taken note of.
    epoch: u64,
    outputs: Vec<Output>,
    buckets: Arc<BucketCounters>,
}

#[derive(Debug)]
struct Output {
    ring: Producer,
    /// Packets that went into the ring.
    sent: u64,
    /// Packets for the worker that are not in its ring yet: rings take bursts.
    staged: Burst,
}

impl Distributor {
    /// Of the receiver of that number, with the ring to each worker, as many as the table has workers.
    pub fn new(handover: Arc<Handover>, receiver: usize, rings: Vec<Producer>) -> Self {
        debug_assert_eq!(rings.len(), usize::from(handover.table().worker_count()));
        let outputs = rings.into_iter().map(|ring| Output { ring, sent: 0, staged: Burst::new() }).collect();
        Self { handover, receiver, epoch: 0, outputs, buckets: Arc::default() }
    }

    /// Packets by bucket, counted here.
    pub fn buckets(&self) -> &Arc<BucketCounters> {
        &self.buckets
    }

    /// Between two bursts: tells the workers that lose buckets where in the rings the last packets of these are.
    #[inline]
    pub fn note_moves(&mut self) {
        let epoch = self.handover.epoch();
        if epoch != self.epoch {
            self.epoch = epoch;
            self.handover.mark(self.receiver, epoch, self.outputs.iter().map(|output| output.sent));
        }
    }

    /// Nothing more will be sent.
    pub fn finish(&mut self) {
        self.handover.mark(self.receiver, Handover::END, self.outputs.iter().map(|output| output.sent));
    }

    /// Sends all packets of a burst on to their workers. Those that are dropped are counted.
    #[inline]
    pub fn distribute(&mut self, packets: &mut Burst, full: FullRing, counters: &ReceiveCounters) {
        let mut lost = 0;
        for packet in packets.iter() {
            packet.prefetch();
        }
        for packet in packets.drain() {
            let bucket = usize::from(worker::bucket(LinkType::Ethernet, &headers(&packet)));
            self.buckets.count(bucket);
            let worker = self.handover.table().worker(bucket);
            let Some(output) = self.outputs.get_mut(worker) else {
                lost += 1;
                continue;
            };
            // A burst is as large as what is staged, and nothing is staged between bursts,
            // so there is always room.
            if output.staged.push(packet).is_err() {
                lost += 1;
            }
        }
        for output in self.outputs.iter_mut().filter(|output| !output.staged.is_empty()) {
            output.enqueue();
            if full == FullRing::Wait && !output.staged.is_empty() {
                output.wait();
            }
            lost += output.staged.len() as u64;
            output.staged.clear();
        }
        if lost > 0 {
            counters.ring_full.add(lost);
        }
    }
}

impl Output {
    #[inline]
    fn enqueue(&mut self) {
        self.sent += self.ring.enqueue(&mut self.staged) as u64;
    }

    /// Tries until everything is in the ring.
    #[cold]
    fn wait(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while !self.staged.is_empty() && Instant::now() < deadline {
            thread::yield_now();
            self.enqueue();
        }
    }
}

/// Writes the time of reception into packets that go through a ring, in nanoseconds since
/// 1970, so that the time they wait there does not count.
#[inline]
pub fn stamp(packets: &mut Burst, clock: PacketClock, stamps: dpdk::Timestamps, burst: record::Time) {
    for packet in packets.iter_mut() {
        let time = clock.time_of(packet, burst);
        stamps.set(packet, time.0);
    }
}

#[cfg(test)]
mod tests;
