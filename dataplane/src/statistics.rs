//! All counters in the form that crosses the control socket.

use std::collections::BTreeMap;

use control_socket::{
    BalanceStatistics, DropReasons, Lcore, LcoreRole, LogStatistics, OffloadStatistics, PortStatistics,
    SpoolStatistics, Statistics,
};
use record::Log;

use crate::clock;
use crate::records::LogCounters;
use crate::sensor::{PortReport, Sensor};
use crate::stats::{Counter, MoveCounters};
use crate::store::{Store, StoreCounters};

/// Reads all counters. `uptime` is in seconds, `spool_limit` in bytes.
pub fn collect(sensor: &Sensor, store: &Store, uptime: u64, spool_limit: u64) -> Statistics {
    let spool = store.writer().counters();
    Statistics {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        uptime,
        time: clock::now().0,
        ports: sensor.ports().into_iter().map(port).collect(),
        lcores: lcores(sensor),
        offload: offload(sensor),
        balance: balance(sensor),
        logs: logs(sensor.log_counters(), store.counters()),
        spool: SpoolStatistics {
            used: store.writer().used(),
            limit: spool_limit,
            segments: spool.segments,
            blocks: spool.blocks,
            refused: spool.refused,
            failed: spool.failed,
        },
    }
}

fn offload(sensor: &Sensor) -> OffloadStatistics {
    let counters = sensor.offload_counters();
    let gone = sensor.workers().iter().map(|worker| worker.offload.gone.get()).sum();
    OffloadStatistics {
        active: counters.active,
        begun: counters.begun,
        packets: counters.packets,
        late: gone,
        refused: reasons([
            ("unsupported", counters.unsupported),
            ("full", counters.full),
            ("failed", counters.failed),
        ]),
    }
}

/// A ratio in thousandths.
pub fn thousandths(ratio: f64) -> u32 {
    (ratio * 1000.0).round() as u32
}

fn balance(sensor: &Sensor) -> BalanceStatistics {
    let report = sensor.balance_report();
    let sum = |counter: fn(&MoveCounters) -> &Counter| {
        sensor.workers().iter().map(|worker| counter(&worker.moves).get()).sum()
    };
    BalanceStatistics {
        imbalance: thousandths(report.imbalance),
        elephants: report.elephants as u32,
        rounds: report.rounds,
        moves: report.moves,
        flows: sum(|moves| &moves.flows),
        parked: sum(|moves| &moves.parked),
    }
}

/// Reasons that have counts.
fn reasons<'a>(all: impl IntoIterator<Item = (&'a str, u64)>) -> DropReasons {
    all.into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(reason, count)| (reason.to_owned(), count))
        .collect()
}

fn port(report: PortReport) -> (String, PortStatistics) {
    let driver = report.driver.unwrap_or_default();
    let statistics = PortStatistics {
        link_up: report.link.is_some_and(|link| link.up),
        speed: report.link.and_then(|link| link.speed).map_or(0, u64::from),
        received: report.received.saturating_add(report.offloaded),
        bytes: report.octets.saturating_add(report.offloaded_octets),
        analyzed: report.received.saturating_sub(report.ring_full),
        shunted: report.offloaded,
        shunted_bytes: report.offloaded_octets,
        dropped: reasons([("ring_full", report.ring_full)]),
        lost: reasons([
            ("missed", driver.rx_missed),
            ("no_buffer", driver.rx_no_buffer),
            ("error", driver.rx_errors),
        ]),
    };
    (report.name, statistics)
}

