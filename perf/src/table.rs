//! Tables of many connections: what each takes of memory, and what a packet costs when any of them may be next.
//!
//! Drives `worker` as a port does. Tables of all sizes stand side by side and take turns, so that their costs can be
//! compared; packets go to connections at random, so that nothing of a connection is in a cache by chance.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use baleen_perf::cpu::{self, RunError};
use baleen_perf::results::Document;
use baleen_perf::spread::Spread;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::Outcome;
use crate::memory;
use crate::synthetic::{Driven, Kind, Random};

/// Octets that a connection may take, for a look beforehand whether there is memory.
const ROOM: u64 = 1100;

/// Connections of a table that is made before those that are measured.
const WARM_UP: u32 = 1000;

/// Arguments of `baleen-perf table`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Connections of each table
    #[arg(long, value_name = "N,N", value_delimiter = ',', default_value = "100000,1000000,10000000")]
    flows: Vec<u32>,
    /// What the connections are; each kind runs in a process of its own
    #[arg(long, value_enum, value_delimiter = ',', default_value = "tcp-attempt,tcp,udp")]
    kind: Vec<Connections>,
    /// Packets of a lap
    #[arg(long, value_name = "N", default_value_t = 2_000_000, value_parser = clap::value_parser!(u32).range(1..))]
    packets: u32,
    /// Laps through each table
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    laps: u16,
    /// Packets in a second of packet time: a worker's share of 100 Gbit/s, so that time-outs come as often as there
    #[arg(long, value_name = "N", default_value_t = 3_500_000, value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,
    /// Fail when a packet costs more than R times what it costs in the first table (median)
    #[arg(long, value_name = "R")]
    at_most: Option<f64>,
    /// Write the results here as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Kinds of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Connections {
    /// A SYN that nobody answers
    TcpAttempt,
    /// Established, without payload
    Tcp,
    /// A datagram of a protocol that nobody knows
    Udp,
}

impl Connections {
    /// The packets that make a connection.
    const fn beginning(self) -> &'static [Kind] {
        match self {
            Self::TcpAttempt => &[Kind::Syn],
            Self::Tcp => &[Kind::Syn, Kind::SynAck, Kind::Ack],
            Self::Udp => &[Kind::Datagram],
        }
    }

    /// What comes after that. An attempt does not live long enough for more.
    const fn further(self) -> Option<Kind> {
        match self {
            Self::TcpAttempt => None,
            Self::Tcp => Some(Kind::Ack),
            Self::Udp => Some(Kind::Datagram),
        }
    }

    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Settings {
    packets: u32,
    laps: u16,
    rate: u32,
}

/// One table.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    kind: Connections,
    flows: u32,
    /// Set when the table was not made: why.
    skipped: Option<String>,
    /// Memory that the process grew by, for each connection.
    octets_per_flow: Option<f64>,
    /// CPU time to make the table, in nanoseconds for each packet of it.
    fill_ns_per_packet: Option<f64>,
    /// CPU time of a packet, in nanoseconds.
    ns_per_packet: Option<Spread>,
    /// The same as so many times that of the first table in the same lap.
    ratio: Option<Spread>,
}

/// Runs the verb.
pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let results = match arguments.kind.as_slice() {
        [kind] => measure(arguments, *kind)?,
        kinds => {
            let mut results = Vec::new();
            for kind in kinds {
                results.append(&mut apart(arguments, *kind)?);
            }
            results
        }
    };
    let Arguments { packets, laps, rate, .. } = *arguments;
    let document = Document::new("table", Settings { packets, laps, rate }, results);
    document.write(arguments.json.as_deref())?;
    let within = |line: &Line| match (arguments.at_most, line.ratio) {
        (Some(limit), Some(ratio)) => ratio.median <= limit,
        _ => true,
    };
    let good = document.results.iter().all(within);
    let mut text = text(&document);
    if let Some(limit) = arguments.at_most {
        let verdict = if good { "within" } else { "OVER" };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "\n{verdict} {limit} times the first");
    }
    Ok((text, good))
}

/// Measures a kind in a process of its own, so that memory of one is not used again for the next.
fn apart(arguments: &Arguments, kind: Connections) -> Result<Vec<Line>, Box<dyn std::error::Error>> {
    let file = tempfile::NamedTempFile::new()?;
    let flows: Vec<String> = arguments.flows.iter().map(ToString::to_string).collect();
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["table", "--kind", &kind.name(), "--flows", &flows.join(",")]);
    command.args(["--packets", &arguments.packets.to_string(), "--laps", &arguments.laps.to_string()]);
    command.args(["--rate", &arguments.rate.to_string(), "--json"]).arg(file.path());
    cpu::time(&mut command)?;
    let document: Document<Settings, Line> = serde_json::from_reader(file)?;
    Ok(document.results)
}

