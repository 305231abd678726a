//! What a worker lcore does: packets from its input through the analysis, records to who
//! stores them.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{Duration, Instant};

use packet::LinkType;
use record::{Interval, Time};
use worker::Worker;

use crate::clock;
use crate::poll::{Idle, WorkerInput, run};
use crate::records::RecordSender;
use crate::stats::WorkerCounters;

/// How often a worker does what is not part of its packets: timers when none come, handing
/// over of few records, counters.
const TICK: Interval = Interval::from_millis(100);

/// Rounds with packets between two looks at the clock.
const ROUNDS_PER_LOOK: u32 = 256;

/// How long a worker that ends waits for its last records to be taken.
const FINISH: Duration = Duration::from_secs(30);

/// A worker lcore.
#[derive(Debug)]
pub struct WorkerLcore {
    worker: Worker,
    input: WorkerInput,
    records: RecordSender,
    counters: Arc<WorkerCounters>,
    /// Whether packets carry the time at which they come, so that time goes on without them.
    live: bool,
    rounds: u32,
    last_tick: Time,
}

impl WorkerLcore {
    /// Feeds what comes from `input` to `worker`. `live` says that packet time is the
    /// host's time, which is not so for files.
    pub fn new(
        worker: Worker,
        input: WorkerInput,
        records: RecordSender,
        counters: Arc<WorkerCounters>,
        live: bool,
    ) -> Self {
        Self { worker, input, records, counters, live, rounds: 0, last_tick: clock::now() }
    }

    /// One round; how many packets there were.
    #[inline]
    pub fn round(&mut self) -> usize {
        let Self { worker, input, records, .. } = self;
        let packets = input.poll(|frames| worker.burst(LinkType::Ethernet, frames, records.buffer()));
        if packets > 0 {
            self.counters.publish(self.worker.counters());
            if self.records.is_full() {
                self.records.hand_over();
            }
        }
        self.rounds = self.rounds.wrapping_add(1);
        if packets == 0 || self.rounds.is_multiple_of(ROUNDS_PER_LOOK) {
            let now = clock::now();
            if now.since(self.last_tick) >= TICK {
                self.last_tick = now;
                self.tick(now, packets == 0);
            }
        }
        packets
    }

    fn tick(&mut self, now: Time, idle: bool) {
        if idle && self.live {
            self.worker.idle(now, self.records.buffer());
        }
        self.records.hand_over();
        self.counters.publish(self.worker.counters());
        self.counters.publish_all(self.worker.counters());
        self.counters.records_lost.set(self.records.lost());
    }

    /// Runs until `stop` is set, then empties the rings, ends all connections and hands the
    /// last records over.
    pub fn run(mut self, stop: &AtomicBool, idle: Idle) {
        run(stop, idle, || self.round());
        self.input.close_queues();
        while self.round() > 0 {}
        self.worker.finish(self.records.buffer());
        let deadline = Instant::now() + FINISH;
        while !self.records.try_hand_over() {
            if Instant::now() >= deadline {
                self.records.drop_records();
            }
            thread::sleep(Duration::from_millis(1));
        }
        self.counters.publish(self.worker.counters());
        self.counters.publish_all(self.worker.counters());
        self.counters.records_lost.set(self.records.lost());
    }
}
