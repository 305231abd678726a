//! The running whole: ports, receiver and worker threads, and their end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use dpdk::lcore::{self, LcoreError};
use dpdk::{Consumer, Eal, Errno, Link, Port, PortStats, Producer, RingError, RuleCount, Timestamps, ring};
use record::{Format, LogSet, RecordBuffer};
use worker::Worker;

use crate::analysis::{WorkerLcore, WorkerShared};
use crate::balance::{self, Balancer, Distributor, Exchange, Handover};
use crate::clock;
use crate::lcores::{self, Placement};
use crate::poll::{Idle, Input, Receiver, WorkerInput, run};
use crate::ports::{self, Layout, PortSettings, PortSpec, PortsError, Started};
use crate::records::{LogCounters, RecordReceiver, channel};
use crate::shunt::{OffloadCounters, Offloader, PortRules};
use crate::stats::{Books, BucketCounters, Load, ReceiveCounters};

/// How long between two looks for records while threads end.
const STOP_PAUSE: Duration = Duration::from_millis(1);

/// Longest that buckets under way are waited for at the end.
const ARRIVAL: Duration = Duration::from_secs(10);

/// What to run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Ports to receive from.
    pub ports: Vec<PortSpec>,
    /// How to set them up.
    pub port: PortSettings,
    /// Worker threads, at least one.
    pub workers: u16,
    /// Receiver threads, at least one; used if the ports need them.
    pub receivers: u16,
    /// CPUs for the threads, at least one.
    pub cpus: Vec<usize>,
    /// What threads do without packets; `None`: poll on CPUs of their own, sleep a little
    /// on shared ones.
    pub idle: Option<Idle>,
    /// When buckets move from busy workers to others.
    pub balance: balance::Settings,
    /// The analysis.
    pub analysis: Arc<worker::Settings>,
    /// Most elephants that each port drops at a time.
    pub offload_rules: usize,
    /// How records are encoded.
    pub format: Format,
    /// The logs that are wanted.
    pub logs: LogSet,
}