fn measure(arguments: &Arguments, kind: Connections) -> Result<Vec<Line>, Box<dyn std::error::Error>> {
    // Takes the memory that a process needs but once, and is kept, so that none of it is used again.
    let _warm_up = make(kind, WARM_UP, arguments.rate)?;
    let mut lines = Vec::new();
    let mut tables = Vec::new();
    for &flows in &arguments.flows {
        let mut line = Line {
            kind,
            flows,
            skipped: None,
            octets_per_flow: None,
            fill_ns_per_packet: None,
            ns_per_packet: None,
            ratio: None,
        };
        let needed = u64::from(flows) * ROOM;
        if let Some(free) = memory::available().filter(|free| *free < needed) {
            let megabytes = |octets| octets >> 20;
            line.skipped = Some(format!("up to {} MiB needed, {} free", megabytes(needed), megabytes(free)));
            lines.push(line);
            continue;
        }
        let before = memory::resident()?;
        let (table, time) = make(kind, flows, arguments.rate)?;
        let grown = memory::resident()?.saturating_sub(before);
        let count = u64::from(flows) * kind.beginning().len() as u64;
        line.octets_per_flow = Some(grown as f64 / f64::from(flows.max(1)));
        line.fill_ns_per_packet = Some(cpu::nanoseconds_each(time, count));
        check(&table, flows)?;
        lines.push(line);
        tables.push((lines.len() - 1, table, Random::below(flows.into()), Vec::new()));
    }
    if let Some(packet) = kind.further() {
        for _ in 0..arguments.laps {
            for (_, table, random, costs) in &mut tables {
                let packets = random.by_ref().take(arguments.packets as usize).map(|flow| (packet, flow));
                costs.push(cpu::nanoseconds_each(table.give(packets)?, arguments.packets.into()));
            }
        }
        let first = tables.first().map(|(_, _, _, costs)| costs.clone()).unwrap_or_default();
        for (line, table, _, costs) in tables {
            let Some(line) = lines.get_mut(line) else { continue };
            check(&table, line.flows)?;
            line.ratio = Some(Spread::of_ratios(&costs, &first));
            line.ns_per_packet = Some(Spread::of(costs));
        }
    }
    Ok(lines)
}

/// A worker with so many connections, and the CPU time that they took.
fn make(kind: Connections, flows: u32, rate: u32) -> Result<(Driven, Duration), RunError> {
    let mut table = Driven::new(flows, rate);
    let packets =
        (0..u64::from(flows)).flat_map(|flow| kind.beginning().iter().map(move |packet| (*packet, flow)));
    let time = table.give(packets)?;
    Ok((table, time))
}

/// Every connection must have been made, and be there.
fn check(table: &Driven, flows: u32) -> Result<(), String> {
    let seen = table.flows();
    if seen.created == u64::from(flows) && seen.open == seen.created && seen.not_analyzed == 0 {
        return Ok(());
    }
    Err(format!("{flows} connections were to be in the table, but {seen:?}"))
}

fn text(document: &Document<Settings, Line>) -> String {
    let Settings { packets, laps, rate } = document.settings;
    let mut text = format!(
        "{laps} laps of {packets} packets to connections at random, {rate} packets in a second of packet time; CPU \
         time of the worker, median (least to most)\n\n"
    );
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "{:12} {:>10} {:>11} {:>13} {:>26} {:>22}",
        "", "flows", "octets/flow", "ns to make it", "ns/packet", "times the first"
    );
    for line in &document.results {
        let name = line.kind.name();
        if let Some(reason) = &line.skipped {
            let _ = writeln!(text, "{name:12} {:>10} skipped: {reason}", line.flows);
            continue;
        }
        let figure = |figure: Option<f64>| figure.map_or_else(String::new, |figure| format!("{figure:.0}"));
        let each = line.kind.beginning().len() as f64;
        let _ = writeln!(
            text,
            "{name:12} {:>10} {:>11} {:>13} {:>26} {:>22}",
            line.flows,
            figure(line.octets_per_flow),
            figure(line.fill_ns_per_packet.map(|ns| ns * each)),
            line.ns_per_packet.map_or_else(String::new, |spread| format!("{spread:.1}")),
            line.ratio.map_or_else(String::new, |spread| format!("{spread:.2}")),
        );
    }
    text
}
