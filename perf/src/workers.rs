//! `baleen process` with several workers beside one: what it costs to share the work.
//!
//! CPU time of the whole process, not the time it takes: several workers are done sooner, but must not cost more.

use std::fmt::Write;
use std::path::Path;

use baleen_perf::results::Document;
use baleen_perf::spread::Spread;
use serde::Serialize;

use crate::rounds::{self, Records, RoundsError};
use crate::{Outcome, sensor, terminal};

/// Arguments of `baleen-perf workers`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    on: sensor::Arguments,
    /// Numbers of workers, each beside one worker
    #[arg(long, value_name = "N,N", value_delimiter = ',', default_value = "2")]
    workers: Vec<u16>,
    /// Pairs of runs
    #[arg(long, value_name = "N", default_value_t = 9, value_parser = clap::value_parser!(u16).range(1..))]
    runs: u16,
    /// Fail when several workers take more than R times the CPU time of one (median)
    #[arg(long, value_name = "R")]
    at_most: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Settings {
    runs: u16,
}

#[derive(Debug, Serialize)]
struct Line {
    mix: String,
    workers: u16,
    /// CPU time with one worker, in seconds.
    one: Spread,
    /// With several.
    several: Spread,
    /// The one as so many times the other, pair by pair.
    ratio: Spread,
    /// Records of each log; with any number of workers the same.
    records: Records,
}

/// Runs the verb.
pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let mut results = Vec::new();
    for capture in &arguments.on.captures {
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
        let limit = terminal::at_most(arguments.at_most, within(line));
        let _ = writeln!(
            text,
            "{:>7} {:>24} {:>24} {:>24}{limit}  {}",
            line.workers,
            format!("{:.3}", line.one),
            format!("{:.3}", line.several),
            format!("{:.3}", line.ratio),
            line.mix
        );
    }
    let settings = Settings { runs: arguments.runs };
    Document::new("workers", settings, results).write(arguments.on.json.as_deref())?;
    Ok((text, good))
}

fn measure(arguments: &Arguments, capture: &Path, workers: u16) -> Result<Line, Box<dyn std::error::Error>> {
    let capture = &std::path::absolute(capture)?;
    let place = rounds::directory()?;
    let process = |workers| -> Result<(f64, Records), RoundsError> {
        let entrant = sensor::entrant(&arguments.on.sensor, workers, true);
        let logs = place.path().join("logs");
        let seconds = entrant.time(capture, &logs)?;
        Ok((seconds, entrant.count(&logs)?))
    };
    // Brings program and file into memory.
    let (_, records) = process(1)?;
    let (mut one, mut several) = (Vec::new(), Vec::new());
    for run in 0..arguments.runs {
        // Whoever comes second finds the machine as the first one left it: they take turns at that.
        let order = if run % 2 == 0 { [1, workers] } else { [workers, 1] };
        let mut times = Vec::new();
        for count in order {
            let (seconds, found) = process(count)?;
            if found != records {
                let capture = capture.display();
                return Err(format!("{capture}: {count} workers made {found:?}, one made {records:?}").into());
            }
            times.push(seconds);
        }
        if run % 2 != 0 {
            times.reverse();
        }
        one.extend(times.first());
        several.extend(times.last());
    }
    Ok(Line {
        mix: rounds::mix(capture),
        workers,
        ratio: Spread::of_ratios(&several, &one),
        one: Spread::of(one),
        several: Spread::of(several),
        records,
    })
}
