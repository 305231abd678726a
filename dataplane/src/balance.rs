//! Flow load balancing in software: which worker a packet belongs to, and the way there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use dpdk::Producer;
use packet::LinkType;
use worker::flow_hash;

use crate::Burst;
use crate::clock::PacketClock;
use crate::frames::headers;
use crate::stats::ReceiveCounters;

/// Entries of the indirection table. Much more than workers, so that they can be evened
/// out, and as many as a large card has.
pub const BUCKETS: usize = 1024;

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

    /// The bucket of a hash. What has no hash has the first one.
    #[inline]
    pub fn bucket(hash: Option<u64>) -> usize {
        hash.map_or(0, |hash| hash as usize % BUCKETS)
    }

    /// The worker of a bucket, below [`worker_count`](Self::worker_count).
    #[inline]
    pub fn worker(&self, bucket: usize) -> usize {
        self.workers.get(bucket).map_or(0, |worker| usize::from(worker.load(Ordering::Relaxed)))
    }

    /// Gives a bucket to another worker; whether both exist. Flows of the bucket that are
    /// open start anew at that worker.
    pub fn assign(&self, bucket: usize, worker: u16) -> bool {
        match self.workers.get(bucket) {
            Some(entry) if worker < self.count => {
                entry.store(worker, Ordering::Relaxed);
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
    table: Arc<IndirectionTable>,
    outputs: Vec<Output>,
}

#[derive(Debug)]
struct Output {
    ring: Producer,
    /// Packets for the worker that are not in its ring yet: rings take bursts.
    staged: Burst,
}

impl Distributor {
    /// With the ring to each worker, as many as the table has workers.
    pub fn new(table: Arc<IndirectionTable>, rings: Vec<Producer>) -> Self {
        debug_assert_eq!(rings.len(), usize::from(table.worker_count()));
        let outputs = rings.into_iter().map(|ring| Output { ring, staged: Burst::new() }).collect();
        Self { table, outputs }
    }

    /// Sends all packets of a burst on to their workers. Those that are dropped are counted.
    #[inline]
    pub fn distribute(&mut self, packets: &mut Burst, full: FullRing, counters: &ReceiveCounters) {
        let mut lost = 0;
        for packet in packets.iter() {
            packet.prefetch();
        }
        for packet in packets.drain() {
            let worker =
                self.table.worker(IndirectionTable::bucket(flow_hash(LinkType::Ethernet, &headers(&packet))));
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
            output.ring.enqueue(&mut output.staged);
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
    /// Tries until everything is in the ring.
    #[cold]
    fn wait(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while !self.staged.is_empty() && Instant::now() < deadline {
            thread::yield_now();
            self.ring.enqueue(&mut self.staged);
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
