//! Instruction counts of a fixed run, held to those that were accepted: they do not depend on the machine's mood.
//!
//! The sensor runs under callgrind with one worker, a fixed seed and no hashes of files (valgrind knows no SHA
//! instructions, so that the libraries' slow path would outweigh everything else). What it takes to start, measured
//! with a capture of one frame, is taken off. Counts repeat to about a ten-thousandth; they differ between compilers,
//! and where the CPU lacks AVX2.

mod baseline;
mod callgrind;
mod fixture;

use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;
use thiserror::Error;

use crate::machine::first_line;
use crate::rounds;
use baseline::{Baseline, BaselineError, Mix};
use callgrind::{Profile, ProfileError};

/// Functions that are named when there are too many instructions.
const NAMED: usize = 10;

/// Arguments of `baleen-perf guard`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Capture files, named by their mix; none: a small one that is made here
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
    /// A capture cannot be written.
    #[error("cannot write a capture: {0}")]
    Capture(#[from] pcap::WriteError),
    /// There is no place for files.
    #[error("cannot make a directory: {0}")]
    Directory(io::Error),
}

/// Runs the verb: a report, and whether no mix takes too many instructions.
pub(crate) fn run(arguments: &Arguments) -> Result<(String, bool), GuardError> {
    let place = TempDir::with_prefix("baleen-guard.").map_err(GuardError::Directory)?;
    let mut captures = arguments.captures.clone();
    if captures.is_empty() {
        let file = place.path().join("fixture.pcap");
        fixture::write(&file)?;
        captures.push(file);
    }
    let shortest = place.path().join("shortest.pcap");
    rounds::write_shortest(&shortest)?;
    let startup = profile(arguments, &shortest, place.path())?;
    let mut measured = Baseline {
        rustc: first_line(Command::new("rustc").arg("--version")).unwrap_or_default(),
        startup: startup.total(),
        ..Baseline::default()
    };
    for capture in &captures {
        let packets = crate::floor::run(capture)?.packets;
        let run = profile(arguments, capture, place.path())?;
        measured.mix.insert(rounds::mix(capture), Mix::new(packets, &run.without(&startup)));
    }
    if arguments.accept {
        measured.write(&arguments.baseline)?;
        return Ok((measured.summary(), true));
    }
    let accepted = Baseline::read(&arguments.baseline)?;
    Ok(judge(&accepted, &measured, arguments.tolerance))
}

/// Counts the instructions of one run.
fn profile(arguments: &Arguments, capture: &Path, place: &Path) -> Result<Profile, GuardError> {
    let (file, logs) = (place.join("callgrind.out"), place.join("logs"));
    let mut option = std::ffi::OsString::from("--callgrind-out-file=");
    option.push(&file);
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--quiet"]).arg(option).arg(&arguments.sensor);
    command
        .args(["process", "--quiet", "--seed", "1", "--no-file-hashes", "--output"])
        .arg(logs)
        .arg(capture);
    let output = command.stdout(Stdio::null()).output();
    let output = output.map_err(|source| GuardError::Start { program: "valgrind", source })?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(GuardError::Failed { status: output.status, stderr });
    }
    Ok(Profile::read(&file)?)
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
