//! The stages of a packet's way. Each does what the one before does, and something more.

use std::hint::black_box;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use baleen_dataplane::analysis::{WorkerLcore, WorkerShared};
use baleen_dataplane::poll::WorkerInput;
use baleen_dataplane::records::{self, RecordReceiver};
use flow::{Connection, Direction, FlowInfo, FlowTable, Hooks};
use packet::{DecodeOptions, Decoded, Frame, LinkType, Packet, WeirdList};
use record::{Format, LogSet, Time};
use serde::Serialize;
use worker::Worker;

/// How often a worker lcore tells what it counted.
const TICK: Duration = Duration::from_millis(100);

/// Connections that end between two bursts at most, as in a worker.
const EXPIRY_BUDGET: usize = 256;

/// How far packets come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Stage {
    /// Taken from the port, lent as frames, given back.
    Receive,
    /// Headers found.
    Decode,
    /// Checksums verified: every octet is touched.
    Checksums,
    /// Their connection found or made, counted, its state and time-outs kept, removed. No payload is wanted.
    FlowLookup,
    /// Payload of TCP put in order.
    Reassembly,
    /// The worker without its logs: ids, protocol detection, all analyzers, the values of records.
    Analyzers,
    /// The worker lcore: records of all logs encoded and handed over.
    Records,
}

impl Stage {
    /// In order.
    pub(crate) const ALL: [Self; 7] = [
        Self::Receive,
        Self::Decode,
        Self::Checksums,
        Self::FlowLookup,
        Self::Reassembly,
        Self::Analyzers,
        Self::Records,
    ];

    /// What it is called in tables.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Receive => "receive",
            Self::Decode => "+ decode",
            Self::Checksums => "+ checksums",
            Self::FlowLookup => "+ flow lookup",
            Self::Reassembly => "+ TCP reassembly",
            Self::Analyzers => "+ analyzers",
            Self::Records => "+ records",
        }
    }
}

/// A stage at work.
#[derive(Debug)]
pub(crate) enum Consumer {
    Receive(WorkerInput),
    Decode(WorkerInput, DecodeOptions, Box<WeirdList>),
    Table(WorkerInput, Box<Table>),
    Worker(Box<WorkerLcore>, RecordReceiver, Arc<WorkerShared>),
}

impl Consumer {
    /// Packets from `input` come as far as `stage`.
    pub(crate) fn new(stage: Stage, input: WorkerInput, hash_files: bool) -> Self {
        match stage {
            Stage::Receive => Self::Receive(input),
            Stage::Decode => Self::decode(input, false),
            Stage::Checksums => Self::decode(input, true),
            Stage::FlowLookup => Self::Table(input, Box::new(Table::new(false))),
            Stage::Reassembly => Self::Table(input, Box::new(Table::new(true))),
            Stage::Analyzers => Self::worker(input, LogSet::NONE, hash_files),
            Stage::Records => Self::worker(input, LogSet::ALL, hash_files),
        }
    }

    fn decode(input: WorkerInput, verify_checksums: bool) -> Self {
        Self::Decode(input, DecodeOptions { verify_checksums, ..DecodeOptions::default() }, Box::default())
    }

    fn worker(input: WorkerInput, logs: LogSet, hash_files: bool) -> Self {
        let (sender, receiver) = records::channel(Format::JsonWithPath, logs);
        let shared = Arc::new(WorkerShared::default());
        let mut settings = worker::Settings::default();
        settings.analysis.hash_files = hash_files;
        let worker = Worker::new(Arc::new(settings));
        // The time of packets is not the host's.
        let lcore = WorkerLcore::new(worker, input, sender, Arc::clone(&shared), false);
        Self::Worker(Box::new(lcore), receiver, shared)
    }

