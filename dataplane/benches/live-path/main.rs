//! `live-path`: what a packet costs on its way through a worker, stage by stage, at the speed of memory.
//!
//! The frames of a capture lie in DPDK's memory and are received through a port made of rings, by the code that also
//! receives from network cards, again and again. On every lap the addresses are others, so that the connection table
//! has new connections to make, and packet time goes on. Stages are cumulative and take turns, lap by lap; the
//! difference between two is what the later one adds. Only the receiving side is measured: filling the rings is the
//! network card's work.

mod capture;
mod measure;
mod report;
mod rewrite;
mod source;
mod stage;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use dpdk::{Eal, EalConfig, Memory};

use capture::Capture;
use measure::Settings;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Debug, Parser)]
#[command(
    name = "live-path",
    about = "What a packet costs in a worker, stage by stage, at the speed of memory"
)]
struct Arguments {
    /// Capture files of Ethernet frames
    #[arg(required = true, value_name = "FILE")]
    captures: Vec<PathBuf>,
    /// Laps that are measured, of each stage
    #[arg(long, value_name = "N", default_value_t = 9, value_parser = clap::value_parser!(u16).range(1..))]
    laps: u16,
    /// Laps before that, for the connection table to fill
    #[arg(long, value_name = "N", default_value_t = 6)]
    warm_up: u16,
    /// Packet time between two laps, in seconds; what is silent for longer than its time-out ends with the next lap
    #[arg(long, value_name = "SECONDS", default_value_t = 65)]
    pause: u32,
    /// Packets in the port's ring at most, filled before it is emptied: enough that their headers have left the
    /// CPU's first caches
    #[arg(long, value_name = "N", default_value_t = 16383, value_parser = clap::value_parser!(u32).range(63..=1 << 20))]
    ring: u32,
    /// Frames of a capture that are taken at most
    #[arg(long, value_name = "N", default_value_t = 1 << 18)]
    frames: usize,
    /// Digests of files are not computed
    #[arg(long)]
    no_file_hashes: bool,
    /// Write the results here as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "live-path: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let captures: Vec<Capture> = arguments
        .captures
        .iter()
        .map(|file| Capture::read(file, arguments.frames))
        .collect::<Result<_, _>>()?;
    let octets: usize = captures.iter().map(Capture::memory).sum();
    // Of the other pool, and of the rings.
    let megabytes = u32::try_from((octets >> 20) + 64)?;
    let eal = Eal::init(&EalConfig {
        program: "live-path".to_owned(),
        memory: Memory::Auto { megabytes },
        telemetry: false,
        ..EalConfig::default()
    })?;
    let settings = Settings {
        laps: arguments.laps,
        warm_up: arguments.warm_up,
        pause: arguments.pause,
        ring: arguments.ring,
        hash_files: !arguments.no_file_hashes,
    };
    let mut results = Vec::new();
    for capture in &captures {
        results.push(measure::run(eal, capture, settings)?);
    }
    let report = report::Report::new(settings, eal.has_huge_pages(), results);
    report.document.write(arguments.json.as_deref())?;
    // A reader that goes away has seen enough.
    let _ = io::stdout().write_all(report.to_string().as_bytes());
    Ok(())
}
