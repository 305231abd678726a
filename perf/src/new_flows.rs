//! A SYN scan: every packet is another connection, is forgotten when nobody answers, and gets a record.
//!
//! Drives `worker` as a port does, in the state that lasts: as many connections end as begin. Beside it, in turn, as
//! many packets of connections that are known.

use std::fmt::Write;
use std::path::PathBuf;

use baleen_perf::cpu;
use baleen_perf::results::Document;
use baleen_perf::spread::Spread;
use serde::Serialize;

use crate::Outcome;
use crate::synthetic::{Driven, Kind, Random};
use crate::terminal;

/// Packet time after which as many connections end as begin, in seconds: an attempt lasts five, and the table
/// lets two more pass.
const SETTLED: u64 = 8;
/// Connections of the yardstick.
const KNOWN: u32 = 1000;

/// Arguments of `baleen-perf new-flows`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Connections of a lap
    #[arg(long, value_name = "N", default_value_t = 500_000, value_parser = clap::value_parser!(u32).range(1..))]
    flows: u32,
    /// Laps
    #[arg(long, value_name = "N", default_value_t = 9, value_parser = clap::value_parser!(u16).range(1..))]
    laps: u16,
    /// New connections in a second of packet time: by default a worker's share of 100 Gbit/s of campus traffic
    #[arg(long, value_name = "N", default_value_t = 85_000, value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,
    /// Connections in the table at most; what is above is evicted
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Fail when there are fewer new connections per CPU-second (median)
    #[arg(long, value_name = "N")]
    at_least: Option<f64>,
    /// Write the results here as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct Settings {
    flows: u32,
    laps: u16,
    rate: u32,
    limit: u32,
}

#[derive(Debug, Serialize)]
struct Line {
    flows_per_cpu_second: Spread,
    /// CPU time of a new connection, from its packet to its record, in nanoseconds.
    ns_per_flow: Spread,
    /// CPU time of a packet of a connection that is known, in nanoseconds.
    ns_per_known_packet: Spread,
    /// The one as so many times the other, in the same lap.
    ratio: Spread,
    /// Connections in the table at the end.
    open: u64,
    /// Connections that had to go before their time.
    evicted: u64,
    /// Connections of the whole run.
    created: u64,
    /// Records of connections of the whole run: as many.
    records: u64,
}

/// Runs the verb.
pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let Arguments { flows, laps, rate, limit, .. } = *arguments;
    let mut scan = Driven::new(limit, rate);
    let mut next = 0_u64;
    let mut syns = |count: u64| {
        let from = next;
        next += count;
        (from..next).map(|flow| (Kind::Syn, flow))
    };
    scan.give(syns(SETTLED * u64::from(rate)))?;
    let mut known = Driven::new(limit, rate);
    let handshake = |flow| [Kind::Syn, Kind::SynAck, Kind::Ack].map(|kind| (kind, flow));
    known.give((0..u64::from(KNOWN)).flat_map(handshake))?;
    let mut random = Random::below(KNOWN.into());
    let (mut new_costs, mut known_costs) = (Vec::new(), Vec::new());
    for _ in 0..laps {
        new_costs.push(cpu::nanoseconds_each(scan.give(syns(flows.into()))?, flows.into()));
        let packets = random.by_ref().take(flows as usize).map(|flow| (Kind::Ack, flow));
        known_costs.push(cpu::nanoseconds_each(known.give(packets)?, flows.into()));
    }
    let seen = scan.flows();
    let records = scan.finish();
    if (seen.created, records) != (next, next) {
        return Err(
            format!("{next} connections were tried, but there were {records} records; {seen:?}").into()
        );
    }
    let line = Line {
        flows_per_cpu_second: Spread::of(new_costs.iter().map(|ns| 1e9 / ns)),
        ratio: Spread::of_ratios(&new_costs, &known_costs),
        ns_per_flow: Spread::of(new_costs),
        ns_per_known_packet: Spread::of(known_costs),
        open: seen.open,
        evicted: seen.evicted,
        created: seen.created,
        records,
    };
    let good = arguments.at_least.is_none_or(|least| line.flows_per_cpu_second.median >= least);
    let text = text(&line, arguments, good);
    Document::new("new-flows", Settings { flows, laps, rate, limit }, vec![line])
        .write(arguments.json.as_deref())?;
    Ok((text, good))
}

fn text(line: &Line, arguments: &Arguments, good: bool) -> String {
    let Arguments { flows, laps, rate, .. } = arguments;
    let mut text = format!(
        "{laps} laps of {flows} SYNs that nobody answers, {rate} in a second of packet time; CPU time of the worker, \
         median (least to most)\n\n"
    );
    // Writing to a string cannot fail.
    let limit = terminal::at_least(arguments.at_least, good);
    let _ = writeln!(text, "{:32} {:.0}{limit}", "new connections/CPU-second", line.flows_per_cpu_second);
    let _ = writeln!(text, "{:32} {:.1}", "ns/new connection", line.ns_per_flow);
    let _ = writeln!(text, "{:32} {:.1}", "ns/packet of a known connection", line.ns_per_known_packet);
    let _ = writeln!(text, "{:32} {:.2}", "ratio", line.ratio);
    let Line { open, evicted, created, records, .. } = line;
    let _ = writeln!(
        text,
        "\n{created} connections in all, {open} in the table at the end, {evicted} evicted, {records} records"
    );
    text
}