    /// One round; how many packets there were.
    #[inline]
    pub(crate) fn round(&mut self) -> usize {
        match self {
            Self::Receive(input) => input.poll(|frames| {
                black_box(frames);
            }),
            Self::Decode(input, options, weirds) => input.poll(|frames| {
                for frame in frames {
                    weirds.clear();
                    black_box(packet::decode(LinkType::Ethernet, frame, options, weirds));
                }
            }),
            Self::Table(input, table) => input.poll(|frames| table.burst(frames)),
            Self::Worker(lcore, ..) => lcore.round(),
        }
    }

    /// Takes the records over that were made meanwhile: the work of another thread.
    pub(crate) fn take_records(&mut self) -> Records {
        let mut records = Records::default();
        if let Self::Worker(_, receiver, _) = self {
            receiver.take(|buffer| {
                records.count += buffer.len() as u64;
                records.octets += buffer.byte_len() as u64;
            });
        }
        records
    }

    /// Records dropped because no one took them over in time.
    pub(crate) fn lost_records(&self) -> u64 {
        match self {
            Self::Worker(_, receiver, _) => {
                receiver.counters().lost.iter().map(baleen_dataplane::stats::Counter::get).sum()
            }
            _ => 0,
        }
    }

    /// Connections in its table, as far as it has one.
    pub(crate) fn connections(&mut self) -> Option<u64> {
        if let Self::Worker(lcore, ..) = self {
            // So long a worker without packets takes to tell.
            thread::sleep(2 * TICK);
            lcore.round();
        }
        match self {
            Self::Table(_, table) => Some(table.flows.len() as u64),
            Self::Worker(_, _, shared) => {
                let flows = shared.counters.all().flows;
                Some(flows.created.saturating_sub(flows.removed))
            }
            Self::Receive(_) | Self::Decode(..) => None,
        }
    }
}

/// Records and their octets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Records {
    pub(crate) count: u64,
    pub(crate) octets: u64,
}

/// A worker's way as far as its connection table, whose user wants nothing to be done.
#[derive(Debug)]
pub(crate) struct Table {
    flows: FlowTable<()>,
    weirds: WeirdList,
    hooks: Nothing,
    clock: Time,
}

impl Table {
    fn new(wants_payload: bool) -> Self {
        Self {
            flows: FlowTable::new(flow::Config::default(), 0),
            weirds: WeirdList::new(),
            hooks: Nothing { wants_payload },
            clock: Time(0),
        }
    }

    #[inline]
    fn burst(&mut self, frames: &[Frame<'_>]) {
        let options = DecodeOptions::default();
        for frame in frames {
            self.weirds.clear();
            self.clock = frame.clock;
            self.flows.set_clock(frame.clock);
            if let Decoded::Flow(packet) =
                packet::decode(LinkType::Ethernet, frame, &options, &mut self.weirds)
            {
                self.flows.packet(frame.time, &packet, &mut self.hooks);
            }
        }
        self.flows.expire(self.clock, EXPIRY_BUDGET, &mut self.hooks);
    }
}

/// Does nothing with what the table tells.
#[derive(Debug, Clone, Copy)]
struct Nothing {
    wants_payload: bool,
}

impl Hooks for Nothing {
    type State = ();

    fn new_connection(&mut self, flow: &mut FlowInfo, _packet: &Packet<'_>) {
        if !self.wants_payload {
            flow.skip_all_payload();
        }
    }

    fn data(&mut self, _flow: &mut FlowInfo, _state: &mut (), _direction: Direction, payload: &[u8]) {
        black_box(payload);
    }

    fn gap(&mut self, _flow: &mut FlowInfo, _state: &mut (), _direction: Direction, _length: u64) {}

    fn datagram(
        &mut self,
        _flow: &mut FlowInfo,
        _state: &mut (),
        _direction: Direction,
        packet: &Packet<'_>,
    ) {
        black_box(packet.payload);
    }

    fn weird(&mut self, _flow: &FlowInfo, _name: &'static str, _detail: &str, _source: &'static str) {}

    fn removed(&mut self, _flow: &mut FlowInfo, _state: &mut (), connection: &Connection) {
        black_box(connection);
    }
}
