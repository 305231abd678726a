//! The loops of receiver and worker lcores.
//!
//! One round ([`Receiver::poll`], [`WorkerInput::poll`]) takes at most a burst from each
//! queue or ring, never waits, allocates nothing and makes no system call; [`run`] repeats
//! rounds until it is told to stop.

use std::hint;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use dpdk::{Consumer, RxQueue, Timestamps, lcore};
use packet::{Frame, LinkType};
use record::RecordBuffer;
use worker::Worker;

use crate::Burst;
use crate::balance::{self, Distributor, Exchange, FullRing};
use crate::clock::{self, PacketClock};
use crate::frames::FrameBuilder;
use crate::stats::{Load, ReceiveCounters};

/// A queue of a port, with what it needs to be polled.
#[derive(Debug)]
pub struct Input {
    /// The queue.
    pub queue: RxQueue,
    /// How its packets get their time.
    pub clock: PacketClock,
    /// What a receiver does when it can not hand its packets over.
    pub full_ring: FullRing,
    /// Its counters: of this lcore and port.
    pub counters: Arc<ReceiveCounters>,
}

impl Input {
    /// Receives a burst into the empty array, and counts it.
    #[inline]
    fn receive(&mut self, burst: &mut Burst) -> usize {
        let received = self.queue.rx_burst(burst);
        if received > 0 {
            self.counters.received.add(received as u64);
            let octets: usize = burst.iter().map(dpdk::Mbuf::packet_len).sum();
            self.counters.octets.add(octets as u64);
        }
        received
    }
}

/// What a receiver lcore does: packets from queues to the rings of their workers.
#[derive(Debug)]
pub struct Receiver {
    inputs: Vec<Input>,
    distributor: Distributor,
    stamps: Timestamps,
    burst: Burst,
}

impl Receiver {
    /// Receives from `inputs`; what goes through the rings is stamped with its time.
    pub fn new(inputs: Vec<Input>, distributor: Distributor, stamps: Timestamps) -> Self {
        Self { inputs, distributor, stamps, burst: Burst::new() }
    }

    /// One round; how many packets were received.
    #[inline]
    pub fn poll(&mut self) -> usize {
        self.distributor.note_moves();
        let mut total = 0;
        for input in &mut self.inputs {
            let received = input.receive(&mut self.burst);
            if received > 0 {
                balance::stamp(&mut self.burst, input.clock, self.stamps, clock::now());
                self.distributor.distribute(&mut self.burst, input.full_ring, &input.counters);
                total += received;
            }
        }
        total
    }

    /// Nothing more will be received: workers need not wait to learn what was sent.
    pub fn finish(&mut self) {
        self.distributor.finish();
    }
}

/// What a worker lcore takes packets from: queues of its own, or rings from receivers.
#[derive(Debug)]
pub struct WorkerInput {
    queues: Vec<Input>,
    rings: Vec<Ring>,
    /// For buckets that move, where they can.
    exchange: Option<Exchange>,
    ring_clock: PacketClock,
    frames: FrameBuilder,
    burst: Burst,
}

/// A ring from a receiver.
#[derive(Debug)]
struct Ring {
    ring: Consumer,
    /// Packets taken from it.
    taken: u64,
}

impl WorkerInput {
    /// `stamps` is where receivers wrote the time of packets in rings.
    pub fn new(queues: Vec<Input>, rings: Vec<Consumer>, stamps: Timestamps) -> Self {
        Self {
            queues,
            rings: rings.into_iter().map(|ring| Ring { ring, taken: 0 }).collect(),
            exchange: None,
            ring_clock: PacketClock::Stamped { stamps, unit: 1 },
            frames: FrameBuilder::default(),
            burst: Burst::new(),
        }
    }

    /// With buckets that move from and to this worker.
    #[must_use]
    pub fn with_exchange(self, exchange: Exchange) -> Self {
        Self { exchange: Some(exchange), ..self }
    }

