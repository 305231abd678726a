//! Measures how even the workers are, and has buckets moved when they are not. Run by the housekeeping thread.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use worker::BUCKETS;

use super::Handover;
use super::plan::{self, Limits, Move};
use crate::analysis::WorkerShared;
use crate::stats::BucketCounters;

/// Buckets that move because of one measurement at most.
const MOVES: usize = 64;

/// Buckets under way at the same time at most.
const TOGETHER: usize = 32;

/// Connections under way at the same time, near enough: packets wait as long as it takes to move them, some
/// milliseconds.
const FLOWS_TOGETHER: u64 = 4096;

/// With fewer packets for each worker, what is uneven is chance: measuring goes on.
const PACKETS: f64 = 1000.0;

/// Intervals after which measuring begins anew all the same.
const LONGEST: u32 = 10;

/// When to move buckets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Whether any are moved; measured is always.
    pub enabled: bool,
    /// Above this, the busiest worker as a multiple of the mean, moves begin.
    pub start: f64,
    /// They go on until the busiest worker is below this.
    pub target: f64,
    /// Time between measurements, and least time between moves and the next measurement's end.
    pub interval: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { enabled: true, start: 1.25, target: 1.1, interval: Duration::from_secs(1) }
    }
}

/// What was read of a worker's counters.
#[derive(Debug, Clone, Copy, Default)]
struct Sample {
    packets: u64,
    busy: u64,
    idle: u64,
}

impl Sample {
    fn of(worker: &WorkerShared) -> Self {
        let (busy, idle) = (worker.load.busy.get(), worker.load.idle.get());
        Self { packets: worker.counters.received.get(), busy, idle }
    }

    fn since(self, before: Self) -> Self {
        Self {
            packets: self.packets.saturating_sub(before.packets),
            busy: self.busy.saturating_sub(before.busy),
            idle: self.idle.saturating_sub(before.idle),
        }
    }

    /// The busy part of the time, from 0 to 1.
    fn busy_share(self) -> f64 {
        self.busy as f64 / self.busy.saturating_add(self.idle).max(1) as f64
    }
}

/// What was found and done. All but the first three count from the start.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// Load of the busiest worker as a multiple of the mean, at the last measurement.
    pub imbalance: f64,
    /// The busy part of each worker's time before the last measurement, from 0 to 1.
    pub loads: Vec<f64>,
    /// Buckets that alone are more than a worker's mean share.
    pub elephants: usize,
    /// Measurements after which buckets moved.
    pub rounds: u64,
    /// Buckets that moved.
    pub moves: u64,
}

/// Measures and decides.
#[derive(Debug)]
pub struct Balancer {
    settings: Settings,
    /// None where the ports deal packets out: buckets stay where they are then.
    handover: Option<Arc<Handover>>,
    /// Of each receiver.
    buckets: Vec<Arc<BucketCounters>>,
    workers: Vec<Arc<WorkerShared>>,
    /// Ticks of a worker tell what its packets cost. Not so where it shares its CPU: the others' work counts too.
    trusts_ticks: bool,
    since: Option<Instant>,
    bucket_counts: Vec<u64>,
    samples: Vec<Sample>,
    to_do: VecDeque<Move>,
    /// The last moves were as many as may be, so that there may be more to do.
    unfinished: bool,
    under_way: usize,
    report: Report,
}

impl Balancer {
    /// For these receivers' counters and these workers.
    pub fn new(
        settings: Settings,
        handover: Option<Arc<Handover>>,
        buckets: Vec<Arc<BucketCounters>>,
        workers: Vec<Arc<WorkerShared>>,
        trusts_ticks: bool,
    ) -> Self {
        let report = Report { imbalance: 1.0, loads: vec![0.0; workers.len()], ..Report::default() };
        let samples = vec![Sample::default(); workers.len()];
        Self {
            settings,
            handover,
            buckets,
            workers,
            trusts_ticks,
            since: None,
            bucket_counts: vec![0; BUCKETS],
            samples,
            to_do: VecDeque::new(),
            unfinished: false,
            under_way: 0,
            report,
        }
    }

    /// What was found and done.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Other settings, from the next measurement on.
    pub fn set(&mut self, settings: Settings) {
        self.settings = settings;
    }

    /// Does what there is to do now; never waits. To be called often.
    pub fn step(&mut self, now: Instant) {
        if !self.go_on() {
            return;
        }
        let Some(since) = self.since else {
            self.measure();
            self.since = Some(now);
            return;
        };
        let elapsed = now.duration_since(since);
        if elapsed >= self.settings.interval {
            let is_long = elapsed >= self.settings.interval.saturating_mul(LONGEST);
            if self.decide() || is_long {
                self.measure();
                self.since = Some(now);
            }
        }
    }

