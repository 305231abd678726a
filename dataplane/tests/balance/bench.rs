//! Receivers, rings and workers, in threads or step by step, and their records.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use baleen_dataplane::Burst;
use baleen_dataplane::analysis::{WorkerLcore, WorkerShared};
use baleen_dataplane::balance::{Balancer, Distributor, Exchange, FullRing, Handover, Settings};
use baleen_dataplane::clock::PacketClock;
use baleen_dataplane::poll::{Idle, Input, Receiver, WorkerInput, run};
use baleen_dataplane::records::{RecordReceiver, channel};
use baleen_dataplane::stats::{Books, Load, ReceiveCounters};
use dpdk::test_support::eal;
use dpdk::{Mempool, Port, PortConfig, Producer, Timestamps, ring};
use packet::{DecodeOptions, Frame, LinkType};
use record::{Format, LogSet, RecordBuffer};
use serde_json::Value;
use worker::Worker;

use crate::traffic::Packet;

pub(crate) const WORKERS: usize = 4;
pub(crate) const RECEIVERS: usize = 2;

/// Longest that anything takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// How often each record came, without what depends on the number of the packet at its worker, and, but for `conn`,
/// without times: those are of the worker's clock, the latest packet that it has seen.
pub(crate) type Records = BTreeMap<String, u32>;

pub(crate) fn keep(records: &mut Records, buffer: &RecordBuffer) {
    for (_, line) in buffer.iter() {
        let mut record: BTreeMap<String, Value> = serde_json::from_slice(line).unwrap();
        let is_conn = record.get("_path").is_some_and(|path| path == "conn");
        let own: &[&str] = if is_conn { &["uid"] } else { &["uid", "fuid", "resp_fuids", "ts", "duration"] };
        record.retain(|name, _| !own.contains(&name.as_str()));
        *records.entry(serde_json::to_string(&record).unwrap()).or_default() += 1;
    }
}

pub(crate) fn analysis() -> Arc<worker::Settings> {
    let decode = DecodeOptions { verify_checksums: false, ..DecodeOptions::default() };
    Arc::new(worker::Settings { decode, ..worker::Settings::default() })
}

/// The records of one worker that sees everything.
pub(crate) fn expected(traffic: &[Packet]) -> Records {
    let mut worker = Worker::new(analysis());
    let mut out = RecordBuffer::new(Format::JsonWithPath, LogSet::ALL);
    for (number, packet) in traffic.iter().enumerate() {
        let (time, data) = (packet.time, packet.data.as_slice());
        let frame = Frame { time, clock: time, number: number as u64, data, wire_len: data.len() as u32 };
        worker.burst(LinkType::Ethernet, &[frame], &mut out);
    }
    worker.finish(&mut out);
    let mut records = Records::new();
    keep(&mut records, &out);
    records
}

/// Compares, telling what is different only.
pub(crate) fn assert_same(records: &Records, expected: &Records) {
    let different: Vec<_> =
        records.iter().filter(|(line, count)| expected.get(*line) != Some(count)).collect();
    let missing: Vec<_> = expected.iter().filter(|(line, _)| !records.contains_key(*line)).collect();
    let first = |lines: &[(&String, &u32)]| {
        let some: Vec<_> = lines.iter().take(5).map(|line| format!("{line:?}")).collect();
        some.join("\n")
    };
    assert!(
        different.is_empty() && missing.is_empty(),
        "{} records too many or changed, such as\n{}\n{} missing, such as\n{}",
        different.len(),
        first(&different),
        missing.len(),
        first(&missing)
    );
}

/// Everything between the ports and the records.
pub(crate) struct Bench {
    pub(crate) pool: Mempool,
    pub(crate) stamps: Timestamps,
    pub(crate) handover: Arc<Handover>,
    pub(crate) feeds: Vec<Producer>,
    pub(crate) received: Vec<Arc<ReceiveCounters>>,
    pub(crate) receivers: Vec<Receiver>,
    pub(crate) shared: Vec<Arc<WorkerShared>>,
    pub(crate) workers: Vec<WorkerLcore>,
    pub(crate) records: Vec<RecordReceiver>,
    pub(crate) balancer: Balancer,
    pub(crate) fed: u64,
}

impl Bench {
    pub(crate) fn new(name: &str, settings: Settings) -> Self {
        let pool = Mempool::new(eal(), 16383, 512, None).unwrap();
        let stamps = Timestamps::register(eal()).unwrap();
        let handover = Arc::new(Handover::new(WORKERS as u16, RECEIVERS as u16));
        let (mut feeds, mut received, mut receivers, mut buckets) = (vec![], vec![], vec![], vec![]);
        let mut rings: Vec<Vec<_>> = (0..WORKERS).map(|_| Vec::new()).collect();
        for number in 0..RECEIVERS {
            let (feed, consumer) = ring(eal(), 1023, None).unwrap();
            let port = Port::from_rings(eal(), &format!("rings:{name}{number}"), vec![consumer]).unwrap();
            let queue = port.start(&PortConfig::default(), pool).unwrap().rx.remove(0);
            let counters: Arc<ReceiveCounters> = Arc::default();
            let clock = PacketClock::Stamped { stamps, unit: 1 };
            let input = Input { queue, clock, full_ring: FullRing::Drop, counters: Arc::clone(&counters) };
            let mut producers = Vec::new();
            for rings in &mut rings {
                let (producer, consumer) = ring(eal(), 1023, None).unwrap();
                producers.push(producer);
                rings.push(consumer);
            }
            let distributor = Distributor::new(Arc::clone(&handover), number, producers);
            buckets.push(Arc::clone(distributor.buckets()));
            receivers.push(Receiver::new(vec![input], distributor, stamps));
            feeds.push(feed);
            received.push(counters);
        }
        let shared: Vec<Arc<WorkerShared>> = (0..WORKERS).map(|_| Arc::default()).collect();
        let (mut workers, mut records) = (Vec::new(), Vec::new());
        for (number, (rings, shared)) in rings.into_iter().zip(&shared).enumerate() {
            let exchange = Exchange::new(Arc::clone(&handover), number as u16, Arc::clone(&shared.moves));
            let input = WorkerInput::new(Vec::new(), rings, stamps).with_exchange(exchange);
            let (sender, receiver) = channel(Format::JsonWithPath, LogSet::ALL);
            records.push(receiver);
            workers.push(WorkerLcore::new(Worker::new(analysis()), input, sender, Arc::clone(shared), false));
        }
        let movable = Some(Arc::clone(&handover));
        let balancer = Balancer::new(settings, movable, buckets, shared.clone(), false);
        Self {
            pool,
            stamps,
            handover,
            feeds,
            received,
            receivers,
            shared,
            workers,
            records,
            balancer,
            fed: 0,
        }
    }