/// Why the sensor did not start, or not end well.
#[derive(Debug, thiserror::Error)]
pub enum SensorError {
    /// Ports.
    #[error(transparent)]
    Ports(#[from] PortsError),
    /// Threads.
    #[error(transparent)]
    Lcore(#[from] LcoreError),
    /// Rings.
    #[error(transparent)]
    Ring(#[from] RingError),
    /// No place for time stamps in packets.
    #[error("packets have no place for time stamps: {0}")]
    Stamps(#[source] Errno),
    /// A thread panicked.
    #[error("thread {0} panicked")]
    Panic(String),
}

/// One thread's counters of one port.
#[derive(Debug)]
struct PortReceive {
    /// Index of the port.
    port: usize,
    /// Index of the thread: of the receiver, or of the worker if there are none.
    thread: usize,
    counters: Arc<ReceiveCounters>,
}

/// A port's counters: the driver's, and what its threads received.
#[derive(Debug, Clone)]
pub struct PortReport {
    /// Name of the port.
    pub name: String,
    /// The driver's counters, where it gives them.
    pub driver: Option<PortStats>,
    /// Its link, where the driver knows.
    pub link: Option<Link>,
    /// Packets taken from its queues.
    pub received: u64,
    /// Their bytes.
    pub octets: u64,
    /// Packets dropped since the ring to a worker was full.
    pub ring_full: u64,
    /// Packets that rules in the port counted and dropped, as far as known.
    pub offloaded: u64,
    /// Their bytes.
    pub offloaded_octets: u64,
}

type Thread = (String, JoinHandle<Result<(), LcoreError>>);

/// A running sensor. Ends badly when dropped: call [`stop`](Self::stop).
#[derive(Debug)]
pub struct Sensor {
    /// With what statistics call them.
    ports: Vec<(String, Port)>,
    layout: Layout,
    placement: Placement,
    stop_receivers: Arc<AtomicBool>,
    stop_workers: Arc<AtomicBool>,
    receivers: Vec<Thread>,
    workers: Vec<Thread>,
    received: Vec<PortReceive>,
    /// Of each receiver.
    loads: Vec<Arc<Load>>,
    /// Of each worker.
    shared: Vec<Arc<WorkerShared>>,
    records: Vec<RecordReceiver>,
    /// Where elephants are to be dropped by ports.
    offloader: Option<Offloader<PortRules>>,
    /// Shared by receivers and workers, where there are receivers.
    handover: Option<Arc<Handover>>,
    balancer: Balancer,
}

impl Sensor {
    /// Attaches and starts the ports and starts all threads.
    pub fn start(eal: Eal, settings: &Settings) -> Result<Self, SensorError> {
        let stamps = Timestamps::register(eal).map_err(SensorError::Stamps)?;
        let workers = settings.workers.max(1);
        let attached = ports::attach(eal, &settings.ports, &settings.port)?;
        let layout = ports::layout(&attached, workers, &settings.port);
        let receivers = match layout {
            Layout::RunToCompletion => 0,
            Layout::Distribute => settings.receivers.max(1),
        };
        let node = attached.iter().find_map(ports::Attached::numa_node);
        let cpus = lcores::cpus(&settings.cpus);
        let placement = lcores::place(&cpus, usize::from(receivers), usize::from(workers), node);
        let idle = settings.idle.unwrap_or(if placement.shared { Idle::SHARED } else { Idle::Poll });
        let started = ports::start(eal, attached, layout, workers, receivers, &settings.port)?;

        let mut sensor = Self {
            ports: started.iter().map(|port| (port.label.clone(), port.port.clone())).collect(),
            layout,
            placement,
            stop_receivers: Arc::default(),
            stop_workers: Arc::default(),
            receivers: Vec::new(),
            workers: Vec::new(),
            received: Vec::new(),
            loads: Vec::new(),
            shared: Vec::new(),
            records: Vec::new(),
            offloader: None,
            handover: None,
            balancer: Balancer::new(settings.balance, None, Vec::new(), Vec::new(), false),
        };
        let threads = match layout {
            Layout::RunToCompletion => workers,
            Layout::Distribute => receivers,
        };
        let mut buckets = Vec::new();
        let inputs = sensor.deal_queues(started, usize::from(threads));
        let (own_queues, rings) = match layout {
            Layout::RunToCompletion => (inputs, (0..workers).map(|_| Vec::new()).collect()),
            Layout::Distribute => {
                sensor.handover = Some(Arc::new(Handover::new(workers, receivers)));
                let rings = sensor.start_receivers(eal, inputs, stamps, idle, settings, &mut buckets)?;
                ((0..workers).map(|_| Vec::new()).collect(), rings)
            }
        };
        sensor.start_workers(eal, own_queues, rings, stamps, idle, settings)?;
        if settings.analysis.shunting.offload < u64::MAX {
            let links = sensor.shared.iter().map(|worker| Arc::clone(&worker.offload)).collect();
            let rules = PortRules::new(sensor.ports.iter().map(|(_, port)| port));
            sensor.offloader = Some(Offloader::new(rules, links, settings.offload_rules));
        }
        // A file's receiver waits for the slowest worker, so that nothing is measured but itself.
        let live = settings.ports.iter().all(|port| port.name.is_live());
        let movable = sensor.handover.clone().filter(|_| live);
        let trusts_ticks = !sensor.placement.shared;
        let (balance, shared) = (settings.balance, sensor.shared.clone());
        sensor.balancer = Balancer::new(balance, movable, buckets, shared, trusts_ticks);
        Ok(sensor)
    }

    /// Deals the queues of all ports out to so many threads: of each port one after the
    /// other, so that thread `i` has queue `i` of every port with as many queues.
    fn deal_queues(&mut self, started: Vec<Started>, threads: usize) -> Vec<Vec<Input>> {
        let mut inputs: Vec<Vec<Input>> = (0..threads).map(|_| Vec::new()).collect();
        let mut next = 0;
        for (index, port) in started.into_iter().enumerate() {
            if port.queues.len() == threads {
                next = 0;
            }
            let counters: Vec<Arc<ReceiveCounters>> = (0..threads).map(|_| Arc::default()).collect();
            for queue in port.queues {
                let thread = next % threads.max(1);
                next += 1;
                if let (Some(inputs), Some(counters)) = (inputs.get_mut(thread), counters.get(thread)) {
                    inputs.push(Input {
                        queue,
                        clock: port.clock,
                        full_ring: port.full_ring,
                        counters: Arc::clone(counters),
                    });
                }
            }
            let used = counters.into_iter().enumerate().map(|(thread, counters)| PortReceive {
                port: index,
                thread,
                counters,
            });
            self.received.extend(used.filter(|used| Arc::strong_count(&used.counters) > 1));
        }
        inputs
    }

    /// Starts the receivers; returns for each worker the rings that it takes from.
    fn start_receivers(
        &mut self,
        eal: Eal,
        inputs: Vec<Vec<Input>>,
        stamps: Timestamps,
        idle: Idle,
        settings: &Settings,
        buckets: &mut Vec<Arc<BucketCounters>>,
    ) -> Result<Vec<Vec<Consumer>>, SensorError> {
        let Some(handover) = self.handover.clone() else { return Ok(Vec::new()) };
        let workers = handover.table().worker_count();
        let mut consumers: Vec<Vec<Consumer>> = (0..workers).map(|_| Vec::new()).collect();
        for (number, (inputs, &cpu)) in inputs.into_iter().zip(&self.placement.receivers).enumerate() {
            let mut producers: Vec<Producer> = Vec::new();
            for consumers in &mut consumers {
                let (producer, consumer) = ring(eal, settings.port.ring_capacity, None)?;
                producers.push(producer);
                consumers.push(consumer);
            }
            let distributor = Distributor::new(Arc::clone(&handover), number, producers);
            buckets.push(Arc::clone(distributor.buckets()));
            let mut receiver = Receiver::new(inputs, distributor, stamps);
            let stop = Arc::clone(&self.stop_receivers);
            let load: Arc<Load> = Arc::default();
            self.loads.push(Arc::clone(&load));
            let name = format!("receiver-{number}");
            let thread = lcore::spawn(eal, &name, vec![cpu], move |_| {
                run(&stop, idle, &load, || receiver.poll());
                receiver.finish();
            })?;
            self.receivers.push((name, thread));
        }
        Ok(consumers)
    }

    fn start_workers(
        &mut self,
        eal: Eal,
        queues: Vec<Vec<Input>>,
        rings: Vec<Vec<Consumer>>,
        stamps: Timestamps,
        idle: Idle,
        settings: &Settings,
    ) -> Result<(), SensorError> {
        let live = settings.ports.iter().all(|port| port.name.is_live());
        for (number, ((queues, rings), &cpu)) in
            queues.into_iter().zip(rings).zip(&self.placement.workers).enumerate()
        {
            let (sender, receiver) = channel(settings.format, settings.logs);
            let shared: Arc<WorkerShared> = Arc::default();
            self.shared.push(Arc::clone(&shared));
            self.records.push(receiver);
            let analysis = Arc::clone(&settings.analysis);
            let stop = Arc::clone(&self.stop_workers);
            let name = format!("worker-{number}");
            let handover = self.handover.clone();
            let thread = lcore::spawn(eal, &name, vec![cpu], move |_| {
                // Made here, so that its memory is on this CPU's NUMA node.
                let mut input = WorkerInput::new(queues, rings, stamps);
                if let Some(handover) = handover {
                    let moves = Arc::clone(&shared.moves);
                    input = input.with_exchange(Exchange::new(handover, number as u16, moves));
                }
                let mut worker = Worker::new(analysis);
                worker.reserve();
                WorkerLcore::new(worker, input, sender, shared, live).run(&stop, idle);
            })?;
            self.workers.push((name, thread));
        }
        Ok(())
    }

    /// How packets get from ports to workers.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Which thread runs where.
    pub fn placement(&self) -> &Placement {
        &self.placement
    }

    /// What each worker shares with others.
    pub fn workers(&self) -> &[Arc<WorkerShared>] {
        &self.shared
    }

    /// What each worker made of each log.
    pub fn log_counters(&self) -> impl Iterator<Item = &LogCounters> {
        self.records.iter().map(RecordReceiver::counters)
    }

    /// Each receiver's load, and what it received.
    pub fn receivers(&self) -> impl Iterator<Item = (&Load, Vec<&ReceiveCounters>)> {
        self.loads.iter().enumerate().map(|(thread, load)| {
            let mine = self.received.iter().filter(|received| received.thread == thread);
            (load.as_ref(), mine.map(|received| received.counters.as_ref()).collect())
        })
    }

    /// Has all workers use other settings, within a fraction of a second.
    pub fn apply(&self, analysis: &Arc<worker::Settings>) {
        for worker in &self.shared {
            worker.mailbox.leave(Arc::clone(analysis));
        }
    }

    /// Has ports drop elephants, and brings the counts to the workers. To be called often.
    pub fn offload(&mut self) {
        if let Some(offloader) = &mut self.offloader {
            offloader.round(clock::now());
        }
    }

    /// What was made of elephants.
    pub fn offload_counters(&self) -> OffloadCounters {
        self.offloader.as_ref().map(Offloader::counters).unwrap_or_default()
    }

    /// Has all packets come again, and waits a little for the workers to take the counts.
    fn end_offload(&mut self) {
        let Some(offloader) = &mut self.offloader else { return };
        offloader.end_all(clock::now());
        for _ in 0..1000 {
            if offloader.has_told_all() {
                return;
            }
            std::thread::sleep(STOP_PAUSE);
            offloader.round(clock::now());
        }
    }

    /// Measures how even the workers are and moves buckets if they are not; never waits. To be called often.
    pub fn balance(&mut self) {
        self.balancer.step(Instant::now());
    }

    /// How even the workers are, and what was done about it.
    pub fn balance_report(&self) -> &balance::Report {
        self.balancer.report()
    }

    /// Has buckets moved by other rules.
    pub fn set_balance(&mut self, settings: balance::Settings) {
        self.balancer.set(settings);
    }

    /// The sums over all ports and threads.
    pub fn books(&self) -> Books {
        let mut books = Books::default();
        for worker in &self.shared {
            books.add_worker(&worker.counters);
            books.add_moves(&worker.moves);
        }
        for received in &self.received {
            books.add_receiver(&received.counters);
        }
        books
    }

    /// Each port's counters.
    pub fn ports(&self) -> Vec<PortReport> {
        let offloaded: Vec<RuleCount> =
            self.offloader.iter().flat_map(|offloader| offloader.engine().dropped()).collect();
        let reports = self.ports.iter().enumerate().map(|(index, (label, port))| {
            let offloaded = offloaded.get(index).copied().unwrap_or_default();
            let mut report = PortReport {
                name: label.clone(),
                driver: port.stats().ok(),
                link: port.link().ok(),
                received: 0,
                octets: 0,
                ring_full: 0,
                offloaded: offloaded.packets,
                offloaded_octets: offloaded.octets,
            };
            for received in self.received.iter().filter(|received| received.port == index) {
                report.received += received.counters.received.get();
                report.octets += received.counters.octets.get();
                report.ring_full += received.counters.ring_full.get();
            }
            report
        });
        reports.collect()
    }

    /// Calls `store` with the records that workers have handed over; how many buffers
    /// there were. To be called often: workers drop records that nobody takes.
    pub fn take_records(&mut self, mut store: impl FnMut(&RecordBuffer)) -> usize {
        self.records.iter_mut().map(|records| records.take(&mut store)).sum()
    }

    /// Whether all threads still run.
    pub fn is_healthy(&self) -> bool {
        !self.receivers.iter().chain(&self.workers).any(|(_, thread)| thread.is_finished())
    }

    /// Ends the receivers, then the workers, which analyze what is in the rings and end all
    /// connections; calls `store` with all records that come of it. Counters can be read afterwards, and are final.
    ///
    /// # Errors
    ///
    /// The first thread's that did not end well.
    pub fn stop(&mut self, mut store: impl FnMut(&RecordBuffer)) -> Result<(), SensorError> {
        self.stop_receivers.store(true, Ordering::Release);
        let receivers = join(std::mem::take(&mut self.receivers));
        self.end_offload();
        // A bucket under way has its state at neither worker.
        let deadline = Instant::now() + ARRIVAL;
        while let Some(handover) = &self.handover
            && !handover.is_done()
            && self.is_healthy()
            && Instant::now() < deadline
        {
            self.take_records(&mut store);
            std::thread::sleep(STOP_PAUSE);
        }
        self.stop_workers.store(true, Ordering::Release);
        while self.workers.iter().any(|(_, thread)| !thread.is_finished()) {
            if self.take_records(&mut store) == 0 {
                std::thread::sleep(STOP_PAUSE);
            }
        }
        let workers = join(std::mem::take(&mut self.workers));
        self.take_records(&mut store);
        receivers.and(workers)
    }
}

impl Drop for Sensor {
    /// Lets threads end that nobody stopped; does not wait for them.
    fn drop(&mut self) {
        self.stop_receivers.store(true, Ordering::Release);
        self.stop_workers.store(true, Ordering::Release);
    }
}

fn join(threads: Vec<Thread>) -> Result<(), SensorError> {
    let mut outcome = Ok(());
    for (name, thread) in threads {
        let result = match thread.join() {
            Ok(result) => result.map_err(SensorError::from),
            Err(_) => Err(SensorError::Panic(name)),
        };
        outcome = outcome.and(result);
    }
    outcome
}