    /// Whether no bucket is under way any more. Begins no other move than those that were decided on.
    fn go_on(&mut self) -> bool {
        let Some(handover) = self.handover.clone() else { return true };
        if !handover.is_done() {
            return false;
        }
        self.report.moves += std::mem::take(&mut self.under_way) as u64;
        let mut moves = Vec::new();
        let mut flows = 0;
        while let Some(next) = self.to_do.front()
            && moves.len() < TOGETHER
            && (moves.is_empty() || flows < FLOWS_TOGETHER)
        {
            flows += self.flows_of(&handover, next.bucket);
            moves.extend(self.to_do.pop_front());
        }
        if moves.is_empty() {
            return true;
        }
        self.under_way = handover.begin(&moves);
        if self.to_do.is_empty() {
            // What is measured next begins with the new table.
            self.since = None;
        }
        false
    }

    /// Connections of a bucket, if its worker's are spread evenly over its buckets.
    fn flows_of(&self, handover: &Handover, bucket: u16) -> u64 {
        let table = handover.table();
        let owner = table.worker(usize::from(bucket));
        let buckets = (0..BUCKETS).filter(|bucket| table.worker(*bucket) == owner).count() as u64;
        let flows = self.workers.get(owner).map_or(0, |worker| worker.counters.all().flows.current());
        flows / buckets.max(1)
    }

    /// Begins to measure.
    fn measure(&mut self) {
        (self.bucket_counts, self.samples) = self.read();
    }

    /// All counters: packets of each bucket, and of each worker.
    fn read(&self) -> (Vec<u64>, Vec<Sample>) {
        let mut counts = vec![0_u64; BUCKETS];
        for receiver in &self.buckets {
            for (sum, count) in counts.iter_mut().zip(receiver.get()) {
                *sum = sum.wrapping_add(count);
            }
        }
        (counts, self.workers.iter().map(|worker| Sample::of(worker)).collect())
    }

    /// Judges what was measured; false if that was too little to judge.
    fn decide(&mut self) -> bool {
        let (counts, samples) = self.read();
        let counts = counts.iter().zip(&self.bucket_counts).map(|(now, old)| now.wrapping_sub(*old));
        let counts: Vec<u64> = counts.collect();
        let worked: Vec<Sample> =
            samples.iter().zip(&self.samples).map(|(now, old)| now.since(*old)).collect();
        self.report.loads = worked.iter().map(|sample| sample.busy_share()).collect();
        let workers = worked.len();
        let Some(handover) = &self.handover else {
            let loads: Vec<f64> = if self.trusts_ticks {
                self.report.loads.clone()
            } else {
                worked.iter().map(|sample| sample.packets as f64).collect()
            };
            self.report.imbalance = plan::imbalance(&loads);
            return true;
        };
        let owners: Vec<u16> = (0..BUCKETS).map(|bucket| handover.table().worker(bucket) as u16).collect();
        let costs = self.costs(&worked);
        // What was sent to a worker, whether it could take it or not.
        let loads: Vec<f64> = counts
            .iter()
            .zip(&owners)
            .map(|(count, owner)| *count as f64 * costs.get(usize::from(*owner)).copied().unwrap_or(1.0))
            .collect();
        let packets: u64 = counts.iter().sum();
        if (packets as f64) < PACKETS * workers as f64 {
            return false;
        }
        self.report.imbalance = plan::imbalance(&plan::totals(&owners, &loads, workers));
        // What was measured is not quite what comes: half of the allowance is kept for that.
        let target = 1.0 + (self.settings.target - 1.0) / 2.0;
        let start = if self.unfinished { self.settings.target } else { self.settings.start };
        let limits = Limits { start, target, moves: MOVES };
        let plan = plan::plan(&owners, &loads, workers, &limits);
        self.report.elephants = plan.elephants.len();
        self.unfinished = plan.moves.len() >= MOVES;
        if self.settings.enabled && !plan.moves.is_empty() {
            self.report.rounds += 1;
            self.to_do = plan.moves.into();
        }
        true
    }

    /// What a packet costs at each worker, as a multiple of what it costs on the whole; within bounds, since both
    /// numbers are rough.
    fn costs(&self, worked: &[Sample]) -> Vec<f64> {
        let busy: u64 = worked.iter().map(|sample| sample.busy).sum();
        let packets: u64 = worked.iter().map(|sample| sample.packets).sum();
        let mean = busy as f64 / packets.max(1) as f64;
        let cost = |sample: &Sample| {
            if !self.trusts_ticks || sample.packets == 0 || mean <= 0.0 {
                return 1.0;
            }
            (sample.busy as f64 / sample.packets as f64 / mean).clamp(0.25, 4.0)
        };
        worked.iter().map(cost).collect()
    }
}
