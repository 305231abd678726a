//! A worker's part in moves: the state of buckets that leave goes, packets of buckets that come wait for theirs.

use std::collections::VecDeque;
use std::sync::Arc;

use dpdk::Mbuf;
use packet::LinkType;
use record::RecordBuffer;
use worker::{Departure, Parcel, Worker};

use super::Handover;
use crate::Burst;
use crate::frames::headers;
use crate::stats::MoveCounters;

/// Packets that wait at one worker at most: what is over goes, and is counted. Their buffers are those that the rings
/// leave free: pools have enough for full rings, and these are rarely full.
const PARKING: usize = 4096;

/// Parcels taken in between two bursts at most.
const PARCELS_A_ROUND: usize = 2;

/// Packets of a bucket that is under way to this worker.
#[derive(Debug)]
struct Lot {
    bucket: u16,
    packets: VecDeque<Mbuf>,
    /// The state of the bucket is here.
    has_arrived: bool,
}

/// What one worker has to do with moves.
#[derive(Debug)]
pub struct Exchange {
    handover: Arc<Handover>,
    worker: u16,
    counters: Arc<MoveCounters>,
    epoch: u64,
    departures: VecDeque<(Departure, u16)>,
    /// For a worker to which too many others are on their way.
    outgoing: Option<(Box<Parcel>, u16)>,
    lots: Vec<Lot>,
    /// Packets in all lots.
    parked: usize,
}

impl Exchange {
    /// Of the worker of that number.
    pub fn new(handover: Arc<Handover>, worker: u16, counters: Arc<MoveCounters>) -> Self {
        Self {
            handover,
            worker,
            counters,
            epoch: 0,
            departures: VecDeque::new(),
            outgoing: None,
            lots: Vec::new(),
            parked: 0,
        }
    }

    /// Takes the packets of buckets that are under way to this worker out of a burst from a ring.
    #[inline]
    pub fn sift(&mut self, burst: &mut Burst) {
        if self.handover.is_moving() {
            self.park(burst);
        }
    }

    #[cold]
    fn park(&mut self, burst: &mut Burst) {
        let mut rest = Burst::new();
        for packet in burst.drain() {
            let bucket = worker::bucket(LinkType::Ethernet, &headers(&packet));
            let is_mine = self.handover.table().worker(usize::from(bucket)) == usize::from(self.worker);
            if is_mine && self.handover.leaving(bucket).is_some() {
                self.park_one(bucket, packet);
            } else {
                // As large as the burst.
                let _ = rest.push(packet);
            }
        }
        *burst = rest;
    }

    fn park_one(&mut self, bucket: u16, packet: Mbuf) {
        if self.parked >= PARKING {
            self.counters.parking_full.add(1);
            return;
        }
        self.parked += 1;
        self.counters.parked.add(1);
        self.lot(bucket).push_back(packet);
    }

    fn lot(&mut self, bucket: u16) -> &mut VecDeque<Mbuf> {
        let index = self.lots.iter().position(|lot| lot.bucket == bucket).unwrap_or(self.lots.len());
        if index == self.lots.len() {
            self.lots.push(Lot { bucket, packets: VecDeque::new(), has_arrived: false });
        }
        &mut self.lots[index].packets
    }

    /// Moves parked packets whose bucket has arrived into the empty burst; how many. Each bucket's come in their order,
    /// and later ones wait behind them.
    #[inline]
    pub fn unpark(&mut self, burst: &mut Burst) -> usize {
        if self.lots.is_empty() { 0 } else { self.unpark_some(burst, false) }
    }

    /// As [`unpark`](Self::unpark), whether the bucket has arrived or not: at the end, when nothing more can arrive.
    pub fn unpark_all(&mut self, burst: &mut Burst) -> usize {
        self.unpark_some(burst, true)
    }

    #[cold]
    fn unpark_some(&mut self, burst: &mut Burst, all: bool) -> usize {
        for lot in self.lots.iter_mut().filter(|lot| all || lot.has_arrived) {
            while !burst.is_full()
                && let Some(packet) = lot.packets.pop_front()
            {
                // There is room.
                let _ = burst.push(packet);
            }
        }
        let handover = &self.handover;
        self.lots.retain(|lot| {
            let is_done = lot.packets.is_empty() && (all || lot.has_arrived);
            if is_done {
                handover.arrived(lot.bucket);
            }
            !is_done
        });
        self.parked -= burst.len();
        burst.len()
    }

    /// Bounded work between two bursts: sends and takes in state. `taken` are the packets analyzed from each receiver's
    /// ring. Returns how many parcels there were.
    #[inline]
    pub fn round(
        &mut self,
        taken: impl Iterator<Item = u64>,
        worker: &mut Worker,
        out: &mut RecordBuffer,
    ) -> usize {
        if self.handover.is_moving() { self.exchange(taken, worker, out) } else { 0 }
    }

    #[cold]
    fn exchange(
        &mut self,
        taken: impl Iterator<Item = u64>,
        worker: &mut Worker,
        out: &mut RecordBuffer,
    ) -> usize {
        let epoch = self.handover.epoch();
        if epoch != self.epoch {
            self.epoch = epoch;
            let departures = self.handover.departures(self.worker);
            self.departures.extend(departures.map(|(bucket, to)| (Departure::of(bucket), to)));
        }
        let mut done = self.take_in(PARCELS_A_ROUND, worker, out);
        if self.has_to_send() && self.handover.has_passed(usize::from(self.worker), epoch, taken) {
            done += self.send(worker);
        }
        done
    }

    fn has_to_send(&self) -> bool {
        self.outgoing.is_some() || !self.departures.is_empty()
    }

    fn send(&mut self, worker: &mut Worker) -> usize {
        if self.outgoing.is_none()
            && let Some((departure, to)) = self.departures.front_mut()
            && let Some(parcel) = worker.extract(departure)
        {
            self.outgoing = Some((Box::new(parcel), *to));
        }
        let Some((parcel, to)) = self.outgoing.take() else { return 0 };
        let is_last = parcel.is_last();
        if let Err(parcel) = self.handover.send(to, parcel) {
            self.outgoing = Some((parcel, to));
            return 0;
        }
        if is_last {
            self.departures.pop_front();
        }
        1
    }

    fn take_in(&mut self, most: usize, worker: &mut Worker, out: &mut RecordBuffer) -> usize {
        let mut done = 0;
        while done < most
            && let Some(parcel) = self.handover.receive(self.worker)
        {
            done += 1;
            let (bucket, is_last) = (parcel.bucket(), parcel.is_last());
            self.counters.flows.add(parcel.flows() as u64);
            worker.insert(*parcel, out);
            if is_last {
                match self.lots.iter_mut().find(|lot| lot.bucket == bucket) {
                    Some(lot) => lot.has_arrived = true,
                    None => self.handover.arrived(bucket),
                }
            }
        }
        done
    }

    /// At the end: takes everything in that is on its way to this worker, and what can not leave it any more.
    pub fn finish(&mut self, worker: &mut Worker, out: &mut RecordBuffer) {
        self.take_in(usize::MAX, worker, out);
        if let Some((parcel, _)) = self.outgoing.take() {
            worker.insert(*parcel, out);
        }
    }
}