    pub(crate) fn feed(&mut self, packet: &Packet) {
        let mut mbuf = self.pool.alloc().unwrap();
        mbuf.append(&packet.data).unwrap();
        self.stamps.set(&mut mbuf, packet.time.0);
        let mut burst = Burst::new();
        burst.push(mbuf).unwrap();
        assert_eq!(self.feeds[packet.receiver].enqueue(&mut burst), 1);
        self.fed += 1;
    }

    pub(crate) fn books(&self) -> Books {
        let mut books = Books::default();
        for shared in &self.shared {
            books.add_worker(&shared.counters);
            books.add_moves(&shared.moves);
        }
        self.received.iter().for_each(|received| books.add_receiver(received));
        books
    }

    pub(crate) fn analyzed(&self) -> Vec<u64> {
        self.shared.iter().map(|shared| shared.counters.analyzed.get()).collect()
    }

    pub(crate) fn flows_moved(&self) -> u64 {
        self.shared.iter().map(|shared| shared.moves.flows.get()).sum()
    }

    pub(crate) fn parked(&self) -> u64 {
        self.shared.iter().map(|shared| shared.moves.parked.get()).sum()
    }

    pub(crate) fn take_records(&mut self, into: &mut Records) {
        self.records.iter_mut().for_each(|records| _ = records.take(|buffer| keep(into, buffer)));
    }

    /// Feeds traffic to threads, with many fewer packets under way than a ring holds, so that it does not matter how fast
    /// this machine is. `meanwhile` is called again and again with the number of the next packet, `before` with each.
    pub(crate) fn through_threads(
        &mut self,
        traffic: &[Packet],
        mut meanwhile: impl FnMut(&mut Self, usize),
        mut before: impl FnMut(&Self, usize),
    ) -> Records {
        let (stop_receivers, stop_workers) = (&AtomicBool::new(false), &AtomicBool::new(false));
        let mut records = Records::new();
        let mut receivers = std::mem::take(&mut self.receivers);
        let workers = std::mem::take(&mut self.workers);
        let deadline = Instant::now() + PATIENCE;
        thread::scope(|scope| {
            let receiving: Vec<_> = receivers
                .iter_mut()
                .map(|receiver| {
                    scope.spawn(|| {
                        run(stop_receivers, Idle::SHARED, &Load::default(), || receiver.poll());
                        receiver.finish();
                    })
                })
                .collect();
            let working: Vec<_> = workers
                .into_iter()
                .map(|worker| scope.spawn(|| worker.run(stop_workers, Idle::SHARED)))
                .collect();
            let mut wait = |bench: &mut Self, number, under_way| {
                while bench.fed - bench.books().analyzed > under_way && Instant::now() < deadline {
                    meanwhile(bench, number);
                    bench.take_records(&mut records);
                    thread::yield_now();
                }
            };
            for (number, packet) in traffic.iter().enumerate() {
                wait(self, number, 700);
                before(self, number);
                self.feed(packet);
            }
            wait(self, traffic.len(), 0);
            stop_receivers.store(true, Ordering::Release);
            for thread in receiving {
                thread.join().unwrap();
            }
            while !self.handover.is_done() && Instant::now() < deadline {
                thread::yield_now();
            }
            stop_workers.store(true, Ordering::Release);
            while working.iter().any(|thread| !thread.is_finished()) {
                self.take_records(&mut records);
                thread::yield_now();
            }
        });
        self.take_records(&mut records);
        records
    }

    /// Ends the receivers and lets everything come to its end.
    pub(crate) fn finish(mut self, records: &mut Records) -> Books {
        self.receivers.iter_mut().for_each(Receiver::finish);
        let deadline = Instant::now() + Duration::from_secs(20);
        while !(self.handover.is_done() && self.books().under_way() == 0) {
            self.workers.iter_mut().for_each(|worker| _ = worker.round());
            assert!(Instant::now() < deadline, "{:?}", self.books());
        }
        let stop = AtomicBool::new(true);
        for worker in std::mem::take(&mut self.workers) {
            thread::scope(|scope| {
                let running = scope.spawn(|| worker.run(&stop, Idle::SHARED));
                while !running.is_finished() {
                    self.records.iter_mut().for_each(|taken| _ = taken.take(|buffer| keep(records, buffer)));
                }
            });
        }
        self.take_records(records);
        self.books()
    }
}
