//! Instruction counts of a fixed run, held to those that were accepted: they do not depend on the machine's mood.
//!
//! The sensor runs under callgrind over small generated captures, with one worker, a fixed seed and no hashes of files
//! (valgrind knows no SHA instructions, so that the libraries' slow path would outweigh everything else). What it takes
//! to start, measured with a capture of one frame, is taken off. It runs where the captures are, knows them by their
//! names alone and has no environment but the search path, so that nothing of where and by whom it is run is counted.
//! Counts repeat to one or two thousandths, since the key of the connection table's hash is another in every run; they
//! differ between compilers, and where the CPU lacks AVX2.

mod baseline;
mod callgrind;

use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use baleen_perf::generate::{self, Amount, CaptureError, Options, write_capture};
use pcap::Precision;
use tempfile::TempDir;
use thiserror::Error;

use crate::machine::first_line;
use crate::rounds;
use baseline::{Baseline, BaselineError, Mix};
use callgrind::{Profile, ProfileError};

/// The generated captures: name of the mix, octets of the file. All take a few seconds under valgrind.
const SIZES: [(&str, u64); 3] = [("campus", 20_000_000), ("sfr", 12_000_000), ("syn-scan", 4_000_000)];
/// Seed of their generator.
const SEED: u64 = 1;
/// What the sensor is called where it runs.
const SENSOR: &str = "baleen";
/// Functions that are named when there are too many instructions.
const NAMED: usize = 10;

/// Arguments of `baleen-perf guard`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Capture files, named by their mix; none: small ones that are generated here
    #[arg(value_name = "FILE")]
    captures: Vec<PathBuf>,
    /// The sensor's program
    #[arg(long, value_name = "PROGRAM", default_value = "target/release/baleen")]
    sensor: PathBuf,
    /// What was accepted
    #[arg(long, value_name = "FILE", default_value = "perf/baseline.toml")]
    baseline: PathBuf,
    /// Accept what is measured
    #[arg(long)]
    accept: bool,
    /// Percent that instructions per packet may rise
    #[arg(long, value_name = "PERCENT", default_value_t = 5.0)]
    tolerance: f64,
}