fn lcores(sensor: &Sensor) -> Vec<Lcore> {
    let placement = sensor.placement();
    let receivers = sensor.receivers().zip(&placement.receivers).map(|((load, ports), &cpu)| {
        let sum = |counter: fn(&crate::stats::ReceiveCounters) -> &Counter| {
            ports.iter().map(|port| counter(port).get()).sum::<u64>()
        };
        // Read in this order, what is received meanwhile is handed over rather than missing.
        let ring_full = sum(|port| &port.ring_full);
        let received = sum(|port| &port.received);
        Lcore {
            lcore: cpu as u32,
            role: LcoreRole::Receiver,
            received,
            bytes: sum(|port| &port.octets),
            analyzed: received.saturating_sub(ring_full),
            dropped: reasons([("ring_full", ring_full)]),
            busy: load.busy.get(),
            idle: load.idle.get(),
            ..Lcore::default()
        }
    });
    let loads = &sensor.balance_report().loads;
    let workers =
        sensor.workers().iter().zip(&placement.workers).enumerate().map(|(number, (worker, &cpu))| {
            let (counters, all) = (&worker.counters, worker.counters.all());
            let parking_full = worker.moves.parking_full.get();
            Lcore {
                lcore: cpu as u32,
                role: LcoreRole::Worker,
                received: counters.received.get() + parking_full,
                bytes: counters.octets.get(),
                analyzed: counters.analyzed.get(),
                shunted: counters.shunted.get(),
                shunted_bytes: counters.shunted_octets.get(),
                dropped: reasons(counters.dropped().chain([("parking_full", parking_full)])),
                flows: all.flows.current(),
                flows_begun: all.flows.created,
                limited: reasons([
                    ("flows", all.flows.evicted),
                    ("reassembly_per_stream", all.flows.stream_limit_hits),
                    ("reassembly", all.flows.total_limit_hits),
                    ("history", all.flows.history_limit_hits),
                    ("tunnel_depth", all.tunnels_too_deep),
                    ("tunnels", all.tunnels_lost),
                    ("weirds", all.weirds_lost),
                ]),
                load: thousandths(loads.get(number).copied().unwrap_or(0.0)),
                busy: worker.load.busy.get(),
                idle: worker.load.idle.get(),
            }
        });
    receivers.chain(workers).collect()
}

/// For each log that has records: produced = spooled + queued + dropped, whatever happens
/// while the counters are read.
fn logs<'a>(
    workers: impl Iterator<Item = &'a LogCounters>,
    store: &StoreCounters,
) -> BTreeMap<String, LogStatistics> {
    let workers: Vec<_> = workers.collect();
    let sum = |counters: fn(&LogCounters) -> &[Counter], log: usize| {
        workers.iter().filter_map(|worker| counters(worker).get(log)).map(Counter::get).sum::<u64>()
    };
    let of = |counts: &[u64], log: usize| counts.get(log).copied().unwrap_or(0);
    Log::ALL
        .iter()
        .filter_map(|log| {
            let number = *log as usize;
            let lost = sum(|worker| &worker.lost, number);
            let made = sum(|worker| &worker.made, number);
            let on_the_way = made.saturating_sub(lost).saturating_sub(of(&store.taken, number));
            let statistics = LogStatistics {
                produced: made.saturating_sub(of(&store.limited, number)),
                spooled: of(&store.spooled, number),
                queued: on_the_way + of(&store.pending, number),
                dropped: reasons([
                    ("ring_full", lost),
                    ("spool_full", of(&store.full, number)),
                    ("spool_error", of(&store.failed, number)),
                ]),
            };
            (made > 0).then(|| (log.name().to_owned(), statistics))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_record_is_accounted_for() {
        let worker = LogCounters::default();
        let conn = Log::Conn as usize;
        worker.made[conn].add(100);
        worker.lost[conn].add(5);
        let mut store = StoreCounters::default();
        // 95 were handed over, of which 15 still wait.
        store.taken[conn] = 80;
        store.limited[conn] = 10;
        store.spooled[conn] = 40;
        store.pending[conn] = 20;
        store.full[conn] = 7;
        store.failed[conn] = 3;
        let logs = logs(std::iter::once(&worker), &store);
        assert_eq!(logs.len(), 1);
        let statistics = Statistics { logs, ..Statistics::default() };
        assert_eq!(statistics.imbalances(), []);
        let log = &statistics.logs["conn"];
        assert_eq!((log.produced, log.spooled, log.queued), (90, 40, 35));
    }
}
