//! Counters, and whether their sums are right.
//!
//! All counters go up from the dataplane's start, except where they are called current.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Counts by reason.
pub type DropReasons = BTreeMap<String, u64>;

/// Everything the dataplane counts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Statistics {
    /// Version of the dataplane.
    pub version: String,
    /// Its process id.
    pub pid: u32,
    /// Whole seconds since it was started.
    pub uptime: u64,
    /// Nanoseconds since the epoch when the counters were read.
    pub time: u64,
    /// By name of the port.
    pub ports: BTreeMap<String, PortStatistics>,
    /// By lcore, as far as they handle packets.
    pub lcores: Vec<Lcore>,
    /// Flows that ports drop and count by themselves.
    pub offload: OffloadStatistics,
    /// How even the workers are.
    pub balance: BalanceStatistics,
    /// By name of the log.
    pub logs: BTreeMap<String, LogStatistics>,
    /// The spool.
    pub spool: SpoolStatistics,
}

/// One port.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PortStatistics {
    /// Whether the link is up.
    pub link_up: bool,
    /// Speed of the link in megabits per second; 0: not known.
    pub speed: u64,
    /// Packets taken from it, and those that it counted and dropped by itself.
    pub received: u64,
    /// Their bytes on the wire, without frame check sequence.
    pub bytes: u64,
    /// Packets handed to analysis.
    pub analyzed: u64,
    /// Packets whose flow needs no more analysis, counted and dropped by the port itself; part of `received`.
    pub shunted: u64,
    /// Their bytes on the wire.
    pub shunted_bytes: u64,
    /// Packets taken and not analyzed, by reason.
    pub dropped: DropReasons,
    /// Packets that the port itself lost, by reason (`missed`, `no_buffer`, `error`); not part of `received`.
    pub lost: DropReasons,
}

/// What an lcore does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LcoreRole {
    /// Analyzes.
    #[default]
    Worker,
    /// Receives, and hands over to workers.
    Receiver,
    /// One that this version does not know.
    #[serde(other)]
    Unknown,
}

/// One lcore. For a receiver, `analyzed` is what it handed over.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Lcore {
    /// Number of the CPU.
    pub lcore: u32,
    /// What it does.
    pub role: LcoreRole,
    /// Packets received.
    pub received: u64,
    /// Their bytes on the wire.
    pub bytes: u64,
    /// Packets analyzed.
    pub analyzed: u64,
    /// Packets whose flow needs no more analysis, counted only.
    pub shunted: u64,
    /// Their bytes on the wire.
    pub shunted_bytes: u64,
    /// Packets dropped, by reason.
    pub dropped: DropReasons,
    /// Current flows.
    pub flows: u64,
    /// Flows begun.
    pub flows_begun: u64,
    /// Hits of the limits, by limit.
    pub limited: DropReasons,
    /// Thousandths of the time with work to do, before the last measurement of the balance; 0 for receivers.
    pub load: u32,
    /// Time stamp counter ticks with work to do.
    pub busy: u64,
    /// Time stamp counter ticks without.
    pub idle: u64,
}

/// Flows of which ports drop and count a direction by themselves.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct OffloadStatistics {
    /// Current rules.
    pub active: u64,
    /// Rules made.
    pub begun: u64,
    /// Packets that they dropped.
    pub packets: u64,
    /// Counts that came when their flow was gone, so that its record does not have them.
    pub late: u64,
    /// Wishes of workers that came to nothing, by reason.
    pub refused: DropReasons,
}

/// How even the workers are, and what was done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct BalanceStatistics {
    /// Load of the busiest worker in thousandths of the mean, when it was last measured.
    pub imbalance: u32,
    /// Buckets that alone are more than a worker's mean share, when it was last measured.
    pub elephants: u32,
    /// Measurements after which buckets moved.
    pub rounds: u64,
    /// Buckets that moved to another worker.
    pub moves: u64,
    /// Flows that moved with them.
    pub flows: u64,
    /// Packets that waited for the flows of their bucket.
    pub parked: u64,
}

/// One log.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LogStatistics {
    /// Records made.
    pub produced: u64,
    /// Records that are in the spool.
    pub spooled: u64,
    /// Current records on their way to it.
    pub queued: u64,
    /// Records dropped, by reason.
    pub dropped: DropReasons,
}

/// The spool as its writer sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SpoolStatistics {
    /// Current bytes of all segments.
    pub used: u64,
    /// Most bytes allowed.
    pub limit: u64,
    /// Segments begun.
    pub segments: u64,
    /// Blocks written.
    pub blocks: u64,
    /// Blocks refused because the spool was full.
    pub refused: u64,
    /// Blocks refused because the operating system failed.
    pub failed: u64,
}

/// A sum that is not right.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{what}: {total} came in, {accounted} are accounted for")]
pub struct Imbalance {
    /// Which: `port eth1`, `lcore 3`, `log dns`.
    pub what: String,
    /// What came in.
    pub total: u128,
    /// What the parts add up to.
    pub accounted: u128,
}

fn sum(reasons: &DropReasons) -> u128 {
    reasons.values().map(|count| u128::from(*count)).sum()
}

impl Statistics {
    /// Checks that every packet and every record is accounted for: received = analyzed + shunted + dropped by reason;
    /// produced = spooled + queued + dropped by reason. Exact once the dataplane stands still; on a running one the
    /// counters of different lcores are read one after the other.
    pub fn imbalances(&self) -> Vec<Imbalance> {
        let packets = |what: String, received: u64, analyzed: u64, shunted: u64, dropped: &DropReasons| {
            (what, u128::from(received), u128::from(analyzed) + u128::from(shunted) + sum(dropped))
        };
        let ports = self.ports.iter().map(|(name, port)| {
            packets(format!("port {name}"), port.received, port.analyzed, port.shunted, &port.dropped)
        });
        let lcores = self.lcores.iter().map(|lcore| {
            let what = format!("lcore {}", lcore.lcore);
            packets(what, lcore.received, lcore.analyzed, lcore.shunted, &lcore.dropped)
        });
        let logs = self.logs.iter().map(|(name, log)| {
            let accounted = u128::from(log.spooled) + u128::from(log.queued) + sum(&log.dropped);
            (format!("log {name}"), u128::from(log.produced), accounted)
        });
        ports
            .chain(lcores)
            .chain(logs)
            .filter(|(_, total, accounted)| total != accounted)
            .map(|(what, total, accounted)| Imbalance { what, total, accounted })
            .collect()
    }

    /// Current flows of all lcores.
    pub fn flows(&self) -> u64 {
        self.lcores.iter().fold(0, |sum, lcore| sum.saturating_add(lcore.flows))
    }
}
