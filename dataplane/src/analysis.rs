//! What a worker lcore does: packets from its input through the analysis, records to who
//! stores them.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use packet::LinkType;
use record::{Interval, Time};
use worker::Worker;

use crate::clock;
use crate::poll::{Idle, WorkerInput, run};
use crate::records::RecordSender;
use crate::shunt::OffloadLink;
use crate::stats::{Load, MoveCounters, WorkerCounters};

/// How often a worker does what is not part of its packets: timers when none come, handing
/// over of few records, counters.
const TICK: Interval = Interval::from_millis(100);

/// Rounds with packets between two looks at the clock.
const ROUNDS_PER_LOOK: u32 = 256;

/// How long a worker that ends waits for its last records to be taken.
const FINISH: Duration = Duration::from_secs(30);

/// New settings on their way to a worker, which looks for them at each tick.
#[derive(Debug, Default)]
pub struct Mailbox(Mutex<Option<Arc<worker::Settings>>>);

impl Mailbox {
    /// Leaves settings for the worker, in place of any that it has not taken yet.
    pub fn leave(&self, settings: Arc<worker::Settings>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(settings);
    }

    /// Takes settings out, if there are and nobody is just leaving some.
    fn take(&self) -> Option<Arc<worker::Settings>> {
        self.0.try_lock().ok()?.take()
    }
}

/// What a worker lcore shares with others.
#[derive(Debug, Default)]
pub struct WorkerShared {
    /// What it did.
    pub counters: WorkerCounters,
    /// How busy it is.
    pub load: Load,
    /// What it did about buckets that move.
    pub moves: Arc<MoveCounters>,
    /// What it is told.
    pub mailbox: Mailbox,
    /// What it asks of ports, and what became of it.
    pub offload: Arc<OffloadLink>,
}

/// A worker lcore.
#[derive(Debug)]
pub struct WorkerLcore {
    worker: Worker,
    input: WorkerInput,
    records: RecordSender,
    shared: Arc<WorkerShared>,
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
        shared: Arc<WorkerShared>,
        live: bool,
    ) -> Self {
        Self { worker, input, records, shared, live, rounds: 0, last_tick: clock::now() }
    }

    /// One round; how many packets there were, and parcels of buckets that move.
    #[inline]
    pub fn round(&mut self) -> usize {
        let Self { worker, input, records, .. } = self;
        let packets = input.poll(|frames| worker.burst(LinkType::Ethernet, frames, records.buffer()));
        let parcels = input.exchange(worker, records.buffer());
        if packets > 0 {
            self.shared.counters.publish(self.worker.counters());
            self.shared.offload.ask(&mut self.worker);
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
        packets + parcels
    }

    fn tick(&mut self, now: Time, idle: bool) {
        if let Some(settings) = self.shared.mailbox.take() {
            self.worker.apply(&settings);
        }
        self.shared.offload.tell(&mut self.worker);
        if idle && self.live {
            self.worker.idle(now, self.records.buffer());
        }
        self.records.hand_over();
        self.shared.counters.publish(self.worker.counters());
        self.shared.counters.publish_all(self.worker.counters());
    }

    /// Runs until `stop` is set, then empties the rings, ends all connections and hands the
    /// last records over.
    pub fn run(mut self, stop: &AtomicBool, idle: Idle) {
        let shared = Arc::clone(&self.shared);
        run(stop, idle, &shared.load, || self.round());
        self.input.close_queues();
        while self.round() > 0 {}
        shared.offload.tell(&mut self.worker);
        self.input.finish_exchange(&mut self.worker, self.records.buffer());
        while self.worker.finish_some(self.records.buffer()) {
            if self.records.is_full() {
                self.hand_over_in_time();
            }
        }
        self.hand_over_in_time();
        self.shared.counters.publish(self.worker.counters());
        self.shared.counters.publish_all(self.worker.counters());
    }

    /// Hands the records over when there is a buffer to go on with, or drops them when nobody takes any.
    fn hand_over_in_time(&mut self) {
        let deadline = Instant::now() + FINISH;
        while !self.records.try_hand_over() {
            if Instant::now() >= deadline {
                self.records.drop_records();
            }
            thread::sleep(Duration::from_millis(1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_workers_get_the_same_settings_without_a_copy() {
        let workers: Vec<WorkerShared> = (0..4).map(|_| WorkerShared::default()).collect();
        let settings = Arc::new(worker::Settings::default());
        for worker in &workers {
            worker.mailbox.leave(Arc::clone(&settings));
        }
        let taken: Vec<_> = workers.iter().filter_map(|worker| worker.mailbox.take()).collect();
        assert_eq!(taken.len(), 4);
        assert!(taken.iter().all(|taken| Arc::ptr_eq(taken, &settings)));
        assert!(workers.iter().all(|worker| worker.mailbox.take().is_none()));
    }

    #[test]
    fn what_a_worker_writes_shares_no_cache_line_with_what_others_write() {
        assert_eq!(align_of::<WorkerShared>(), 128);
        let shared = WorkerShared::default();
        let at = |part: *const u8| part as usize / 128;
        let counters = at((&raw const shared.counters).cast());
        let load = at((&raw const shared.load).cast());
        let mailbox = at((&raw const shared.mailbox).cast());
        let moves = at((&raw const *shared.moves).cast());
        assert!(counters != load && load != mailbox && counters != mailbox);
        assert!(![counters, load, mailbox].contains(&moves));
    }
}
