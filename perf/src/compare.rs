//! The whole process: `baleen process` with one to several workers, with and without hashes of files, and the floor, in
//! turn on the same captures.

use std::path::Path;

use baleen_perf::results::{Document, WriteError};
use serde::Serialize;
use thiserror::Error;

use crate::machine::Machine;
use crate::rounds::{self, Measured, RoundsError};
use crate::targets::{self, Verdict};
use crate::{sensor, terminal};

/// Arguments of `baleen-perf compare`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    on: sensor::Arguments,
    /// Runs of each
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    runs: u16,
    /// Most workers: 1 to N are measured
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: u16,
    /// Fail when one worker, hashes off, takes more than R times the floor's CPU time (median)
    #[arg(long, value_name = "R")]
    at_most: Option<f64>,
}

/// Why nothing can be measured.
#[derive(Debug, Error)]
pub(crate) enum CompareError {
    /// A program or capture fails.
    #[error(transparent)]
    Rounds(#[from] RoundsError),
    /// The results cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

#[derive(Debug, Serialize)]
struct Settings {
    runs: u16,
    workers: u16,
    machine: Machine,
}

#[derive(Debug, Serialize)]
struct Outcome {
    #[serde(flatten)]
    measured: Measured,
    verdicts: Vec<Verdict>,
}

/// Runs the verb: a report, and whether conn.log was true everywhere and the floor near enough.
pub(crate) fn run(arguments: &Arguments) -> Result<(String, bool), CompareError> {
    let mut report = String::new();
    let mut good = true;
    let mut results = Vec::new();
    for capture in &arguments.on.captures {
        let measured = measure(arguments, capture)?;
        let verdicts = targets::of_the_process(&measured, arguments.workers);
        report.push_str(&terminal::of(&measured, &verdicts));
        good &= targets::is_true(&measured);
        if let (Some(limit), Some(ratio)) =
            (arguments.at_most, measured.ratio(&sensor::name(1, false), "floor"))
        {
            good &= ratio.median <= limit;
        }
        results.push(Outcome { measured, verdicts });
    }
    let settings = Settings { runs: arguments.runs, workers: arguments.workers, machine: Machine::this() };
    Document::new("process", settings, results).write(arguments.on.json.as_deref())?;
    Ok((report, good))
}

fn measure(arguments: &Arguments, capture: &Path) -> Result<Measured, RoundsError> {
    let mut entrants = Vec::new();
    for workers in 1..=arguments.workers {
        for file_hashes in [false, true] {
            entrants.push(sensor::entrant(&arguments.on.sensor, workers, file_hashes));
        }
    }
    entrants.push(rounds::floor_entrant()?);
    rounds::run(&entrants, capture, arguments.runs)
}