    /// One round: calls `analyze` with each burst of Ethernet frames; how many packets there
    /// were.
    #[inline]
    pub fn poll(&mut self, mut analyze: impl FnMut(&[Frame<'_>])) -> usize {
        let mut total = 0;
        for input in &mut self.queues {
            if input.receive(&mut self.burst) > 0 {
                total += self.frames.deliver(&mut self.burst, input.clock, &mut analyze);
            }
        }
        for Ring { ring, taken } in &mut self.rings {
            let received = ring.dequeue(&mut self.burst);
            if received > 0 {
                *taken += received as u64;
                if let Some(exchange) = &mut self.exchange {
                    exchange.sift(&mut self.burst);
                }
                total += self.frames.deliver(&mut self.burst, self.ring_clock, &mut analyze);
            }
        }
        if let Some(exchange) = &mut self.exchange
            && exchange.unpark(&mut self.burst) > 0
        {
            total += self.frames.deliver(&mut self.burst, self.ring_clock, &mut analyze);
        }
        total
    }

    /// Between two bursts: state of buckets that move goes and comes. Returns how many parcels.
    #[inline]
    pub fn exchange(&mut self, worker: &mut Worker, out: &mut RecordBuffer) -> usize {
        let Some(exchange) = &mut self.exchange else { return 0 };
        exchange.round(self.rings.iter().map(|ring| ring.taken), worker, out)
    }

    /// At the end: what was to come to this worker has come, or does not any more; what waits for it is analyzed all
    /// the same.
    pub fn finish_exchange(&mut self, worker: &mut Worker, out: &mut RecordBuffer) {
        let Some(exchange) = &mut self.exchange else { return };
        exchange.finish(worker, out);
        while exchange.unpark_all(&mut self.burst) > 0 {
            let analyze = |frames: &[Frame<'_>]| worker.burst(LinkType::Ethernet, frames, out);
            self.frames.deliver(&mut self.burst, self.ring_clock, analyze);
        }
    }

    /// Gives the queues up, so that only what is in rings is left to take.
    pub fn close_queues(&mut self) {
        self.queues.clear();
    }
}

impl FrameBuilder {
    /// Has a burst analyzed and given back.
    #[inline]
    fn deliver(&mut self, burst: &mut Burst, clock: PacketClock, analyze: impl FnMut(&[Frame<'_>])) -> usize {
        let packets = burst.len();
        if packets == 0 {
            return 0;
        }
        self.with_frames(burst, clock, clock::now(), analyze);
        burst.clear();
        packets
    }
}

/// What an lcore does while no packets come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Idle {
    /// Keeps polling: for an lcore with a CPU of its own.
    Poll,
    /// Sleeps a little after so many empty rounds: for CPUs that are shared. The queue must
    /// hold what arrives meanwhile.
    Sleep {
        /// Empty rounds before the first sleep.
        after: u32,
        /// How long.
        pause: Duration,
    },
}

impl Idle {
    /// For shared CPUs: at ten million packets per second, a pause fills a queue of 2048
    /// by half.
    pub const SHARED: Self = Self::Sleep { after: 256, pause: Duration::from_micros(50) };
}

/// Repeats `round`, which returns how many packets it had, until `stop` is set.
pub fn run(stop: &AtomicBool, idle: Idle, load: &Load, mut round: impl FnMut() -> usize) {
    let mut empty = 0_u32;
    let mut before = lcore::ticks();
    while !stop.load(Ordering::Acquire) {
        let packets = round();
        if packets > 0 {
            empty = 0;
        } else {
            empty = empty.saturating_add(1);
            match idle {
                Idle::Sleep { after, pause } if empty > after => thread::sleep(pause),
                _ => hint::spin_loop(),
            }
        }
        let now = lcore::ticks();
        let side = if packets > 0 { &load.busy } else { &load.idle };
        side.add(now.wrapping_sub(before));
        before = now;
    }
}

#[cfg(test)]
mod tests;
