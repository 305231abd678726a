//! `baleen netstats`: packets and records, received, analyzed and dropped by reason; and whether the sums are right.

use std::fmt::Write;
use std::process::ExitCode;

use control_socket::{BalanceStatistics, Lcore, LcoreRole, Statistics};

use super::client::{Sensor, SensorError, print, table};

/// Arguments of `baleen netstats`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    sensor: Sensor,
    /// Show every lcore
    #[arg(long)]
    lcores: bool,
}

/// Runs the verb.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let ask = || -> Result<Statistics, SensorError> { Ok(arguments.sensor.connect()?.netstats()?) };
    print(&arguments.sensor, ask(), |statistics| text(statistics, arguments.lcores))
}

fn reasons(reasons: &control_socket::DropReasons) -> String {
    let named: Vec<String> = reasons
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(reason, count)| format!("{reason} {count}"))
        .collect();
    if named.is_empty() { "-".to_owned() } else { named.join(", ") }
}

/// What ports dropped by themselves, where they were asked to.
fn offload(statistics: &Statistics) -> String {
    let offload = &statistics.offload;
    if offload.begun == 0 && offload.refused.is_empty() {
        return String::new();
    }
    format!(
        "Offloaded: {} flows now, {} in all, {} packets; {} counts too late; refused: {}.\n",
        offload.active,
        offload.begun,
        offload.packets,
        offload.late,
        reasons(&offload.refused)
    )
}

/// How much took the short path, over all workers.
fn shunted(statistics: &Statistics) -> String {
    let workers = || statistics.lcores.iter().filter(|lcore| lcore.role == LcoreRole::Worker);
    let sum = |of: fn(&Lcore) -> u64| workers().fold(0_u64, |sum, lcore| sum.saturating_add(of(lcore)));
    let (packets, bytes, all) =
        (sum(|lcore| lcore.shunted), sum(|lcore| lcore.shunted_bytes), sum(|lcore| lcore.bytes));
    let share = bytes as f64 * 100.0 / all.max(1) as f64;
    format!("Shunted: {packets} packets, {bytes} bytes, {share:.1} % of all bytes.\n")
}

/// How even the workers are.
fn balance(balance: &BalanceStatistics) -> String {
    let BalanceStatistics { imbalance, elephants, rounds, moves, flows, parked } = balance;
    format!(
        "Busiest worker: {:.2} times the mean; pairs of hosts that are too much for one worker: {elephants}.\n\
         Moved to even them out: {moves} buckets with {flows} flows, in {rounds} rounds; {parked} packets waited.\n",
        f64::from(*imbalance) / 1000.0
    )
}

fn text(statistics: &Statistics, lcores: bool) -> String {
    let mut text = table(
        &["port", "received", "bytes", "analyzed", "shunted", "dropped", "lost before us"],
        statistics.ports.iter().map(|(name, port)| {
            vec![
                name.clone(),
                port.received.to_string(),
                port.bytes.to_string(),
                port.analyzed.to_string(),
                port.shunted.to_string(),
                reasons(&port.dropped),
                reasons(&port.lost),
            ]
        }),
    );
    if lcores {
        text.push('\n');
        text += &table(
            &[
                "lcore",
                "role",
                "received",
                "bytes",
                "analyzed",
                "shunted",
                "shunted bytes",
                "dropped",
                "flows",
                "busy",
                "load",
            ],
            statistics.lcores.iter().map(|lcore| {
                let role = match lcore.role {
                    LcoreRole::Worker => "worker",
                    LcoreRole::Receiver => "receiver",
                    LcoreRole::Unknown => "unknown",
                };
                let total = lcore.busy.saturating_add(lcore.idle).max(1);
                vec![
                    lcore.lcore.to_string(),
                    role.to_owned(),
                    lcore.received.to_string(),
                    lcore.bytes.to_string(),
                    lcore.analyzed.to_string(),
                    lcore.shunted.to_string(),
                    lcore.shunted_bytes.to_string(),
                    reasons(&lcore.dropped),
                    lcore.flows.to_string(),
                    format!("{:.1} %", lcore.busy as f64 * 100.0 / total as f64),
                    match lcore.role {
                        LcoreRole::Worker => format!("{:.1} %", f64::from(lcore.load) / 10.0),
                        LcoreRole::Receiver | LcoreRole::Unknown => "-".to_owned(),
                    },
                ]
            }),
        );
        text.push('\n');
        text += &balance(&statistics.balance);
    }
    text.push('\n');
    text += &table(
        &["log", "produced", "spooled", "queued", "dropped"],
        statistics.logs.iter().map(|(name, log)| {
            vec![
                name.clone(),
                log.produced.to_string(),
                log.spooled.to_string(),
                log.queued.to_string(),
                reasons(&log.dropped),
            ]
        }),
    );
    text.push('\n');
    text += &shunted(statistics);
    text += &offload(statistics);
    let imbalances = statistics.imbalances();
    if imbalances.is_empty() {
        text.push_str(
            "The books balance: everything received is analyzed, shunted or dropped for a reason.\n",
        );
    }
    for imbalance in imbalances {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "Not balanced: {imbalance}");
    }
    text
}