/// Why nothing can be counted.
#[derive(Debug, Error)]
pub(crate) enum GuardError {
    /// valgrind does not start, or the sensor fails under it.
    #[error("cannot run {program}: {source}")]
    Start { program: &'static str, source: io::Error },
    /// The sensor fails under it.
    #[error("the sensor under valgrind ended with {status}: {stderr}")]
    Failed { status: std::process::ExitStatus, stderr: String },
    /// callgrind's file cannot be read.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// What was accepted cannot be read or written.
    #[error(transparent)]
    Baseline(#[from] BaselineError),
    /// A capture is damaged.
    #[error(transparent)]
    Floor(#[from] crate::floor::FloorError),
    /// The capture of one frame cannot be written.
    #[error("cannot write a capture of one frame: {0}")]
    Shortest(#[from] pcap::WriteError),
    /// A capture cannot be generated.
    #[error(transparent)]
    Generate(#[from] CaptureError),
    /// There is no place for files.
    #[error("cannot make a directory with the sensor and its captures: {0}")]
    Directory(io::Error),
}

/// Runs the verb: a report, and whether no mix takes too many instructions.
pub(crate) fn run(arguments: &Arguments) -> Result<(String, bool), GuardError> {
    let place = TempDir::with_prefix("baleen-guard.").map_err(GuardError::Directory)?;
    std::path::absolute(&arguments.sensor)
        .and_then(|sensor| std::os::unix::fs::symlink(sensor, place.path().join(SENSOR)))
        .map_err(GuardError::Directory)?;
    let captures = match arguments.captures.as_slice() {
        [] => generated(place.path())?,
        named => {
            named.iter().map(std::path::absolute).collect::<Result<_, _>>().map_err(GuardError::Directory)?
        }
    };
    let shortest = place.path().join("shortest.pcap");
    rounds::write_shortest(&shortest)?;
    let startup = profile(&shortest, place.path())?;
    let mut measured = Baseline {
        rustc: first_line(Command::new("rustc").arg("--version")).unwrap_or_default(),
        startup: startup.total(),
        ..Baseline::default()
    };
    for capture in &captures {
        let packets = crate::floor::run(capture)?.packets;
        let run = profile(capture, place.path())?;
        measured.mix.insert(rounds::mix(capture), Mix::new(packets, &run.without(&startup)));
    }
    if arguments.accept {
        measured.write(&arguments.baseline)?;
        return Ok((measured.summary(), true));
    }
    let accepted = Baseline::read(&arguments.baseline)?;
    Ok(judge(&accepted, &measured, arguments.tolerance))
}

/// Generates the captures that are always the same.
fn generated(place: &Path) -> Result<Vec<PathBuf>, GuardError> {
    let mut captures = Vec::new();
    for (mix, octets) in SIZES {
        let Some(mix) = generate::Mix::named(mix) else { continue };
        let file = place.join(mix.name).with_extension("pcap");
        write_capture(&Options::new(mix, Amount::Octets(octets), SEED), &file, Precision::Micro)?;
        captures.push(file);
    }
    Ok(captures)
}

/// Counts the instructions of one run.
fn profile(capture: &Path, place: &Path) -> Result<Profile, GuardError> {
    let mut command = Command::new("valgrind");
    command.current_dir(place).env_clear().envs(std::env::vars_os().filter(|(name, _)| name == "PATH"));
    command.args(["--tool=callgrind", "--quiet", "--callgrind-out-file=callgrind.out"]);
    command.arg(Path::new(".").join(SENSOR));
    command.args(["process", "--quiet", "--seed", "1", "--no-file-hashes", "--output", "logs"]);
    command.arg(capture.strip_prefix(place).unwrap_or(capture));
    let output = command.stdout(Stdio::null()).output();
    let output = output.map_err(|source| GuardError::Start { program: "valgrind", source })?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(GuardError::Failed { status: output.status, stderr });
    }
    Ok(Profile::read(&place.join("callgrind.out"))?)
}

/// Compares each mix with what was accepted. One that nobody accepted is no failure, but is told.
fn judge(accepted: &Baseline, measured: &Baseline, tolerance: f64) -> (String, bool) {
    let mut report = String::new();
    let mut good = true;
    for (name, mix) in &measured.mix {
        let now = mix.instructions_per_packet;
        // Writing to a string cannot fail.
        let Some(before) = accepted.mix.get(name) else {
            let _ = writeln!(
                report,
                "{name}: {now:.0} instructions a packet; none accepted yet (make guard-accept)"
            );
            continue;
        };
        let change = (now / before.instructions_per_packet - 1.0) * 100.0;
        let verdict = if change > tolerance {
            format!("; OVER the {tolerance} % allowed")
        } else if change < -tolerance {
            "; make guard-accept holds the gain".to_owned()
        } else {
            String::new()
        };
        let _ = writeln!(
            report,
            "{name}: {now:.0} instructions a packet, {change:+.2} % of {:.0}{verdict}",
            before.instructions_per_packet
        );
        if change > tolerance {
            good = false;
            let _ = writeln!(report, "    what grew most, in instructions a packet:");
            for (function, now, before) in mix.growth(before).into_iter().take(NAMED) {
                let _ = writeln!(report, "    {:+9.1} ({before:.1} to {now:.1})  {function}", now - before);
            }
        }
    }
    if !good && accepted.rustc != measured.rustc {
        let _ = writeln!(report, "note: accepted with {}, measured with {}", accepted.rustc, measured.rustc);
    }
    (report, good)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn baseline(instructions: u64) -> Baseline {
        let profile = Profile::of([("decode", 40_000), ("lookup", instructions - 40_000)]);
        Baseline { mix: [("campus".to_owned(), Mix::new(100, &profile))].into(), ..Baseline::default() }
    }

    #[test]
    fn more_instructions_are_a_failure_and_the_functions_are_named() {
        let (report, good) = judge(&baseline(100_000), &baseline(104_000), 5.0);
        assert!(good && report == "campus: 1040 instructions a packet, +4.00 % of 1000\n", "{report}");
        let (report, good) = judge(&baseline(100_000), &baseline(110_000), 5.0);
        assert!(!good && report.contains("+10.00 % of 1000; OVER the 5 % allowed"), "{report}");
        assert!(report.contains("+100.0 (600.0 to 700.0)  lookup") && !report.contains("decode"), "{report}");
    }

    #[test]
    fn fewer_instructions_and_other_mixes_are_told() {
        let (report, good) = judge(&baseline(100_000), &baseline(80_000), 5.0);
        assert!(good && report.contains("-20.00 % of 1000; make guard-accept"), "{report}");
        let (report, good) = judge(&Baseline::default(), &baseline(80_000), 5.0);
        assert!(good && report.contains("none accepted yet"), "{report}");
    }
}
