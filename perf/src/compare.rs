//! `baleen process` and the floor, in turn, on the same captures.

use std::fmt::Write;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;
use thiserror::Error;

use crate::cpu::{self, RunError};
use crate::floor::{self, Floor, FloorError};
use crate::truth::{self, TruthError};

/// Memory file system, so that no disk is measured.
const TMPFS: &str = "/dev/shm";

/// Arguments of `baleen-perf compare`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Capture files; FILE.flows.tsv beside one is its ground truth
    #[arg(required = true, value_name = "FILE")]
    captures: Vec<PathBuf>,
    /// The sensor's program
    #[arg(long, value_name = "PROGRAM", default_value = "target/release/baleen")]
    sensor: PathBuf,
    /// Runs of each
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    runs: u16,
    /// Fail when the sensor takes more than R times the floor's CPU time (median)
    #[arg(long, value_name = "R")]
    at_most: Option<f64>,
}

/// Why nothing can be measured.
#[derive(Debug, Error)]
pub(crate) enum CompareError {
    /// A program failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A capture is damaged.
    #[error(transparent)]
    Floor(#[from] FloorError),
    /// The ground truth or the log is damaged.
    #[error("{}: {source}", file.display())]
    Truth { file: PathBuf, source: TruthError },
    /// A file or directory cannot be used.
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> CompareError {
    move |source| CompareError::File { path: path.to_owned(), source }
}

/// Median, least and most of some figures.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Spread {
    median: f64,
    least: f64,
    most: f64,
}

impl Spread {
    fn of(mut figures: Vec<f64>) -> Self {
        figures.sort_by(f64::total_cmp);
        let at = |index: usize| figures.get(index).copied().unwrap_or(f64::NAN);
        let (middle, last) = (figures.len() / 2, figures.len().saturating_sub(1));
        let median = if figures.len() % 2 == 1 {
            at(middle)
        } else {
            f64::midpoint(at(middle.wrapping_sub(1)), at(middle))
        };
        Self { median, least: at(0), most: at(last) }
    }
}

/// Runs the verb: a report, and whether every ratio is within the limit.
pub(crate) fn run(arguments: &Arguments) -> Result<(String, bool), CompareError> {
    let mut report = String::new();
    let mut good = true;
    for capture in &arguments.captures {
        good &= measure(arguments, capture, &mut report)?;
    }
    Ok((report, good))
}

fn measure(arguments: &Arguments, capture: &Path, report: &mut String) -> Result<bool, CompareError> {
    // Also brings the file into memory.
    let floor = floor::run(capture)?;
    let logs = directory()?;
    let mut sensor_times = Vec::new();
    let mut floor_times = Vec::new();
    let this = std::env::current_exe().map_err(at(Path::new("baleen-perf")))?;
    for _ in 0..arguments.runs {
        let mut sensor = Command::new(&arguments.sensor);
        sensor.args(["process", "--quiet", "--output"]).arg(logs.path()).arg(capture);
        sensor_times.push(cpu::time(&mut sensor)?);
        floor_times.push(cpu::time(Command::new(&this).arg("floor").arg(capture))?);
    }
    let ratios = sensor_times.iter().zip(&floor_times).map(|(a, b)| a.as_secs_f64() / b.as_secs_f64());
    let ratio = Spread::of(ratios.collect());
    let within = arguments.at_most.is_none_or(|limit| ratio.median <= limit);

    // Writing to a string cannot fail.
    let _ = writeln!(
        report,
        "{}: {} packets of {:.0} octets on average\n",
        capture.display(),
        floor.packets,
        floor.octets as f64 / floor.packets.max(1) as f64
    );
    let _ = writeln!(report, "{:16} {:>22} {:>22}", "", "packets/CPU-second", "microseconds/packet");
    row(report, "baleen process", &floor, &sensor_times);
    row(report, "floor", &floor, &floor_times);
    let Spread { median, least, most } = ratio;
    let limit = match arguments.at_most {
        Some(limit) if within => format!("; within {limit}"),
        Some(limit) => format!("; OVER {limit}"),
        None => String::new(),
    };
    let _ = writeln!(report, "{:16} {median:>10.2} ({least:.2} to {most:.2}){limit}\n", "ratio");
    verdict(capture, logs.path(), report)?;
    report.push('\n');
    Ok(within)
}

fn row(report: &mut String, name: &str, floor: &Floor, times: &[Duration]) {
    let packets = floor.packets.max(1) as f64;
    let each = Spread::of(times.iter().map(|time| time.as_secs_f64() * 1e6 / packets).collect());
    let per_second = 1e6 / each.median;
    let spread = format!("{:.3} ({:.3} to {:.3})", each.median, each.least, each.most);
    let _ = writeln!(report, "{name:16} {per_second:>22.0} {spread:>26}");
}

/// Tells how many records there are, and whether conn.log is true.
fn verdict(capture: &Path, logs: &Path, report: &mut String) -> Result<(), CompareError> {
    let mut counts = Vec::new();
    for entry in fs::read_dir(logs).map_err(at(logs))? {
        let path = entry.map_err(at(logs))?.path();
        let records = fs::read_to_string(&path).map_err(at(&path))?.lines().count();
        counts.push((path.file_stem().unwrap_or_default().to_string_lossy().into_owned(), records));
    }
    counts.sort();
    let counts: Vec<String> = counts.iter().map(|(log, records)| format!("{log} {records}")).collect();
    let _ = writeln!(report, "records: {}", counts.join(", "));
    let mut name = capture.as_os_str().to_owned();
    name.push(".flows.tsv");
    let file = PathBuf::from(name);
    if !file.exists() {
        let _ = writeln!(report, "skipped: ground truth: {} is not there", file.display());
        return Ok(());
    }
    let truth = fs::read_to_string(&file).map_err(at(&file))?;
    let log = logs.join("conn.log");
    let log = fs::read_to_string(&log).map_err(at(&log))?;
    let comparison = truth::compare(&truth, &log).map_err(|source| CompareError::Truth { file, source })?;
    let _ = writeln!(report, "{comparison}");
    Ok(())
}

/// A directory for logs, in memory where there is a file system for that.
fn directory() -> Result<TempDir, CompareError> {
    TempDir::with_prefix_in("baleen-perf.", TMPFS)
        .or_else(|_| TempDir::with_prefix("baleen-perf."))
        .map_err(at(&std::env::temp_dir()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spread_of_an_odd_and_of_an_even_number_of_figures() {
        assert_eq!(Spread::of(vec![3.0, 1.0, 9.0]), Spread { median: 3.0, least: 1.0, most: 9.0 });
        assert_eq!(Spread::of(vec![4.0, 1.0, 2.0, 9.0]), Spread { median: 3.0, least: 1.0, most: 9.0 });
    }
}
