//! `baleen process` with several workers beside one: what it costs to share the work.
//!
//! CPU time of the whole process, not the time it takes: several workers are done sooner, but must not cost more.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde::Serialize;
use tempfile::TempDir;

use crate::Outcome;
use crate::cpu;
use crate::measurement::{Measurement, Spread};

/// Memory file system, so that no disk is measured.
const TMPFS: &str = "/dev/shm";

/// Arguments of `baleen-perf workers`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Capture files
    #[arg(required = true, value_name = "FILE")]
    captures: Vec<PathBuf>,
    /// The sensor's program
    #[arg(long, value_name = "PROGRAM", default_value = "target/release/baleen")]
    sensor: PathBuf,
    /// Numbers of workers, each beside one worker
    #[arg(long, value_name = "N,N", value_delimiter = ',', default_value = "2")]
    workers: Vec<u16>,
    /// Pairs of runs
    #[arg(long, value_name = "N", default_value_t = 9, value_parser = clap::value_parser!(u16).range(1..))]
    runs: u16,
    /// Fail when several workers take more than R times the CPU time of one (median)
    #[arg(long, value_name = "R")]
    at_most: Option<f64>,
    /// Write the results here as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct Settings {
    sensor: PathBuf,
    runs: u16,
}

#[derive(Debug, Serialize)]
struct Line {
    capture: PathBuf,
    workers: u16,
    /// CPU time with one worker, in seconds.
    one: Spread,
    /// With several.
    several: Spread,
    /// The one as so many times the other, pair by pair.
    ratio: Spread,
    /// Records of each log; with any number of workers the same.
    records: BTreeMap<String, usize>,
}

/// Runs the verb.
pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let mut results = Vec::new();
    for capture in &arguments.captures {
        for workers in &arguments.workers {
            results.push(measure(arguments, capture, *workers)?);
        }
    }
    let within = |line: &Line| arguments.at_most.is_none_or(|limit| line.ratio.median <= limit);
    let good = results.iter().all(within);
    let mut text = format!(
        "{} pairs of runs; CPU seconds of the whole process, median (least to most)\n\n",
        arguments.runs
    );
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{:>7} {:>24} {:>24} {:>24}", "workers", "one", "several", "ratio");
    for line in &results {
        let limit = match arguments.at_most {
            Some(limit) if within(line) => format!("; within {limit}"),
            Some(limit) => format!("; OVER {limit}"),
            None => String::new(),
        };
        let _ = writeln!(
            text,
            "{:>7} {:>24} {:>24} {:>24}{limit}  {}",
            line.workers,
            format!("{:.3}", line.one),
            format!("{:.3}", line.several),
            format!("{:.3}", line.ratio),
            line.capture.display()
        );
    }
    let measurement = Measurement {
        benchmark: "workers".to_owned(),
        settings: Settings { sensor: arguments.sensor.clone(), runs: arguments.runs },
        results,
    };
    measurement.write(arguments.json.as_deref())?;
    Ok((text, good))
}

fn measure(arguments: &Arguments, capture: &Path, workers: u16) -> Result<Line, Box<dyn std::error::Error>> {
    // Brings program and file into memory.
    let (_, records) = process(&arguments.sensor, capture, 1)?;
    let (mut one, mut several) = (Vec::new(), Vec::new());
    for run in 0..arguments.runs {
        // Whoever comes second finds the machine as the first one left it: they take turns at that.
        let order = if run % 2 == 0 { [1, workers] } else { [workers, 1] };
        let mut times = Vec::new();
        for count in order {
            let (time, found) = process(&arguments.sensor, capture, count)?;
            if found != records {
                let capture = capture.display();
                return Err(format!("{capture}: {count} workers made {found:?}, one made {records:?}").into());
            }
            times.push(time.as_secs_f64());
        }
        if run % 2 != 0 {
            times.reverse();
        }
        one.extend(times.first());
        several.extend(times.last());
    }
    Ok(Line {
        capture: capture.to_owned(),
        workers,
        ratio: Spread::of(several.iter().zip(&one).map(|(several, one)| several / one)),
        one: Spread::of(one),
        several: Spread::of(several),
        records,
    })
}

/// Runs the sensor; its CPU time and the number of records by log.
fn process(
    sensor: &Path,
    capture: &Path,
    workers: u16,
) -> Result<(Duration, BTreeMap<String, usize>), Box<dyn std::error::Error>> {
    let logs = directory()?;
    let mut command = Command::new(sensor);
    command.args(["process", "--quiet", "--workers", &workers.to_string(), "--output"]).arg(logs.path());
    let time = cpu::time(command.arg(capture))?;
    let mut records = BTreeMap::new();
    for entry in fs::read_dir(logs.path())? {
        let path = entry?.path();
        let lines = fs::read_to_string(&path)?.lines().count();
        records.insert(path.file_stem().unwrap_or_default().to_string_lossy().into_owned(), lines);
    }
    Ok((time, records))
}

/// A directory for logs, in memory where there is a file system for that.
fn directory() -> io::Result<TempDir> {
    TempDir::with_prefix_in("baleen-perf.", TMPFS).or_else(|_| TempDir::with_prefix("baleen-perf."))
}
