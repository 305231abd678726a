//! `baleen-perf`: how fast the sensor is, and whether it was right meanwhile.
//!
//! No figure stands alone: CPU time depends on the machine and on what else runs on it, so each is a ratio beside a
//! yardstick that ran in turn with it.

mod compare;
mod floor;
mod guard;
mod machine;
mod memory;
mod new_flows;
mod peers;
mod records;
mod report;
mod rounds;
mod sensor;
mod synthetic;
mod table;
mod targets;
mod terminal;
mod truth;
mod workers;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use baleen_perf::generate;
use clap::{Parser, Subcommand};

// As in the sensor's programs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Debug, Parser)]
#[command(
    name = "baleen-perf",
    version,
    about = "Benchmarks of Baleen, each beside a yardstick of the same run"
)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Read a capture file and touch every header: the least that any sensor does
    Floor {
        /// Capture file
        file: PathBuf,
    },
    /// Measure `baleen process` beside the floor, and compare its conn.log with the ground truth
    Compare(compare::Arguments),
    /// Write a capture of generated traffic, and its ground truth beside it
    Generate(generate::Arguments),
    /// Measure tables of many connections: memory of each, and what a packet costs
    Table(table::Arguments),
    /// Measure a SYN scan: a connection and a record for every packet
    NewFlows(new_flows::Arguments),
    /// Measure records from their values to the disk
    Records(records::Arguments),
    /// Measure `baleen process` with several workers beside one
    Workers(workers::Arguments),
    /// Measure `baleen process` beside Suricata, Zeek and tshark
    Peers(peers::Arguments),
    /// Write docs/performance.md and its plots from the results
    Report(report::Arguments),
    /// Count the instructions of a fixed run, and hold them to what was accepted
    Guard(guard::Arguments),
}

/// What to print, and whether it is good.
type Outcome = Result<(String, bool), Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let outcome: Outcome = match Arguments::parse().verb {
        Verb::Floor { file } => floor::run(&file).map(|floor| (floor.to_string(), true)).map_err(Into::into),
        Verb::Compare(arguments) => compare::run(&arguments).map_err(Into::into),
        Verb::Generate(arguments) => generate::run(&arguments).map(|text| (text, true)).map_err(Into::into),
        Verb::Table(arguments) => table::run(&arguments),
        Verb::NewFlows(arguments) => new_flows::run(&arguments),
        Verb::Records(arguments) => records::run(&arguments),
        Verb::Workers(arguments) => workers::run(&arguments),
        Verb::Guard(arguments) => guard::run(&arguments).map_err(Into::into),
        Verb::Report(arguments) => report::run(&arguments).map_err(Into::into),
        Verb::Peers(arguments) => peers::run(&arguments).map_err(Into::into),
    };
    match outcome {
        Ok((text, good)) => {
            // A reader that goes away has seen enough.
            let _ = std::io::stdout().write_all(text.as_bytes());
            if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "baleen-perf: {error}");
            ExitCode::from(2)
        }
    }
}
