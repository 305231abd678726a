//! What the integration tests of the binary share.

#![allow(dead_code, reason = "each test file uses a part")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

pub(crate) mod frames;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// The program under test.
pub(crate) const BALEEN: &str = env!("CARGO_BIN_EXE_baleen");

/// What a run of `baleen process` left.
#[derive(Debug)]
pub(crate) struct Run {
    /// Exit status; `None` when a signal ended the process.
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// Contents of the log files, by log.
    pub(crate) logs: Logs,
}

/// Contents of log files, by log.
pub(crate) type Logs = BTreeMap<String, String>;

impl Run {
    /// The lines of a log; none where the log is missing.
    pub(crate) fn log(&self, name: &str) -> Vec<&str> {
        self.logs.get(name).map(|text| text.lines().collect()).unwrap_or_default()
    }

    /// The values of a field of a JSON log, in the order of the records.
    pub(crate) fn field(&self, log: &str, field: &str) -> Vec<String> {
        self.log(log)
            .iter()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()[field].to_string())
            .collect()
    }
}

/// Differences of a log that are told.
const SHOWN: usize = 4;

/// The records that only one of the two has, `-` the first and `+` the second; their order does not count.
pub(crate) fn difference(one: &Logs, other: &Logs) -> Option<String> {
    let mut text = String::new();
    for log in one.keys().chain(other.keys()).collect::<BTreeSet<_>>() {
        let lines = |logs: &Logs| -> BTreeMap<String, usize> {
            let mut counts = BTreeMap::new();
            for line in logs.get(log).into_iter().flat_map(|text| text.lines()) {
                *counts.entry(line.to_owned()).or_default() += 1;
            }
            counts
        };
        let (one, other) = (lines(one), lines(other));
        let only = |sign: &str, these: &BTreeMap<String, usize>, those: &BTreeMap<String, usize>| {
            let mut lines = Vec::new();
            for (line, count) in these.iter().filter(|(line, count)| those.get(*line) < Some(count)) {
                lines.push(format!("\n{sign} {log} {count}x {line}"));
            }
            lines.truncate(SHOWN);
            lines.concat()
        };
        text += &only("-", &one, &other);
        text += &only("+", &other, &one);
    }
    (!text.is_empty()).then_some(text)
}

/// Both have the same records, in whatever order.
#[track_caller]
pub(crate) fn assert_same_records(one: &Logs, other: &Logs) {
    if let Some(text) = difference(one, other) {
        panic!("{text}");
    }
}

/// Runs `baleen process --output` into a new directory, with these arguments besides.
pub(crate) fn process<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Run {
    let directory = TempDir::new().unwrap();
    run(command(directory.path()).args(arguments), &[], directory.path())
}

/// `baleen process` with its logs in `directory`.
pub(crate) fn command(directory: &Path) -> Command {
    let mut command = Command::new(BALEEN);
    command.args(["process", "--output"]).arg(directory);
    command
}

/// Runs a command with this standard input, and reads the logs of `directory`.
pub(crate) fn run(command: &mut Command, input: &[u8], directory: &Path) -> Run {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A program that reads none of it closes the pipe.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    Run {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        logs: logs(directory),
    }
}

fn logs(directory: &Path) -> Logs {
    let Ok(entries) = fs::read_dir(directory) else { return Logs::new() };
    entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file() && path.extension() == Some(OsStr::new("log")))
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, String::from_utf8(fs::read(path).unwrap()).unwrap())
        })
        .collect()
}
